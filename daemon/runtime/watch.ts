// Main processes that were told of by a PID file or MAINPID=: watched till their end, children of ours or not.
import type { ProcessExit } from '../engine/event.ts'
import type { UnitName } from '../units/unit.ts'
import { createKeep, type KeptPart } from './keep.ts'
import type { Native } from './native.ts'
import type { Processes } from './processes.ts'
import { readStat } from './procfs.ts'

export interface Watches {
  /** Watches the process; `exited` is told once, at once if it is gone already. */
  add(unit: UnitName, pid: number): void
  /** Sends a signal to a main or control process; an errno name, or null when sent. */
  signal(pid: number, signal: number): string | null
  /** A child of ours with that pid has ended, and its exit was told. */
  ended(pid: number): void
}

export function createWatches(
  native: Native,
  processes: Processes,
  exited: (pid: number, exit: ProcessExit) => void,
  kept: KeptPart = createKeep().part('watches'),
): Watches {
  /** Processes that were not our children when they were told of: pid -> pidfd. */
  const foreign = new Map<number, number>()

  const forget = (pid: number) => {
    const pidfd = foreign.get(pid)
    if (pidfd === undefined) return
    foreign.delete(pid)
    kept.drop(String(pid))
    native.close(pidfd)
  }

  const watch = (pid: number, pidfd: number, startTicks: number) => {
    // It may become our child yet, when its parent ends (a daemon often writes its PID file before that): being tracked, its
    // status is not thrown away then.
    native.track(pid)
    foreign.set(pid, pidfd)
    native.onPidfd(pidfd, () => {
      if (foreign.get(pid) !== pidfd) return
      const end = readStat(pid)
      // A zombie of ours: its exit is collected, with its status, like any other.
      if (end?.parent === process.pid && end.startTicks === startTicks) return
      native.untrack(pid)
      forget(pid)
      exited(pid, { kind: 'unknown' })
    })
  }
  for (const [pid, { data, fds }] of kept.entries)
    watch(Number(pid), fds[0] as number, data as number)

  return {
    add(unit, pid) {
      const stat = readStat(pid)
      if (stat?.parent === process.pid) {
        if (!processes.adopt(unit, pid)) exited(pid, { kind: 'unknown' })
        return
      }
      if (foreign.has(pid)) return
      const pidfd = native.pidfdOpen(pid)
      if (pidfd < 0 || !stat) {
        if (pidfd >= 0) native.close(pidfd)
        exited(pid, { kind: 'unknown' })
        return
      }
      kept.put(String(pid), stat.startTicks, [pidfd])
      watch(pid, pidfd, stat.startTicks)
    },
    signal(pid, signal) {
      const pidfd = foreign.get(pid)
      return pidfd === undefined ? native.kill(pid, signal) : native.pidfdSignal(pidfd, signal)
    },
    ended: forget,
  }
}
