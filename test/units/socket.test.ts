// Socket units: what is read from [Socket], and what follows from it (systemd.socket(5)).
import test from 'ava'
import fc from 'fast-check'
import type { SocketAddress, Unit } from '../../daemon/units/unit.ts'
import {
  listenText,
  readSocketAddress,
  socketAddressText,
} from '../../daemon/units/values/socket.ts'
import { unitsOf } from './_files.ts'

const load = (lines: string, name = 'web.socket'): Unit =>
  unitsOf({ [`/etc/units/${name}`]: /^\[/.test(lines) ? lines : `[Socket]\n${lines}\n` }).get(name)
const socket = (lines: string) => {
  const unit = load(lines)
  if (!unit.socket) throw new Error('no settings of a socket')
  return { ...unit.socket, problems: unit.problems.map(({ message }) => message) }
}

// As `systemd-analyze verify` of 252 takes them.
const ADDRESSES: Readonly<Record<string, SocketAddress | null>> = {
  '80': { family: 'inet6', address: '::', port: 80 },
  '0': null,
  '65536': null,
  '/a//b/./c': { family: 'unix', path: '/a/b/c' },
  '@abs': { family: 'unix', path: '@abs' },
  '@': null,
  '/': null,
  '/.': null,
  [`/${'x'.repeat(106)}`]: { family: 'unix', path: `/${'x'.repeat(106)}` },
  [`/${'x'.repeat(107)}`]: null,
  '127.0.0.1:80': { family: 'inet', address: '127.0.0.1', port: 80 },
  '127.1:80': null,
  '1.2.3.256:80': null,
  '[::1]:80': { family: 'inet6', address: '::1', port: 80 },
  '[::ffff:1.2.3.4]:80': { family: 'inet6', address: '::ffff:1.2.3.4', port: 80 },
  '[::1::]:80': null,
  '[1:2:3:4:5:6:7:8:9]:80': null,
  '::1:80': null,
  '[fe80::1]:80%lo': { family: 'inet6', address: 'fe80::1', port: 80, scope: 'lo' },
  '[fe80::1%2]:80': { family: 'inet6', address: 'fe80::1', port: 80, scope: '2' },
  '[::1%\r]:80': null,
  '[::1]:80%a b': null,
  '[::1]:80%/': null,
  '[::1]': null,
  'vsock:2:1234': { family: 'vsock', cid: 2, port: 1234 },
  'vsock::1234': { family: 'vsock', cid: 0xffffffff, port: 1234 },
  'vsock:x:1': null,
  'localhost:80': null,
  'relative/path': null,
  '': null,
}

test('an address is a path, @name, port, IPv4 or IPv6 address with a port, or a vsock', t => {
  for (const [text, address] of Object.entries(ADDRESSES))
    t.deepEqual(readSocketAddress(text).unwrapOr(null as never), address, text)
})

test('an address is printed as it can be read again', t => {
  const byte = fc.integer({ min: 0, max: 255 })
  const port = fc.integer({ min: 1, max: 65535 })
  const any = fc.oneof(
    fc.tuple(byte, byte, byte, byte, port).map(([a, b, c, d, n]) => `${a}.${b}.${c}.${d}:${n}`),
    fc.tuple(fc.ipV6(), port).map(([address, n]) => `[${address}]:${n}`),
    port.map(String),
    fc.stringMatching(/^[@/][a-z]{1,20}$/),
    fc.tuple(fc.nat(), fc.nat()).map(([cid, n]) => `vsock:${cid}:${n}`),
  )
  fc.assert(
    fc.property(any, text => {
      const read = readSocketAddress(text)._unsafeUnwrap()
      const again = readSocketAddress(socketAddressText(read))._unsafeUnwrap()
      t.deepEqual(again, read)
    }),
    { numRuns: 300 },
  )
})

test('the lines of Listen…= stay in their order, whatever their kind; an empty one takes all back', t => {
  const { listen } = socket(
    'ListenFIFO=/gone\nListenStream=\nListenDatagram=/d\nListenStream=80\nListenFIFO=/f\nListenNetlink=kobject-uevent 1\nListenSpecial=/dev/x\nListenMessageQueue=/q\nListenSequentialPacket=@s',
  )
  t.deepEqual(listen.map(listenText), [
    { address: '/d', type: 'Datagram' },
    { address: '[::]:80', type: 'Stream' },
    { address: '/f', type: 'FIFO' },
    { address: 'kobject-uevent 1', type: 'Netlink' },
    { address: '/dev/x', type: 'Special' },
    { address: '/q', type: 'MessageQueue' },
    { address: '@s', type: 'SequentialPacket' },
  ])
})

test('a value that cannot be read is told by line, with what was expected', t => {
  for (const [line, expected] of [
    ['ListenStream=localhost:80', /expected a path, @name, a port/],
    ['ListenSequentialPacket=80', /sequential packets are for unix sockets/],
    ['ListenNetlink=nothing', /expected a netlink family.*: route, /],
    ['ListenMessageQueue=/a/b', /a slash and no other/],
    ['ListenFIFO=fifo', /expected an absolute path/],
    ['SocketProtocol=tcp', /expected udplite, sctp or mptcp/],
    ['IPTOS=300', /expected low-delay/],
    ['Timestamping=x', /expected off, us or ns/],
    ['FileDescriptorName=a:b', /without a colon/],
    ['Service=x.socket', /the name of one service/],
    ['Service=a.service b.service', /the name of one service/],
    ['Service=a@.service', /the name of one service/],
    ['Symlinks=rel', /expected an absolute path/],
    ['BindToDevice=very-long-interface-name', /network interface/],
  ] as const) {
    const unit = load(`ListenStream=/x\n${line}`)
    t.is(unit.loadState, 'bad-setting', line)
    t.regex(unit.loadError ?? '', expected, line)
    t.regex(unit.loadError ?? '', /web\.socket:3/, line)
  }
})

test('values have the words and defaults of systemd', t => {
  const plain = socket('ListenStream=/x')
  t.like(plain, { socketMode: 0o666, maxConnections: 64, priority: null, triggerLimitBurst: null })
  t.like(
    socket(
      'ListenStream=/x\nPriority=-1\nMark=7\nIPTOS=low-delay\nTimestamping=nsec\nBindIPv6Only=no\nReceiveBuffer=1.5K\nDeferAcceptSec=3\nTimeoutSec=0\nSymlinks=/a /b',
    ),
    {
      priority: null,
      mark: 7,
      ipTos: 16,
      timestamping: 'ns',
      bindIpv6Only: 'both',
      receiveBuffer: 1536,
      deferAcceptUsec: 3_000_000,
      timeoutUsec: Infinity,
      problems: [],
    },
  )
})

test('what cannot be together is refused with the mend', t => {
  for (const [lines, words] of [
    ['SocketMode=0600', /listens nowhere; give it a ListenStream=/],
    ['ListenDatagram=/x\nAccept=yes', /cannot use Accept=yes here/],
    ['ListenStream=/x\nAccept=yes\nMaxConnections=0', /MaxConnections=0/],
    ['ListenStream=/x\nAccept=yes\nService=a.service', /leave Service= out/],
    ['ListenStream=80\nSymlinks=/a', /what Symlinks= are to lead to/],
    ['ListenStream=/x\nListenFIFO=/y\nSymlinks=/a', /what Symlinks= are to lead to/],
  ] as const) {
    const unit = load(lines)
    t.is(unit.loadState, 'bad-setting', lines)
    t.regex(unit.loadError ?? '', words)
  }
  t.is(load('ListenStream=/x\nListenStream=80\nSymlinks=/a').loadState, 'loaded')
  t.regex(load('ListenUSBFunction=/x').loadError ?? '', /listens nowhere/)
})

test('a socket comes before its service and sockets.target, and triggers the service', t => {
  const { dependencies } = load('ListenStream=/x')
  t.deepEqual(dependencies.triggers, ['web.service'])
  t.deepEqual([...(dependencies.before ?? [])].sort(), [
    'shutdown.target',
    'sockets.target',
    'web.service',
  ])
  t.deepEqual(dependencies.requires, ['sysinit.target'])
  t.deepEqual(load('ListenStream=/x\nService=other.service').dependencies.triggers, [
    'other.service',
  ])
  t.is(load('ListenStream=/x\nAccept=yes').dependencies.triggers, undefined)
  const bare = load('[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/x\n')
  t.deepEqual(bare.dependencies, { triggers: ['web.service'], before: ['web.service'] })
})

test('Sockets= of a service wants those sockets, comes after them and is triggered by them', t => {
  const unit = load('[Service]\nExecStart=/bin/x\nSockets=a.socket b.socket\n', 'web.service')
  const names = ['a.socket', 'b.socket']
  t.deepEqual(unit.dependencies.triggeredBy, names)
  t.deepEqual(unit.dependencies.wants, names)
  for (const name of names) t.true(unit.dependencies.after?.includes(name))
})

test('a socket has the settings of an execution and of its end, for its commands', t => {
  const unit = load('ListenStream=/x\nExecStartPre=/bin/a\nUser=nobody\nKillMode=process')
  t.is(unit.exec?.user, 'nobody')
  t.is(unit.kill?.killMode, 'process')
  t.is(unit.socket?.execStartPre[0]?.path, '/bin/a')
})
