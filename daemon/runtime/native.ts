// The addon's typed face: the only file that loads it. What each call does is told in native/*.c.
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SocketAddress } from '../units/unit.ts'

/** One operation of the child between vfork and execve: a raw system call. `step` names it in a failure.
 * An argument is a number, a string or buffer (passed by address; a buffer may be written to, it is the child's own
 * copy), or `{ result: n }`: what the n-th call of `before` and then `after` returned, counted from 0; a negative n
 * counts back from the call itself: -1 is the one before it.
 * Descriptors are the child's: those of `fds` by their new numbers, and what an earlier call opened. */
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

/** What a child sees and reaches; each part is done before the user is changed. */
export type SandboxRequest = {
  /** Descriptors of namespaces that it enters, in this order, before anything else. */
  namespaces: readonly { fd: number; step: string; exitStatus: number }[]
  /** CLONE_NEW… of those it gets for itself, but the mount namespace; 0: none. */
  unshare: number
  /** It is the first process of a PID namespace of its own. */
  newPids?: boolean
  /** A mount namespace of its own; null: the daemon's. */
  mounts: {
    /** An empty directory where the tree is put together. */
    stage: string
    /** By encodeOperations(). */
    operations: Uint8Array
    /** What of MS_SHARED and MS_PRIVATE the mounts are at last; 0: they get what the host mounts, and no more. */
    propagation: number
  } | null
  /** Descriptor of a user namespace that it enters last, or -1. */
  userNamespace: number
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
  /** cgroup v2 directory descriptor to start in (clone3's CLONE_INTO_CGROUP), or -1. It must not be frozen: the daemon
   * waits for the execve. */
  cgroupFd: number
  sandbox?: SandboxRequest | null
  /** Names of variables that the child finds set to its own pid: LISTEN_PID, WATCHDOG_PID, SYSTEMD_EXEC_PID. */
  pidVariables: readonly string[]
  /** Calls before (as root) and after the change of user, in order. */
  before: readonly ChildCall[]
  after: readonly ChildCall[]
  /** A filter of system calls, an array of struct sock_filter, put in force right before the execve; null for none. The
   * child may need NoNewPrivileges for it. */
  filter: Uint8Array | null
  /** Whether a pidfd is wanted. A child's pid is its own until `reap`, so that most callers can do without. */
  pidfd?: boolean
}

/** A system call of a child that only tries what is allowed; `ignore` as for `ChildCall`. */
export type Attempt = Pick<ChildCall, 'call' | 'args' | 'ignore'>

/** `pidfd` is -1 unless it was asked for. `message` is strerror's text. `operation`: the place of that which failed among
 * the sandbox's, or -1. */
export type SpawnOutcome =
  | { pid: number; pidfd: number }
  | { step: string; exitStatus: number; errno: string; message: string; operation?: number }

export type WaitedExit =
  | { pid: number; kind: 'exited'; status: number }
  | { pid: number; kind: 'killed' | 'dumped'; signal: number }

/** `maxRssBytes` is never below what the daemon itself had when it started the process: the kernel counts the memory that was
 * borrowed until the execve. */
export type ResourceUsage = { userUsec: number; systemUsec: number; maxRssBytes: number }

export type Passwd = { name: string; uid: number; gid: number; home: string; shell: string }
export type Group = { name: string; gid: number }
export type PeerCredentials = { pid: number; uid: number; gid: number; groups: readonly number[] }
export type PeekedMessage = { pid: number; uid: number; bytes: Buffer; fds: readonly number[] }
export type NotifyDatagram = {
  pid: number
  uid: number
  gid: number
  text: string
  fds: readonly number[]
  /** How many images have died while they had it in hand. */
  deaths: number
}

/** A socket's own address or its peer's; `path` is empty for a unix socket without a name. */
export type PeerAddress =
  | { family: 'unix'; path: string }
  | { family: 'inet' | 'inet6'; address: string; port: number }
  | { family: 'vsock'; cid: number; port: number }
  | { family: 'other' }
export type AcceptedConnection = { fd: number; local: PeerAddress; remote: PeerAddress }

export interface Poller {
  /** Throws for what cannot be polled (a regular file: EPERM). `onlyEnd`: told when it is hung up or broken alone. */
  add(fd: number, key: number, onlyEnd?: boolean): void
  /** A descriptor is removed before it is closed. */
  remove(fd: number): void
  close(): void
}

/** Where the services' pipes are read into; it outlives the image (capture.c). */
export interface CaptureMemory {
  /** Not close-on-exec. */
  readonly fd: number
  readonly header: ArrayBuffer
  readonly buffer: ArrayBuffer
  /** Reads a pipe into the buffer, up to 64 KiB; `key` is noted with it. 0: its end; -1: there is nothing now. */
  read(fd: number, key: number): number
}

