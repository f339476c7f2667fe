// Calendar expressions (systemd.time(7), CALENDAR EVENTS): what they say, read and printed.
import { err, ok, type Result } from 'neverthrow'
import type { Parse } from './parse.ts'
import { WEEKDAYS, weekdayNumber } from './weekday.ts'
import { type Clock, findClock, findZone } from './zone.ts'

/** A value, or all from `start` to `stop`, or from `start` in steps of `repeat` (0: none), to `stop` where there is one. */
export type CalendarPart = { start: number; stop: number | null; repeat: number }
/** The values of one component; null is `*`. */
export type CalendarField = readonly CalendarPart[] | null

export type Calendar = {
  /** 0 is Monday, 6 Sunday, in order; null is any. */
  weekdays: readonly number[] | null
  years: CalendarField
  months: CalendarField
  days: CalendarField
  /** The days are counted back from the month's last one, which is 1 (`*-02~03`). */
  fromMonthsEnd: boolean
  hours: CalendarField
  minutes: CalendarField
  /** Seconds, in microseconds. */
  seconds: CalendarField
  /** In the IANA database, or a clock's abbreviation; null is the zone of the machine. */
  zone: string | null
  /** With an abbreviation: how far that clock is ahead of UTC. */
  aheadUsec?: number
}

const SECOND = 1_000_000
/** systemd's own bound for the parts of one component. */
const MAX_PARTS = 240

export const FIRST_YEAR = 1970
export const LAST_YEAR = 2199

const SHORTHANDS: Readonly<Record<string, string>> = {
  minutely: '*-*-* *:*:00',
  hourly: '*-*-* *:00:00',
  daily: '*-*-* 00:00:00',
  weekly: 'Mon *-*-* 00:00:00',
  monthly: '*-*-01 00:00:00',
  quarterly: '*-01,04,07,10-01 00:00:00',
  semiannually: '*-01,07-01 00:00:00',
  'semi-annually': '*-01,07-01 00:00:00',
  biannually: '*-01,07-01 00:00:00',
  'bi-annually': '*-01,07-01 00:00:00',
  yearly: '*-01-01 00:00:00',
  annually: '*-01-01 00:00:00',
  // systemd takes it as well.
  anually: '*-01-01 00:00:00',
}

const EXPECTED = 'expected a calendar expression, such as daily, Mon..Fri 08:00 or *-*-01 04:30:00'

/**
 * Reads an expression such as `Mon..Fri *-*-* 08:00:00 Europe/Berlin` or `weekly`. The error is a sentence behind
 * "cannot read OnCalendar=x: ". A zone is a name in the IANA database, UTC, or the abbreviation of one
 * of `clocks`, those of the machine's own zone (`CEST`).
 */
export function readCalendar(
  text: string,
  clocks: () => readonly Clock[] = NO_CLOCKS,
): Result<Calendar, string> {
  const { rest, zone, clock } = splitZone(text, clocks)
  const shorthand = Object.hasOwn(SHORTHANDS, rest.toLowerCase())
    ? SHORTHANDS[rest.toLowerCase()]
    : undefined
  const read = readParts(shorthand ?? rest)
  if (read === null) return err(problemOf(text))
  if (clock !== null) return ok({ ...read, zone: clock.name, aheadUsec: clock.aheadUsec })
  return ok({ ...read, zone: read.zone ?? zone })
}
const NO_CLOCKS = (): readonly Clock[] => []

/** A calendar expression (systemd.timer(5), OnCalendar=). */
export const calendar: Parse<Calendar> = (text, context) =>
  context.expand(text).andThen(value => readCalendar(value, context.clocks))

/** The last word, when it is a zone or a clock. */
function splitZone(
  text: string,
  clocks: () => readonly Clock[],
): { rest: string; zone: string | null; clock: Clock | null } {
  const [, rest, word = ''] = /^(.*?) +([^ ]+)$/.exec(text) ?? []
  if (rest === undefined) return { rest: text, zone: null, clock: null }
  const zone = /^utc$/i.test(word) ? 'UTC' : (findZone(word)?.name ?? null)
  const clock = zone === null ? findClock(word, clocks) : null
  return { rest: zone === null && clock === null ? text : rest, zone, clock }
}

/** What is most likely meant wrongly. */
function problemOf(text: string): string {
  const last = text.split(' ').at(-1) ?? ''
  if (text.includes(' ') && /^[A-Za-z_]+(?:\/[A-Za-z_]+)*$/.test(last) && readDays(last) === null)
    return `there is no time zone ${last}: expected UTC, an abbreviation of the machine's own or a name such as Europe/Berlin behind the time`
  const days = /^[A-Za-z][^ ]*/.exec(text)?.[0]
  if (days !== undefined && readDays(days) === null)
    return `${days} is no day of the week: expected days such as Mon, Mon..Fri or Sat,Sun, or a word such as daily`
  return EXPECTED
}

const LINE = /^(?:([A-Za-z][A-Za-z,.-]*)(?: +|$))?(?:([^ :]+)(?: +|$))?(?:([^ ]*:[^ ]*))?$/

