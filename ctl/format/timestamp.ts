// Moments as systemctl and journalctl write them, in local time.

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
const MONTHS = [
  'Jan',
  'Feb',
  'Mar',
  'Apr',
  'May',
  'Jun',
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
] as const

const two = (n: number) => String(n).padStart(2, '0')
const toDate = (usec: number) => new Date(usec / 1000)
const micros = (usec: number) => String(Math.floor(usec % 1_000_000)).padStart(6, '0')
const timeOfDay = (date: Date) =>
  `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
const day = (date: Date) =>
  `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`

/** `Wed 2026-11-25 21:23:32 UTC`; the argument is CLOCK_REALTIME in microseconds. */
export function formatTimestamp(usec: number): string {
  const date = toDate(usec)
  return `${DAYS[date.getDay()]} ${day(date)} ${timeOfDay(date)} ${zoneName(date)}`
}

/** `Nov 25 21:23:32`, as journalctl's short. */
export function formatShort(usec: number): string {
  const date = toDate(usec)
  return `${MONTHS[date.getMonth()]} ${two(date.getDate())} ${timeOfDay(date)}`
}

/** `Nov 25 21:23:32.012345`, as journalctl's short-precise. */
export const formatShortPrecise = (usec: number) => `${formatShort(usec)}.${micros(usec)}`

/** `2026-11-25T21:23:32+0000`, as journalctl's short-iso. */
export function formatShortIso(usec: number): string {
  const date = toDate(usec)
  return `${day(date)}T${timeOfDay(date)}${offset(date)}`
}

/** `2026-11-25T21:23:32.012345+0000`, as journalctl's short-iso-precise. */
export function formatShortIsoPrecise(usec: number): string {
  const date = toDate(usec)
  return `${day(date)}T${timeOfDay(date)}.${micros(usec)}${offset(date)}`
}

/** `1764105812.012345`, as journalctl's short-unix. */
export const formatShortUnix = (usec: number) => `${Math.floor(usec / 1_000_000)}.${micros(usec)}`

function offset(date: Date): string {
  const minutes = -date.getTimezoneOffset()
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`
}

// A locale abbreviates only the zones of its own part of the world; the others it writes as GMT+1.
const LOCALES = ['en-US', 'en-GB', 'en-AU', 'en-IN', 'en-ZA'] as const

/** `UTC`, `CET`, `EST`; `-03` or `+0545` where the zone has no abbreviation. */
export function zoneName(date: Date, zone = Intl.DateTimeFormat().resolvedOptions().timeZone) {
  if (zone === 'UTC' || zone === 'Etc/UTC') return 'UTC'
  for (const locale of LOCALES) {
    const name = partOf(date, zone, locale, 'short')
    if (/^[A-Z]{2,5}$/.test(name)) return name
  }
  const [, hours = '+00', minutes = ''] =
    /^GMT([+-]\d\d):?(\d\d)?/.exec(partOf(date, zone, 'en-US', 'longOffset')) ?? []
  return minutes === '00' ? hours : `${hours}${minutes}`
}

function partOf(date: Date, timeZone: string, locale: string, style: 'short' | 'longOffset') {
  const format = new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: style })
  return format.formatToParts(date).find(({ type }) => type === 'timeZoneName')?.value ?? ''
}
