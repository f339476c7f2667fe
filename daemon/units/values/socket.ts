// The addresses of Listen…= (systemd.socket(5)), read and printed.
import { err, ok, type Result } from 'neverthrow'
import type { ListenPort, SocketAddress } from '../unit.ts'
import type { Parse } from './parse.ts'
import { simplifyPath } from './unit-name.ts'

const EXPECTED =
  'expected a path, @name, a port, ADDRESS:PORT, [ADDRESS]:PORT or vsock:CID:PORT, such as /run/web.sock or 127.0.0.1:80'
/** sun_path holds 108 bytes, the NUL (or the one that an abstract name begins with) among them. */
const MAX_UNIX_BYTES = 107
const ANY_CID = 0xffff_ffff

const uint32 = (text: string) =>
  /^\d{1,10}$/.test(text) && Number(text) <= ANY_CID ? Number(text) : null

function readPort(text: string): number | null {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return port >= 1 && port <= 65535 ? port : null
}

const isIpv4 = (text: string) => {
  const parts = text.split('.')
  return (
    parts.length === 4 && parts.every(part => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)
  )
}

/** Whether inet_pton(3) takes it for an IPv6 address. */
export function isIpv6(text: string): boolean {
  const halves = text.split('::')
  if (halves.length > 2) return false
  const groups = halves.flatMap(half => (half === '' ? [] : half.split(':')))
  // The last 32 bits may be written as an IPv4 address.
  const tail = groups.at(-1) ?? ''
  const embeds = tail.includes('.')
  if (embeds && !(isIpv4(tail) && text.endsWith(tail))) return false
  const plain = embeds ? groups.slice(0, -1) : groups
  if (!plain.every(group => /^[0-9a-fA-F]{1,4}$/.test(group))) return false
  const count = plain.length + (embeds ? 2 : 0)
  return halves.length === 2 ? count <= 7 : count === 8
}

/** The bytes of an address in the order of the network, as inet_pton(3) gives them; null: it is none. */
export function addressBytes(text: string): number[] | null {
  if (isIpv4(text)) return text.split('.').map(Number)
  if (!isIpv6(text)) return null
  const bytesOf = (half: string) =>
    half
      .split(':')
      .filter(Boolean)
      .flatMap(group => {
        if (group.includes('.')) return group.split('.').map(Number)
        const value = Number.parseInt(group, 16)
        return [value >> 8, value & 0xff]
      })
  const [head = '', tail] = text.split('::')
  if (tail === undefined) return bytesOf(head)
  const [first, last] = [bytesOf(head), bytesOf(tail)]
  return [...first, ...Array(16 - first.length - last.length).fill(0), ...last]
}

/** As inet_ntop(3) writes it. */
export function addressText(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  )
  // The longest row of zeros, the first of equal ones, of two at least.
  const rows = groups.map((_, i) => {
    const end = groups.slice(i).findIndex(group => group !== '0')
    return end === -1 ? groups.length - i : end
  })
  const longest = Math.max(...rows)
  if (longest < 2) return groups.join(':')
  const at = rows.indexOf(longest)
  return `${groups.slice(0, at).join(':')}::${groups.slice(at + longest).join(':')}`
}

function readUnix(text: string): Result<SocketAddress, string> {
  const path = text.startsWith('/') ? simplifyPath(text) : text
  if (path.length > 1 && new TextEncoder().encode(path).length <= MAX_UNIX_BYTES)
    return ok({ family: 'unix', path })
  return err(
    `expected a name of at most ${MAX_UNIX_BYTES} bytes: the kernel takes no longer one for a socket`,
  )
}

/** A name that the kernel lets an interface have, or its number. */
const INTERFACE = /^(?!\.{1,2}$)[!-$&-.0-9;-~]{1,127}$/

/** Reads an address as ListenStream=, ListenDatagram= and ListenSequentialPacket= have it. A port alone is on all addresses,
 * those of IPv4 too unless BindIPv6Only= says otherwise. */
export function readSocketAddress(text: string): Result<SocketAddress, string> {
  if (text.startsWith('/') || text.startsWith('@')) return readUnix(text)
  const v6 = /^\[([^\]%]*)(?:%([^\]]+))?\]:(\d+)(?:%(.+))?$/s.exec(text)
  if (v6) {
    const [, address = '', inside, number = '', behind] = v6
    const port = readPort(number)
    const scope = behind ?? inside
    if (port === null || !isIpv6(address)) return err(EXPECTED)
    if (scope !== undefined && !INTERFACE.test(scope))
      return err(`expected the name or number of a network interface, not ${scope}`)
    return ok({ family: 'inet6', address, port, ...(scope !== undefined && { scope }) })
  }
  const vsock = /^vsock:(\d*):(\d+)$/.exec(text)
  if (vsock) {
    const cid = vsock[1] === '' ? ANY_CID : uint32(vsock[1] ?? '')
    const port = uint32(vsock[2] ?? '')
    return cid === null || port === null ? err(EXPECTED) : ok({ family: 'vsock', cid, port })
  }
  const colon = text.lastIndexOf(':')
  const port = readPort(text.slice(colon + 1))
  if (port === null) return err(EXPECTED)
  if (colon < 0) return ok({ family: 'inet6', address: '::', port })
  const address = text.slice(0, colon)
  return isIpv4(address) ? ok({ family: 'inet', address, port }) : err(EXPECTED)
}

