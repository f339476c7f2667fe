// Time spans (systemd.time(7), PARSING TIME SPANS).
import { err, ok } from 'neverthrow'
import type { Parse } from './parse.ts'

const SECOND = 1_000_000n
const MINUTE = 60n * SECOND
const HOUR = 60n * MINUTE
const DAY = 24n * HOUR
const WEEK = 7n * DAY
const MONTH = 2_629_800n * SECOND
const YEAR = 31_557_600n * SECOND

const UNITS: Readonly<Record<string, bigint>> = {
  seconds: SECOND,
  second: SECOND,
  sec: SECOND,
  s: SECOND,
  minutes: MINUTE,
  minute: MINUTE,
  min: MINUTE,
  months: MONTH,
  month: MONTH,
  M: MONTH,
  msec: 1000n,
  ms: 1000n,
  m: MINUTE,
  hours: HOUR,
  hour: HOUR,
  hr: HOUR,
  h: HOUR,
  days: DAY,
  day: DAY,
  d: DAY,
  weeks: WEEK,
  week: WEEK,
  w: WEEK,
  years: YEAR,
  year: YEAR,
  y: YEAR,
  usec: 1n,
  us: 1n,
  // Both the Greek letter and the micro sign.
  μs: 1n,
  µs: 1n,
}
const PART = /[ \t\n\r]*(?:\+(?=\d))?(\d*)(\.?)(\d*)([ \t\n\r]*)/y
const SUFFIX =
  /seconds|second|sec|s|minutes|minute|min|months|month|M|msec|ms|m|hours|hour|hr|h|days|day|d|weeks|week|w|years|year|y|usec|us|μs|µs/y
/** USEC_INFINITY: what does not fit below it is refused, as systemd does. */
const LIMIT = 2n ** 64n - 1n

/**
 * Microseconds of a time span, exactly; `infinity` is null. `unit` is what a number without a unit counts, in
 * microseconds. The error is a sentence.
 */
export function readTimespan(text: string, unit = SECOND): bigint | 'infinity' | null {
  const trimmed = text.trim()
  if (trimmed === 'infinity') return 'infinity'
  if (trimmed === '') return null
  let total = 0n
  let at = 0
  while (at < text.length) {
    PART.lastIndex = at
    const part = PART.exec(text)
    if (!part) return null
    const [, whole = '', point, fraction = '', space = ''] = part
    if (whole === '' && point === '') return PART.lastIndex === text.length ? total : null
    if (point !== '' && fraction === '') return null
    at = PART.lastIndex
    SUFFIX.lastIndex = at
    const suffix = SUFFIX.exec(text)?.[0]
    if (suffix === undefined && space === '' && at < text.length) return null
    at += suffix?.length ?? 0
    const factor = suffix === undefined ? unit : (UNITS[suffix] ?? unit)
    const number = BigInt(whole === '' ? 0 : whole)
    if (number >= 2n ** 63n) return null
    total += number * factor
    let digit = factor / 10n
    for (const figure of fraction) {
      total += BigInt(figure) * digit
      digit /= 10n
    }
    if (total >= LIMIT) return null
  }
  return total
}

const spanOfSeconds: Parse<number> = text => {
  const span = readTimespan(text, SECOND)
  if (span === 'infinity') return ok(Number.POSITIVE_INFINITY)
  if (span !== null) return ok(Number(span))
  return err('expected a time span, such as 30, 5s, 1min 30s or infinity')
}

/** A time span in microseconds; a bare number counts seconds. */
export const timespan: Parse<number> = (text, context) =>
  // Most of them are a few digits: no need of exact arithmetic.
  /^\d{1,9}$/.test(text) ? ok(Number(text) * 1_000_000) : spanOfSeconds(text, context)

/** As `timespan`, with 0 for "no limit" as well (systemd.service(5), TimeoutStartSec=). */
export const timeout: Parse<number> = (text, context) =>
  timespan(text, context).map(usec => (usec === 0 ? Number.POSITIVE_INFINITY : usec))
