// A child's failure between fork and exec, in words: what was asked for, why it cannot be had, and the mend.
import { existsSync } from 'node:fs'
import { EXIT, forkFailure, inWords, type SpawnFailure } from './failure.ts'

/** What the step was for. */
export type SpawnContext = { path: string; cwd: string | null; user: string | null }

/** Steps by systemd's names for them (systemd.exec(5), PROCESS EXIT CODES): the settings that they carry out. */
const SETTINGS: Readonly<Record<string, string>> = {
  NICE: 'Nice=',
  LIMITS: 'the limits of the unit (Limit…=)',
  OOM_ADJUST: 'OOMScoreAdjust=',
  COREDUMP_FILTER: 'CoredumpFilter=',
  SETSCHEDULER: 'CPUSchedulingPolicy=',
  CPUAFFINITY: 'CPUAffinity=',
  NUMA_POLICY: 'NUMAPolicy= with NUMAMask=',
  IOPRIO: 'IOSchedulingClass=',
  TIMERSLACK: 'TimerSlackNSec=',
  PERSONALITY: 'Personality=',
  KEYRING: 'KeyringMode=',
  APPARMOR: 'AppArmorProfile=',
  CAPABILITIES: 'CapabilityBoundingSet= or AmbientCapabilities=',
  SECUREBITS: 'SecureBits=',
  NO_NEW_PRIVILEGES: 'NoNewPrivileges=',
  CGROUP: "the unit's cgroup",
}

/** Why the kernel refuses these, where its errno says little. */
const REASONS: Readonly<Record<string, string>> = {
  'CPUAFFINITY EINVAL': 'none of its CPUs is there, or may be used by this container; name others',
  'APPARMOR ENOENT':
    'no such profile is loaded; load it with apparmor_parser before, or write - before its name',
  'NUMA_POLICY EINVAL': 'the policy wants nodes that are there; set NUMAMask= to some of them',
  'STDIN EPERM':
    'the terminal belongs to another session; stop that, or take it with StandardInput=tty-force',
}

/** The failure with its sentence. */
export function inSentence(
  { step, exitStatus, errno }: Omit<SpawnFailure, 'message'>,
  context: SpawnContext,
): SpawnFailure {
  return { step, exitStatus, errno, message: sentence(step, exitStatus, errno, context) }
}

function sentence(
  step: string,
  exitStatus: number,
  errno: string,
  { path, cwd, user }: SpawnContext,
): string {
  if (step === 'FORK') return forkFailure(errno).message
  const why = REASONS[`${step} ${errno}`] ?? inWords(errno)
  switch (exitStatus) {
    case EXIT.exec:
      return errno === 'ENOENT' && existsSync(path)
        ? `cannot run ${path}: the interpreter or loader that it names is missing`
        : `cannot run ${path}: ${why}`
    case EXIT.chdir:
      return `cannot change to WorkingDirectory=${cwd}: ${why}; make the directory or write WorkingDirectory=-${cwd}`
    case EXIT.user:
      return `cannot become User=${user}: ${why}`
    case EXIT.group:
      return `cannot change the groups to those of the unit: ${why}`
    case EXIT.seccomp:
      return `cannot filter the system calls of the unit: ${why}`
    case EXIT.chroot:
      return `cannot change to RootDirectory=: ${why}`
    case EXIT.stdin:
      return `cannot set up StandardInput=: ${why}`
    default: {
      const setting = SETTINGS[step]
      return setting === undefined
        ? `cannot prepare ${path} (${step}): ${why}`
        : `cannot set ${setting} for ${path}: ${why}`
    }
  }
}

/** A bare name that no directory of the search path has. */
export const notFound = (name: string): SpawnFailure => ({
  step: 'EXEC',
  exitStatus: EXIT.exec,
  errno: 'ENOENT',
  message: `cannot find ${name} in the search path: install it, write its full path or set ExecSearchPath=`,
})
