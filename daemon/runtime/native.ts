// The addon's typed face: the only file that loads it. What each call does is told in native/*.c.
import { createRequire } from 'node:module'

/** One operation of the child between vfork and execve: a raw system call. `step` names it in a failure.
 * An argument is a number, a string or buffer (passed by address), or the result of an earlier call. */
export type ChildCall = {
  /** Name of the system call without `SYS_`, e.g. `mount`. */
  call: string
  args: readonly (number | bigint | string | Uint8Array | { result: number })[]
  step: string
  /** The status with which systemd's child would have ended: EXIT_CHDIR 200 … (systemd.exec(5), PROCESS EXIT CODES). */
  exitStatus: number
  /** Errno names that do not count as a failure, e.g. `['ENOENT']`, or `'all'`. */
  ignore?: readonly string[] | 'all'
}

export type SpawnRequest = {
  path: string
  argv: readonly string[]
  /** `NAME=value`. */
  env: readonly string[]
  /** The child's descriptor i is fds[i]; -1 is /dev/null. All others are closed. */
  fds: readonly number[]
  cwd: string | null
  cwdMissingOk: boolean
  uid: number | null
  gid: number | null
  groups: readonly number[] | null
  umask: number
  /** [resource number, soft, hard]; Infinity for none. A hard limit that may not be raised gives the nearest. */
  rlimits: readonly (readonly [number, number, number])[]
  nice: number | null
  oomScoreAdjust: number | null
  ignoreSigpipe: boolean
  /** Make this descriptor (0) the controlling terminal. */
  controllingTty: boolean
  /** cgroup v2 directory descriptor to start in (clone3's CLONE_INTO_CGROUP), or -1. */
  cgroupFd: number
  /** Set LISTEN_PID=<pid of the child> in its environment. */
  listenPid: boolean
  /** Calls before (as root) and after the change of user, in order. */
  before: readonly ChildCall[]
  after: readonly ChildCall[]
}

export type SpawnOutcome =
  | { pid: number; pidfd: number }
  | { step: string; exitStatus: number; errno: string; message: string }

export type WaitedExit =
  | { pid: number; kind: 'exited'; status: number }
  | { pid: number; kind: 'killed' | 'dumped'; signal: number }

export type ResourceUsage = { userUsec: number; systemUsec: number; maxRssBytes: number }

export type Passwd = { name: string; uid: number; gid: number; home: string; shell: string }
export type Group = { name: string; gid: number }
export type PeerCredentials = { pid: number; uid: number; gid: number; groups: readonly number[] }
export type NotifyDatagram = {
  pid: number
  uid: number
  gid: number
  text: string
  fds: readonly number[]
}

export interface Poller {
  add(fd: number, key: number): void
  /** A descriptor is removed before it is closed. */
  remove(fd: number): void
  close(): void
}

export interface Native {
  spawn(request: SpawnRequest): SpawnOutcome
  /** Which pids `peekExit` reports; every other child that ends is reaped at once and only counted. */
  track(pid: number): void
  untrack(pid: number): void
  /** The next tracked child that has ended, left waitable (WNOWAIT), or null. Untracked ones are reaped on the way;
   * `reapedUntracked` counts them since the last call. */
  peekExit(): WaitedExit | null
  reapedUntracked(): number
  /** Takes the ended child's status from the kernel for good; call it once its exit is on record. */
  reap(pid: number): ResourceUsage | null
  /** Calls back when SIGCHLD came (signals that came together are one call). */
  onChild(callback: () => void): void
  /** Blocks the signals for the threads of the process and calls back with the number of each that comes. */
  onSignals(signals: readonly number[], callback: (signal: number) => void): void
  /** One epoll set behind one handle of the loop, so that a watched descriptor costs no object: `callback` gets the
   * keys (0 to 2^31-1) of those that are readable or hung up, level-triggered, until they are removed. Works in worker
   * threads as well. */
  createPoller(callback: (keys: readonly number[]) => void): Poller
  pidfdOpen(pid: number): number
  /** Calls back once when the process behind the pidfd ends. */
  onPidfd(pidfd: number, callback: () => void): void
  /** An errno name, or null when sent. */
  pidfdSignal(pidfd: number, signal: number): string | null
  kill(pid: number, signal: number): string | null
  setSubreaper(): void
  /** Pids of this process's direct children, zombies too. */
  children(): Int32Array
  pipe(): { read: number; write: number }
  close(fd: number): void
  cloexec(fd: number, on: boolean): void
  memfd(name: string): number
  notifySocket(path: string, callback: (datagram: NotifyDatagram) => void): number
  peerCredentials(fd: number): PeerCredentials
  user(nameOrUid: string): Passwd | null
  group(nameOrGid: string): Group | null
  groupsOf(user: string, gid: number): number[]
  /** CLOCK_MONOTONIC in microseconds. */
  monotonicUsec(): number
  reboot(how: 'reboot' | 'poweroff' | 'halt'): string | null
  mount(source: string, target: string, type: string, flags: number, data: string): string | null
  setNofile(soft: number, hard: number): { soft: number; hard: number }
  getRlimit(resource: number): { soft: number; hard: number }
  /** Replaces the process image, keeping the pid; returns an errno name only if it failed. */
  exec(
    path: string,
    argv: readonly string[],
    env: readonly string[],
    keepFds: readonly number[],
  ): string
}

let loaded: Native | undefined

/** The addon, loaded once from beside the bundle or, in tests, from dist/. Throws if it has not been built. */
export function native(): Native {
  loaded ??= createRequire(import.meta.url)(
    process.env.HEARTH_ADDON ?? new URL('../../dist/hearth.node', import.meta.url).pathname,
  ) as Native
  return loaded
}
