// Spans of time as systemd writes them (systemd.time(7)).

const USEC_PER_SEC = 1_000_000
const USEC_PER_MINUTE = 60 * USEC_PER_SEC
const USEC_PER_HOUR = 60 * USEC_PER_MINUTE
const USEC_PER_DAY = 24 * USEC_PER_HOUR
const USEC_PER_WEEK = 7 * USEC_PER_DAY
const USEC_PER_MONTH = 2_629_800 * USEC_PER_SEC
const USEC_PER_YEAR = 31_557_600 * USEC_PER_SEC

const UNITS: readonly (readonly [suffix: string, usec: number])[] = [
  ['y', USEC_PER_YEAR],
  ['month', USEC_PER_MONTH],
  ['w', USEC_PER_WEEK],
  ['d', USEC_PER_DAY],
  ['h', USEC_PER_HOUR],
  ['min', USEC_PER_MINUTE],
  ['s', USEC_PER_SEC],
  ['ms', 1000],
  ['us', 1],
]

/** `1min 30s`, `3.204s`, `15ms`; what is smaller than `accuracyUsec` is left out after the first unit. */
export function formatTimespan(usec: number, accuracyUsec = 1): string {
  if (!Number.isFinite(usec)) return 'infinity'
  if (usec <= 0) return '0'
  const parts: string[] = []
  let rest = Math.floor(usec)
  for (const [suffix, size] of UNITS) {
    if (rest <= 0 || (rest < accuracyUsec && parts.length > 0)) break
    if (rest < size) continue
    const whole = Math.floor(rest / size)
    const fraction = rest % size
    const digits = decimals(size) - decimals(accuracyUsec)
    // Below a minute the rest is written behind a point, as far as the accuracy goes.
    if (rest < USEC_PER_MINUTE && fraction > 0 && digits > 0) {
      const shown = Math.floor(fraction / 10 ** decimals(accuracyUsec))
      parts.push(`${whole}.${String(shown).padStart(digits, '0')}${suffix}`)
      break
    }
    parts.push(`${whole}${suffix}`)
    rest = fraction
  }
  return parts.join(' ')
}

const decimals = (usec: number) => Math.ceil(Math.log10(usec))

const count = (n: number, noun: string) => `${n} ${noun}${n === 1 ? '' : 's'}`

/** `5min ago`, `1 week 2 days ago`, `20s left`: `atUsec` seen from `nowUsec`. */
export function formatRelative(atUsec: number, nowUsec: number): string {
  const span = Math.abs(nowUsec - atUsec)
  const side = atUsec < nowUsec ? 'ago' : 'left'
  const whole = (size: number, of = span) => Math.floor(of / size)
  if (span >= USEC_PER_YEAR) {
    const months = whole(USEC_PER_MONTH, span % USEC_PER_YEAR)
    return `${count(whole(USEC_PER_YEAR), 'year')} ${count(months, 'month')} ${side}`
  }
  if (span >= USEC_PER_MONTH) {
    const days = whole(USEC_PER_DAY, span % USEC_PER_MONTH)
    return `${count(whole(USEC_PER_MONTH), 'month')} ${count(days, 'day')} ${side}`
  }
  if (span >= USEC_PER_WEEK) {
    const days = whole(USEC_PER_DAY, span % USEC_PER_WEEK)
    return `${count(whole(USEC_PER_WEEK), 'week')} ${count(days, 'day')} ${side}`
  }
  if (span >= 2 * USEC_PER_DAY) return `${whole(USEC_PER_DAY)} days ${side}`
  if (span >= 25 * USEC_PER_HOUR) {
    return `1 day ${whole(USEC_PER_HOUR, span - USEC_PER_DAY)}h ${side}`
  }
  if (span >= 6 * USEC_PER_HOUR) return `${whole(USEC_PER_HOUR)}h ${side}`
  if (span >= USEC_PER_HOUR) {
    return `${whole(USEC_PER_HOUR)}h ${whole(USEC_PER_MINUTE, span % USEC_PER_HOUR)}min ${side}`
  }
  if (span >= 5 * USEC_PER_MINUTE) return `${whole(USEC_PER_MINUTE)}min ${side}`
  if (span >= USEC_PER_MINUTE) {
    return `${whole(USEC_PER_MINUTE)}min ${whole(USEC_PER_SEC, span % USEC_PER_MINUTE)}s ${side}`
  }
  if (span >= USEC_PER_SEC) return `${whole(USEC_PER_SEC)}s ${side}`
  if (span >= 1000) return `${whole(1000)}ms ${side}`
  if (span > 0) return `${Math.floor(span)}us ${side}`
  return 'now'
}
