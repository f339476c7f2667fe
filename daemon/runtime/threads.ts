// The threads that the daemon has from its start on, before services can take up the limit of processes.
import { stat } from 'node:fs'
import { errnoOf, inWords } from './failure.ts'
import type { Native } from './native.ts'

/** `hangLimitSec`: 0 for a main loop that is not watched. Returns a sentence when it is not watched for want of a thread. */
export function takeThreads(
  native: Pick<Native, 'watchLoop'>,
  hangLimitSec: number,
): string | null {
  // libuv makes its threads at the first call that goes to one, and aborts when they are not to be had.
  stat('/', () => {})
  if (hangLimitSec === 0) return null
  try {
    native.watchLoop(hangLimitSec)
    return null
  } catch (error) {
    return `the main loop is not watched: ${inWords(errnoOf(error))}`
  }
}
