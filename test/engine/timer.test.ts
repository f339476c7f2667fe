// Timers: when they elapse, what they trigger, what is left of them.
import test from 'ava'
import fc from 'fast-check'
import { initialUnitState } from '../../daemon/engine/initial.ts'
import type { MachineContext, MachineInput } from '../../daemon/engine/machine.ts'
import type { TimerSub, UnitState } from '../../daemon/engine/state.ts'
import { timerMachine } from '../../daemon/engine/timer.ts'
import type { TimerSettings } from '../../daemon/units/unit.ts'
import { type Calendar, readCalendar } from '../../daemon/units/values/calendar.ts'
import { command, type Given, unit } from '../simulation/units.ts'
import { ends, LIVES, SECOND, type World, world } from '../simulation/world.ts'
import { SURROUNDINGS } from './context.ts'

const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const calendar = (text: string): Calendar => readCalendar(text)._unsafeUnwrap()

const TIMER = 'work.timer'
const WORK = 'work.service'
/** A timer and its service, which takes a second each time. */
const setting = (timer: Partial<TimerSettings>, work: Given = {}, parts = {}) =>
  world([unit(TIMER, { timer, triggers: [WORK], before: [WORK] }), unit(WORK, work)], {
    behave: ({ exec }) => (exec === 'start' ? ends(0, SECOND) : ends(0)),
    ...parts,
  })
/** When the work began, as microseconds since the world began. */
const begun = (w: World, from = 1000 * SECOND): number[] =>
  w.history.flatMap(effect =>
    effect.type === 'spawn' && effect.exec === 'start'
      ? [
          Number(
            effect.environment
              .find(one => one.startsWith('TRIGGER_TIMER_MONOTONIC_USEC='))
              ?.split('=')[1],
          ) - from,
        ]
      : [],
  )
/** Moves the world to a moment of the day, UTC, so that what follows can be told by the clock on the wall. */
const at = (w: World, iso: string): World => {
  w.offsetUsec = Date.parse(iso) * 1000 - w.monotonicUsec
  return w
}
const shown = (usec: number) => new Date(usec / 1000).toISOString().slice(0, 19)
const days = (w: World): string[] =>
  w.history.flatMap(effect => {
    if (effect.type !== 'spawn' || effect.exec !== 'start') return []
    const told = effect.environment.find(one => one.startsWith('TRIGGER_TIMER_REALTIME_USEC='))
    return [shown(Number(told?.split('=')[1]))]
  })

test('OnActiveSec= counts from the start of the timer, once; then the timer has elapsed', t => {
  const w = setting({ spans: [{ base: 'active', usec: 5 * SECOND }] })
  w.pass(3 * SECOND).start(TIMER)
  t.is(w.sub(TIMER), 'waiting')
  w.pass(5 * SECOND)
  t.deepEqual(begun(w), [8 * SECOND])
  t.is(w.sub(TIMER), 'running')
  t.is(w.active(WORK), 'active')
  w.pass(HOUR)
  t.is(w.sub(TIMER), 'elapsed')
  t.is(w.active(TIMER), 'active')
  t.true(w.isQuiet)
  // Started anew it counts anew.
  w.stop(TIMER)
    .start(TIMER)
    .pass(5 * SECOND)
  t.is(begun(w).length, 2)
})

test('a span that never ends keeps the timer waiting, and wakes nobody', t => {
  const w = setting({ spans: [{ base: 'active', usec: Infinity }] }).start(TIMER)
  t.is(w.sub(TIMER), 'waiting')
  t.true(w.isQuiet)
})

test('OnStartupSec= counts from the start of the daemon; so does OnBootSec=, but on a machine', t => {
  for (const base of ['startup', 'boot'] as const) {
    const w = setting({ spans: [{ base, usec: 10 * SECOND }] })
    w.pass(4 * SECOND)
      .start(TIMER)
      .pass(MINUTE)
    t.deepEqual(begun(w), [10 * SECOND], base)
  }
  const w = setting(
    { spans: [{ base: 'boot', usec: 1010 * SECOND }] },
    {},
    {
      host: { machineId: '', isContainer: false },
    },
  )
  w.start(TIMER).pass(MINUTE)
  t.deepEqual(begun(w), [10 * SECOND], 'the monotonic clock of the machine stood at 1000 s')
})

