// Timers over the control socket.
import test from 'ava'
import { initialUnitState } from '../../daemon/engine/initial.ts'
import type { TimerFacts, UnitState } from '../../daemon/engine/state.ts'
import { TIMER_DEFAULTS } from '../../daemon/units/defaults.ts'
import { readCalendar } from '../../daemon/units/values/calendar.ts'
import { NOW, unit } from './fake.ts'
import { openDaemon, result } from './wire.ts'

const HOUR = 3_600_000_000
const timer = (name: string, facts: Partial<TimerFacts> = {}): UnitState => {
  const state = initialUnitState(name, 'timer')
  if (!state.timer) throw new Error(`${name} is no timer`)
  return { ...state, timer: { ...state.timer, ...facts } }
}

test('listTimers gives those that are up, the next first, by the clock on the wall', async t => {
  const daemon = await openDaemon(t)
  const { fake } = daemon
  fake.add(
    unit('late.timer'),
    timer('late.timer', { sub: 'waiting', nextRealtimeUsec: NOW.realtimeUsec + HOUR }),
  )
  fake.add(
    unit('soon.timer'),
    timer('soon.timer', {
      sub: 'waiting',
      nextMonotonicUsec: NOW.monotonicUsec + 5_000_000,
      nextRealtimeUsec: NOW.realtimeUsec + HOUR,
      lastTrigger: { realtimeUsec: NOW.realtimeUsec - HOUR, monotonicUsec: 1 },
    }),
  )
  fake.add(unit('over.timer'), timer('over.timer', { sub: 'elapsed' }))
  fake.add(unit('down.timer'))
  fake.relations.set('soon.timer triggers', ['soon.service'])
  const { timers, nowUsec } = await result(t, daemon, 'listTimers', {})
  t.is(nowUsec, NOW.realtimeUsec)
  t.deepEqual(
    timers.map(({ unit }) => unit),
    ['soon.timer', 'late.timer', 'over.timer'],
  )
  t.deepEqual(timers[0], {
    unit: 'soon.timer',
    active: 'active',
    activates: 'soon.service',
    nextUsec: NOW.realtimeUsec + 5_000_000,
    lastUsec: NOW.realtimeUsec - HOUR,
  })
  t.like(timers[2], { nextUsec: null, lastUsec: null, activates: null })
  t.is((await result(t, daemon, 'listTimers', { all: true })).timers.at(-1)?.unit, 'over.timer')
  t.is((await result(t, daemon, 'listTimers', { all: true })).timers.length, 4)
  t.is((await result(t, daemon, 'listTimers', { patterns: ['l*'] })).timers.length, 1)
})

test('a timer has the properties of systemd, and its status tells when it elapses', async t => {
  const daemon = await openDaemon(t)
  const calendars = [readCalendar('daily')._unsafeUnwrap()]
  const spans = [{ base: 'boot' as const, usec: 900_000_000 }]
  daemon.fake.add(
    unit('a.timer', { timer: { ...TIMER_DEFAULTS, spans, calendars } }),
    timer('a.timer', {
      sub: 'waiting',
      nextRealtimeUsec: NOW.realtimeUsec + HOUR,
      nextMonotonicUsec: 900_000_000,
      spansUsec: [900_000_000],
      calendarsUsec: [NOW.realtimeUsec + HOUR],
    }),
  )
  daemon.fake.relations.set('a.timer triggers', ['a.service'])
  const { units } = await result(t, daemon, 'show', { units: ['a.timer'] })
  t.like(Object.fromEntries(units[0]?.properties ?? []), {
    Unit: 'a.service',
    Triggers: 'a.service',
    ActiveState: 'active',
    SubState: 'waiting',
    Result: 'success',
    AccuracyUSec: '1min',
    RandomizedDelayUSec: '0',
    Persistent: 'no',
    TimersMonotonic: '{ OnBootUSec=15min ; next_elapse=15min }',
    TimersCalendar: '{ OnCalendar=*-*-* 00:00:00 ; next_elapse=Wed 2026-11-25 22:23:32 UTC }',
    NextElapseUSecRealtime: 'Wed 2026-11-25 22:23:32 UTC',
    NextElapseUSecMonotonic: '15min',
    LastTriggerUSec: '',
    LastTriggerUSecMonotonic: '0',
    CanStart: 'yes',
  })
  const status = await result(t, daemon, 'status', { units: ['a.timer'] })
  t.like(status.units[0], {
    nextElapseUsec: NOW.realtimeUsec + 890_000_000,
    triggers: [{ unit: 'a.service', active: 'inactive' }],
  })
})
