// Targets: up or not, at once.

import test from 'ava'
import { initialUnitState } from '../../daemon/engine/initial.ts'
import type { MachineContext, MachineInput } from '../../daemon/engine/machine.ts'
import { targetMachine } from '../../daemon/engine/target.ts'
import type { Unit } from '../../daemon/units/unit.ts'
import { SURROUNDINGS } from './context.ts'

const context: MachineContext = {
  // A target has no settings that its machine looks at.
  unit: {} as Unit,
  now: { realtimeUsec: 1, monotonicUsec: 1 },
  stopPending: false,
  token: () => 1,
  invocationId: () => 'f'.repeat(32),
  ...SURROUNDINGS,
}
const dead = initialUnitState('multi-user.target', 'target')

test('a target is active as soon as it is started, and dead as soon as it is stopped', t => {
  t.is(targetMachine.activeState(dead), 'inactive')
  const up = targetMachine.step(context, dead, { type: 'start' })
  t.is(targetMachine.activeState(up.state), 'active')
  t.is(targetMachine.subState(up.state), 'active')
  t.is(up.state.invocationId, 'f'.repeat(32))
  t.deepEqual(up.effects, [])
  const down = targetMachine.step(context, up.state, { type: 'stop' })
  t.is(targetMachine.activeState(down.state), 'inactive')
})

test('a target has no process, no deadline, no reload and never fails', t => {
  t.deepEqual(targetMachine.pids(dead), [])
  t.is(targetMachine.deadlineUsec(dead), null)
  t.false(targetMachine.canReload(context.unit))
  t.is(targetMachine.result(dead), 'success')
})

test('whatever else happens leaves a target as it is, the very state', t => {
  const unit = 'multi-user.target'
  const inputs: readonly MachineInput[] = [
    { type: 'reload' },
    { type: 'reset-failed' },
    { type: 'start-limit-hit' },
    { type: 'deadline' },
    { type: 'exited', pid: 1, exit: { kind: 'unknown' } },
    { type: 'spawned', unit, token: 1, pid: 2 },
    { type: 'killed', unit, token: 1, waiting: true },
    { type: 'emptied', unit },
    { type: 'oom-killed', unit },
    { type: 'pid-file', unit, token: 1, pid: 2, problem: null },
    { type: 'main-pid-guessed', unit, token: 1, pid: 2 },
    { type: 'notify', unit, pid: 2, fields: { READY: '1' } },
  ]
  const { state: up } = targetMachine.step(context, dead, { type: 'start' })
  for (const input of inputs) {
    t.is(targetMachine.step(context, dead, input).state, dead)
    t.is(targetMachine.step(context, up, input).state, up)
  }
  t.is(targetMachine.step(context, up, { type: 'start' }).state, up)
})
