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
  t.deepEqual(failedSafely(unit, 1), unit)
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

test('who waits for an effect that is set aside is told that it failed', t => {
  const unit = 'a.socket'
  const problem = (what: string) => `cannot ${what}: hearth itself fails at it`
  const cases: readonly [Effect, EngineEvent | null][] = [
    [
      { type: 'open-sockets', unit, token: 5 },
      { type: 'sockets-opened', unit, token: 5, problem: problem('open its sockets') },
    ],
    [
      { type: 'watch-sockets', unit, watch: true },
      { type: 'socket-broken', unit, problem: problem('wait for what comes in') },
    ],
    [{ type: 'watch-sockets', unit, watch: false }, null],
    [
      { type: 'check-presence', unit, token: 5 },
      { type: 'presence', unit, token: 5, isThere: false, problem: problem('look for it') },
    ],
    [
      { type: 'watch-paths', unit, token: 5, why: 'start' },
      { type: 'path-failed', unit, token: 5, problem: problem('watch its paths') },
    ],
    [
      { type: 'timer-begins', unit, token: 5 },
      { type: 'timer-stamp', unit, token: 5, realtimeUsec: null },
    ],
    [{ type: 'timer-begins', unit, token: null }, null],
  ]
  for (const [effect, answer] of cases) {
    const left = leftover({ effects: [effect], culprit: JSON.stringify(effect) })
    t.deepEqual(setAside(left, 2, native())?.leftover.events, answer ? [answer] : [], effect.type)
  }
})

test('a unit whose answer the engine fails at has failed, and who asked for the job is told', t => {
  const unit = 'a.socket'
  const started = { ...initialUnitState(unit, 'socket'), job: 3 }
  const job = { id: 3, unit, type: 'start', deadlineUsec: null } as Job
  const event: EngineEvent = { type: 'sockets-opened', unit, token: 5, problem: null }
  const aside = setAside(
    leftover({ state: stateOf([started], [job]), culprit: JSON.stringify(event) }),
    2,
    native(),
  )
  const { units, jobs } = aside?.leftover.state ?? stateOf([])
  t.is(units.get(unit)?.job, null)
  t.is(jobs.size, 0)
  t.deepEqual(aside?.leftover.effects, [
    { type: 'job-finished', job: 3, jobType: 'start', unit, result: 'failed' },
  ])
})

test('whatever type a unit is of, it fails safely', t => {
  const draft = { deadlineUsec: 9, token: 5 }
  const base = initialUnitState('a.b', 'target')
  const left = (facts: object) => failedSafely({ ...base, ...facts } as UnitState, 42)
  t.like(left({ socket: { ...draft, sub: 'start-chown', awaiting: 'open', controlPid: 42 } }), {
    socket: { sub: 'failed', awaiting: null, token: 0, controlPid: null, deadlineUsec: null },
  })
  t.like(left({ mount: { ...draft, stage: 'starting', controlPid: 41 } }), {
    mount: { stage: 'failed', result: 'resources', token: 0, controlPid: 41, deadlineUsec: null },
  })
  t.like(left({ timer: { ...draft, sub: 'waiting' } }), {
    timer: { sub: 'failed', result: 'resources', token: 0, deadlineUsec: null },
  })
  t.like(left({ path: { ...draft, sub: 'waiting' } }), {
    path: { sub: 'failed', result: 'resources', token: 0, deadlineUsec: null },
  })
})

test('a request that the engine fails at is refused', t => {
  const event: EngineEvent = {
    ...{ type: 'job-requested', request: 7, job: 'start', unit: 'web.service' },
    ...{ mode: 'replace', manual: true },
  }
  const aside = setAside(leftover({ culprit: JSON.stringify(event) }), 2, native())
  t.deepEqual(aside?.leftover.effects, [
    {
      type: 'job-refused',
      request: 7,
      error: { type: 'set-aside', unit: 'web.service', job: 'start' },
    },
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
  t.is(aside?.leftover.effects[0]?.type, 'job-finished')
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