/** Records that outlive the image (ledger.c). */
export interface Ledger {
  /** Not close-on-exec. */
  readonly fd: number
  /** Of what is in the records, as it was given when the ledger was made. */
  readonly version: number
  /** 4 KiB that are as lasting as the records, all zero at first. */
  readonly slots: ArrayBuffer
  /** Adds a record, not empty, whole or not at all. Throws ENOSPC when there is no room. */
  append(text: string): void
  /** `append` for a long one that is seldom written: it takes more time, and less room. */
  pack(text: string): void
  /** What the records take up. */
  bytes(): number
  /** Every whole record, the oldest first. */
  read(): string[]
  /** Whether records that were whole once cannot be read any more: those before them alone would be an older state. */
  isDamaged(): boolean
  /** From here on `append` writes a new account, and the old one counts until `flip` puts the new one in its place. */
  begin(): void
  flip(): void
  /** Says what is being done, in place of the last note; what is beyond 4 KiB is cut off. */
  note(text: string): void
  readNote(): string
}

export interface Inotify {
  /** Watches `path` for the events of `mask` (inotify(7)); a path that is watched already gets the new mask. The number of
   * the watch, or an errno name. */
  add(path: string, mask: number): number | string
  close(): void
}

export interface NotifySocket {
  /** It is closed by `close` alone. */
  fd: number
  close(): void
}