test('OnStartupSec= that lies in the past elapses at once, and not again when the timer is restarted', t => {
  const w = setting({ spans: [{ base: 'startup', usec: 10 * SECOND }] })
  w.pass(MINUTE)
    .start(TIMER)
    .pass(2 * SECOND)
  t.deepEqual(begun(w), [MINUTE])
  t.is(w.sub(TIMER), 'elapsed')
  w.restart(TIMER).pass(MINUTE)
  t.is(begun(w).length, 1)
})

test('OnUnitActiveSec= counts from the last start of the unit, by hand too', t => {
  const w = setting({
    spans: [
      { base: 'active', usec: 2 * SECOND },
      { base: 'unit-active', usec: 10 * SECOND },
    ],
  })
  w.start(TIMER).pass(15 * SECOND)
  t.deepEqual(begun(w), [2 * SECOND, 12 * SECOND])
  w.start(WORK).pass(9 * SECOND)
  t.is(w.history.filter(effect => effect.type === 'spawn').length, 3)
  w.pass(SECOND)
  t.deepEqual(begun(w).at(-1), 25 * SECOND)
})

test('OnUnitInactiveSec= counts from the end of the unit', t => {
  const w = setting({
    spans: [
      { base: 'active', usec: 0 },
      { base: 'unit-inactive', usec: 10 * SECOND },
    ],
  })
  w.start(TIMER).pass(25 * SECOND)
  t.deepEqual(begun(w), [0, 11 * SECOND, 22 * SECOND])
})

test('a timer that counts from its unit alone waits for the unit to have run', t => {
  const w = setting({ spans: [{ base: 'unit-active', usec: 10 * SECOND }] })
  w.start(TIMER)
  t.is(w.sub(TIMER), 'elapsed')
  w.start(WORK)
  t.is(w.sub(TIMER), 'waiting')
  w.pass(10 * SECOND)
  t.is(begun(w).length, 2)
})

test('while its unit is up a timer does not elapse again', t => {
  const w = setting(
    { calendars: [calendar('*:0/1')] },
    {},
    { behave: () => ends(0, 3 * MINUTE + 10 * SECOND) },
  )
  at(w, '2026-03-01T00:00:30Z')
    .start(TIMER)
    .pass(8 * MINUTE)
  // What fell into the run is made up for once, at its end.
  t.deepEqual(days(w), ['2026-03-01T00:01:00', '2026-03-01T00:04:10', '2026-03-01T00:07:20'])
})

test('OnCalendar= triggers at each event, several of them at whichever comes next', t => {
  const w = setting({ calendars: [calendar('daily'), calendar('Sat 12:00')] })
  at(w, '2026-03-05T10:00:00Z')
    .start(TIMER)
    .pass(4 * DAY)
  t.deepEqual(days(w), [
    '2026-03-06T00:00:00',
    '2026-03-07T00:00:00',
    '2026-03-07T12:00:00',
    '2026-03-08T00:00:00',
    '2026-03-09T00:00:00',
  ])
})

test('calendar events go by the zone of the machine, and by the new one when that changes', t => {
  const w = setting({ calendars: [calendar('12:00')] }, {}, { zone: 'Europe/Berlin' })
  at(w, '2026-01-05T00:00:00Z').start(TIMER).pass(DAY)
  w.post({ type: 'zone-changed', zone: 'Asia/Tokyo' }).pass(DAY)
  t.deepEqual(days(w), ['2026-01-05T11:00:00', '2026-01-06T03:00:00'])
})

test('a calendar event that will never come leaves the timer elapsed', t => {
  const w = setting({ calendars: [calendar('2001-01-01')] }).start(TIMER)
  t.is(w.sub(TIMER), 'elapsed')
})

test('RemainAfterElapse=no ends a timer that is over, unless its unit may set it going again', t => {
  const over = { spans: [{ base: 'active', usec: SECOND }], remainAfterElapse: false } as const
  const w = setting(over).start(TIMER).pass(MINUTE)
  t.deepEqual([w.active(TIMER), w.sub(TIMER)], ['inactive', 'dead'])
  w.start(TIMER).pass(MINUTE)
  t.is(begun(w).length, 2)
})

test('Persistent= makes up for what was missed while the timer was down, once', t => {
  const w = setting({ calendars: [calendar('hourly')], persistent: true })
  at(w, '2026-03-05T10:30:00Z')
  w.stamps.set(TIMER, w.now.realtimeUsec - 5 * HOUR)
  w.start(TIMER).pass(MINUTE)
  t.deepEqual(days(w), ['2026-03-05T10:30:00'])
  w.pass(30 * MINUTE)
  t.is(days(w).at(-1), '2026-03-05T11:00:00')
  t.is(shown(w.stamps.get(TIMER) ?? 0), '2026-03-05T11:00:00')
})

