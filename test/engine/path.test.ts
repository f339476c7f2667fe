// Path units: what they watch for is the runtime's to see; when they trigger, and what is left of them, is here.
import test from 'ava'
import { initialUnitState } from '../../daemon/engine/initial.ts'
import type { MachineContext, MachineInput, Triggered } from '../../daemon/engine/machine.ts'
import { pathMachine } from '../../daemon/engine/path.ts'
import type { PathSub } from '../../daemon/engine/state.ts'
import type { PathSettings } from '../../daemon/units/unit.ts'
import { type Given, unit } from '../simulation/units.ts'
import { ends, LIVES, SECOND, type World, world } from '../simulation/world.ts'
import { SURROUNDINGS } from './context.ts'

const PATH = 'work.path'
const WORK = 'work.service'
const setting = (
  path: Partial<PathSettings> = {},
  work: Given = {},
  parts: Parameters<typeof world>[1] = {},
) =>
  world(
    [
      unit(PATH, {
        path: { watched: [{ condition: 'PathExists', path: '/x' }], ...path },
        triggers: [WORK],
      }),
      unit(WORK, work),
    ],
    { behave: ({ exec }) => (exec === 'start' ? ends(0, SECOND) : ends(0)), ...parts },
  )
const begun = (w: World) => w.begun.filter(name => name === WORK).length
const watches = (w: World) =>
  w.history.flatMap(effect =>
    effect.type === 'watch-paths' ? [effect.why] : effect.type === 'unwatch-paths' ? ['end'] : [],
  )

test('a path unit watches from its start, triggers its unit, and watches again once that is down', t => {
  const w = setting().start(PATH)
  t.deepEqual([w.active(PATH), w.sub(PATH)], ['active', 'waiting'])
  t.deepEqual(watches(w), ['start'])
  w.comesAbout(PATH, '/x')
  t.is(w.sub(PATH), 'running')
  t.is(w.active(WORK), 'active')
  const spawn = w.history.findLast(effect => effect.type === 'spawn')
  t.deepEqual(
    spawn?.environment.filter(one => one.startsWith('TRIGGER_')),
    ['TRIGGER_UNIT=work.path', 'TRIGGER_PATH=/x'],
  )
  w.pass(SECOND)
  t.is(w.sub(PATH), 'waiting')
  t.deepEqual(watches(w), ['start', 'end', 'done'])
  w.comesAbout(PATH, '/x').pass(SECOND).stop(PATH)
  t.is(begun(w), 2)
  t.is(w.sub(PATH), 'dead')
  t.is(watches(w).at(-1), 'end')
})

test('while its unit is up, by whomever, a path unit watches nothing', t => {
  const w = setting().start(WORK).start(PATH)
  t.is(w.sub(PATH), 'running')
  t.deepEqual(watches(w), [])
  w.pass(SECOND)
  t.is(w.sub(PATH), 'waiting')
  w.start(WORK)
  t.is(w.sub(PATH), 'running')
  t.is(watches(w).at(-1), 'end')
})

test('what is told of a watching that has ended changes nothing', t => {
  const w = setting().start(PATH)
  const watch = w.history.find(effect => effect.type === 'watch-paths')
  w.stop(PATH).start(PATH)
  w.post({ type: 'path-triggered', unit: PATH, token: watch?.token ?? 0, path: '/x' })
  w.post({ type: 'path-failed', unit: PATH, token: watch?.token ?? 0, problem: 'no' })
  t.is(w.sub(PATH), 'waiting')
})

test('paths that cannot be watched fail the unit', t => {
  const w = setting().start(PATH)
  const watch = w.history.find(effect => effect.type === 'watch-paths')
  w.post({ type: 'path-failed', unit: PATH, token: watch?.token ?? 0, problem: 'cannot watch' })
  t.is(w.sub(PATH), 'failed')
  t.is(pathMachine.result(w.stateOf(PATH)), 'resources')
  t.true(w.lines.includes('cannot watch'))
  w.post({ type: 'reset-failed', unit: PATH })
  t.is(w.sub(PATH), 'dead')
})

test('a unit that leaves behind what triggered it is started until its start limit, which fails the path unit', t => {
  const w = setting({}, {}, { behave: () => ends(0, 0) }).start(PATH)
  for (let n = 0; n < 20 && w.sub(PATH) !== 'failed'; n++) w.comesAbout(PATH, '/x').pass()
  t.is(begun(w), 5)
  t.is(w.sub(PATH), 'failed')
  t.is(pathMachine.result(w.stateOf(PATH)), 'unit-start-limit-hit')
})

