// The mark by which a process is known as one of a unit's run, wherever it has gone: the soft limit of file locks.
//
// The kernel has not looked at RLIMIT_LOCKS since 2.4.25, yet passes it on through fork and execve, whatever becomes of
// session, parents, user and environment, and shows it to everybody in /proc/PID/limits. The environment is less: it can be
// cleared or overwritten, and in a container without CAP_SYS_PTRACE root itself may not read that of another user's process.
// So each run has a number there, the first 48 bits of its invocation id; the hard limit stays as it is.
import { readFileSync } from 'node:fs'
import type { NativeLimit } from './limits.ts'

const RLIMIT_LOCKS = 10
/** All that a number holds exactly, and far above what anybody would set. */
const DIGITS = 12

export const markerOf = (invocationId: string): number =>
  Number.parseInt(invocationId.slice(0, DIGITS), 16)

/** Not for a unit that sets LimitLOCKS= itself. */
export const markerLimit = (invocationId: string): NativeLimit => [
  RLIMIT_LOCKS,
  markerOf(invocationId),
  Number.POSITIVE_INFINITY,
]

/** The mark of a living process, or null. */
export function readMarker(pid: number): number | null {
  try {
    const limits = readFileSync(`/proc/${pid}/limits`, 'utf8')
    const [, soft] = /^Max file locks\s+(\d+)/m.exec(limits) ?? []
    return soft === undefined ? null : Number(soft)
  } catch {
    return null
  }
}
