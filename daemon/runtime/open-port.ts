// Opening one Listen…= line: a socket that is bound and listens, a FIFO, a special file, a message queue.
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  unlinkSync,
  utimesSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { err, ok, type Result } from 'neverthrow'
import type { ListenPort, SocketAddress, SocketSettings } from '../units/unit.ts'
import { acceptsConnections, listenText, nodeOf } from '../units/values/socket.ts'
import { errnoOf, inWords } from './failure.ts'
import { makeDirectory } from './make-directory.ts'
import type { Native } from './native.ts'
import { bindingOptionsOf, familyOf, optionsOf, setOption } from './socket-options.ts'

export type PortParts = {
  native: Native
  socket: SocketSettings
  /** Descriptors of the namespaces that sockets are made in. */
  namespaces: readonly number[]
  /** Who owns the nodes in the file system; null: nothing is changed. */
  owner: { uid: number; gid: number } | null
  warn: (message: string) => void
}

/** An errno name that has been met on the way. */
class Errno extends Error {
  readonly code: string
  constructor(code: string) {
    super(code)
    this.code = code
  }
}

const must = (errno: string | null): void => {
  if (errno !== null) throw new Errno(errno)
}

/** The descriptor, or why there is none, one sentence. */
export function openPort(port: ListenPort, parts: PortParts): Result<number, string> {
  try {
    const fd = open(port, parts)
    try {
      const node = nodeOf(port)
      if (node !== null && parts.owner) chownSync(node, parts.owner.uid, parts.owner.gid)
      return ok(fd)
    } catch (error) {
      closeSync(fd)
      throw error
    }
  } catch (error) {
    const { address, type } = listenText(port)
    const errno = errnoOf(error)
    return err(`cannot listen on ${address} (${type}): ${WORDS[errno] ?? inWords(errno)}`)
  }
}

/** Words that fit here better than the general ones. */
const WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has that address',
  EADDRNOTAVAIL: 'no interface here has that address (FreeBind=yes does not ask)',
  EAFNOSUPPORT: 'the kernel lacks that kind of address',
  EPROTONOSUPPORT: 'the kernel lacks that protocol',
  EACCES: 'permission denied (ports below 1024 take root or CAP_NET_BIND_SERVICE)',
  EEXIST: 'something of another kind is there already; remove it',
  ENODEV: 'there is no such network interface',
}

function open(port: ListenPort, parts: PortParts): number {
  const { native, socket } = parts
  switch (port.kind) {
    case 'stream':
    case 'datagram':
    case 'sequential-packet':
    case 'netlink':
      return openSocket(port, parts)
    case 'fifo':
      return openFifo(port.path, parts)
    case 'special':
      return openSpecial(port.path, socket.writable)
    case 'message-queue': {
      const { socketMode, messageQueueMaxMessages: most, messageQueueMessageSize: size } = socket
      return native.messageQueue(port.path, socketMode, most, size)
    }
  }
}

type SocketPort = Extract<ListenPort, { address: SocketAddress } | { kind: 'netlink' }>

function openSocket(port: SocketPort, parts: PortParts): number {
  const { native, socket, namespaces } = parts
  if (port.kind === 'netlink') {
    const fd = native.socket('netlink', 'raw', port.protocol, namespaces)
    return finish(fd, { family: 'netlink', group: port.group }, port, parts)
  }
  const { address } = port
  let fd: number
  try {
    fd = native.socket(address.family, port.kind, socket.socketProtocol ?? '', namespaces)
  } catch (error) {
    // A port alone is on all addresses: where there is no IPv6, those of IPv4 are all.
    const isAny = address.family === 'inet6' && address.address === '::'
    if (!isAny || errnoOf(error) !== 'EAFNOSUPPORT' || socket.bindIpv6Only === 'ipv6-only')
      throw error
    const any = { family: 'inet', address: '0.0.0.0', port: address.port } as const
    return openSocket({ ...port, address: any }, parts)
  }
  return finish(fd, address, port, parts)
}

type Bindable = Parameters<Native['bindSocket']>[1]

/** Binds it, listens and sets its options; closes it when that fails. */
function finish(fd: number, address: Bindable, port: SocketPort, parts: PortParts): number {
  const { native, socket, warn } = parts
  const family = familyOf(port) ?? 'unix'
  try {
    for (const option of bindingOptionsOf(socket, family)) {
      const [directive, name] = option
      const failed = setOption(native, fd, option)
      // Bound to another interface than asked for it would listen where it must not.
      if (name === 'SO_BINDTODEVICE' || name === 'IPV6_V6ONLY') must(failed)
      else if (failed !== null) warn(`${directive}= cannot be set: ${inWords(failed)}`)
    }
    bind(fd, address, parts)
    if (acceptsConnections(port)) must(native.listen(fd, Math.min(socket.backlog, 0x7fff_ffff)))
    const node = nodeOf(port)
    if (node !== null) {
      // The umask of the daemon has had its say.
      chmodSync(node, socket.socketMode)
      // Whoever waits for the node by inotify looks again, now that it can be connected to.
      const now = new Date()
      utimesSync(node, now, now)
    }
    for (const option of optionsOf(socket, family)) {
      const failed = setOption(native, fd, option)
      if (failed !== null) warn(`${option[0]}= cannot be set: ${inWords(failed)}`)
    }
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function bind(fd: number, address: Bindable, { native, socket }: PortParts): void {
  const node = address.family === 'unix' && address.path.startsWith('/') ? address.path : null
  if (node !== null) makeDirectory(dirname(node), socket.directoryMode)
  const failed = native.bindSocket(fd, address, socket.socketMode)
  if (failed !== 'EADDRINUSE' || node === null) {
    must(failed)
    return
  }
  // What an earlier run has left: the node stays in the file system when its socket is closed.
  unlinkSync(node)
  must(native.bindSocket(fd, address, socket.socketMode))
}

function openFifo(path: string, { native, socket, warn }: PortParts): number {
  makeDirectory(dirname(path), socket.directoryMode)
  const failed = native.makeFifo(path, socket.socketMode)
  if (failed !== 'EEXIST') must(failed)
  // At both ends: it is never at its end, however often its writers go.
  const fd = openSync(path, constants.O_RDWR | COMMON)
  try {
    if (!fstatSync(fd).isFIFO()) throw new Errno('EEXIST')
    fchmodSync(fd, socket.socketMode)
    if (socket.pipeSize > 0) {
      const refused = native.setPipeSize(fd, socket.pipeSize)
      if (refused !== null) warn(`PipeSize= cannot be set: ${inWords(refused)}`)
    }
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

const COMMON = constants.O_NOCTTY | constants.O_NONBLOCK | constants.O_NOFOLLOW

function openSpecial(path: string, writable: boolean): number {
  const fd = openSync(path, COMMON | (writable ? constants.O_RDWR : constants.O_RDONLY))
  const stat = fstatSync(fd)
  if (stat.isFile() || stat.isCharacterDevice()) return fd
  closeSync(fd)
  throw new Errno('EEXIST')
}