test('TriggerLimitBurst= triggers within TriggerLimitIntervalSec= are the most; 0 is no limit', t => {
  const often = (path: Partial<PathSettings>, pauseUsec: number) => {
    const w = setting(path, { unit: { startLimitBurst: 0 } }, { behave: () => ends(0, 0) })
    w.start(PATH)
    for (let n = 0; n < 10 && w.sub(PATH) !== 'failed'; n++) {
      w.comesAbout(PATH, '/x').pass(pauseUsec)
    }
    return w
  }
  const w = often({ triggerLimitBurst: 3 }, 0)
  t.is(begun(w), 3)
  t.is(pathMachine.result(w.stateOf(PATH)), 'trigger-limit-hit')
  t.is(begun(often({ triggerLimitBurst: 3 }, SECOND)), 10)
  t.is(begun(often({ triggerLimitBurst: 0 }, 0)), 10)
  t.is(begun(often({ triggerLimitBurst: 1, triggerLimitIntervalUsec: 0 }, 0)), 10)
})

const NO_PROCESS = { step: 'FORK', exitStatus: 0, errno: 'EAGAIN', message: 'no more processes' }

test('a unit that cannot be started for want of what all share is triggered again after a pause, and fails nothing', t => {
  let isShort = true
  const w = setting(
    { triggerLimitBurst: 2 },
    {},
    {
      behave: ({ exec }) =>
        exec === 'start' && isShort ? { ...LIVES, isMissing: true, failure: NO_PROCESS } : LIVES,
    },
  ).start(PATH)
  for (let n = 0; n < 10; n++) {
    w.comesAbout(PATH, '/x').pass()
    t.is(w.active(WORK), 'failed')
    t.is(w.sub(PATH), 'running')
    t.is(watches(w).at(-1), 'end', 'nothing is looked at meanwhile')
    w.pass(SECOND)
    t.is(w.sub(PATH), 'waiting')
  }
  isShort = false
  w.comesAbout(PATH, '/x').pass()
  t.is(w.active(WORK), 'active')
  w.pass(SECOND)
  t.is(w.sub(PATH), 'running', 'the pause is forgotten')
})

test('a path unit that waits for a shortage to end can be stopped', t => {
  const failure = { ...LIVES, isMissing: true, failure: NO_PROCESS }
  const w = setting({}, {}, { behave: () => failure })
  w.start(PATH).comesAbout(PATH, '/x').pass()
  w.stop(PATH).pass(10 * SECOND)
  t.is(w.sub(PATH), 'dead')
  t.is(w.stateOf(PATH).path?.deadlineUsec, null)
})

test('a unit that is masked or not there fails the path unit', t => {
  const w = setting({}, { loadState: 'not-found' })
  t.is(w.answer(w.ask('start', PATH)), 'failed')
  const masked = setting().start(PATH)
  masked.reload(unit(WORK, { loadState: 'masked' })).comesAbout(PATH, '/x')
  t.is(masked.sub(PATH), 'failed')
})

test('a unit that a condition skips is tried again when the path has come about again', t => {
  const condition = { kind: 'PathExists', value: '/y', negated: false, trigger: false }
  const w = setting(
    {},
    { unit: { conditions: [condition] } },
    { conditions: () => ({ condition: false, assert: true }) },
  )
  w.start(PATH).comesAbout(PATH, '/x')
  t.is(w.sub(PATH), 'waiting')
  t.is(watches(w).at(-1), 'done')
})

test('daemon-reload has the paths watched by the new settings', t => {
  const w = setting().start(PATH).reload()
  t.deepEqual(watches(w), ['start', 'done'])
})

