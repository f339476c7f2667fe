// Moments as people write them (systemd.time(7), PARSING TIMESTAMPS).
import { err, ok, type Result } from 'neverthrow'
import { readTimespan } from './timespan.ts'
import { weekdayAt, weekdayNumber } from './weekday.ts'
import {
  type Clock,
  findClock,
  findZone,
  fixedZone,
  UTC,
  type WallUsec,
  type Zone,
} from './zone.ts'

const SECOND = 1_000_000
const DAY = 86_400 * SECOND

const EXPECTED =
  'expected a moment, such as now, today, 2026-11-25 21:00, 21:00 UTC, @1764104400, +3h or 10min ago'

/**
 * The microseconds since 1970 (UTC) of a moment: `2012-11-23 11:12:13 UTC`, `Fri 2012-11-23`, `11:12`, `yesterday`, `now`,
 * `+3h30min`, `-5s`, `11min ago`, `@1395716396`. `nowUsec` is what they are relative to, `local` the zone of those that name
 * none, `clocks` those that it has by abbreviations. Of an hour that the clock shows twice the first run is meant; what it leaves out counts as if it had not been set.
 * Exact up to the year 2255, as far as a number counts microseconds.
 */
export function readTimestamp(
  text: string,
  nowUsec: number,
  local: Zone,
  clocks: () => readonly Clock[] = () => [],
): Result<number, string> {
  const usec =
    text === 'now'
      ? nowUsec
      : (readRelative(text, nowUsec) ?? readAbsolute(text, nowUsec, local, clocks))
  return usec === null || !(usec >= 0) || usec === Number.POSITIVE_INFINITY
    ? err(EXPECTED)
    : ok(usec)
}

/** Null: it is none. */
function readRelative(text: string, nowUsec: number): number | null {
  const [, sign, behind] = /^([-+@])(.*)$/s.exec(text) ?? []
  const [, before, side] = /^(.*) (ago|left)$/s.exec(text) ?? []
  const span = readTimespan(behind ?? before ?? '')
  if (span === null || span === 'infinity') return null
  if (sign === '@') return Number(span)
  return sign === '-' || (sign === undefined && side === 'ago')
    ? nowUsec - Number(span)
    : nowUsec + Number(span)
}

const DAYS: ReadonlyMap<string, number> = new Map([
  ['yesterday', -1],
  ['today', 0],
  ['tomorrow', 1],
])

function readAbsolute(
  text: string,
  nowUsec: number,
  local: Zone,
  clocks: () => readonly Clock[],
): number | null {
  const [, front, last = ''] = /^(.*) ([^ ]+)$/.exec(text) ?? []
  const named = front === undefined ? null : zoneOf(last, clocks)
  const zone = named ?? local
  const wall = readWall(named === null ? text : (front ?? ''), zone.wallAt(nowUsec))
  return wall === null ? null : momentOf(wall, zone)
}

function zoneOf(word: string, clocks: () => readonly Clock[]): Zone | null {
  if (/^utc$/i.test(word)) return UTC
  const zone = findZone(word)
  if (zone !== null) return zone
  const clock = findClock(word, clocks)
  return clock && fixedZone(clock)
}

const midnight = (wall: WallUsec) => Math.floor(wall / DAY) * DAY

const DATE = String.raw`(\d{1,4})-\s*(\d{1,2})-\s*(\d{1,2})`
const TIME = String.raw`(\d{1,2}):\s*(\d{1,2})(?::\s*(\d{1,2})(?:\.(\d+))?)?`
const WALL = new RegExp(String.raw`^(?:([A-Za-z]+)\s)?\s*(?:${DATE}(?:\s+(?=\d)|$))?(?:${TIME})?$`)

/** What the clock on the wall shows then; `now` is what it shows now. */
function readWall(text: string, now: WallUsec): WallUsec | null {
  const days = DAYS.get(text)
  if (days !== undefined) return midnight(now) + days * DAY
  const [all, weekday, year, month, day, hour, minute, second, fraction] = WALL.exec(text) ?? []
  if (all === undefined || (year === undefined && hour === undefined)) return null
  const date = year === undefined ? midnight(now) : dateOf(year, Number(month), Number(day))
  const time = timeOf(Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0))
  if (date === null || time === null) return null
  if (weekday !== undefined && weekdayNumber(weekday) !== weekdayAt(date)) return null
  return date + time + micros(fraction ?? '')
}

/** Two digits are a year from 1969 to 2068; the 30th of February is the 1st or 2nd of March, as with mktime(3). */
function dateOf(digits: string, month: number, day: number): WallUsec | null {
  const year = Number(digits) + (digits.length > 2 ? 0 : Number(digits) < 69 ? 2000 : 1900)
  if (year < 1969 || month < 1 || month > 12 || day < 1 || day > 31) return null
  return Date.UTC(year, month - 1, day) * 1000
}

/** A minute may have leap seconds. */
function timeOf(hour: number, minute: number, second: number): number | null {
  if (hour > 23 || minute > 59 || second > 61) return null
  return ((hour * 60 + minute) * 60 + second) * SECOND
}

const micros = (fraction: string) =>
  Number(fraction.slice(0, 6).padEnd(6, '0')) + ((fraction[6] ?? '0') >= '5' ? 1 : 0)

function momentOf(wall: WallUsec, zone: Zone): number {
  const { moments, skippedTo } = zone.momentsOf(wall)
  if (moments[0] !== undefined) return moments[0]
  const change = zone.momentsOf(skippedTo ?? wall).moments[0] ?? 0
  const skippedFrom = zone.wallAt(change - 1) + 1
  return change + wall - skippedFrom
}
