// Mounts, swaps and devices: what is there, what is brought about, and what is not to be had.
import test from 'ava'
import { initialUnitState } from '../../daemon/engine/initial.ts'
import type { MachineContext, MachineInput } from '../../daemon/engine/machine.ts'
import { mountMachine } from '../../daemon/engine/mount.ts'
import type { MountStage, UnitState } from '../../daemon/engine/state.ts'
import type { MountSettings } from '../../daemon/units/unit.ts'
import { type Given, unit } from '../simulation/units.ts'
import { type Behaviour, ends, LIVES, SECOND, type World, world } from '../simulation/world.ts'
import { SURROUNDINGS } from './context.ts'

const MOUNT = 'm.mount'
const DEVICE = 'dev-sda1.device'
const MINUTE = 60 * SECOND
const setting = (
  behave: Behaviour = ends(0),
  mount: Partial<MountSettings> = {},
  more: Given = {},
) =>
  world(
    [
      unit(MOUNT, { mount: { what: 'tmpfs', ...mount } }),
      unit('app.service', { requires: [MOUNT], after: [MOUNT], ...more }),
      unit(DEVICE),
    ],
    { behave: ({ unit }) => (unit === MOUNT ? behave : LIVES) },
  )
const isThere = (w: World, name: string, there: boolean) => {
  if (there) w.present.add(name)
  else w.present.delete(name)
  return w.post({ type: 'presence', unit: name, token: 0, isThere: there, problem: null })
}
const problemOf = (w: World) => w.stateOf(MOUNT).mount?.problem

test('a mount that is there is up when it is started, and no command is run', t => {
  const w = setting()
  w.present.add(MOUNT)
  t.is(w.answer(w.ask('start', 'app.service')), 'done')
  t.deepEqual([w.active(MOUNT), w.sub(MOUNT)], ['active', 'mounted'])
  t.deepEqual(w.begun, ['app.service'])
})

test('a mount that is not there is mounted by its command, before what requires it', t => {
  const w = setting(ends(0, SECOND)).start('app.service')
  t.is(w.sub(MOUNT), 'mounting')
  t.is(w.active('app.service'), 'inactive')
  w.pass(SECOND)
  t.is(w.sub(MOUNT), 'mounted')
  t.is(w.active('app.service'), 'active')
  w.stop(MOUNT)
  w.pass(2 * SECOND)
  t.deepEqual(w.actives(MOUNT, 'app.service'), ['inactive', 'inactive'])
  t.deepEqual(w.begun, [MOUNT, 'app.service', `${MOUNT} stop`])
})

test('a command that fails fails the mount and what requires it', t => {
  const w = setting(ends(32))
  const request = w.ask('start', 'app.service')
  w.pass()
  t.is(w.answer(request), 'dependency')
  t.is(w.sub(MOUNT), 'failed')
  t.is(mountMachine.result(w.stateOf(MOUNT)), 'exit-code')
  t.is(w.stateOf(MOUNT).mount?.command?.exit?.kind, 'exited')
  w.post({ type: 'reset-failed', unit: MOUNT })
  t.is(w.sub(MOUNT), 'dead')
})

test('what cannot be unmounted stays mounted, and the stop fails', t => {
  const w = world([unit(MOUNT, { mount: { what: 'tmpfs' } })], {
    behave: ({ exec }) => ends(exec === 'stop' ? 32 : 0),
  })
  w.start(MOUNT).pass()
  const request = w.ask('stop', MOUNT)
  w.pass()
  t.is(w.answer(request), 'failed')
  t.is(w.sub(MOUNT), 'mounted')
})

test('what others mount and unmount is seen', t => {
  const w = setting()
  isThere(w, MOUNT, true)
  t.is(w.sub(MOUNT), 'mounted')
  isThere(w, MOUNT, true)
  isThere(w, MOUNT, false)
  t.is(w.sub(MOUNT), 'dead')
  t.deepEqual(w.begun, [])
})

