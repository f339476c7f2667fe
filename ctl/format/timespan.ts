// How long ago something was, as systemd writes it (format_timestamp_relative()).

const USEC_PER_SEC = 1_000_000
const USEC_PER_MINUTE = 60 * USEC_PER_SEC
const USEC_PER_HOUR = 60 * USEC_PER_MINUTE
const USEC_PER_DAY = 24 * USEC_PER_HOUR
const USEC_PER_WEEK = 7 * USEC_PER_DAY
const USEC_PER_MONTH = 2_629_800 * USEC_PER_SEC
const USEC_PER_YEAR = 31_557_600 * USEC_PER_SEC

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
