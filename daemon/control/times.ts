// Moments as `systemctl show` prints them.

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
const two = (n: number) => String(n).padStart(2, '0')

/** `Wed 2026-11-25 21:23:32 UTC`: microseconds of CLOCK_REALTIME, always in UTC; empty for 0 (never). */
export function timestampText(usec: number): string {
  if (usec <= 0 || !Number.isFinite(usec)) return ''
  const date = new Date(Math.floor(usec / 1000))
  const day = `${DAYS[date.getUTCDay()]} ${date.getUTCFullYear()}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`
  return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} UTC`
}
