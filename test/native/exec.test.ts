// The process itself: another image with the same pid, limits, descriptors, users, the end of the machine.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test from 'ava'
import { native as load } from '../../daemon/runtime/native.ts'

const native = load()
const isRoot = process.geteuid?.() === 0
const image = new URL('image.ts', import.meta.url).pathname
const directory = mkdtempSync(join(tmpdir(), 'hearth-exec-'))
test.after.always(() => rmSync(directory, { recursive: true }))

const peer = join(directory, 'peer')
spawnSync('cc', ['-o', peer, new URL('peer.c', import.meta.url).pathname])

test('the next image has the same pid and goes on with the descriptors that were kept', async t => {
  const path = join(directory, 'notify')
  const first = spawn(process.execPath, [image, 'first', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface(first.stdout)[Symbol.asyncIterator]()
  t.is((await lines.next()).value, 'ENOENT', 'an execve that failed is told')
  t.is((await lines.next()).value, 'ready', 'stdout was kept')
  t.is(spawnSync(peer, ['plain', path, '3']).status, 0)
  t.is((await lines.next()).value, `${first.pid} 2 xxx`)
  if (first.exitCode === null) await once(first, 'exit')
})

test('a datagram that an image dies of is shown to the next one, with its descriptor and how often that was', async t => {
  const path = join(directory, 'dies')
  const daemon = spawn(process.execPath, [image, 'dies-notified', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface(daemon.stdout)[Symbol.asyncIterator]()
  t.is((await lines.next()).value, 'ready')
  const sender = spawn(peer, ['send', path, 'A=1'])
  for (const deaths of [0, 1]) {
    t.is((await lines.next()).value, `A=1 ${deaths} true`)
    t.is((await lines.next()).value, 'ready')
  }
  t.is((await lines.next()).value, 'A=1 2 true')
  // The last image lets go of the pipe, and nobody else has it.
  t.deepEqual(await once(sender, 'exit'), [0, null])
})

test('a loop hangs when it has used its limit without a turn, whatever was used before it was watched', t => {
  const outcome = (limits: string) =>
    spawnSync(process.execPath, [image, 'blocks', limits], { encoding: 'utf8' }).stdout
  t.is(outcome('0.6'), 'turns\n')
  t.is(outcome('20'), 'hung\n')
})

test('what a callback throws is an uncaught exception', t => {
  const { stdout, status } = spawnSync(process.execPath, [image, 'throws'], { encoding: 'utf8' })
  t.is(stdout, 'from the callback\n')
  t.is(status, 3)
})

test('reboot ends a PID namespace by the signal that tells which it was', t => {
  if (!isRoot) {
    t.log('skipped: needs root')
    return t.pass()
  }
  const inNamespace = (how: string) =>
    spawnSync('unshare', ['--pid', '--fork', process.execPath, image, 'reboot', how]).signal
  // reboot(2), "Behavior inside PID namespaces".
  t.is(inNamespace('reboot'), 'SIGHUP')
  t.is(inNamespace('poweroff'), 'SIGINT')
  t.is(inNamespace('halt'), 'SIGINT')
})

test('a network interface is brought up', t => {
  if (!isRoot) {
    t.log('skipped: needs root')
    return t.pass()
  }
  const inNamespace = (name: string) =>
    spawnSync('unshare', ['--net', process.execPath, image, 'link-up', name], { encoding: 'utf8' })
  t.is(inNamespace('lo').stdout, 'null lo\n')
  t.is(inNamespace('nope').stdout, 'ENODEV \n')
})

test('limits are told as /proc has them', t => {
  const line = /^Max open files\s+(\S+)\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  t.deepEqual(native.getRlimit(7), { soft: Number(line?.[1]), hard: Number(line?.[2]) })
  t.is(native.getRlimit(9).soft, Number.POSITIVE_INFINITY, 'no limit on address space')
})

test('a hard limit on files that may not be raised gives the nearest', t => {
  const before = native.getRlimit(7)
  const after = native.setNofile(500, 2 ** 40)
  t.is(after.soft, 500)
  t.true(after.hard >= before.hard)
  native.setNofile(before.soft, before.hard)
})

test('a pipe is kept over an execve, and only the read end does not block', t => {
  const { read, write } = native.pipe()
  const flags = (fd: number) => {
    const text = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')
    const value = Number.parseInt(/flags:\s+(\d+)/.exec(text)?.[1] ?? '', 8)
    return { cloexec: (value & 0o2000000) !== 0, nonblock: (value & 0o4000) !== 0 }
  }
  t.deepEqual(flags(read), { cloexec: false, nonblock: true })
  t.deepEqual(flags(write), { cloexec: false, nonblock: false })
  native.cloexec(write, true)
  t.deepEqual(flags(write), { cloexec: true, nonblock: false })
  t.not(native.inode(read), 0)
  t.is(native.inode(read), native.inode(write))
  native.close(read)
  t.is(native.inode(read), 0)
  native.close(write)
  t.throws(() => native.close(write), { code: 'EBADF' })
})

test('a memfd holds what is written', t => {
  const fd = native.memfd('state')
  writeSync(fd, 'kept')
  t.is(readFileSync(`/proc/self/fd/${fd}`, 'utf8'), 'kept')
  native.close(fd)
})

test('a terminal is told from what is none', t => {
  const fd = openSync('/dev/ptmx', 'r+')
  t.true(native.isTerminal(fd))
  t.false(native.isTerminal(native.memfd('none')))
  t.false(native.isTerminal(9999))
})

test('an id has 32 hexadecimal digits and does not come again', t => {
  const ids = Array.from({ length: 1000 }, native.randomId)
  t.true(ids.every(id => /^[0-9a-f]{32}$/.test(id)))
  t.is(new Set(ids).size, ids.length)
})

test('users and groups are found by name and by number', t => {
  const root = native.user('root')
  t.like(root, { name: 'root', uid: 0, gid: 0 })
  t.deepEqual(native.user('0'), root)
  t.is(native.user('no-such-user'), null)
  t.is(native.user('4294967294'), null)
  t.deepEqual(native.group('root'), { name: 'root', gid: 0 })
  t.deepEqual(native.group('0'), { name: 'root', gid: 0 })
  t.is(native.group('no-such-group'), null)
  t.true(native.groupsOf('root', 4242).includes(4242))
})

test('mount and umount tell why they could not', t => {
  t.is(native.mount('none', '/nope', 'tmpfs', 0, ''), 'ENOENT')
  t.is(native.umount('/nope', 0), 'ENOENT')
})

test('the monotonic clock goes on in microseconds', t => {
  const from = native.monotonicUsec()
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
  t.true(native.monotonicUsec() >= from)
  t.true(Math.abs(from / 1e6 - uptime) < 3600, 'the time since boot, but for suspension')
})