test('Persistent= without a stamp, or with one of the future, begins now', t => {
  for (const stamp of [null, 10 * DAY, -10 * MINUTE]) {
    const w = setting({ calendars: [calendar('hourly')], persistent: true })
    at(w, '2026-03-05T10:30:00Z')
    if (stamp !== null) w.stamps.set(TIMER, w.now.realtimeUsec + stamp)
    w.start(TIMER).pass(29 * MINUTE)
    t.deepEqual(days(w), [], `${stamp}`)
    t.true(w.stamps.has(TIMER))
    w.pass(2 * MINUTE)
    t.deepEqual(days(w), ['2026-03-05T11:00:00'])
  }
})

test('a stamp whose answer comes after the timer was stopped changes nothing', t => {
  const w = setting({ calendars: [calendar('hourly')], persistent: true })
    .start(TIMER)
    .stop(TIMER)
  w.post({ type: 'timer-stamp', unit: TIMER, token: 1, realtimeUsec: 5 })
  t.is(w.sub(TIMER), 'dead')
  t.true(w.isQuiet)
})

test('the clock set forward past an event brings it at once, set back it brings the event once more', t => {
  const w = setting({ calendars: [calendar('daily')] })
  at(w, '2026-03-05T10:00:00Z')
    .start(TIMER)
    .setClock(20 * HOUR)
    .pass()
  t.deepEqual(days(w), ['2026-03-06T06:00:00'])
  w.pass(HOUR)
    .setClock(-8 * HOUR)
    .pass(3 * HOUR)
  t.deepEqual(days(w).slice(1), ['2026-03-06T00:00:00'])
})

test('spans do not hear of the clock being set', t => {
  const w = setting({ spans: [{ base: 'active', usec: 10 * SECOND }] })
  w.start(TIMER)
    .pass(4 * SECOND)
    .setClock(-DAY)
    .pass(2 * SECOND)
    .setClock(3 * DAY)
    .pass(MINUTE)
  t.deepEqual(begun(w), [10 * SECOND])
})

test('OnClockChange= triggers when the clock is set, OnTimezoneChange= when the zone is another', t => {
  const w = setting({ onClockChange: true }).start(TIMER)
  t.is(w.sub(TIMER), 'waiting')
  w.post({ type: 'zone-changed', zone: 'Asia/Tokyo' }).pass()
  t.is(begun(w).length, 0)
  w.setClock(SECOND)
    .pass(10 * SECOND)
    .setClock(-SECOND)
    .pass(10 * SECOND)
  t.is(begun(w).length, 2)
  const z = setting({ onTimezoneChange: true }).start(TIMER).setClock(SECOND)
  t.is(begun(z).length, 0)
  z.post({ type: 'zone-changed', zone: 'UTC' }).pass()
  t.is(begun(z).length, 0, 'it is the same')
  z.post({ type: 'zone-changed', zone: 'Asia/Tokyo' }).pass(10 * SECOND)
  t.is(begun(z).length, 1)
  t.is(z.sub(TIMER), 'waiting')
})

test('RandomizedDelaySec= delays by less than that, differently each time', t => {
  const w = setting({ calendars: [calendar('*:0/10')], randomizedDelayUsec: 5 * MINUTE })
  at(w, '2026-03-05T10:00:30Z')
    .start(TIMER)
    .pass(2 * HOUR)
  const late = days(w).map(day => Date.parse(`${day}Z`) % 600_000)
  t.is(late.length, 12 - 1)
  t.true(late.every(ms => ms >= 0 && ms < 300_000))
  t.true(new Set(late).size > 8)
})

test('FixedRandomDelay= gives each unit of a machine a delay of its own that stays', t => {
  const settings = {
    calendars: [calendar('*:0/10')],
    randomizedDelayUsec: 5 * MINUTE,
    fixedRandomDelay: true,
  }
  const delayOn = (machineId: string, seed: string) => {
    const w = setting(settings, {}, { host: { machineId, isContainer: true }, seed })
    at(w, '2026-03-05T10:00:30Z').start(TIMER).pass(HOUR)
    const late = new Set(days(w).map(day => Date.parse(`${day}Z`) % 600_000))
    t.is(late.size, 1)
    return [...late][0]
  }
  const ids = Array.from({ length: 20 }, (_, id) => `${id}`.padStart(32, '0'))
  const delays = ids.map(id => delayOn(id, '1'.repeat(32)))
  t.true(new Set(delays).size > 15)
  t.deepEqual(
    ids.map(id => delayOn(id, '2'.repeat(32))),
    delays,
  )
})