type SocketKind = 'stream' | 'datagram' | 'sequential-packet'

export const socketPort =
  (kind: SocketKind): Parse<ListenPort[]> =>
  (text, context) =>
    context
      .expand(text)
      .andThen(readSocketAddress)
      .andThen(address =>
        kind === 'sequential-packet' && address.family !== 'unix' && address.family !== 'vsock'
          ? err('expected a path or @name: sequential packets are for unix sockets')
          : ok([{ kind, address }]),
      )

export const pathPort =
  (kind: 'fifo' | 'special' | 'message-queue'): Parse<ListenPort[]> =>
  (text, context) =>
    context.expand(text).andThen(path => {
      if (!path.startsWith('/')) return err('expected an absolute path')
      const simple = simplifyPath(path)
      if (kind === 'message-queue' && (simple.length < 2 || simple.includes('/', 1)))
        return err('expected the name of a message queue: a slash and no other, such as /jobs')
      return ok([{ kind, path: simple }])
    })

/** Names of netlink families (linux/netlink.h), as systemd knows them. */
const NETLINK = new Map<string, number>([
  ['route', 0],
  ['firewall', 3],
  ['inet-diag', 4],
  ['nflog', 5],
  ['xfrm', 6],
  ['selinux', 7],
  ['iscsi', 8],
  ['audit', 9],
  ['fib-lookup', 10],
  ['connector', 11],
  ['netfilter', 12],
  ['ip6-fw', 13],
  ['dnrtmsg', 14],
  ['kobject-uevent', 15],
  ['generic', 16],
  ['scsitransport', 18],
  ['ecryptfs', 19],
  ['rdma', 20],
])

export const netlinkPort: Parse<ListenPort[]> = (text, context) =>
  context.expand(text).andThen(value => {
    const [name = '', group = '0', ...rest] = value.trim().split(/\s+/)
    const protocol = NETLINK.get(name)
    const number = uint32(group)
    if (protocol === undefined || number === null || rest.length > 0)
      return err(
        `expected a netlink family, perhaps with a multicast group: ${[...NETLINK.keys()].join(', ')}`,
      )
    return ok([{ kind: 'netlink' as const, protocol, name, group: number }])
  })

/** An address as systemd prints it; a port alone comes out as `[::]:80`. */
export function socketAddressText(address: SocketAddress): string {
  switch (address.family) {
    case 'unix':
      return address.path
    case 'inet':
      return `${address.address}:${address.port}`
    case 'inet6':
      return `[${address.address}]:${address.port}${address.scope === undefined ? '' : `%${address.scope}`}`
    case 'vsock':
      return `vsock:${address.cid === ANY_CID ? '' : address.cid}:${address.port}`
  }
}

/** What a port listens on, and systemd's word for its kind: `/run/web.sock`, `Stream`. */
export function listenText(port: ListenPort): { address: string; type: string } {
  switch (port.kind) {
    case 'stream':
      return { address: socketAddressText(port.address), type: 'Stream' }
    case 'datagram':
      return { address: socketAddressText(port.address), type: 'Datagram' }
    case 'sequential-packet':
      return { address: socketAddressText(port.address), type: 'SequentialPacket' }
    case 'netlink':
      return { address: `${port.name} ${port.group}`, type: 'Netlink' }
    case 'fifo':
      return { address: port.path, type: 'FIFO' }
    case 'special':
      return { address: port.path, type: 'Special' }
    case 'message-queue':
      return { address: port.path, type: 'MessageQueue' }
  }
}

/** The node in the file system that the port makes, or null. */
export function nodeOf(port: ListenPort): string | null {
  if ('address' in port) {
    const { address } = port
    return address.family === 'unix' && address.path.startsWith('/') ? address.path : null
  }
  return port.kind === 'fifo' ? port.path : null
}

/** Whether clients connect to it, so that Accept=yes can be. */
export const acceptsConnections = (port: ListenPort): boolean =>
  port.kind === 'stream' || port.kind === 'sequential-packet'
