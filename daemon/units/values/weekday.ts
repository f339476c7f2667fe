// Days of the week in English, as systemd.time(7) has them.

/** In order: 0 is Monday. */
export const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const
const LONG = 'monday tuesday wednesday thursday friday saturday sunday'.split(' ')

/** The number of a day given as `Wed` or `wednesday`, in any case; -1 if it is none. */
export function weekdayNumber(text: string): number {
  const word = text.toLowerCase()
  return LONG.findIndex(day => day === word || day.slice(0, 3) === word)
}

const DAY_USEC = 86_400_000_000

// 1970 began on a Thursday.
/** The day of the week of a time on the wall, in microseconds since 1970 began there. */
export const weekdayAt = (wall: number) => (Math.floor(wall / DAY_USEC) + 3) % 7
