// What is left of a unit, and of what was in hand, when the engine itself fails at it.
import test from 'ava'
import type { Effect } from '../../daemon/engine/effect.ts'
import type { EngineEvent } from '../../daemon/engine/event.ts'
import { INITIAL_PATH, initialUnitState } from '../../daemon/engine/initial.ts'
import { dueAt, failedSafely, unitOfPid, withoutDeadlines } from '../../daemon/engine/safe.ts'
import type { EngineState, Job, ManagerState, UnitState } from '../../daemon/engine/state.ts'
import { createKeep } from '../../daemon/runtime/keep.ts'
import type { Leftover } from '../../daemon/runtime/persist.ts'
import { countDeaths, setAside } from '../../daemon/set-aside.ts'
import { SECOND, World } from './service-world.ts'

const FAR = Number.MAX_SAFE_INTEGER

/** web.service, its main process running, with a time-out of each kind. */
function running(): { world: World; unit: UnitState } {
  const world = new World({
    type: 'notify',
    watchdogUsec: 5 * SECOND,
    runtimeMaxUsec: 60 * SECOND,
    restart: 'always',
  })
  world.start().notify(world.main, { READY: '1' })
  return { world, unit: world.state }
}

const stateOf = (units: readonly UnitState[], jobs: readonly Job[] = []): EngineState => ({
  manager: {} as ManagerState,
  units: new Map(units.map(unit => [unit.name, unit])),
  jobs: new Map(jobs.map(job => [job.id, job])),
})

test('a unit that the engine fails at is failed, without the process that has ended and without time-outs', t => {
  const { world, unit } = running()
  const failed = failedSafely(unit, world.main)
  t.like(failed.service, { sub: 'failed', result: 'resources', mainPid: null, deadlineUsec: null })
  t.deepEqual(dueAt(stateOf([failed]), FAR).units, [])
  t.is(failedSafely(unit, 4711).service?.mainPid, world.main, 'another process runs on')
})

test('a unit that was failed so can be started again, and its process that ran on ends as any other', t => {
  const { world, unit } = running()
  const pid = world.main
  world.state = failedSafely(unit, 4711)
  t.notThrows(() => world.exit(pid))
  t.is(world.active, 'failed')
  t.is(world.start().active, 'activating')
})

test('a unit of another kind keeps its state', t => {
  const unit = initialUnitState('boot.target', 'target')
  t.is(failedSafely(unit, 1), unit)
  t.deepEqual(withoutDeadlines({ ...unit, recheckUsec: 7 }), unit)
  const path = initialUnitState('spool.path', 'path')
  const waiting = { ...path, path: { ...INITIAL_PATH, deadlineUsec: 7 } }
  t.deepEqual(withoutDeadlines(waiting), path)
})

test('what is due is found, and has no time-out any more when it was taken away', t => {
  const { world, unit } = running()
  const job = { id: 3, deadlineUsec: 9 } as Job
  const other = { id: 4, deadlineUsec: null } as Job
  const state = stateOf([unit, initialUnitState('idle.service', 'service')], [job, other])
  const due = dueAt(state, world.monotonicUsec + 10 * SECOND)
  t.deepEqual(due.units, [unit])
  t.deepEqual(due.jobs, [job])
  t.deepEqual(dueAt(state, 0), { units: [], jobs: [] })
  t.deepEqual(dueAt(stateOf([withoutDeadlines(unit)]), FAR).units, [])
})

test('a process is found by its unit', t => {
  const { world, unit } = running()
  t.is(unitOfPid(stateOf([unit]), world.main), 'web.service')
  t.is(unitOfPid(stateOf([unit]), 4711), null)
})

const native = (reaped: number[] = []) => ({
  reap(pid: number) {
    reaped.push(pid)
    return null
  },
  monotonicUsec: () => FAR,
})
const leftover = (given: Partial<Leftover>): Leftover => ({
  state: stateOf([]),
  events: [],
  effects: [],
  performed: 0,
  culprit: null,
  spawnedPid: 0,
  ...given,
})

test('deaths are counted as long as they are of the same', t => {
  const kept = createKeep().part('deaths')
  t.deepEqual(
    ['a', 'a', null, 'a', 'b', 'b', 'b'].map(culprit => countDeaths(kept, culprit)),
    [1, 2, 0, 3, 1, 2, 3],
  )
})

test('what was died of once is taken again, what was died of twice is not', t => {
  const effect: Effect = { type: 'guess-main-pid', unit: 'web.service', token: 5 }
  const left = leftover({ effects: [effect], culprit: JSON.stringify(effect) })
  t.is(setAside(left, 1, native()), null)
  t.is(setAside(leftover({}), 2, native()), null)
  const aside = setAside(left, 2, native())
  t.is(
    aside?.message,
    'hearth died 2 times of the effect guess-main-pid of web.service, which was set aside',
  )
  t.deepEqual(aside?.leftover.effects, [])
  // The engine waits for an answer.
  t.deepEqual(aside?.leftover.events, [
    { type: 'main-pid-guessed', unit: 'web.service', token: 5, pid: null },
  ])
})

test('an exit that the engine fails at is reaped, its unit failed and its job forgotten', t => {
  const { world, unit } = running()
  const job = { id: 3, deadlineUsec: null } as Job
  const event: EngineEvent = {
    type: 'exited',
    pid: world.main,
    exit: { kind: 'exited', status: 0 },
  }
  const reaped: number[] = []
  const aside = setAside(
    leftover({ state: stateOf([{ ...unit, job: 3 }], [job]), culprit: JSON.stringify(event) }),
    2,
    native(reaped),
  )
  t.deepEqual(reaped, [world.main])
  const { units, jobs } = aside?.leftover.state ?? stateOf([])
  t.like(units.get('web.service'), { job: null, service: { sub: 'failed', mainPid: null } })
  t.is(jobs.size, 0)
})

test('an event that waited is taken out of the row, and the time-outs that had come are disarmed', t => {
  const { unit } = running()
  const wakeup: EngineEvent = { type: 'wakeup' }
  const other: EngineEvent = { type: 'clock-set' }
  const aside = setAside(
    leftover({ state: stateOf([unit]), events: [wakeup, other], culprit: JSON.stringify(wakeup) }),
    2,
    native(),
  )
  t.deepEqual(aside?.leftover.events, [other])
  t.deepEqual(dueAt(aside?.leftover.state ?? stateOf([]), FAR).units, [])
})

test('an event that was too long for its note is gone with its client', t => {
  t.is(setAside(leftover({ culprit: '{"type":"job-requ' }), 5, native()), null)
})
