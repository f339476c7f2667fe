// How a process ended: the words for it, and whether that was clean.
import type { ExitStatusSet } from '../units/unit.ts'
import { exitStatusName } from '../units/values/exit-status.ts'
import { signalName } from '../units/values/signal.ts'
import type { ProcessExit } from './event.ts'
import type { ServiceResult } from './state.ts'

export const SIGHUP = 1
export const SIGINT = 2
export const SIGKILL = 9
export const SIGPIPE = 13
export const SIGTERM = 15

export { exitStatusName as statusName, signalName }

/** `code=exited, status=1/FAILURE`, as systemd logs it and `systemctl status` shows it. */
export function describeExit(exit: ProcessExit): string {
  if (exit.kind === 'unknown') return 'code=unknown, status=n/a'
  if (exit.kind === 'exited') {
    return `code=exited, status=${exit.status}/${exitStatusName(exit.status) ?? 'n/a'}`
  }
  return `code=${exit.kind}, status=${exit.signal}/${signalName(exit.signal)}`
}

/** Whether `set` names this ending (SuccessExitStatus=, RestartPreventExitStatus=, RestartForceExitStatus=). */
export function inStatusSet(set: ExitStatusSet, exit: ProcessExit | null): boolean {
  if (exit === null || exit.kind === 'unknown') return false
  return exit.kind === 'exited'
    ? set.statuses.includes(exit.status)
    : set.signals.includes(exit.signal)
}

/**
 * The result that an ending stands for. The signals that daemons are ended by are clean for a `daemon`, not for a command
 * that should have run to its end (systemd.service(5), SuccessExitStatus=). A status that nobody could collect is no
 * failure: nothing is known against it.
 */
export function exitResult(
  exit: ProcessExit,
  kind: 'daemon' | 'command',
  success: ExitStatusSet,
): ServiceResult {
  if (exit.kind === 'unknown' || inStatusSet(success, exit)) return 'success'
  if (exit.kind === 'exited') return exit.status === 0 ? 'success' : 'exit-code'
  if (exit.kind === 'dumped') return 'core-dump'
  return kind === 'daemon' && CLEAN_SIGNALS.includes(exit.signal) ? 'success' : 'signal'
}

const CLEAN_SIGNALS: readonly number[] = [SIGHUP, SIGINT, SIGTERM, SIGPIPE]