const WAYS: Record<PathSub, () => World> = {
  dead: () => setting(),
  waiting: () => setting().start(PATH),
  running: () => setting().start(PATH).comesAbout(PATH, '/x'),
  failed: () => setting({}, { loadState: 'not-found' }).start(PATH),
}
const work: Triggered = {
  unit: WORK,
  loadState: 'loaded',
  active: 'inactive',
  sub: 'dead',
  hasJob: false,
  failedByStartLimit: false,
  inactiveExit: { realtimeUsec: 0, monotonicUsec: 0 },
  inactiveEnter: { realtimeUsec: 0, monotonicUsec: 0 },
}
const changed = (change: Partial<Triggered>): MachineInput => ({
  type: 'triggered-changed',
  previous: 'active',
  ...work,
  ...change,
})
/** What each event leads to from each state; where nothing is said, the very state stays. */
const table = (token: number): readonly [MachineInput, Partial<Record<PathSub, PathSub>>][] => [
  [{ type: 'start' }, { dead: 'waiting', failed: 'waiting' }],
  [{ type: 'stop' }, { waiting: 'dead', running: 'dead' }],
  [{ type: 'reset-failed' }, { failed: 'dead' }],
  [{ type: 'start-limit-hit' }, { dead: 'failed', failed: 'failed' }],
  [{ type: 'reloaded' }, { waiting: 'waiting' }],
  [{ type: 'path-triggered', unit: PATH, token, path: '/x' }, { waiting: 'running' }],
  [{ type: 'path-triggered', unit: PATH, token: token + 9, path: '/x' }, {}],
  [{ type: 'path-failed', unit: PATH, token, problem: 'no' }, { waiting: 'failed' }],
  [changed({}), { running: 'waiting' }],
  [changed({ active: 'failed' }), { running: 'waiting' }],
  [changed({ hasJob: true }), {}],
  [changed({ active: 'active' }), { waiting: 'waiting' }],
  [changed({ failedByStartLimit: true }), { waiting: 'failed', running: 'failed' }],
  [
    { type: 'trigger-refused', unit: WORK, error: { type: 'shutting-down', unit: WORK } },
    { running: 'failed' },
  ],
  [{ type: 'deadline' }, {}],
  [{ type: 'clock-changed', what: 'clock' }, {}],
  [{ type: 'timer-stamp', unit: PATH, token, realtimeUsec: 1 }, {}],
  [{ type: 'reload' }, {}],
  [{ type: 'exited', pid: 7, exit: { kind: 'unknown' } }, {}],
  [{ type: 'spawned', unit: PATH, token, pid: 7 }, {}],
  [{ type: 'killed', unit: PATH, token, waiting: true }, {}],
  [{ type: 'emptied', unit: PATH }, {}],
  [{ type: 'pid-file', unit: PATH, token, pid: 7, problem: null }, {}],
  [{ type: 'main-pid-guessed', unit: PATH, token, pid: 7 }, {}],
  [{ type: 'notify', unit: PATH, pid: 7, fields: { READY: '1' } }, {}],
]

for (const [sub, way] of Object.entries(WAYS) as [PathSub, () => World][]) {
  test(`a path unit that is ${sub} does by each event what systemd's does`, t => {
    const w = way()
    t.is(w.sub(PATH), sub)
    const state = w.stateOf(PATH)
    const context: MachineContext = {
      ...SURROUNDINGS,
      unit: w.units.get(PATH),
      now: w.now,
      stopPending: false,
      token: () => 78,
      invocationId: () => 'f'.repeat(32),
      triggered: () => work,
    }
    for (const [input, moves] of table(state.path?.token || 5)) {
      const story = JSON.stringify(input)
      const { state: next, effects } = pathMachine.step(context, state, input)
      t.is(pathMachine.subState(next), moves[sub] ?? sub, story)
      if (moves[sub] === undefined) t.is(next.path, state.path, story)
      // What is watched is what waits, no more and no less.
      t.is((next.path?.token ?? 0) !== 0, pathMachine.subState(next) === 'waiting', story)
      const ended = state.path?.token !== 0 && next.path?.token === 0
      t.is(
        effects.some(effect => effect.type === 'unwatch-paths'),
        ended,
        story,
      )
    }
    // On its way down it triggers nothing.
    const input = {
      type: 'path-triggered',
      unit: PATH,
      token: state.path?.token ?? 0,
      path: '/x',
    } as const
    const step = pathMachine.step({ ...context, stopPending: true }, state, input)
    t.deepEqual(step.requests, [])
    t.is(step.state, state)
  })
}

test('a path unit has no process, at first no deadline, and no reload', t => {
  const state = initialUnitState(PATH, 'path')
  t.deepEqual(pathMachine.pids(state), [])
  t.is(pathMachine.deadlineUsec(state), null)
  t.false(pathMachine.canReload(unit(PATH)))
})
