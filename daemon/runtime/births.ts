// Whether anybody but ourselves can have started a process. Pids are given in turn, and /proc/loadavg ends with the latest
// of our PID namespace: while that is the last one that we started, none of our services has forked, and none can have left
// an orphan. That spares a thousand idle services the look through a thousand children at each exit. Where others fork all
// the time it says so, and nothing is lost but the short cut. (That between two looks just as many processes were started
// as the namespace has pids is left out of account.)
import { existsSync, openSync, readSync } from 'node:fs'

export interface Births {
  /** We have started a process. Gives the epoch it was born in, without a look: it may have forked already. */
  started(pid: number): number
  /** A number that changes when somebody else has started a process (or a thread) since it was last asked for. */
  epoch(): number
  /** The next `epoch` looks again; until then, within this turn of the main loop, it is what was seen last. */
  expire(): void
}

/** Threads take pids as well: Node starts some of its own as it needs them. More than these at once are not ours. */
const MOST_THREADS = 32

/** `readLatest` gives the latest pid of the namespace, `isOwnThread` whether a pid is one of our threads. */
export function createBirths(
  readLatest: () => number = latestPid,
  isOwnThread: (tid: number) => boolean = tid => existsSync(`/proc/self/task/${tid}`),
): Births {
  let epoch = 0
  let latest = readLatest()
  let isFresh = false

  /** Whether all pids from `first` up to `end`, which is not among them, are threads of ours. */
  const areOwnThreads = (first: number, end: number) => {
    const count = end - first
    if (!(count >= 0 && count <= MOST_THREADS)) return false
    for (let tid = first; tid < end; tid++) if (!isOwnThread(tid)) return false
    return true
  }

  const expire = () => {
    isFresh = false
  }

  return {
    started(pid) {
      if (!areOwnThreads(latest + 1, pid)) epoch++
      latest = pid
      return epoch
    },
    epoch() {
      if (isFresh) return epoch
      isFresh = true
      // Not for the next turn of the main loop: a request may have looked, and no round ended since.
      queueMicrotask(expire)
      const now = readLatest()
      if (!areOwnThreads(latest + 1, now + 1)) epoch++
      latest = now
      return epoch
    },
    expire,
  }
}

let loadavg: { fd: number; text: Buffer } | null = null

/** NaN, which is like no pid, where it cannot be read. */
function latestPid(): number {
  try {
    loadavg ??= { fd: openSync('/proc/loadavg', 'r'), text: Buffer.alloc(128) }
    const length = readSync(loadavg.fd, loadavg.text, 0, loadavg.text.length, 0)
    const line = loadavg.text.toString('latin1', 0, length)
    return Number.parseInt(line.slice(line.lastIndexOf(' ') + 1), 10)
  } catch {
    return Number.NaN
  }
}
