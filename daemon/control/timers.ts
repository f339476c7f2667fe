// What is told of timers: when they elapse next, when they last did (systemctl(1), list-timers).
import { ok } from 'neverthrow'
import type { Now } from '../engine/event.ts'
import type { TimerFacts, UnitState } from '../engine/state.ts'
import type { TimerBase, Unit } from '../units/unit.ts'
import { printCalendar } from '../units/values/calendar.ts'
import { formatTimespan } from '../units/values/format-timespan.ts'
import type { Backend } from './backend.ts'
import type { Handler } from './call.ts'
import { matchesAny } from './resolve.ts'
import type { TimerListItem } from './schema.ts'
import { timestampText } from './times.ts'

/** The time of day, microseconds, at which the timer elapses next, by what the clocks show now; null: it does not. */
export function nextElapseUsec(facts: TimerFacts, now: Now): number | null {
  const { nextRealtimeUsec, nextMonotonicUsec } = facts
  const moments = [
    ...(nextRealtimeUsec === null ? [] : [nextRealtimeUsec]),
    ...(nextMonotonicUsec === null
      ? []
      : [nextMonotonicUsec - now.monotonicUsec + now.realtimeUsec]),
  ]
  return moments.length === 0 ? null : Math.min(...moments)
}

export const listTimers: Handler<'listTimers'> = ({ backend, now }, { patterns, all = false }) => {
  const moment = now()
  const timers: TimerListItem[] = []
  for (const unit of backend.units.loaded()) {
    if (unit.type !== 'timer' || !matchesAny(patterns, unit.names)) continue
    const active = backend.activeState(unit.id)
    if (!all && active === 'inactive') continue
    const facts = backend.state.units.get(unit.id)?.timer
    timers.push({
      unit: unit.id,
      active,
      activates: backend.related(unit.id, 'triggers')[0] ?? null,
      nextUsec: facts ? nextElapseUsec(facts, moment) : null,
      lastUsec: facts?.lastTrigger.realtimeUsec || null,
    })
  }
  // Those that come first, first; those that do not come, last.
  const at = ({ nextUsec }: TimerListItem) => nextUsec ?? Number.MAX_VALUE
  timers.sort((a, b) => at(a) - at(b) || (a.unit < b.unit ? -1 : 1))
  return ok({ timers, nowUsec: moment.realtimeUsec })
}

const DIRECTIVES: Record<TimerBase, string> = {
  active: 'OnActiveUSec',
  boot: 'OnBootUSec',
  startup: 'OnStartupUSec',
  'unit-active': 'OnUnitActiveUSec',
  'unit-inactive': 'OnUnitInactiveUSec',
}

/** The properties of a timer that `systemctl show` prints beside its settings. */
export function timerProperties(
  backend: Backend,
  unit: Unit,
  state: UnitState | null,
): [name: string, value: string][] {
  const facts = state?.timer
  const span = (usec: number | null | undefined) =>
    usec == null ? 'infinity' : formatTimespan(usec)
  return [
    ['Unit', backend.related(unit.id, 'triggers')[0] ?? ''],
    ...(unit.timer?.spans ?? []).map(({ base, usec }, place): [string, string] => [
      'TimersMonotonic',
      `{ ${DIRECTIVES[base]}=${formatTimespan(usec)} ; next_elapse=${span(facts?.spansUsec[place])} }`,
    ]),
    ...(unit.timer?.calendars ?? []).map((calendar, place): [string, string] => [
      'TimersCalendar',
      `{ OnCalendar=${printCalendar(calendar)} ; next_elapse=${timestampText(facts?.calendarsUsec[place] ?? 0) || '(null)'} }`,
    ]),
    ['NextElapseUSecRealtime', timestampText(facts?.nextRealtimeUsec ?? 0)],
    ['NextElapseUSecMonotonic', span(facts?.nextMonotonicUsec)],
    ['LastTriggerUSec', timestampText(facts?.lastTrigger.realtimeUsec ?? 0)],
    ['LastTriggerUSecMonotonic', formatTimespan(facts?.lastTrigger.monotonicUsec ?? 0)],
    ['Result', backend.result(unit.id)],
  ]
}
