// The sockets that other loggers have, served when asked for: /dev/log and journald's. Here they are opened and kept, and the
// streams of journald's stdout socket taken; what comes in is read by the log worker.
import { lstatSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf, inWords } from '../runtime/failure.ts'
import type { KeptPart } from '../runtime/keep.ts'
import { makeDirectory } from '../runtime/make-directory.ts'
import { readMarker } from '../runtime/marker.ts'
import type { Native, Poller } from '../runtime/native.ts'
import type { Logs, RunLog, SenderOf } from './logs.ts'
import { parseStreamHead } from './stream-head.ts'

export const LOG_SOCKETS = {
  syslog: { path: '/dev/log', type: 'datagram' },
  journal: { path: '/run/systemd/journal/socket', type: 'datagram' },
  stdout: { path: '/run/systemd/journal/stdout', type: 'stream' },
} as const
export type LogSocketKind = keyof typeof LOG_SOCKETS

export type LogSocketParts = {
  native: Pick<
    Native,
    | 'acceptConnection'
    | 'bindSocket'
    | 'close'
    | 'cloexec'
    | 'connectUnix'
    | 'createPoller'
    | 'listen'
    | 'peekSocket'
    | 'peerCredentials'
    | 'socket'
    | 'socketOption'
    | 'takeSocket'
  >
  logs: Pick<Logs, 'listen' | 'connection'>
  kept: KeptPart
  sender: SenderOf
  warn: (message: string) => void
  /** Where they are; for tests, other places. */
  paths?: Readonly<Record<LogSocketKind, string>>
}

const MODE = 0o666
const RECEIVE_BUFFER = 8 * 1024 * 1024
const BACKLOG = 4096
/** Streams whose head has not come yet. */
const MOST_PENDING = 128
const PENDING = 'pending '
/** So many connections are taken before others have their turn. */
const BATCH = 64
const PATHS = Object.fromEntries(
  Object.entries(LOG_SOCKETS).map(([kind, { path }]) => [kind, path]),
) as Record<LogSocketKind, string>

/** A stream whose head is being read: as far as it has come. */
type Pending = { run: RunLog; head: string }

/** Opens those that are wanted, or goes on with those of an earlier image. A path that another serves is left alone. Gives the
 * end of it, which removes what was made. */