test('a timer whose unit cannot be started fails, and says why', t => {
  const w = setting({ spans: [{ base: 'active', usec: SECOND }] })
  w.start(TIMER)
    .reload(unit(WORK, { loadState: 'masked' }))
    .pass(SECOND)
  t.deepEqual([w.sub(TIMER), w.active(TIMER)], ['failed', 'failed'])
  t.true(w.lines.some(line => line.includes('Cannot trigger work.service: cannot start')))
  w.post({ type: 'reset-failed', unit: TIMER })
  t.is(w.sub(TIMER), 'dead')
})

test('a timer whose unit is not there does not start', t => {
  const w = setting({ spans: [{ base: 'active', usec: SECOND }] }, { loadState: 'not-found' })
  t.is(w.answer(w.ask('start', TIMER)), 'failed')
  t.is(w.sub(TIMER), 'failed')
})

test('a unit that is skipped by a condition lets the timer go on', t => {
  const condition = { kind: 'PathExists', value: '/x', negated: false, trigger: false }
  const w = setting(
    { calendars: [calendar('hourly')] },
    { unit: { conditions: [condition] } },
    { conditions: () => ({ condition: false, assert: true }) },
  )
  at(w, '2026-03-05T10:30:00Z')
    .start(TIMER)
    .pass(3 * HOUR)
  t.is(w.history.filter(effect => effect.type === 'check-conditions').length, 3)
  t.is(w.sub(TIMER), 'waiting')
})

test('a timer that is started too often fails with start-limit-hit', t => {
  const w = setting({ spans: [{ base: 'active', usec: SECOND }] })
  for (let n = 0; n < 6; n++) w.start(TIMER).stop(TIMER)
  t.is(w.sub(TIMER), 'failed')
  t.is(timerMachine.result(w.stateOf(TIMER)), 'start-limit-hit')
})

test('a timer that counts nothing from the end of a unit that fails at once does not spin', t => {
  const w = setting(
    {
      spans: [
        { base: 'active', usec: 0 },
        { base: 'unit-inactive', usec: 0 },
      ],
    },
    {},
    { behave: () => ends(1, 0) },
  )
  const before = w.steps
  w.start(TIMER).pass(9 * SECOND)
  t.is(w.history.filter(effect => effect.type === 'spawn').length, 5, 'StartLimitBurst=')
  t.true(w.steps - before < 200, `${w.steps - before} steps in nine seconds`)
  t.is(w.sub(TIMER), 'waiting')
})

const NO_PROCESS = { step: 'FORK', exitStatus: 0, errno: 'EAGAIN', message: 'no more processes' }

test('a timer that counts nothing from the end of a unit that does not come up does not spin', t => {
  const spans = [
    { base: 'active' as const, usec: 0 },
    { base: 'unit-inactive' as const, usec: 0 },
  ]
  const dependent = { requires: ['base.service'], after: ['base.service'] }
  const conditions = [{ kind: 'PathExists', value: '/x', negated: false, trigger: false } as const]
  const failing = unit('base.service', { service: { type: 'oneshot' } })
  const worlds: Record<string, World> = {
    'its dependencies fail': world(
      [
        unit(TIMER, { timer: { spans }, triggers: [WORK], before: [WORK] }),
        unit(WORK, dependent),
        failing,
      ],
      { behave: () => ends(1) },
    ),
    'its conditions do not hold': setting(
      { spans },
      { unit: { conditions } },
      { conditions: () => ({ condition: false, assert: true }) },
    ),
    'there is no process for it': setting(
      { spans },
      { service: { execStartPre: [command('/bin/pre')], execStopPost: [command('/bin/post')] } },
      { behave: () => ({ ...LIVES, isMissing: true, failure: NO_PROCESS }) },
    ),
  }
  for (const [why, w] of Object.entries(worlds)) {
    const before = w.steps
    w.start(TIMER).pass(20 * SECOND)
    t.true(w.steps - before < 200, `${w.steps - before} steps in twenty seconds: ${why}`)
    t.is(w.sub(TIMER), 'waiting', why)
  }
})