test('what is bound to a mount goes with it', t => {
  const w = setting(ends(0), {}, { bindsTo: [MOUNT] })
  isThere(w, MOUNT, true)
  w.start('app.service')
  t.is(w.active('app.service'), 'active')
  isThere(w, MOUNT, false)
  w.pass()
  t.is(w.active('app.service'), 'inactive')
})

test('a mount that takes too long is ended, and killed if that does not help', t => {
  const deaf = { ...LIVES, obeysUsec: null }
  const w = setting(deaf, { timeoutUsec: MINUTE }).start(MOUNT).pass(MINUTE)
  t.deepEqual([w.active(MOUNT), w.sub(MOUNT)], ['deactivating', 'unmounting-sigterm'])
  w.pass(MINUTE)
  t.is(w.sub(MOUNT), 'failed')
  t.is(mountMachine.result(w.stateOf(MOUNT)), 'timeout')
  t.true(w.isQuiet)
})

test('a stop while it is being mounted ends the command', t => {
  const w = setting(LIVES).start(MOUNT).stop(MOUNT).pass()
  t.is(w.sub(MOUNT), 'dead')
  t.is(mountMachine.result(w.stateOf(MOUNT)), 'success')
})

test('a shutdown unmounts what hearth has mounted, and leaves what was there', t => {
  const own = setting().start(MOUNT).pass().shutdown()
  own.pass()
  t.deepEqual(own.begun, [MOUNT, `${MOUNT} stop`])
  const given = setting()
  isThere(given, MOUNT, true)
  given.shutdown().pass()
  t.deepEqual(given.begun, [])
  t.truthy(given.finished)
})

test('a device that is there is plugged, one that is not fails the start at once, with all that require it', t => {
  const w = world([
    unit(DEVICE),
    unit('app.service', { requires: [DEVICE], after: [DEVICE] }),
    unit('want.service', { wants: [DEVICE], after: [DEVICE] }),
  ])
  t.is(w.answer(w.ask('start', 'app.service')), 'dependency')
  t.is(w.active(DEVICE), 'inactive')
  t.is(w.stateOf(DEVICE).mount?.problem, 'no such device')
  t.is(w.answer(w.ask('start', 'want.service')), 'done')
  w.present.add(DEVICE)
  t.is(w.answer(w.ask('start', 'app.service')), 'done')
  t.is(w.sub(DEVICE), 'plugged')
  t.true(w.isQuiet)
})

test('a device that may come is waited for, and comes or does not', t => {
  const w = world([unit(DEVICE), unit('app.service', { bindsTo: [DEVICE], after: [DEVICE] })])
  w.around.devicesCome = true
  const first = w.ask('start', 'app.service')
  w.pass(89 * 1_000_000)
  t.deepEqual([w.answer(first), w.sub(DEVICE)], ['pending', 'tentative'])
  isThere(w, DEVICE, true)
  w.pass()
  t.is(w.answer(first), 'done')
  isThere(w, DEVICE, false)
  w.pass()
  t.deepEqual([w.active(DEVICE), w.active('app.service')], ['inactive', 'inactive'])
  const second = w.ask('start', 'app.service')
  w.pass(MINUTE)
  t.is(w.answer(second), 'pending')
  w.pass(MINUTE)
  t.is(w.answer(second), 'dependency')
  t.regex(w.stateOf(DEVICE).mount?.problem ?? '', /has not come within 90 s/)
  t.true(w.isQuiet)
})

test('a mount that is not there and has no file is not to be had', t => {
  const w = setting(ends(0), { what: null })
  t.is(w.answer(w.ask('start', MOUNT)), 'failed')
  t.is(w.sub(MOUNT), 'dead')
  t.regex(problemOf(w) ?? '', /nothing says how/)
})

test('the root is mounted without having been started', t => {
  const state = initialUnitState('-.mount', 'mount')
  t.is(mountMachine.activeState(state), 'active')
  t.is(mountMachine.subState(state), 'mounted')
})

