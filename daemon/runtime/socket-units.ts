// Socket units: their descriptors opened, watched, flushed and closed; connections taken.
import { readlinkSync, symlinkSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import type { EngineEvent } from '../engine/event.ts'
import { SOCKET_DEFAULTS } from '../units/defaults.ts'
import { descriptorName, pollLimit } from '../units/directives/socket.ts'
import type { ListenPort, SocketSettings, Unit, UnitName, Units } from '../units/unit.ts'
import { nodeOf } from '../units/values/socket.ts'
import { errnoOf, inWords } from './failure.ts'
import type { KeptPart } from './keep.ts'
import { makeDirectory } from './make-directory.ts'
import type { AcceptedConnection, Native, PeerAddress } from './native.ts'
import { openPort } from './open-port.ts'
import type { Readiness } from './readiness.ts'
import { familyOf, optionsOf, setOption } from './socket-options.ts'
import type { Descriptors, Held } from './unit-descriptors.ts'

export type SocketParts = {
  native: Native
  units: Units
  descriptors: Descriptors
  readiness: Readiness
  /** Descriptors of the namespaces that the unit's sockets are made in; a sentence: why they cannot be had. */
  namespaces: (unit: Unit) => readonly number[] | string
  post: (event: EngineEvent) => void
  log: (level: 'debug' | 'warn', unit: UnitName, message: string) => void
}

export interface SocketUnits {
  /** Opens everything that the unit names, or nothing: why not, in a sentence. */
  open(unit: UnitName): string | null
  watch(unit: UnitName, on: boolean): void
  flush(unit: UnitName): void
  close(unit: UnitName): void
}

/** So many connections are taken from one socket before others have their turn. */
const BATCH = 64
/** The connection was given up before it was taken (accept(2)): the next one is. */
const GONE = new Set([
  'ECONNABORTED',
  'EINTR',
  'ENETDOWN',
  'EPROTO',
  'ENOPROTOOPT',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EOPNOTSUPP',
  'ENETUNREACH',
  'ECONNRESET',
  'ETIMEDOUT',
])

/** `kept`: which units an earlier image watched, and what the next one is told of that. */
export function createSocketUnits(parts: SocketParts, kept: KeptPart): SocketUnits {
  const { native, units, descriptors, readiness, post, log } = parts
  const watched = new Set<UnitName>()

  const settings = (unit: UnitName): SocketSettings => units.get(unit).socket ?? SOCKET_DEFAULTS

  /** SocketUser= and SocketGroup=; a sentence when there is no such one. */
  const ownerOf = ({ socketUser, socketGroup }: SocketSettings) => {
    if (socketUser === null && socketGroup === null) return null
    const user = socketUser === null ? null : native.user(socketUser)
    const group = socketGroup === null ? null : native.group(socketGroup)
    if (socketUser !== null && !user && !isNumber(socketUser))
      return `cannot give the socket to SocketUser=${socketUser}: there is no such user`
    if (socketGroup !== null && !group && !isNumber(socketGroup))
      return `cannot give the socket to SocketGroup=${socketGroup}: there is no such group`
    const uid = user?.uid ?? (socketUser === null ? UNCHANGED : Number(socketUser))
    const gid =
      socketGroup === null ? (user?.gid ?? UNCHANGED) : (group?.gid ?? Number(socketGroup))
    return { uid, gid }
  }

  const open = (name: UnitName): string | null => {
    const unit = units.get(name)
    const socket = settings(name)
    const owner = ownerOf(socket)
    if (typeof owner === 'string') return owner
    const namespaces = parts.namespaces(unit)
    if (typeof namespaces === 'string') return namespaces
    const fds: number[] = []
    const warn = (message: string) => log('warn', name, message)
    for (const port of socket.listen) {
      const opened = openPort(port, { native, socket, namespaces, owner, warn })
      if (opened.isErr()) {
        for (const fd of fds) native.close(fd)
        return opened.error
      }
      fds.push(opened.value)
    }
    const called = descriptorName(unit)
    for (const fd of fds) descriptors.hold({ fd, unit: name, role: 'socket', name: called })
    link(socket, warn)
    return null
  }

  const link = ({ symlinks, listen, removeOnStop, directoryMode }: SocketSettings, warn: Warn) => {
    const target = listen.map(nodeOf).find(node => node !== null)
    if (!target) return
    for (const path of symlinks) {
      try {
        makeDirectory(dirname(path), directoryMode)
        if (linkOf(path) === target) continue
        // RemoveOnStop= says that what is there is ours to remove.
        if (removeOnStop) remove(path)
        symlinkSync(target, path)
      } catch (error) {
        warn(`cannot make the symbolic link ${path}: ${inWords(errnoOf(error))}`)
      }
    }
  }

  /** The port of a descriptor: they were opened in the order of the list, which may have been changed since. */
  const portOf = (unit: UnitName, held: Held): ListenPort | undefined =>
    settings(unit).listen[descriptors.of(unit, 'socket').indexOf(held)]

  const take = (unit: UnitName, { fd, local, remote }: AcceptedConnection, port?: ListenPort) => {
    const socket = settings(unit)
    const family = port && familyOf(port)
    for (const option of family ? optionsOf(socket, family) : []) setOption(native, fd, option)
    const peer = peerOf(fd, remote)
    const connection = descriptors.hold({
      fd,
      unit,
      role: 'connection',
      name: descriptorName(units.get(unit)),
      remote,
    })
    post({
      type: 'connection',
      unit,
      connection,
      instance: instanceOf(local, remote, peer),
      source: sourceOf(remote, peer),
    })
  }

  const peerOf = (fd: number, remote: PeerAddress): Peer | null => {
    if (remote.family !== 'unix') return null
    try {
      return native.peerCredentials(fd)
    } catch (error) {
      errnoOf(error)
      return null
    }
  }

  const acceptFrom = (unit: UnitName, held: Held, most: number) => {
    const port = portOf(unit, held)
    // What comes of a connection may be that no more are taken: the trigger limit, a stop.
    for (let i = 0; i < most && watched.has(unit); i++) {
      const accepted = native.acceptConnection(held.fd)
      if (typeof accepted !== 'string') take(unit, accepted, port)
      else if (accepted === 'EAGAIN') return
      else if (!GONE.has(accepted)) {
        const problem = `cannot take a connection: ${inWords(accepted)}`
        post({ type: 'socket-broken', unit, problem })
        return
      }
    }
  }

  const unwatch = (unit: UnitName) => {
    if (!watched.delete(unit)) return
    kept.drop(unit)
    for (const { fd } of descriptors.of(unit, 'socket')) {
      clearTimeout(pauses.get(fd))
      pauses.delete(fd)
      readiness.remove(fd)
    }
  }

  /** Descriptors that are not looked at for a while (PollLimitBurst=). */
  const pauses = new Map<number, NodeJS.Timeout>()

  /** Counts the looks at one descriptor: when there were too many, nobody looks until the interval is over. */
  const limited = (fd: number, { intervalUsec, burst }: PollLimit, ready: () => void) => {
    let begun = 0
    let count = 0
    const look = () => {
      const now = native.monotonicUsec()
      if (now - begun >= intervalUsec) {
        begun = now
        count = 0
      }
      count++
      ready()
      if (count < burst || !readiness.has(fd)) return
      readiness.remove(fd)
      const left = begun + intervalUsec - native.monotonicUsec()
      const pause = setTimeout(
        () => {
          pauses.delete(fd)
          readiness.add(fd, look)
        },
        Math.max(0, left / 1000),
      )
      pauses.set(fd, pause)
    }
    return look
  }

  const watch = (unit: UnitName) => {
    if (watched.has(unit)) return
    watched.add(unit)
    kept.put(unit, null)
    const socket = settings(unit)
    const limit = pollLimit(socket)
    try {
      for (const held of descriptors.of(unit, 'socket')) {
        const ready = socket.accept
          ? () => acceptFrom(unit, held, limit ? 1 : BATCH)
          : () => post({ type: 'socket-ready', unit })
        readiness.add(held.fd, limit ? limited(held.fd, limit, ready) : ready)
      }
    } catch (error) {
      unwatch(unit)
      const problem = `cannot wait for what comes in: ${inWords(errnoOf(error))}`
      post({ type: 'socket-broken', unit, problem })
    }
  }

  for (const unit of [...kept.entries.keys()]) watch(unit)

  return {
    open,
    watch: (unit, on) => (on ? watch(unit) : unwatch(unit)),
    flush(unit) {
      for (const { fd } of descriptors.of(unit, 'socket')) native.flushDescriptor(fd)
    },
    close(unit) {
      unwatch(unit)
      descriptors.releaseOf(unit, 'socket')
      const { removeOnStop, listen, symlinks } = settings(unit)
      if (!removeOnStop) return
      for (const port of listen) {
        if (port.kind === 'message-queue') native.unlinkMessageQueue(port.path)
        const node = nodeOf(port)
        if (node !== null) remove(node)
      }
      for (const path of symlinks) remove(path)
    },
  }
}

type PollLimit = NonNullable<ReturnType<typeof pollLimit>>
type Warn = (message: string) => void
type Peer = { pid: number; uid: number }

const UNCHANGED = -1
const isNumber = (text: string) => /^\d+$/.test(text)

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // It is gone, or not ours to remove: nobody waits for that.
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch {
    return null
  }
}

/** Both ends as systemd writes them into the name of the service, behind the number. */
export function instanceOf(local: PeerAddress, remote: PeerAddress, peer: Peer | null): string {
  if (remote.family === 'unix') return peer ? `${peer.pid}-${peer.uid}` : 'unknown'
  if (local.family === 'vsock' && remote.family === 'vsock')
    return `${local.cid}:${local.port}-${remote.cid}:${remote.port}`
  return 'address' in local && 'address' in remote
    ? `${local.address}:${local.port}-${remote.address}:${remote.port}`
    : 'unknown'
}

/** Who is connected, for MaxConnectionsPerSource=: a host, a guest, a user. */
function sourceOf(remote: PeerAddress, peer: Peer | null): string | null {
  switch (remote.family) {
    case 'inet':
    case 'inet6':
      return remote.address
    case 'vsock':
      return `vsock:${remote.cid}`
    case 'unix':
      return peer ? `uid ${peer.uid}` : null
    default:
      return null
  }
}
