// The notify socket, and who is at the other end of a connection.
import { spawnSync } from 'node:child_process'
import { fstatSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { NotifyDatagram } from '../../daemon/runtime/native.ts'
import { ended, isRoot, native, pidOf, request } from './children.ts'

const directory = mkdtempSync(join(tmpdir(), 'hearth-notify-'))
test.after.always(() => rmSync(directory, { recursive: true }))

const peer = join(directory, 'peer')
const { status } = spawnSync('cc', ['-o', peer, new URL('peer.c', import.meta.url).pathname])
if (status !== 0) throw new Error('cannot compile test/native/peer.c')
spawnSync('chmod', ['755', directory])

const start = (...args: string[]) =>
  pidOf(native.spawn(request('', { path: peer, argv: ['peer', ...args] })))

function listen(name: string) {
  const path = join(directory, name)
  const datagrams: NotifyDatagram[] = []
  let wake: () => void = () => {}
  const socket = native.notifySocket(path, datagram => {
    datagrams.push(datagram)
    wake()
  })
  const next = async () => {
    while (datagrams.length === 0) await new Promise<void>(resolve => (wake = resolve))
    return datagrams.shift() as NotifyDatagram
  }
  return { path, socket, next, datagrams }
}

test.serial('a datagram comes with its sender’s credentials, text and descriptors', async t => {
  const { path, socket, next } = listen('credentials')
  const pid = start('send', path, 'READY=1\nSTATUS=ü')
  const end = ended(pid)
  const datagram = await next()
  t.like(datagram, {
    pid,
    uid: process.geteuid?.(),
    gid: process.getegid?.(),
    text: 'READY=1\nSTATUS=ü',
  })
  t.is(datagram.fds.length, 1)
  t.true(fstatSync(datagram.fds[0] as number).isFIFO())
  for (const fd of datagram.fds) native.close(fd)
  t.like((await end).exit, { kind: 'exited', status: 0 })
  socket.close()
})

test.serial('a barrier holds its sender until the receiver closes the descriptor', async t => {
  const { path, socket, next } = listen('barrier')
  const pid = start('send', path, 'BARRIER=1')
  let over = false
  const end = ended(pid).then(({ exit }) => {
    over = true
    return exit
  })
  const { fds } = await next()
  t.false(over)
  for (const fd of fds) native.close(fd)
  t.like(await end, { kind: 'exited', status: 0 })
  socket.close()
})

test.serial('a datagram over 64 KiB is dropped, the next one is not', async t => {
  const { path, socket, next, datagrams } = listen('long')
  await ended(start('plain', path, String(64 * 1024 + 1)))
  await ended(start('plain', path, String(64 * 1024)))
  t.is((await next()).text.length, 64 * 1024)
  t.is(datagrams.length, 0)
  socket.close()
})

test.serial('a burst that came together is all told', async t => {
  const { path, socket, next } = listen('burst')
  const ends = Array.from({ length: 50 }, (_, i) => ended(start('plain', path, String(i + 1))))
  await Promise.all(ends)
  const lengths: number[] = []
  for (let i = 0; i < 50; i++) lengths.push((await next()).text.length)
  t.deepEqual(
    lengths.sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, i) => i + 1),
  )
  socket.close()
})

test.serial('the socket takes a stale one’s place and may be written to by everybody', t => {
  const path = join(directory, 'stale')
  writeFileSync(path, '')
  const socket = native.notifySocket(path, () => {})
  t.true(statSync(path).isSocket())
  t.is(statSync(path).mode & 0o777, 0o777)
  socket.close()
})

test.serial('a path that cannot be bound is told', t => {
  t.throws(() => native.notifySocket('/nope/notify', () => {}), { code: 'ENOENT' })
  t.throws(() => native.notifySocket(`/${'x'.repeat(200)}`, () => {}), { code: 'ENAMETOOLONG' })
})

test.serial('a connection tells who made it, with all groups', async t => {
  const path = join(directory, 'control')
  const identity = isRoot ? { uid: 65_534, gid: 12_345, groups: [12_345, 23_456] } : {}
  const server = createServer()
  await new Promise<void>(resolve => server.listen(path, resolve))
  spawnSync('chmod', ['777', path])
  const connection = new Promise<Socket>(resolve => server.once('connection', resolve))
  const argv = ['peer', 'connect', path]
  const pid = pidOf(native.spawn(request('', { path: peer, argv, ...identity })))
  const end = ended(pid)
  const socket = await connection
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle
  const credentials = native.peerCredentials(fd)
  t.like(credentials, {
    pid,
    uid: isRoot ? 65_534 : process.geteuid?.(),
    gid: isRoot ? 12_345 : process.getegid?.(),
  })
  if (isRoot) t.deepEqual(credentials.groups, [12_345, 23_456])
  else t.log('only part of it: other groups need root')
  socket.destroy()
  server.close()
  await end
})
