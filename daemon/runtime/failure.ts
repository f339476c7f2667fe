// Why a command could not be started: systemd's exit status for the step, and a sentence.
import { err, type Result } from 'neverthrow'

/** What its own child process would have ended with (systemd.exec(5), PROCESS EXIT CODES). */
export const EXIT = {
  chdir: 200,
  nice: 201,
  fds: 202,
  exec: 203,
  limits: 205,
  oomAdjust: 206,
  stdin: 208,
  stdout: 209,
  chroot: 210,
  ioprio: 211,
  timerSlack: 212,
  secureBits: 213,
  setScheduler: 214,
  cpuAffinity: 215,
  group: 216,
  user: 217,
  capabilities: 218,
  stderr: 222,
  network: 225,
  namespace: 226,
  noNewPrivileges: 227,
  seccomp: 228,
  personality: 230,
  appArmor: 231,
  runtimeDirectory: 233,
  keyring: 237,
  stateDirectory: 238,
  cacheDirectory: 239,
  logsDirectory: 240,
  configurationDirectory: 241,
  numaPolicy: 242,
  credentials: 243,
} as const

/** `exitStatus` 0: nothing was to be started yet (an environment file is missing, no process can be made); systemd has
 * no status for that, the service's result is `resources`. */
export type SpawnFailure = {
  step: string
  exitStatus: number
  errno: string
  message: string
  /** To try again would be in vain: Restart= does not count. */
  isFinal?: true
}

export const NO_PROCESS = 0

/** Something could not be found out, as that takes a process and there is none to be had now. */
export class Shortage extends Error {
  readonly errno: string
  constructor(errno: string) {
    super(forkFailure(errno).message)
    this.errno = errno
  }
}

export const forkFailure = (errno: string): SpawnFailure => ({
  step: 'FORK',
  exitStatus: NO_PROCESS,
  errno,
  message: `cannot start a process: ${inWords(errno)}`,
})

/** What comes of `act`, which may have to try first what the machine allows: that takes a process as well. */
export function orShortage<T>(act: () => Result<T, SpawnFailure>): Result<T, SpawnFailure> {
  try {
    return act()
  } catch (error) {
    if (error instanceof Shortage) return err(forkFailure(error.errno))
    throw error
  }
}

/** The errno name of what a Node call has thrown; anything else is a defect and goes on its way. */
export function errnoOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  if (typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) throw error
  return code
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBUSY: 'it is in use',
  EEXIST: 'it exists already',
  EINVAL: 'the kernel refuses the value',
  EISDIR: 'it is a directory',
  ELOOP: 'too many symbolic links, or one where none is followed',
  EMFILE: 'the daemon has no file descriptor left',
  ENFILE: 'the system has no file descriptor left',
  ENOENT: 'no such file or directory',
  ENOEXEC:
    'it is no program that the kernel can run (a script needs a first line such as #!/bin/sh)',
  ENOMEM: 'there is no memory left',
  ENOSPC: 'no space is left on the device',
  ENOTDIR: 'a part of the path is no directory',
  ENXIO: 'no such device, or nobody has the other end open',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  EAGAIN: 'the limit of processes is reached',
  ETXTBSY: 'it is being written to',
}

/** An errno for people; one without words here keeps its name. */
export const inWords = (errno: string) => WORDS[errno] ?? errno