export function openLogSockets(
  wanted: readonly LogSocketKind[],
  parts: LogSocketParts,
): { close(): void } {
  const { native, logs, kept, sender, warn } = parts
  const paths = parts.paths ?? PATHS
  const pending = new Map<number, Pending>()
  let poller: Poller | null = null
  let listener: number | null = null

  const open = (kind: LogSocketKind): number | null => {
    const path = paths[kind]
    const before = kept.entries.get(kind)?.fds[0]
    if (before !== undefined) return before
    const why = whyTaken(path, native)
    if (why !== null) {
      warn(`cannot take logs at ${path}: ${why}; it is left alone`)
      return null
    }
    const fd = native.socket('unix', LOG_SOCKETS[kind].type, '')
    try {
      makeDirectory(dirname(path), 0o755)
      rmSync(path, { force: true })
      const failed =
        native.bindSocket(fd, { family: 'unix', path }, MODE) ??
        (LOG_SOCKETS[kind].type === 'stream' ? native.listen(fd, BACKLOG) : listenTo(fd))
      if (failed !== null) throw Object.assign(new Error(failed), { code: failed })
    } catch (error) {
      native.close(fd)
      const errno = errnoOf(error)
      const isDenied = errno === 'EACCES' || errno === 'EPERM'
      const mend = isDenied ? '; hearth has to run as root for it' : ''
      warn(`cannot take logs at ${path}: ${inWords(errno)}${mend}`)
      return null
    }
    kept.put(kind, lstatSync(path).ino, [fd])
    return fd
  }

  const listenTo = (fd: number): string | null => {
    if (native.socketOption(fd, 'SO_RCVBUFFORCE', RECEIVE_BUFFER) !== null)
      native.socketOption(fd, 'SO_RCVBUF', RECEIVE_BUFFER)
    return native.socketOption(fd, 'SO_PASSCRED', 1)
  }

  const watch = (fd: number, of: Pending) => {
    kept.put(`${PENDING}${fd}`, of, [fd])
    pending.set(fd, of)
    poller?.add(fd, fd)
  }

  const unwatch = (fd: number) => {
    pending.delete(fd)
    poller?.remove(fd)
  }

  const drop = (fd: number) => {
    unwatch(fd)
    kept.drop(`${PENDING}${fd}`)
    native.close(fd)
  }

  const accept = (from: number) => {
    for (let n = 0; n < BATCH; n++) {
      const taken = native.acceptConnection(from)
      if (typeof taken === 'string') return
      const [oldest] = pending.size < MOST_PENDING ? [] : pending.keys()
      if (oldest !== undefined) drop(oldest)
      const { pid } = native.peerCredentials(taken.fd)
      const run = sender(pid, readMarker(pid))
      watch(taken.fd, { run: { ...run, ...(pid > 0 && { pid }) }, head: '' })
      // It is mostly there by now.
      readHead(taken.fd)
    }
  }

  const readHead = (fd: number) => {
    const of = pending.get(fd)
    const message = of && native.peekSocket(fd)
    if (!message) return
    for (const each of message.fds) native.close(each)
    const before = Buffer.from(of.head, 'latin1')
    const head = parseStreamHead(Buffer.concat([before, message.bytes]))
    if (message.bytes.length === 0 || head === 'bad') return drop(fd)
    if (head === 'more') {
      native.takeSocket(fd, message.bytes.length)
      of.head += message.bytes.toString('latin1')
      kept.put(`${PENDING}${fd}`, of, [fd])
      return
    }
    native.takeSocket(fd, head.length - before.length)
    unwatch(fd)
    const { identifier, priority, levelPrefix } = head
    const run: RunLog = { ...of.run, priority, levelPrefix, ...(identifier && { identifier }) }
    const isTaken = logs.connection(fd, run)
    kept.drop(`${PENDING}${fd}`)
    if (isTaken) {
      // What is kept no longer under that key would be closed by an execve.
      native.cloexec(fd, false)
      return
    }
    native.close(fd)
    warn(`cannot take the output of process ${of.run.pid ?? 0}: too many streams are open`)
  }

  const datagrams: { kind: 'syslog' | 'journal'; fd: number }[] = []
  for (const kind of Object.keys(LOG_SOCKETS) as LogSocketKind[]) {
    if (!wanted.includes(kind)) {
      const fd = kept.entries.get(kind)?.fds[0]
      kept.drop(kind)
      if (fd !== undefined) native.close(fd)
      continue
    }
    const fd = open(kind)
    if (fd === null) continue
    if (kind === 'stdout') listener = fd
    else datagrams.push({ kind, fd })
  }
  if (datagrams.length > 0) logs.listen(datagrams, sender)
  const left = [...kept.entries].filter(([key]) => key.startsWith(PENDING))
  if (listener !== null || left.length > 0) {
    poller = native.createPoller(fds => {
      for (const fd of fds) {
        if (fd === listener) accept(fd)
        else readHead(fd)
      }
    })
    if (listener !== null) poller.add(listener, listener)
  }
  for (const [, { data, fds }] of left)
    for (const fd of fds) {
      pending.set(fd, data as Pending)
      poller?.add(fd, fd)
    }

  return {
    close() {
      poller?.close()
      for (const kind of wanted) {
        // A log daemon that came later may have put its own there (rsyslog does).
        const inode = lstatSync(paths[kind], { throwIfNoEntry: false })?.ino
        const isOurs = inode !== undefined && kept.entries.get(kind)?.data === inode
        if (isOurs) rmSync(paths[kind], { force: true })
      }
    },
  }
}

/** Why the path cannot be ours, or null. A socket that nobody listens to any more, and a link that leads nowhere, are
 * in nobody's use. */
function whyTaken(path: string, native: LogSocketParts['native']): string | null {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (!found) return null
  if (!found.isSocket() && !found.isSymbolicLink()) return 'something else is there'
  try {
    native.close(native.connectUnix(path))
    return 'another program serves it'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ECONNREFUSED' || code === 'ENOENT' ? null : 'another program serves it'
  }
}