const WAYS: Record<MountStage, () => World> = {
  dead: () => setting(),
  starting: () => setting(LIVES).start(MOUNT),
  up: () => setting().start(MOUNT).pass(),
  stopping: () => {
    const w = world([unit(MOUNT, { mount: { what: 'tmpfs' } })], {
      behave: ({ exec }) => (exec === 'stop' ? { ...LIVES, obeysUsec: null } : ends(0)),
    })
    return w.start(MOUNT).pass().stop(MOUNT)
  },
  'stopping-sigterm': () => WAYS.stopping().pass(90 * SECOND),
  'stopping-sigkill': () => WAYS['stopping-sigterm'](), // not to be seen here: who is killed is gone at once
  failed: () => setting(ends(1)).start(MOUNT).pass(),
}
type Moves = Partial<Record<MountStage, MountStage>>
const table = (state: UnitState): readonly [MachineInput, Moves][] => {
  const token = state.mount?.token || 77
  const pid = state.mount?.controlPid ?? 7
  const there = (of: number, isThere: boolean): MachineInput => ({
    type: 'presence',
    unit: MOUNT,
    token: of,
    isThere,
    problem: null,
  })
  return [
    [{ type: 'start' }, { dead: 'starting', failed: 'starting' }],
    [{ type: 'stop' }, { starting: 'stopping-sigterm', up: 'stopping' }],
    [{ type: 'reset-failed' }, { failed: 'dead' }],
    [{ type: 'start-limit-hit' }, { dead: 'failed' }],
    [there(0, true), { dead: 'up', failed: 'up' }],
    [there(0, false), { up: 'dead' }],
    [there(token + 9, true), {}],
    [
      { type: 'exited', pid, exit: { kind: 'exited', status: 0 } },
      {
        starting: 'up',
        stopping: 'dead',
        'stopping-sigterm': 'failed',
        'stopping-sigkill': 'failed',
      },
    ],
    [
      { type: 'exited', pid, exit: { kind: 'exited', status: 32 } },
      {
        starting: 'failed',
        stopping: 'up',
        'stopping-sigterm': 'failed',
        'stopping-sigkill': 'failed',
      },
    ],
    [{ type: 'exited', pid: pid + 99, exit: { kind: 'unknown' } }, {}],
    [{ type: 'spawned', unit: MOUNT, token: token + 9, pid: 7 }, {}],
    [{ type: 'killed', unit: MOUNT, token, waiting: true }, {}],
    [{ type: 'emptied', unit: MOUNT }, {}],
    [{ type: 'reload' }, {}],
    [{ type: 'reloaded' }, {}],
    [{ type: 'deadline' }, {}],
    [{ type: 'clock-changed', what: 'clock' }, {}],
    [{ type: 'notify', unit: MOUNT, pid, fields: { READY: '1' } }, {}],
  ]
}

for (const stage of ['dead', 'starting', 'up', 'stopping', 'stopping-sigterm', 'failed'] as const) {
  test(`a mount that is ${stage} goes where each event leads it`, t => {
    const w = WAYS[stage]()
    const state = w.stateOf(MOUNT)
    t.is(state.mount?.stage ?? 'dead', stage)
    const context: MachineContext = {
      ...SURROUNDINGS,
      unit: w.units.get(MOUNT),
      now: w.now,
      stopPending: false,
      token: () => 78,
      invocationId: () => 'f'.repeat(32),
    }
    for (const [input, moves] of table(state)) {
      if (input.type === 'exited' && state.mount?.controlPid == null) continue
      const story = JSON.stringify(input)
      const { state: next } = mountMachine.step(context, state, input)
      t.is(next.mount?.stage ?? 'dead', moves[stage] ?? stage, story)
      t.is(JSON.stringify(JSON.parse(JSON.stringify(next))), JSON.stringify(next), story)
      if (next.mount?.stage !== 'starting' && !next.mount?.stage.startsWith('stopping'))
        t.is(mountMachine.deadlineUsec(next), null, story)
    }
  })
}
