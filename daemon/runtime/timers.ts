// The one timer of the daemon: the engine's next deadline on the monotonic clock.

/** setTimeout(3)'s longest span in Node, milliseconds; a later deadline is reached in several hops. */
const LONGEST_MS = 2 ** 31 - 1

export type Arm = (atUsec: number | null, wake: () => void) => void

/** An `Arm` for the loop: at most one libuv timer, none while nothing is due, so an idle daemon never wakes. */
export function createTimer(monotonicUsec: () => number): Arm {
  let timer: NodeJS.Timeout | null = null
  const arm: Arm = (atUsec, wake) => {
    if (timer) clearTimeout(timer)
    timer = null
    if (atUsec === null) return
    // Rounded up: a timer that fires early would find nothing due and have to be armed again.
    const ms = Math.max(0, Math.ceil((atUsec - monotonicUsec()) / 1000))
    timer = setTimeout(
      () => {
        if (ms > LONGEST_MS) arm(atUsec, wake)
        else wake()
      },
      Math.min(ms, LONGEST_MS),
    )
  }
  return arm
}
