// Whole lines as they come from a pipe, many at once, each behind a head: the addon's part of cutting (lines.c).
import type { Native } from '../runtime/native.ts'

/** Of `input[from, to)`. `priorityAt` is where in the head the N of a line's own `<N>` belongs, or one of those below. */
export type Lines = { from: number; to: number; head: Uint8Array; priorityAt: number }
/** `<N>` is taken off and not told. */
export const NOWHERE = -1
/** `<N>` is text like any other. */
export const NO_LEVEL = -2

export interface Frame {
  /** Puts lines of up to `most` bytes, as long as they are whole and there is room, into `output` from `at` on. Gives their
   * number; how far it came is in `from` and `at`. */
  put(lines: Lines, output: Uint8Array, at: number): number
  from: number
  at: number
}

const FROM = 0
const TO = 1
const AT = 2
const MOST = 3
const PRIORITY_AT = 4

export function createFrame(
  { frameLines }: Pick<Native, 'frameLines'>,
  input: Uint8Array,
  most: number,
): Frame {
  const place = new Int32Array(5)
  place[MOST] = most
  const frame: Frame = {
    from: 0,
    at: 0,
    put({ from, to, head, priorityAt }, output, at) {
      place[FROM] = from
      place[TO] = to
      place[AT] = at
      place[PRIORITY_AT] = priorityAt
      const count = frameLines(place, input, head, output)
      frame.from = place[FROM] as number
      frame.at = place[AT] as number
      return count
    },
  }
  return frame
}
