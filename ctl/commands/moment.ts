// Moments as people write them (systemd.time(7), the part of it that is wanted of logs).

const DAY_MS = 86_400_000
const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  sec: 1000,
  second: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hour: 3_600_000,
  d: DAY_MS,
  day: DAY_MS,
  w: 7 * DAY_MS,
  week: 7 * DAY_MS,
}

/** Microseconds since 1970 for `2026-11-25 21:00`, `21:00`, `@1700000000`, `10min ago`, `-1h`, `now`, `today`, `yesterday`;
 * null when it is none of them. Days are those of the local time zone. */
export function readMoment(text: string, nowMs: number): number | null {
  const words = text.trim()
  const ms = readDay(words, nowMs) ?? readRelative(words, nowMs) ?? readAbsolute(words, nowMs)
  return ms === null || !Number.isFinite(ms) ? null : Math.round(ms * 1000)
}

const DAYS: Readonly<Record<string, number>> = { yesterday: -1, today: 0, tomorrow: 1 }

function readDay(words: string, nowMs: number): number | null {
  if (words === 'now') return nowMs
  const days = DAYS[words]
  if (days === undefined) return null
  const date = new Date(nowMs)
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime()
}

function readRelative(words: string, nowMs: number): number | null {
  const match = /^(?:(-)(.+)|(.+?)\s+ago)$/.exec(words)
  const span = match?.[2] ?? match?.[3]
  if (span === undefined) return null
  let total = 0
  const rest = span.replace(/(\d+(?:\.\d+)?)\s*([a-z]+)\s*/g, (_, amount: string, unit: string) => {
    total += Number(amount) * (UNITS[unit] ?? UNITS[unit.replace(/s$/, '')] ?? Number.NaN)
    return ''
  })
  return rest.trim() === '' ? nowMs - total : null
}

function readAbsolute(words: string, nowMs: number): number | null {
  if (/^@\d+(\.\d+)?$/.test(words)) return Number(words.slice(1)) * 1000
  const match =
    /^(?:(\d{4})-(\d\d)-(\d\d))?(?:(?:^|[ T])(\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?)?$/.exec(words)
  if (match === null || words === '') return null
  const [, year, month, day, hour = 0, minute = 0, second = 0] = match
  const today = new Date(nowMs)
  const date = new Date(
    Number(year ?? today.getFullYear()),
    month === undefined ? today.getMonth() : Number(month) - 1,
    Number(day ?? today.getDate()),
    Number(hour),
    Number(minute),
  )
  return date.getTime() + Number(second) * 1000
}
