// What systemd.socket(5) sets on a socket once it is there, on each connection taken from it too.
import type { ListenPort, SocketSettings } from '../units/unit.ts'
import type { Native } from './native.ts'

type Family = 'unix' | 'inet' | 'inet6' | 'vsock' | 'netlink'
export type Option = readonly [directive: string, name: string, value: number | string]

export const familyOf = (port: ListenPort): Family | null =>
  'address' in port ? port.address.family : port.kind === 'netlink' ? 'netlink' : null

const seconds = (usec: number) => Math.trunc(usec / 1_000_000)

const PACKET_INFO: Partial<Record<Family, string>> = {
  inet: 'IP_PKTINFO',
  inet6: 'IPV6_RECVPKTINFO',
  netlink: 'NETLINK_PKTINFO',
}

/** The options of a socket of that family, in systemd's order. */
export function optionsOf(socket: SocketSettings, family: Family): Option[] {
  const options: Option[] = []
  const add = (isSet: boolean, directive: string, name: string, value: number | string = 1) => {
    if (isSet) options.push([directive, name, value])
  }
  add(socket.keepAlive, 'KeepAlive', 'SO_KEEPALIVE')
  const { keepAliveTimeUsec, keepAliveIntervalUsec, deferAcceptUsec } = socket
  add(keepAliveTimeUsec > 0, 'KeepAliveTimeSec', 'TCP_KEEPIDLE', seconds(keepAliveTimeUsec))
  add(
    keepAliveIntervalUsec > 0,
    'KeepAliveIntervalSec',
    'TCP_KEEPINTVL',
    seconds(keepAliveIntervalUsec),
  )
  add(socket.keepAliveProbes > 0, 'KeepAliveProbes', 'TCP_KEEPCNT', socket.keepAliveProbes)
  add(deferAcceptUsec > 0, 'DeferAcceptSec', 'TCP_DEFER_ACCEPT', seconds(deferAcceptUsec))
  const noDelay = socket.socketProtocol === 'sctp' ? 'SCTP_NODELAY' : 'TCP_NODELAY'
  add(socket.noDelay, 'NoDelay', noDelay)
  add(socket.broadcast, 'Broadcast', 'SO_BROADCAST')
  add(socket.passCredentials, 'PassCredentials', 'SO_PASSCRED')
  add(socket.passSecurity, 'PassSecurity', 'SO_PASSSEC')
  const packetInfo = PACKET_INFO[family]
  add(socket.passPacketInfo && packetInfo !== undefined, 'PassPacketInfo', packetInfo ?? '')
  add(socket.timestamping === 'us', 'Timestamping', 'SO_TIMESTAMP')
  add(socket.timestamping === 'ns', 'Timestamping', 'SO_TIMESTAMPNS')
  add(socket.priority !== null, 'Priority', 'SO_PRIORITY', socket.priority ?? 0)
  // The kernel doubles the value, and the limit that an ordinary process is held to does not hold for us where we may.
  add(socket.receiveBuffer > 0, 'ReceiveBuffer', 'SO_RCVBUFFORCE', socket.receiveBuffer)
  add(socket.sendBuffer > 0, 'SendBuffer', 'SO_SNDBUFFORCE', socket.sendBuffer)
  add(socket.mark !== null, 'Mark', 'SO_MARK', socket.mark ?? 0)
  add(socket.ipTos !== null, 'IPTOS', 'IP_TOS', socket.ipTos ?? 0)
  const ttl = family === 'inet6' ? 'IPV6_UNICAST_HOPS' : 'IP_TTL'
  add(socket.ipTtl !== null, 'IPTTL', ttl, socket.ipTtl ?? 0)
  add(socket.tcpCongestion !== null, 'TCPCongestion', 'TCP_CONGESTION', socket.tcpCongestion ?? '')
  return options
}

/** What is to be set before the socket is bound. */
export function bindingOptionsOf(socket: SocketSettings, family: Family): Option[] {
  if (family !== 'inet' && family !== 'inet6') return [['', 'SO_REUSEADDR', 1]]
  const options: Option[] = []
  if (family === 'inet6' && socket.bindIpv6Only !== 'default')
    options.push(['BindIPv6Only', 'IPV6_V6ONLY', socket.bindIpv6Only === 'ipv6-only' ? 1 : 0])
  if (socket.bindToDevice !== null)
    options.push(['BindToDevice', 'SO_BINDTODEVICE', socket.bindToDevice])
  if (socket.reusePort) options.push(['ReusePort', 'SO_REUSEPORT', 1])
  const ip = family === 'inet' ? 'IP' : 'IPV6'
  if (socket.freeBind) options.push(['FreeBind', `${ip}_FREEBIND`, 1])
  if (socket.transparent) options.push(['Transparent', `${ip}_TRANSPARENT`, 1])
  return [...options, ['', 'SO_REUSEADDR', 1]]
}

const WITHOUT_FORCE: Readonly<Record<string, string>> = {
  SO_RCVBUFFORCE: 'SO_RCVBUF',
  SO_SNDBUFFORCE: 'SO_SNDBUF',
}

/** Sets an option; an errno name, or null. A buffer beyond the limit that we may not pass has what the limit allows. */
export function setOption(
  native: Pick<Native, 'socketOption'>,
  fd: number,
  [, name, value]: Option,
): string | null {
  const failed = native.socketOption(fd, name, value)
  const other = WITHOUT_FORCE[name]
  return failed !== null && other !== undefined ? native.socketOption(fd, other, value) : failed
}
