// The time of day in microseconds, which JavaScript has in milliseconds only.

/** Apart by more than this, the time of day was set, and is taken anew. */
const SET_USEC = 2_000

/** A clock of CLOCK_REALTIME's microseconds: the monotonic clock, brought in line whenever the time of day was set. */
export function createClock(): () => number {
  let offsetUsec = 0
  return () => {
    const monotonicUsec = Math.floor(performance.now() * 1000)
    const wallUsec = Date.now() * 1000
    const off = wallUsec + 500 - (monotonicUsec + offsetUsec)
    if (off > SET_USEC || off < -SET_USEC) offsetUsec = wallUsec + 500 - monotonicUsec
    return monotonicUsec + offsetUsec
  }
}