test('a timer that counts a moment from the end of its unit elapses then, though the unit does not come up', t => {
  const conditions = [{ kind: 'PathExists', value: '/x', negated: false, trigger: false } as const]
  const spans = [
    { base: 'active' as const, usec: 0 },
    { base: 'unit-inactive' as const, usec: SECOND / 10 },
  ]
  const w = setting(
    { spans },
    { unit: { conditions, startLimitBurst: 0 } },
    { conditions: () => ({ condition: false, assert: true }) },
  )
  w.start(TIMER).pass(SECOND)
  t.is(w.history.filter(effect => effect.type === 'check-conditions').length, 11)
})

test('daemon-reload reckons anew by the new settings, and does not elapse again what has', t => {
  const w = setting({ spans: [{ base: 'active', usec: HOUR }] }).start(TIMER)
  const now = { spans: [{ base: 'active' as const, usec: 2 * SECOND }] }
  w.reload(unit(TIMER, { timer: now, triggers: [WORK] })).pass(MINUTE)
  t.deepEqual(begun(w), [2 * SECOND])
  w.reload().pass(HOUR)
  t.is(begun(w).length, 1)
})

test('a timer goes on over a re-execution of the daemon', t => {
  const w = setting({ calendars: [calendar('hourly')] })
  at(w, '2026-03-05T10:30:00Z')
    .start(TIMER)
    .pass(10 * MINUTE)
    .reexec()
    .pass(2 * HOUR)
  t.deepEqual(days(w), ['2026-03-05T11:00:00', '2026-03-05T12:00:00'])
})

test('a shutdown stops timers, and none elapses while it is under way', t => {
  const w = setting(
    { calendars: [calendar('*:*:0/1')] },
    {},
    { behave: () => ({ ...ends(0, null as unknown as number), obeysUsec: 5 * SECOND }) },
  )
  w.start(TIMER).pass(3 * SECOND)
  const before = begun(w).length
  w.shutdown().pass(MINUTE)
  t.is(begun(w).length, before)
  t.truthy(w.finished)
})

/** How each state is reached. */
const WAYS: Record<TimerSub, () => World> = {
  dead: () => setting({ spans: [{ base: 'active', usec: HOUR }] }),
  waiting: () => setting({ spans: [{ base: 'active', usec: HOUR }] }).start(TIMER),
  running: () =>
    setting({ spans: [{ base: 'active', usec: 0 }] })
      .start(TIMER)
      .pass(),
  elapsed: () =>
    setting({ spans: [{ base: 'active', usec: 0 }] })
      .start(TIMER)
      .pass(MINUTE),
  failed: () =>
    setting({ spans: [{ base: 'active', usec: 0 }] }, { loadState: 'not-found' }).start(TIMER),
}
const work = {
  unit: WORK,
  loadState: 'loaded' as const,
  sub: 'dead',
  hasJob: false,
  failedByStartLimit: false,
  inactiveExit: { realtimeUsec: 0, monotonicUsec: 0 },
  inactiveEnter: { realtimeUsec: 0, monotonicUsec: 0 },
}
/** What each event leads to from `dead waiting running elapsed failed`; where nothing is said, the very state stays. */
const TABLE: readonly (readonly [MachineInput, Partial<Record<TimerSub, TimerSub>>])[] = [
  [{ type: 'start' }, { dead: 'waiting', failed: 'waiting' }],
  [{ type: 'stop' }, { waiting: 'dead', running: 'dead', elapsed: 'dead' }],
  [{ type: 'reset-failed' }, { failed: 'dead' }],
  [{ type: 'start-limit-hit' }, { dead: 'failed', failed: 'failed' }],
  [{ type: 'deadline' }, { waiting: 'running' }],
  [{ type: 'clock-changed', what: 'clock' }, { waiting: 'waiting' }],
  [{ type: 'clock-changed', what: 'zone' }, { waiting: 'waiting' }],
  [{ type: 'reloaded' }, { waiting: 'waiting', elapsed: 'elapsed' }],
  [
    { type: 'triggered-changed', previous: 'active', active: 'inactive', ...work },
    { waiting: 'waiting', running: 'elapsed', elapsed: 'elapsed' },
  ],
  [
    { type: 'triggered-changed', previous: 'inactive', active: 'active', ...work },
    { waiting: 'waiting', elapsed: 'elapsed' },
  ],
  [
    {
      type: 'trigger-refused',
      unit: WORK,
      error: { type: 'shutting-down', unit: WORK },
    },
    { running: 'failed' },
  ],
  [{ type: 'timer-stamp', unit: TIMER, token: 77, realtimeUsec: 1 }, {}],
  [{ type: 'reload' }, {}],
  [{ type: 'exited', pid: 7, exit: { kind: 'unknown' } }, {}],
  [{ type: 'spawned', unit: TIMER, token: 1, pid: 7 }, {}],
  [{ type: 'killed', unit: TIMER, token: 1, waiting: true }, {}],
  [{ type: 'emptied', unit: TIMER }, {}],
  [{ type: 'oom-killed', unit: TIMER }, {}],
  [{ type: 'pid-file', unit: TIMER, token: 1, pid: 7, problem: null }, {}],
  [{ type: 'main-pid-guessed', unit: TIMER, token: 1, pid: 7 }, {}],
  [{ type: 'notify', unit: TIMER, pid: 7, fields: { READY: '1' } }, {}],
]

