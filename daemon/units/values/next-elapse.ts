// When a calendar expression comes next (systemd.time(7), CALENDAR EVENTS).
import { type Calendar, type CalendarField, FIRST_YEAR, LAST_YEAR } from './calendar.ts'
import { weekdayAt } from './weekday.ts'
import { findZone, fixedZone, type WallUsec, type Zone } from './zone.ts'

const SECOND = 1_000_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/**
 * The first moment after `afterUsec` (microseconds since 1970, UTC) that `calendar` names, or null when there is none up to
 * the year 2199. `local` is the machine's zone, for an expression that names none.
 *
 * As in systemd, the clock on the wall decides, and it only goes forward: what it leaves out in spring does not come on
 * that day (02:30 comes a day later, hourly goes on at 03:00); an hour that it shows twice counts once, and when the search
 * begins in its second run, in what is left of that.
 */
export function nextElapse(calendar: Calendar, afterUsec: number, local: Zone): number | null {
  const zone = zoneOf(calendar, local)
  for (let from = zone.wallAt(afterUsec) + 1; ; ) {
    const wall = nextWall(calendar, from)
    if (wall === null) return null
    const { moments, skippedTo } = zone.momentsOf(wall)
    const moment = moments.find(moment => moment > afterUsec)
    if (moment !== undefined) return moment
    from = skippedTo ?? wall + 1
  }
}

function zoneOf(calendar: Calendar, local: Zone): Zone {
  if (calendar.zone === null) return local
  if (calendar.aheadUsec !== undefined)
    return fixedZone({ name: calendar.zone, aheadUsec: calendar.aheadUsec })
  const zone = findZone(calendar.zone)
  if (zone === null) throw new Error(`the zone ${calendar.zone} was there when it was read`)
  return zone
}

/** The first time on the wall, from `from` on, that fits. */
function nextWall(calendar: Calendar, from: WallUsec): WallUsec | null {
  const begin = new Date(Math.floor(from / 1000))
  const beginYear = Math.max(begin.getUTCFullYear(), FIRST_YEAR)
  for (const year of valuesFrom(calendar.years, beginYear, LAST_YEAR))
    for (const month of valuesFrom(calendar.months, 1, 12)) {
      const first = Date.UTC(year, month - 1, 1) * 1000
      const length = (Date.UTC(year, month, 1) * 1000 - first) / DAY
      if (first + length * DAY <= from) continue
      for (const day of valuesFrom(daysIn(calendar, length), 1, length)) {
        const midnight = first + (day - 1) * DAY
        if (midnight + DAY <= from || !isWeekday(calendar, midnight)) continue
        const time = nextTime(calendar, Math.max(0, from - midnight))
        if (time !== null) return midnight + time
      }
    }
  return null
}

/** The days counted from the month's beginning, as those of a month of that length. */
function daysIn({ days, fromMonthsEnd }: Calendar, length: number): CalendarField {
  if (!fromMonthsEnd || days === null) return days
  return days.map(({ start, stop, repeat }) =>
    stop === null
      ? { start: length + 1 - start, stop, repeat }
      : { start: length + 1 - stop, stop: length + 1 - start, repeat },
  )
}

const isWeekday = ({ weekdays }: Calendar, midnight: WallUsec) =>
  weekdays === null || weekdays.includes(weekdayAt(midnight))

/** The first time of day, in microseconds, from `from` on. */
function nextTime(calendar: Calendar, from: number): number | null {
  for (const hour of valuesFrom(calendar.hours, Math.floor(from / HOUR), 23))
    for (const minute of valuesFrom(calendar.minutes, 0, 59)) {
      const at = hour * HOUR + minute * MINUTE
      if (at + MINUTE <= from) continue
      const seconds = nextValue(calendar.seconds, Math.max(0, from - at), MINUTE - 1)
      if (seconds !== null) return at + seconds
    }
  return null
}

/** The values of a component from `least` to `most`, in order. */
function* valuesFrom(field: CalendarField, least: number, most: number): Generator<number> {
  let value = nextValue(field, least, most)
  while (value !== null) {
    yield value
    value = nextValue(field, value + 1, most)
  }
}

function nextValue(field: CalendarField, least: number, most: number): number | null {
  if (field === null) return least <= most ? least : null
  let next = Number.POSITIVE_INFINITY
  for (const { start, stop, repeat } of field) {
    const steps = start >= least ? 0 : repeat === 0 ? null : Math.ceil((least - start) / repeat)
    if (steps === null) continue
    const value = start + steps * repeat
    if (value <= (stop ?? most) && value < next) next = value
  }
  return next <= most ? next : null
}
