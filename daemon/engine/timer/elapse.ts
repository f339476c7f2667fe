// When a timer elapses next (systemd.timer(5); timer.c, timer_enter_waiting).
import type { TimerBase, TimerSettings } from '../../units/unit.ts'
import type { Calendar } from '../../units/values/calendar.ts'
import { nextElapse } from '../../units/values/next-elapse.ts'
import { findZone, UTC, type Zone } from '../../units/values/zone.ts'
import { earlier } from '../jobs.ts'
import type { MachineContext, Triggered } from '../machine.ts'
import type { Stamp, TimerFacts, UnitState } from '../state.ts'
import { unreachable } from '../unreachable.ts'
import { delayUsec } from './delay.ts'

export type Reckoning = {
  context: MachineContext
  settings: TimerSettings
  /** The timer's, as it was before. */
  state: UnitState
  facts: TimerFacts
  triggered: Triggered | null
  /** The clock was set: what lies in the past by it now did not elapse. */
  isClockSet: boolean
}

type Elapses = Pick<
  TimerFacts,
  'spansUsec' | 'calendarsUsec' | 'nextMonotonicUsec' | 'nextRealtimeUsec' | 'deadlineUsec' | 'over'
>

/** The next elapses of all spans and calendar events and the earliest of them, by both clocks as they are now. `isOver`:
 * there is nothing left to wait for. */
export function reckon(reckoning: Reckoning): { elapses: Elapses; isOver: boolean } {
  const { context, settings, state, facts } = reckoning
  const over: number[] = []
  const spans = settings.spans.map(({ base, usec }, place) => {
    const from = facts.over.includes(place) ? null : baseUsec(reckoning, base)
    if (from === null) {
      if (facts.over.includes(place)) over.push(place)
      return null
    }
    const at = from + usec
    if (!hasPassed(reckoning, base, at)) return at
    over.push(place)
    return null
  })
  const zone = findZone(context.zone) ?? UTC
  const calendars = settings.calendars.map(calendar => calendarUsec(reckoning, calendar, zone))
  const delayed = (usec: number | null) =>
    usec === null || usec === Infinity ? null : usec + delayUsec(context, state.name, settings)
  const nextMonotonicUsec = delayed(spans.reduce(earlier, null))
  const nextRealtimeUsec = delayed(calendars.reduce(earlier, null))
  return {
    elapses: {
      spansUsec: spans.map(usec => (usec === Infinity ? null : usec)),
      calendarsUsec: calendars,
      over,
      nextMonotonicUsec,
      nextRealtimeUsec,
      deadlineUsec: notAtOnce(
        reckoning,
        earlier(
          nextMonotonicUsec,
          nextRealtimeUsec === null ? null : toMonotonic(context, nextRealtimeUsec),
        ),
      ),
    },
    isOver:
      [...spans, ...calendars].every(usec => usec === null) &&
      !settings.onClockChange &&
      !settings.onTimezoneChange,
  }
}

/** The least pause between two triggers, and the one after a trigger that has not brought the unit out of its rest (its
 * dependencies fail, its conditions do not hold, its start limit is reached) or for which what all share was short: a timer that
 * counts nothing from the end of its unit (OnUnitInactiveSec=0) must not keep the daemon busy for ever. systemd turns as fast as
 * it can there, until its main loop is throttled to that same second. */
const PAUSE_USEC = 1_000
const VAIN_PAUSE_USEC = 1_000_000

function notAtOnce({ facts, triggered }: Reckoning, atUsec: number | null): number | null {
  const { monotonicUsec } = facts.lastTrigger
  if (atUsec === null || monotonicUsec === 0 || atUsec >= monotonicUsec + PAUSE_USEC) return atUsec
  const isInVain =
    triggered !== null &&
    (triggered.isShort || triggered.inactiveExit.monotonicUsec < monotonicUsec)
  return monotonicUsec + (isInVain ? VAIN_PAUSE_USEC : PAUSE_USEC)
}

/** The moment on the monotonic clock, by what the two clocks show now. */
export const toMonotonic = ({ now }: MachineContext, realtimeUsec: number): number =>
  realtimeUsec - now.realtimeUsec + now.monotonicUsec

/** Whether the unit stays even when it is over, because its unit may set it going again. */
export const mayGoOn = ({ spans }: TimerSettings): boolean =>
  spans.some(({ base }) => base === 'unit-active' || base === 'unit-inactive')

const ONCE: readonly TimerBase[] = ['active', 'boot', 'startup']

/** A span that elapses once is over when it lies in the past of a trigger. */
const hasPassed = ({ context, facts, isClockSet }: Reckoning, base: TimerBase, at: number) =>
  ONCE.includes(base) && isSet(facts.lastTrigger) && !isClockSet && at <= context.now.monotonicUsec

const isSet = ({ realtimeUsec, monotonicUsec }: Stamp) => realtimeUsec > 0 || monotonicUsec > 0

/** The moment on the monotonic clock that a span is counted from; null: it has not come yet. */
function baseUsec({ context, state, facts, triggered }: Reckoning, base: TimerBase): number | null {
  const since = (stamp: Stamp | undefined) =>
    Math.max(stamp?.monotonicUsec ?? 0, facts.lastTrigger.monotonicUsec) || null
  switch (base) {
    case 'active':
      return facts.sub === 'dead' || facts.sub === 'failed'
        ? context.now.monotonicUsec
        : state.inactiveExit.monotonicUsec
    case 'boot':
      // The monotonic clock counts from the machine's boot, which is not that of a container.
      return context.host.isContainer ? context.started.monotonicUsec : 0
    case 'startup':
      return context.started.monotonicUsec
    case 'unit-active':
      return since(triggered?.inactiveExit)
    case 'unit-inactive':
      return since(triggered?.inactiveEnter)
    default:
      return unreachable(base)
  }
}

/** The calendar event after the last trigger, or after the timer went up; null: there is none. One that was missed while
 * the daemon was not there comes when it starts, which RandomizedDelaySec= then counts from. */
function calendarUsec(
  { context, state, facts }: Reckoning,
  calendar: Calendar,
  zone: Zone,
): number | null {
  const { now, started } = context
  const isUp = facts.sub !== 'dead' && facts.sub !== 'failed'
  const after = isSet(facts.lastTrigger)
    ? facts.lastTrigger.realtimeUsec
    : isUp
      ? state.inactiveExit.realtimeUsec
      : now.realtimeUsec
  // The clock may have been set back behind the moment that is counted from.
  const next = nextElapse(calendar, Math.min(after, now.realtimeUsec), zone)
  const startedUsec = started.monotonicUsec - now.monotonicUsec + now.realtimeUsec
  return next === null ? null : Math.max(next, startedUsec)
}
