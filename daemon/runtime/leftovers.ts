// The end: what no unit has ended is asked to leave, then made to (systemd-shutdown(8)).
import type { Native } from './native.ts'
import { allPids, readChildren, readStat } from './procfs.ts'

const SIGHUP = 1
const SIGKILL = 9
const SIGTERM = 15
const SIGCONT = 18

export type Leftovers = {
  native: Native
  /** Reaps what has ended. */
  collect: () => void
  /** Waits for a child's end or for so many milliseconds. */
  pause: (ms: number) => Promise<void>
  monotonicUsec: () => number
}

/** As PID 1: everybody in the PID namespace. Otherwise our descendants: the rest of the machine is not ours to end. */
function everybody(): number[] {
  if (process.pid === 1) {
    // Kernel threads have no parent but [kthreadd]; a signal to them would do nothing.
    return allPids().filter(pid => pid > 1 && readStat(pid)?.parent !== 2 && pid !== 2)
  }
  const found = readChildren(process.pid)
  for (let i = 0; i < found.length; i++) found.push(...readChildren(found[i] as number))
  return found
}

/** SIGTERM to all, then SIGKILL to those still there after `timeoutUsec`. Gives how many had to be killed. */
export async function endLeftovers(
  { native, collect, pause, monotonicUsec }: Leftovers,
  timeoutUsec: number,
): Promise<number> {
  collect()
  for (const pid of everybody()) {
    native.kill(pid, SIGTERM)
    // Shells at a terminal ignore SIGTERM; a daemon without one would take SIGHUP for a wish to reload.
    if (readStat(pid)?.terminal) native.kill(pid, SIGHUP)
    native.kill(pid, SIGCONT)
  }
  const deadline = monotonicUsec() + timeoutUsec
  for (let left = everybody(); left.length > 0 && monotonicUsec() < deadline; left = everybody()) {
    await pause((deadline - monotonicUsec()) / 1000)
    collect()
  }
  const killed = new Set<number>()
  // A process that forks as it is killed leaves a child for the next round; what the kernel holds fast is left to it.
  for (let round = 0; round < 100; round++) {
    const left = everybody().filter(pid => readStat(pid)?.state !== 'Z')
    if (left.length === 0) break
    for (const pid of left) {
      killed.add(pid)
      native.kill(pid, SIGKILL)
    }
    await pause(10)
    collect()
  }
  return killed.size
}
