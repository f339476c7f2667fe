// Sockets, FIFOs and message queues as the addon makes them.
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { native as load } from '../../daemon/runtime/native.ts'

const native = load()
const directory = mkdtempSync(join(tmpdir(), 'hearth-sockets-'))
test.after.always(() => rmSync(directory, { recursive: true }))

/** Connects and, when that is done, gives the client. */
const client = (to: NetConnectOpts) =>
  new Promise<Socket>((resolve, reject) => {
    const one = connect(to, () => resolve(one)).once('error', reject)
  })
const flagsOf = (fd: number) =>
  Number.parseInt(
    /^flags:\s+([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '',
    8,
  )
const O_NONBLOCK = 0o4000
const O_CLOEXEC = 0o2000000

test('a socket at a path has the mode asked for, whatever the umask, and takes connections', async t => {
  const path = join(directory, 'stream')
  const fd = native.socket('unix', 'stream', '')
  t.is(flagsOf(fd) & (O_NONBLOCK | O_CLOEXEC), O_NONBLOCK | O_CLOEXEC)
  const before = process.umask(0o077)
  t.is(native.bindSocket(fd, { family: 'unix', path }, 0o666), null)
  t.is(process.umask(before), 0o077, 'the umask is as it was')
  t.is(statSync(path).mode & 0o777, 0o666)
  t.is(native.listen(fd, 5), null)
  t.is(native.acceptConnection(fd), 'EAGAIN')
  const one = await client({ path })
  const accepted = native.acceptConnection(fd)
  if (typeof accepted === 'string') return t.fail(accepted)
  t.deepEqual(accepted.local, { family: 'unix', path })
  t.deepEqual(accepted.remote, { family: 'unix', path: '' })
  t.is(native.peerCredentials(accepted.fd).pid, process.pid)
  t.is(flagsOf(accepted.fd) & O_CLOEXEC, O_CLOEXEC)
  one.destroy()
  native.close(accepted.fd)
  const other = native.socket('unix', 'stream', '')
  t.is(native.bindSocket(other, { family: 'unix', path }, 0o600), 'EADDRINUSE')
  const long = join(directory, 'x'.repeat(120))
  t.is(native.bindSocket(other, { family: 'unix', path: long }, 0o600), 'ENAMETOOLONG')
  native.close(other)
  native.close(fd)
})

test('the ends of a connection are told as people write them, IPv4 seen by IPv6 as IPv4', async t => {
  const fd = native.socket('inet6', 'stream', '')
  t.is(native.socketOption(fd, 'IPV6_V6ONLY', 0), null)
  t.is(native.bindSocket(fd, { family: 'inet6', address: '::', port: 0 }, 0), null)
  t.is(native.listen(fd, 5), null)
  const port = Number.parseInt(
    readFileSync('/proc/net/tcp6', 'utf8')
      .split('\n')
      .find(line => line.includes(` ${statSync(`/proc/self/fd/${fd}`).ino} `))
      ?.trim()
      .split(/[\s:]+/)[2] ?? '',
    16,
  )
  for (const [host, family] of [
    ['127.0.0.1', 'inet'],
    ['::1', 'inet6'],
  ] as const) {
    const one = await client({ port, host })
    const accepted = native.acceptConnection(fd)
    if (typeof accepted === 'string') return t.fail(accepted)
    t.deepEqual(accepted.local, { family, address: host, port })
    t.deepEqual(accepted.remote, { family, address: host, port: one.localPort ?? 0 })
    one.destroy()
    native.close(accepted.fd)
  }
  native.close(fd)
})

test('options are set by their names; a wrong value is told by errno, a wrong name throws', t => {
  const fd = native.socket('inet', 'stream', '')
  for (const [name, value] of [
    ['SO_KEEPALIVE', 1],
    ['TCP_KEEPIDLE', 30],
    ['TCP_NODELAY', 1],
    ['TCP_DEFER_ACCEPT', 2],
    ['SO_PRIORITY', 3],
    ['IP_TOS', 16],
    ['IP_TTL', 42],
    ['IP_FREEBIND', 1],
    ['SO_RCVBUF', 65536],
    ['TCP_CONGESTION', 'reno'],
  ] as const)
    t.is(native.socketOption(fd, name, value), null, name)
  t.is(native.socketOption(fd, 'TCP_CONGESTION', 'nonsense'), 'ENOENT')
  t.is(native.socketOption(fd, 'IP_TTL', 0), 'EINVAL')
  t.throws(() => native.socketOption(fd, 'SO_NOTHING', 1), { instanceOf: RangeError })
  t.throws(() => native.socket('inet', 'stream', 'nonsense'), { instanceOf: RangeError })
  t.throws(() => native.socket('unix', 'stream', 'sctp'), { code: 'EPROTONOSUPPORT' })
  native.close(fd)
})

test('a name in the abstract name space ends with its last letter', async t => {
  const path = `@hearth-test-${process.pid}`
  const fd = native.socket('unix', 'stream', '')
  t.is(native.bindSocket(fd, { family: 'unix', path }, 0), null)
  t.is(native.listen(fd, 1), null)
  const one = await client({ path: path.replace('@', '\0') })
  const accepted = native.acceptConnection(fd)
  if (typeof accepted === 'string') return t.fail(accepted)
  t.deepEqual(accepted.local, { family: 'unix', path })
  one.destroy()
  native.close(accepted.fd)
  native.close(fd)
})

test('flushing throws away connections, datagrams and bytes, and never waits', async t => {
  const path = join(directory, 'flush')
  const stream = native.socket('unix', 'stream', '')
  native.bindSocket(stream, { family: 'unix', path }, 0o600)
  native.listen(stream, 5)
  await client({ path }).then(one => one.on('error', () => {}))
  await client({ path }).then(one => one.on('error', () => {}))
  // As a service may have left it.
  native.setNonblock(stream, false)
  native.flushDescriptor(stream)
  t.is(native.acceptConnection(stream), 'EAGAIN')
  native.close(stream)

  const fifo = join(directory, 'fifo')
  t.is(native.makeFifo(fifo, 0o600), null)
  t.is(native.makeFifo(fifo, 0o600), 'EEXIST')
  const fd = openSync(fifo, 'r+')
  t.is(native.setPipeSize(fd, 1 << 13), null)
  writeSync(fd, 'a line')
  native.flushDescriptor(fd)
  native.flushDescriptor(fd)
  closeSync(fd)
  t.pass()
})

test('a message queue is made with the figures asked for, and removed by name', t => {
  const name = `/hearth-test-${process.pid}`
  const fd = native.messageQueue(name, 0o600, 3, 100)
  t.regex(readFileSync(`/proc/self/fd/${fd}`, 'utf8'), /^QSIZE:0 /)
  t.is(flagsOf(fd) & O_NONBLOCK, O_NONBLOCK)
  native.close(fd)
  t.is(native.unlinkMessageQueue(name), null)
  t.is(native.unlinkMessageQueue(name), 'ENOENT')
})

test('two descriptors of one open file are known as such, two openings of it are not', t => {
  const path = join(directory, 'file')
  const a = openSync(path, 'w')
  const b = openSync(`/proc/self/fd/${a}`, 'r')
  t.true(native.isSameFile(a, a))
  t.false(native.isSameFile(a, b))
  closeSync(a)
  closeSync(b)
})

test('a descriptor can be watched for its end alone', async t => {
  const { read, write } = native.pipe()
  const keys: number[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const poller = native.createPoller(ready => {
    keys.push(...ready)
    poller.remove(read)
    resolve()
  })
  poller.add(read, 7, true)
  writeSync(write, 'x')
  const others = native.pipe()
  // Readable as well, and told first: what is not asked for would have come by then.
  const told = Promise.withResolvers<void>()
  const second = native.createPoller(() => told.resolve())
  second.add(others.read, 1)
  writeSync(others.write, 'x')
  await told.promise
  second.close()
  t.deepEqual(keys, [])
  native.close(write)
  await promise
  t.deepEqual(keys, [7])
  poller.close()
  for (const fd of [read, others.read, others.write]) native.close(fd)
  t.true(existsSync(directory))
})