function readParts(text: string): Calendar | null {
  const [all, days, date, time] = LINE.exec(text) ?? []
  if (all === undefined || (days ?? date ?? time) === undefined) return null
  const weekdays = days === undefined ? null : readDays(days)
  if (weekdays === null && days !== undefined) return null
  const every = weekdays?.length === 7 ? null : weekdays
  if (date?.startsWith('@') && time === undefined) return fromSeconds(date.slice(1), every)
  const ofDate = readDate(date)
  const ofTime = readTime(time)
  if (ofDate === null || ofTime === null) return null
  return { weekdays: every, ...ofDate, ...ofTime, zone: null }
}

/** `Mon`, `Sat,Sun`, `Mon..Fri`; a comma may end it, and `-` stands for `..` as it once did. */
function readDays(text: string): number[] | null {
  const days = new Set<number>()
  for (const item of text.replace(/,$/, '').split(',')) {
    const ends = item.split(/\.\.|-/)
    const [first = -1, last = first] = ends.map(weekdayNumber)
    if (ends.length > 2 || first === -1 || last < first) return null
    for (let day = first; day <= last; day++) days.add(day)
  }
  return [...days].sort((a, b) => a - b)
}

/** `@1395716396`: that one moment, in UTC. */
function fromSeconds(digits: string, weekdays: readonly number[] | null): Calendar | null {
  if (!/^\d{1,11}$/.test(digits)) return null
  const date = new Date(Number(digits) * 1000)
  if (date.getUTCFullYear() > LAST_YEAR) return null
  const one = (start: number): CalendarField => [{ start, stop: null, repeat: 0 }]
  return {
    weekdays,
    years: one(date.getUTCFullYear()),
    months: one(date.getUTCMonth() + 1),
    days: one(date.getUTCDate()),
    fromMonthsEnd: false,
    hours: one(date.getUTCHours()),
    minutes: one(date.getUTCMinutes()),
    seconds: one(date.getUTCSeconds() * SECOND),
    zone: 'UTC',
  }
}

type DateFields = Pick<Calendar, 'years' | 'months' | 'days' | 'fromMonthsEnd'>

const DATE = /^(?:([^-~]+)-)?([^-~]+)([-~])([^-~]+)$/

function readDate(word: string | undefined): DateFields | null {
  if (word === undefined) return { years: null, months: null, days: null, fromMonthsEnd: false }
  const [all, year = '*', month = '', separator, day = ''] = DATE.exec(word) ?? []
  if (all === undefined) return null
  const years = readField(year, { least: FIRST_YEAR, most: LAST_YEAR, step: 1 }, fullYear)
  const months = readField(month, { least: 1, most: 12, step: 1 })
  const fromEnd = separator === '~'
  // Counted from the end, only days that every month has, and steps lead towards it.
  const days = readField(day, { least: 1, most: fromEnd ? 28 : 31, step: 1, stepsDown: fromEnd })
  if (years === undefined || months === undefined || days === undefined) return null
  return { years, months, days, fromMonthsEnd: fromEnd && days !== null }
}

/** Two digits are a year from 1970 to 2069. */
function fullYear(year: number): number {
  if (year >= 100) return year
  return year < 70 ? 2000 + year : 1900 + year
}

type TimeFields = Pick<Calendar, 'hours' | 'minutes' | 'seconds'>

const ZERO: CalendarField = [{ start: 0, stop: null, repeat: 0 }]

function readTime(word: string | undefined): TimeFields | null {
  if (word === undefined) return { hours: ZERO, minutes: ZERO, seconds: ZERO }
  const [hour = '', minute = '', second, ...more] = word.split(':')
  const hours = readField(hour, { least: 0, most: 23, step: 1 })
  const minutes = readField(minute, { least: 0, most: 59, step: 1 })
  const seconds = second === undefined ? ZERO : readSeconds(second)
  if (more.length > 0 || hours === undefined || minutes === undefined || seconds === undefined)
    return null
  return { hours, minutes, seconds }
}

const PART = /^(\d{1,9})(?:\.\.(\d{1,9}))?(?:\/(\d{1,9}))?$/
const SECONDS_PART = /^(\d{1,9}(?:\.\d+)?)(?:\.\.(\d{1,9}(?:\.\d+)?))?(?:\/(\d{1,9}(?:\.\d+)?))?$/

type Bounds = {
  least: number
  most: number
  /** Between the values of a range. */
  step: number
  /** A repetition goes on to lower numbers. */
  stepsDown?: boolean
}

/** Undefined: it is none. */
function readField(
  text: string,
  bounds: Bounds,
  toValue: (number: number) => number = number => number,
): CalendarField | undefined {
  if (text === '*') return null
  return readList(text, bounds, part => {
    const [all, start, stop, repeat] = PART.exec(part) ?? []
    if (all === undefined) return null
    return {
      start: toValue(Number(start)),
      stop: stop === undefined ? null : toValue(Number(stop)),
      repeat: repeat === undefined ? null : Number(repeat),
    }
  })
}

