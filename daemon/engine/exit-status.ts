// How a process ended: the words for it, and whether that was clean.
import type { ExitStatusSet } from '../units/unit.ts'
import type { ProcessExit } from './event.ts'
import type { ServiceResult } from './state.ts'

export const SIGHUP = 1
export const SIGINT = 2
export const SIGKILL = 9
export const SIGPIPE = 13
export const SIGTERM = 15

// Linux on x86 and arm, numbered from 1.
const SIGNALS =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'.split(
    ' ',
  )
const SIGRTMIN = 34
const SIGRTMAX = 64

// As `systemd-analyze exit-status` tells them: libc, LSB, BSD and systemd's own.
const STATUS_NAMES: ReadonlyMap<number, string> = new Map([
  ...numbered(0, 'SUCCESS FAILURE INVALIDARGUMENT NOTIMPLEMENTED NOPERMISSION NOTINSTALLED'),
  ...numbered(6, 'NOTCONFIGURED NOTRUNNING'),
  ...numbered(64, 'USAGE DATAERR NOINPUT NOUSER NOHOST UNAVAILABLE SOFTWARE OSERR OSFILE'),
  ...numbered(73, 'CANTCREAT IOERR TEMPFAIL PROTOCOL NOPERM CONFIG'),
  ...numbered(200, 'CHDIR NICE FDS EXEC MEMORY LIMITS OOM_ADJUST SIGNAL_MASK STDIN STDOUT'),
  ...numbered(210, 'CHROOT IOPRIO TIMERSLACK SECUREBITS SETSCHEDULER CPUAFFINITY GROUP USER'),
  ...numbered(218, 'CAPABILITIES CGROUP SETSID CONFIRM STDERR'),
  ...numbered(224, 'PAM NETWORK NAMESPACE NO_NEW_PRIVILEGES SECCOMP SELINUX_CONTEXT PERSONALITY'),
  ...numbered(231, 'APPARMOR ADDRESS_FAMILIES RUNTIME_DIRECTORY'),
  ...numbered(235, 'CHOWN SMACK_PROCESS_LABEL KEYRING STATE_DIRECTORY CACHE_DIRECTORY'),
  ...numbered(240, 'LOGS_DIRECTORY CONFIGURATION_DIRECTORY NUMA_POLICY CREDENTIALS BPF'),
  [255, 'EXCEPTION'],
])

function numbered(from: number, names: string): [number, string][] {
  return names.split(' ').map((name, i) => [from + i, name])
}

/** `TERM`, `RTMIN+3`; a number that is no signal's is given as it is. */
export function signalName(signal: number): string {
  if (signal >= SIGRTMIN && signal <= SIGRTMAX) {
    return signal === SIGRTMIN ? 'RTMIN' : `RTMIN+${signal - SIGRTMIN}`
  }
  return SIGNALS[signal - 1] ?? `${signal}`
}

/** `EXEC` for 203; null for a status without a name (systemd.exec(5), PROCESS EXIT CODES). */
export const statusName = (status: number): string | null => STATUS_NAMES.get(status) ?? null

/** `code=exited, status=1/FAILURE`, as systemd logs it and `systemctl status` shows it. */
export function describeExit(exit: ProcessExit): string {
  if (exit.kind === 'unknown') return 'code=unknown, status=n/a'
  if (exit.kind === 'exited') {
    return `code=exited, status=${exit.status}/${statusName(exit.status) ?? 'n/a'}`
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