export interface Native {
  spawn(request: SpawnRequest): SpawnOutcome
  /** Makes the calls in a child that then ends: namespaces, credentials, filters and limits are its own, and gone with it.
   * Null when all could be made; else the place of the first that could not, and an errno name. The child has copies of
   * our descriptors. Throws when there can be no child. Main thread only. */
  attempt(calls: readonly Attempt[]): { index: number; errno: string } | null
  /** The descriptor of a new namespace, its loopback up, owned by the user namespace of that descriptor (-1: ours). Throws
   * an errno error. */
  makeNamespace(kind: 'net' | 'ipc', userNamespace: number): number
  /** The descriptor of a new user namespace with these maps (user_namespaces(7)). Without `allowGroups` setgroups(2) is
   * denied in it, which an ordinary user has to. Throws an errno error. */
  makeUserNamespace(uidMap: string, gidMap: string, allowGroups: boolean): number
  /** Removes a directory with all that is in it, off the main thread. An errno name when something is left. */
  removeTree(path: string): Promise<string | null>
  /** Which pids `peekExit` reports, beside those that `spawn` has started; every other child that ends is reaped at once
   * and only counted. True: it is a child, running or not reaped yet. */
  track(pid: number): boolean
  untrack(pid: number): void
  /** The next tracked child that has ended, left waitable (WNOWAIT), or null. It must be reaped before the next call,
   * which throws otherwise: the kernel would show it first for ever. Untracked ones are reaped on the way;
   * `reapedUntracked` counts them since the last call. */
  peekExit(): WaitedExit | null
  reapedUntracked(): number
  /** Whether the end of untracked children calls back too (`onChild`), as it does until this is called. Otherwise a
   * handler reaps them, which spares the loop a turn for each orphan. */
  awaitStrangers(awaited: boolean): void
  /** Takes the ended child's status from the kernel for good; call it once its exit is on record. */
  reap(pid: number): ResourceUsage | null
  /** Calls back when SIGCHLD came (signals that came together are one call), and once soon for the children that ended
   * before. Keeps the loop alive until null is given. */
  onChild(callback: (() => void) | null): void
  /** Calls back with the number of each of these signals that comes, one call for those of a number that came together.
   * Replaces an earlier list (no signals: stop); keeps the loop alive. Main thread only. */
  onSignals(signals: readonly number[], callback: (signal: number) => void): void
  /** One epoll set behind one handle of the loop, so that a watched descriptor costs no object: `callback` gets the
   * keys (0 to 2^31-1) of those that are readable or hung up, level-triggered, until they are removed. Works in worker
   * threads as well. */
  createPoller(callback: (keys: readonly number[]) => void): Poller
  /** `callback` gets [watch, mask, watch, mask, …]. Throws when there is no instance left. */
  createInotify(callback: (events: readonly number[]) => void): Inotify
  /** -1 when there is no such process. */
  pidfdOpen(pid: number): number
  /** Calls back once when the process behind the pidfd ends, however soon the descriptor is closed. Does not keep the
   * loop alive. */
  onPidfd(pidfd: number, callback: () => void): void
  /** An errno name, or null when sent. */
  pidfdSignal(pidfd: number, signal: number): string | null
  /** kill(2), negative pids too. An errno name, or null when sent. */
  kill(pid: number, signal: number): string | null
  setSubreaper(): void
  /** Pids of this process's direct children, zombies too. */
  children(): Int32Array
  /** Not close-on-exec; the read end does not block. */
  pipe(): { read: number; write: number }
  /** Of the file that is open there; 0: none is. */
  inode(fd: number): number
  /** How many bytes can be read from a pipe now. */
  bytesIn(fd: number): number
  /** Writes `bytes[from, to)` as far as the reader takes them at once, whether or not the descriptor blocks; how many that
   * were. Throws EPIPE and the like. */
  writeNow(fd: number, bytes: Uint8Array, from: number, to: number): number
  close(fd: number): void
  cloexec(fd: number, on: boolean): void
  memfd(name: string): number
  /** Binds a datagram socket (sd_notify(3)) at `path`, in place of a stale one, or goes on with one that an earlier
   * image bound. The callback owns the datagram's descriptors; when it returns the datagram is taken from the socket, in which
   * another image would find it till then. Those without credentials or over 64 KiB are dropped. */
  notifySocket(
    pathOrFd: string | number,
    callback: (datagram: NotifyDatagram) => void,
  ): NotifySocket
  peerCredentials(fd: number): PeerCredentials
  /** Close-on-exec and non-blocking. `protocol` is SocketProtocol= ('' for the usual one) or netlink's number; `namespaces`:
   * descriptors of those in which it is made. */
  socket(
    family: SocketAddress['family'] | 'netlink',
    type: 'stream' | 'datagram' | 'sequential-packet' | 'raw',
    protocol: string | number,
    namespaces?: readonly number[],
  ): number
  /** Sets an option by its C name (the list is in sockets.c); an errno name, or null. */
  socketOption(fd: number, name: string, value: number | string): string | null
  /** `mode`: of the node that comes into the file system. An errno name, or null; so below. */
  bindSocket(
    fd: number,
    address: SocketAddress | { family: 'netlink'; group: number },
    mode: number,
  ): string | null
  listen(fd: number, backlog: number): string | null
  /** An errno name when there is none to take (EAGAIN) or it could not be taken. */
  acceptConnection(fd: number): AcceptedConnection | string
  /** Throws away what has come in: connections, datagrams, bytes. */
  flushDescriptor(fd: number): void
  makeFifo(path: string, mode: number): string | null
  setPipeSize(fd: number, bytes: number): string | null
  /** Opens a POSIX message queue for reading, made if it is not there. */
  messageQueue(name: string, mode: number, maxMessages: number, messageSize: number): number
  unlinkMessageQueue(name: string): string | null
  /** A descriptor connected to the Unix socket at the path, whatever its type; `from`: the abstract name, `@` and what follows, that
   * it comes from. Throws an errno error; waits for nobody. */
  connectUnix(path: string, from?: string): number
  socketKind(fd: number): 'stream' | 'datagram' | 'other'
  /** What is next at a datagram socket, or what a stream holds, which stays there; null: nothing. The descriptors are the
   * caller's to close. Of more than 16 MiB the rest is cut off. `pid` 0: nobody in our PID namespace, or a stream. At the end
   * of a stream `bytes` is empty. */
  peekSocket(fd: number): PeekedMessage | null
  /** Takes that away: a datagram (0), or so many bytes of a stream. */
  takeSocket(fd: number, bytes: number): void
  /** For the open file: whoever shares it is concerned. */
  setNonblock(fd: number, on: boolean): string | null
  /** Whether both are descriptors of one open file. */
  isSameFile(a: number, b: number): boolean
  /** Through NSS; root is known without. Null: no such user. */
  user(nameOrUid: string): Passwd | null
  group(nameOrGid: string): Group | null
  /** All groups of a user, `gid` among them (getgrouplist(3)). */
  groupsOf(user: string, gid: number): number[]
  isTerminal(fd: number): boolean
  /** Hangs the terminal up, resets it, sets its size (0: as it is), gives it back; an errno name if it cannot be opened. */
  prepareTerminal(
    path: string,
    hangUp: boolean,
    reset: boolean,
    rows: number,
    columns: number,
    disallocate: boolean,
  ): string | null
  /** Puts a program (an array of struct bpf_insn; null: none) in the place of what is attached to the cgroup itself; those of the
   * cgroups above count all the same. `isNew`: nothing is. An errno name, or null. */
  cgroupProgram(
    cgroupFd: number,
    kind: 'device' | 'ingress' | 'egress' | 'bind4' | 'bind6',
    code: Uint8Array | null,
    isNew: boolean,
  ): string | null
  /** Removes a System V IPC object. */
  removeIpc(kind: 'shm' | 'sem' | 'msg', id: number): string | null
  /** 128 random bits as 32 hexadecimal digits (getrandom(2)). */
  randomId(): string
  /** CLOCK_MONOTONIC in microseconds. */
  monotonicUsec(): number
  /** Calls back when CLOCK_REALTIME was set, or jumped over a sleep of the machine, until null is given. Main thread only. */
  onClockSet(callback: (() => void) | null): void
  /** Calls back when something was mounted or unmounted, until null is given. Main thread only. */
  onMountsChanged(callback: (() => void) | null): void
  reboot(how: 'reboot' | 'poweroff' | 'halt'): string | null
  mount(source: string, target: string, type: string, flags: number, data: string): string | null
  umount(target: string, flags: number): string | null
  /** Brings a network interface up: an errno name, or null. The kernel gives loopback its addresses. */
  linkUp(name: string): string | null
  /** Sets RLIMIT_NOFILE, or the nearest that is allowed; gives what holds now. */
  setNofile(soft: number, hard: number): { soft: number; hard: number }
  getRlimit(resource: number): { soft: number; hard: number }
  /** A new ledger, or the one behind a descriptor that an earlier image has left; null: that is none. */
  ledger(name: string, version: number): Ledger
  ledger(fd: number): Ledger | null
  /** New memory, or that behind a descriptor that an earlier image or thread has left. */
  captureMemory(fd: number | null): CaptureMemory
  /** Puts `head` and the next lines of `input[FROM, TO)` with their newlines into `output` from AT on, as long as there is a
   * newline within MOST bytes and room for the line. Gives their number; FROM and AT are behind them. See logs/frame.ts. */
  frameLines(place: Int32Array, input: Uint8Array, head: Uint8Array, output: Uint8Array): number
  /** The sealed memfd that our own bundle is mapped from; -1: it was read (native/source.c). */
  sourceFd(): number
  /** malloc_trim(3), and what of our own text was looked at. */
  trim(): void
  /** Replaces the process image, keeping the pid and what is not close-on-exec, standard streams too; returns an errno name
   * only if it failed. Signals that come meanwhile wait for the next image. */
  become(path: string, argv: readonly string[], env: readonly string[]): string
  /** From here on a fatal signal, in whichever thread, an exit that was not announced and `die` execute the file behind `fd` in
   * this image's place. */
  guard(fd: number, argv: readonly string[], env: readonly string[]): void
  /** Leaves this image as in a crash; `cause` is below 0 (see image.ts). Throws when nothing is guarded. */
  die(cause: number): never
  /** The slots of the ledger in which the addon leaves what the next image has to know (image.c). */
  shareSlots(slots: ArrayBuffer): void
  /** From here on a main loop that does not turn for so many seconds, though it has the processor or waits for nothing but a
   * system call, is as a crash (hang.c). Once, in the main thread. Throws EAGAIN when there is no thread to be had. */
  watchLoop(seconds: number): void
  /** Announces that the process is to exit. */
  leaving(): void
}

