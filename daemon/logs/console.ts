// What the daemon writes to its standard output (services' lines) or error (its own log). The reader may be slow or stuck; ours
// may not be.
import type { Native } from '../runtime/native.ts'

export interface Console {
  /** Queues so many lines; the bytes are copied. */
  add(lines: Uint8Array, count: number): void
  /** Writes what is queued as far as the reader takes it; called when a round of reading is done. */
  flush(): void
  /** Waits a moment at most for the rest. */
  end(): void
}

export type ConsoleParts = {
  native: Pick<Native, 'writeNow'>
  fd: number
  /** After so long without a byte taken, lines are left out instead of making those wait who write them. */
  waitMs: number
  /** The line that says how many are missing, its newline included. */
  lost: (lines: number) => Uint8Array
  /** The queue is long: services that write to the console should not be read until `resume`. */
  hold: () => void
  resume: () => void
}

const QUEUE_BYTES = 1024 * 1024
const RETRY_MS = [2, 5, 10, 20, 50, 100, 200] as const
const END_MS = 500

export function createConsole({ native, fd, waitMs, ...parts }: ConsoleParts): Console {
  let queue: Buffer = Buffer.allocUnsafeSlow(64 * 1024)
  let from = 0
  let to = 0
  let blockedMs = 0
  let attempt = 0
  let timer: NodeJS.Timeout | undefined
  let isHolding = false
  let isStuck = waitMs === 0
  let dropped = 0

  const room = (bytes: number) => {
    if (to + bytes <= queue.length) return
    const needed = to - from + bytes
    const target = needed <= queue.length / 2 ? queue : Buffer.allocUnsafeSlow(2 * needed)
    queue.copy(target, 0, from, to)
    queue = target
    to -= from
    from = 0
  }

  const append = (bytes: Uint8Array) => {
    room(bytes.length)
    queue.set(bytes, to)
    to += bytes.length
  }

  const write = () => {
    try {
      from += native.writeNow(fd, queue, from, to)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
      // Nobody reads any more (EPIPE), or the terminal is gone (EIO).
      from = to
    }
    return from === to
  }

  /** The reader has taken something. */
  const taken = () => {
    if (from === to) {
      from = 0
      to = 0
    }
    if (dropped > 0) {
      const lost = parts.lost(dropped)
      dropped = 0
      append(lost)
    }
    blockedMs = 0
    attempt = 0
    isStuck = waitMs === 0
    if (isHolding && to - from < QUEUE_BYTES / 2) {
      isHolding = false
      parts.resume()
    }
  }

  const flush = () => {
    if (timer || from === to) return
    const before = from
    if (write() || from > before) {
      taken()
      write()
    }
    if (from === to) return
    // A pipe cannot tell this thread that it has room, so it is asked again, ever more rarely.
    const delay = RETRY_MS[Math.min(attempt++, RETRY_MS.length - 1)] ?? 0
    blockedMs += delay
    if (blockedMs > waitMs && isHolding) {
      isStuck = true
      isHolding = false
      parts.resume()
    }
    timer = setTimeout(() => {
      timer = undefined
      flush()
    }, delay)
  }

  return {
    add(lines, count) {
      if (isStuck && to - from >= QUEUE_BYTES) {
        dropped += count
        return
      }
      append(lines)
      if (to - from >= QUEUE_BYTES && !isStuck && !isHolding) {
        flush()
        if (to - from >= QUEUE_BYTES) {
          isHolding = true
          parts.hold()
        }
      }
    },
    flush,
    end() {
      clearTimeout(timer)
      const pause = new Int32Array(new SharedArrayBuffer(4))
      for (let waited = 0; from < to && !write() && waited < END_MS; waited += 10)
        Atomics.wait(pause, 0, 0, 10)
      if (from === to) taken()
      if (from < to) write()
    },
  }
}