function readSeconds(text: string): CalendarField | undefined {
  if (text === '*') return [{ start: 0, stop: null, repeat: SECOND }]
  return readList(text, { least: 0, most: 60 * SECOND - 1, step: SECOND }, part => {
    const [all, start, stop, repeat] = SECONDS_PART.exec(part) ?? []
    if (all === undefined) return null
    return {
      start: toUsec(start ?? '0'),
      stop: stop === undefined ? null : toUsec(stop),
      repeat: repeat === undefined ? null : toUsec(repeat),
    }
  })
}

/** Decimal seconds in microseconds, rounded by the seventh digit. */
function toUsec(text: string): number {
  const [whole = '', fraction = ''] = text.split('.')
  const micros = Number(fraction.slice(0, 6).padEnd(6, '0'))
  return Number(whole) * SECOND + micros + ((fraction[6] ?? '0') >= '5' ? 1 : 0)
}

type Written = { start: number; stop: number | null; repeat: number | null }

function readList(
  text: string,
  bounds: Bounds,
  read: (part: string) => Written | null,
): CalendarField | undefined {
  const words = text.split(',')
  if (words.length > MAX_PARTS) return undefined
  const parts: CalendarPart[] = []
  for (const word of words) {
    const written = read(word)
    if (written === null || written.repeat === 0) return undefined
    const part = normalised(written, bounds.step)
    if (!isWithin(part, bounds)) return undefined
    parts.push(part)
  }
  parts.sort(comparePart)
  return parts.filter((part, at) => at === 0 || comparePart(part, parts[at - 1] ?? part) !== 0)
}

/** A repetition has to come about at least once. */
function isWithin({ start, stop, repeat }: CalendarPart, { least, most, stepsDown }: Bounds) {
  if (start < least || start > most) return false
  if (stop !== null) return stop > start && stop <= most
  return stepsDown ? start - repeat >= least : start + repeat <= most
}

/** A range ends with its last value, and is none when it has only one. */
function normalised({ start, stop, repeat }: Written, step: number): CalendarPart {
  if (stop === null || stop < start) return { start, stop, repeat: repeat ?? 0 }
  const by = repeat ?? step
  const last = stop - ((stop - start) % by)
  return last === start ? { start, stop: null, repeat: 0 } : { start, stop: last, repeat: by }
}

const comparePart = (a: CalendarPart, b: CalendarPart) =>
  a.start - b.start || (a.stop ?? -1) - (b.stop ?? -1) || a.repeat - b.repeat

/** The normalised form, as `systemd-analyze calendar` prints it: `Mon..Fri *-*-* 08:00:00`. */
export function printCalendar(calendar: Calendar): string {
  const { weekdays, years, months, days, hours, minutes, seconds, zone } = calendar
  const date = `${printField(years, 4)}-${printField(months, 2)}${calendar.fromMonthsEnd ? '~' : '-'}${printField(days, 2)}`
  const time = `${printField(hours, 2)}:${printField(minutes, 2)}:${printSeconds(seconds)}`
  const words = [date, time]
  if (weekdays !== null) words.unshift(printDays(weekdays))
  if (zone !== null) words.push(zone)
  return words.join(' ')
}

/** Three and more in a row are a range. */
function printDays(days: readonly number[]): string {
  const words: string[] = []
  for (let at = 0; at < days.length; ) {
    const first = days[at] ?? 0
    let length = 1
    while (days[at + length] === first + length) length++
    const shown = length > 2 ? 1 : length
    for (let one = 0; one < shown; one++) words.push(WEEKDAYS[first + one] ?? '')
    if (length > 2) words[words.length - 1] += `..${WEEKDAYS[first + length - 1]}`
    at += length
  }
  return words.join(',')
}

const printField = (field: CalendarField, width: number) =>
  printParts(field, 1, value => String(value).padStart(width, '0'))

function printSeconds(field: CalendarField): string {
  const isEvery = ({ start, stop, repeat }: CalendarPart) =>
    start === 0 && stop === null && repeat === SECOND
  if (field?.some(isEvery)) return '*'
  return printParts(field, SECOND, (usec, isStep) => {
    const whole = String(Math.floor(usec / SECOND)).padStart(isStep ? 1 : 2, '0')
    const fraction = usec % SECOND
    return fraction === 0 ? whole : `${whole}.${String(fraction).padStart(6, '0')}`
  })
}

function printParts(
  field: CalendarField,
  step: number,
  print: (value: number, isStep: boolean) => string,
): string {
  if (field === null) return '*'
  return field
    .map(({ start, stop, repeat }) => {
      const range = stop === null ? '' : `..${print(stop, false)}`
      const isPlain = repeat === 0 || (stop !== null && repeat === step)
      const every = isPlain ? '' : `/${step === 1 ? repeat : print(repeat, true)}`
      return `${print(start, false)}${range}${every}`
    })
    .join(',')
}