let loaded: Native | undefined

/** The directory of what was built: where the bundle is, or dist/ beside the sources. */
function distDirectory(): string {
  const self = fileURLToPath(import.meta.url)
  return basename(self) === 'native.ts' ? join(dirname(self), '../../dist') : dirname(self)
}

/** That of an image that was executed by descriptors of its files (image.ts). */
function inheritedAddon(): string | null {
  const { image } = JSON.parse(process.env.HEARTH_IMAGE ?? '{}') as { image?: { addon: number } }
  return image ? `/proc/self/fd/${image.addon}` : null
}

/** Puts another in the addon's place, for tests (crash-at.ts). */
export function replaceNative(by: Native): void {
  loaded = by
}

/** The addon, loaded once, by dist/start.cjs already where that has started us. Throws if it has not been built. */
export function native(): Native {
  if (loaded) return loaded
  const started = Reflect.get(process, Symbol.for('hearth.addon')) as Native | undefined
  loaded = process.env.HEARTH_ADDON === undefined ? (started ?? load()) : load()
  return loaded
}

function load(): Native {
  const addon: { exports: unknown } = { exports: {} }
  process.dlopen(
    addon,
    process.env.HEARTH_ADDON ?? inheritedAddon() ?? join(distDirectory(), 'hearth.node'),
  )
  return addon.exports as Native
}

/** Collects what is garbage in this thread and gives unused memory back to the kernel. It takes some 50 ms: for once, when
 * booting is over and all is quiet. After the boot of a thousand services it is two thirds of all. */
export function releaseMemory(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  native().trim()
}