for (const [sub, way] of Object.entries(WAYS) as [TimerSub, () => World][]) {
  test(`a timer that is ${sub} does by each event what systemd's does`, t => {
    const w = way()
    t.is(w.sub(TIMER), sub)
    const state = w.stateOf(TIMER)
    const context: MachineContext = {
      ...SURROUNDINGS,
      unit: w.units.get(TIMER),
      now: w.now,
      stopPending: false,
      token: () => 78,
      invocationId: () => 'f'.repeat(32),
      triggered: () => ({ ...work, active: 'inactive' }),
    }
    for (const [input, moves] of TABLE) {
      const story = JSON.stringify(input)
      const next = timerMachine.step(context, state, input).state
      t.is(timerMachine.subState(next), moves[sub] ?? sub, story)
      if (moves[sub] === undefined && input.type !== 'deadline')
        t.is(next.timer, state.timer, story)
      isPlain(t.is, next)
    }
  })
}

/** No Infinity, no undefined: it can be written down. A deadline only where one is waited for. */
function isPlain(is: (a: unknown, b: unknown) => void, state: UnitState) {
  is(JSON.stringify(JSON.parse(JSON.stringify(state))), JSON.stringify(state))
  if (timerMachine.subState(state) !== 'waiting') is(timerMachine.deadlineUsec(state), null)
}

test('property: however the clock is set, an hourly timer elapses at most once for each hour that is shown, and never early', t => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          pass: fc.integer({ min: 0, max: 3 * 3600 }),
          set: fc.option(fc.integer({ min: -2 * 3600, max: 3 * 3600 }), { freq: 2 }),
        }),
        { minLength: 1, maxLength: 12 },
      ),
      steps => {
        const w = setting({ calendars: [calendar('hourly')] }, {}, { behave: () => ends(0, 0) })
        at(w, '2026-03-05T10:30:00Z').start(TIMER)
        // The hours that began, as whoever watches the clock sees them; those that it was set over count from the last
        // elapse on, or from the start where there was none yet, and what is of the future counts for nothing.
        let expected = 0
        let from = w.now.realtimeUsec
        let hasElapsed = false
        const hourOf = (usec: number) => Math.floor(usec / HOUR)
        const elapsed = (times: number, usec: number) => {
          expected += times
          if (times > 0) from = usec
          hasElapsed ||= times > 0
        }
        for (const { pass, set } of steps) {
          const before = w.now.realtimeUsec
          w.pass(pass * SECOND)
          const shown = w.now.realtimeUsec
          elapsed(hourOf(shown) - hourOf(before), hourOf(shown) * HOUR)
          if (set === null) continue
          const { realtimeUsec } = w.setClock(set * SECOND).now
          // Two elapses at one moment are kept a moment apart.
          w.pass(2_000)
          if (hasElapsed) from = Math.min(from, realtimeUsec)
          const isOver = from < realtimeUsec && hourOf(realtimeUsec) > hourOf(from)
          elapsed(isOver ? 1 : 0, realtimeUsec)
        }
        return days(w).length === expected && w.sub(TIMER) === 'waiting'
      },
    ),
    { numRuns: 100 },
  )
  t.pass()
})

test('a timer that was never started is dead and knows nothing', t => {
  const state = initialUnitState(TIMER, 'timer')
  t.is(timerMachine.activeState(state), 'inactive')
  t.is(timerMachine.deadlineUsec(state), null)
  t.deepEqual(timerMachine.pids(state), [])
  t.false(timerMachine.canReload(unit(TIMER)))
})
