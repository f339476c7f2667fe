// What a started process finds, and what its parent is told when it could not be started.
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { SpawnRequest } from '../../daemon/runtime/native.ts'
import { ended, isRoot, native, pidOf, readAll, request, run } from './children.ts'

const directory = mkdtempSync(join(tmpdir(), 'hearth-spawn-'))
test.after.always(() => rmSync(directory, { recursive: true }))

const RLIMIT_CPU = 0
const RLIMIT_CORE = 4
const RLIMIT_NOFILE = 7

test('a child has the arguments, the environment and the directory that were asked for', async t => {
  const { output } = await run('', {
    path: '/bin/sh',
    argv: ['-weird name', '-c', 'echo "$0|$1|$#"; pwd; env', 'zero', 'ü "q"', ''],
    env: ['A=1 2', 'B=', 'PATH=/usr/bin:/bin'],
    cwd: '/usr',
  })
  const lines = output.split('\n')
  t.is(lines[0], 'zero|ü "q"|2')
  t.is(lines[1], '/usr')
  t.deepEqual(
    lines.slice(2).filter(line => /^[AB]=/.test(line)),
    ['A=1 2', 'B='],
  )
})

test('an environment of a megabyte arrives whole', async t => {
  const env = Array.from({ length: 1000 }, (_, i) => `V${i}=${'x'.repeat(1000)}`)
  const { output } = await run('env | grep -c ^V', { env: [...env, 'PATH=/usr/bin:/bin'] })
  t.is(output, '1000\n')
})

test('a child leads a session of its own, with every signal at its default and none blocked', async t => {
  const { output } = await run('exec cat /proc/self/stat /proc/self/status')
  const [pid, , , , group, session, tty] = output.split(' ')
  t.is(group, pid)
  t.is(session, pid)
  t.is(tty, '0')
  t.regex(output, /^SigBlk:\s+0{16}\nSigIgn:\s+0{16}$/m)
})

test('SIGPIPE is ignored when that was asked for', async t => {
  const { output } = await run('exec cat /proc/self/status', { ignoreSigpipe: true })
  t.regex(output, /^SigIgn:\s+0{12}1000$/m)
})

test('a child has the descriptors it was given in their places and no other', async t => {
  const { output } = await run('for fd in /proc/$$/fd/*; do echo "${fd##*/} $(readlink $fd)"; done')
  const lines = output.trim().split('\n')
  // The shell's own $( ) may show the pipe that it reads from: only what is above the first three counts.
  t.is(lines[0], '0 /dev/null')
  t.regex(lines[1] ?? '', /^1 pipe:/)
  t.deepEqual(
    lines.filter(line => Number.parseInt(line, 10) > 2 && !line.includes('pipe:')),
    [],
  )
})

test('descriptors that stand in each other’s places are exchanged', async t => {
  const files = ['a', 'b', 'c'].map(name => {
    const path = join(directory, name)
    writeFileSync(path, '')
    return openSync(path, 'r+')
  })
  const [a, b, c] = files as [number, number, number]
  const { read, write } = native.pipe()
  // As many as reach the descriptors themselves, so that each source lies where another has to go.
  const highest = Math.max(a, b, c, write)
  const fds: number[] = Array.from({ length: highest + 1 }, () => -1)
  fds[1] = write
  fds[a] = b
  fds[b] = c
  fds[c] = a
  fds[2] = 2
  const { output } = await (async () => {
    const outcome = native.spawn(
      request(`readlink /proc/$$/fd/${a} /proc/$$/fd/${b} /proc/$$/fd/${c}`, { fds }),
    )
    native.close(write)
    const end = ended(pidOf(outcome))
    const output = await readAll(read)
    await end
    return { output }
  })()
  for (const fd of files) closeSync(fd)
  t.deepEqual(
    output.trim().split('\n'),
    ['b', 'c', 'a'].map(name => join(directory, name)),
  )
})

test('no descriptor that was lent to a child stays open here', async t => {
  const { read, write } = native.pipe()
  const outcome = native.spawn(request('exit', { fds: [-1, write, write] }))
  native.close(write)
  const end = ended(pidOf(outcome))
  t.is(await readAll(read), '', 'the pipe ends with the child')
  await end
})

test('more descriptors than can be lent are handed over as well', async t => {
  const { read, write } = native.pipe()
  const fds = [-1, ...Array.from({ length: 60 }, () => write)]
  const outcome = native.spawn(request('ls /proc/self/fd | wc -l', { fds }))
  native.close(write)
  const end = ended(pidOf(outcome))
  // ls opens the directory, and the shell puts its own pipe in stdout's place.
  t.is(Number(await readAll(read)), fds.length + 1)
  await end
})

test('a descriptor already in its place survives the execve although it was close-on-exec', async t => {
  const path = join(directory, 'stays')
  writeFileSync(path, 'here')
  const fd = openSync(path, 'r')
  const { read, write } = native.pipe()
  const fds = Array.from({ length: Math.max(fd, write) + 1 }, () => -1)
  fds[1] = write
  fds[fd] = fd
  const outcome = native.spawn(request(`cat /proc/$$/fd/${fd}`, { fds }))
  native.close(write)
  closeSync(fd)
  const end = ended(pidOf(outcome))
  t.is(await readAll(read), 'here')
  await end
})

test('the umask is the child’s', async t => {
  t.is((await run('umask', { umask: 0o27 })).output, '0027\n')
})

test('resource limits are set, and a hard limit that may not be raised gives the nearest', async t => {
  const { hard } = native.getRlimit(RLIMIT_NOFILE)
  const { output } = await run('ulimit -t; ulimit -c; ulimit -Sn; ulimit -Hn', {
    rlimits: [
      [RLIMIT_CPU, 100, 200],
      [RLIMIT_CORE, 0, 0],
      [RLIMIT_NOFILE, 100, 1_000_000_000],
    ],
  })
  const [cpu, core, soft, limit] = output.trim().split('\n')
  t.is(cpu, '100')
  t.is(core, '0')
  t.is(soft, '100')
  t.true(Number(limit) >= hard)
})

test('nice and the OOM score adjustment are set', async t => {
  const { output } = await run('nice; cat /proc/self/oom_score_adj', {
    nice: 7,
    oomScoreAdjust: 250,
  })
  t.is(output, '7\n250\n')
})

test('variables such as LISTEN_PID name the child itself', async t => {
  const { output } = await run('echo $LISTEN_PID $WATCHDOG_PID $$', {
    pidVariables: ['LISTEN_PID', 'WATCHDOG_PID'],
  })
  const [listen, watchdog, pid] = output.trim().split(' ')
  t.is(listen, pid)
  t.is(watchdog, pid)
})

test('user, group and supplementary groups are changed', async t => {
  if (!isRoot) {
    t.log('skipped: needs root')
    return t.pass()
  }
  const { output } = await run('id -u; id -g; id -G; cat /proc/self/status | grep CapEff', {
    uid: 65_534,
    gid: 12_345,
    groups: [12_345, 23_456],
  })
  t.is(output, '65534\n12345\n12345 23456\nCapEff:\t0000000000000000\n')
  t.is(readFileSync('/proc/self/status', 'utf8').match(/^Uid:\s+(\d+)/m)?.[1], '0')
})

test('the working directory is entered as the user', t => {
  if (!isRoot) {
    t.log('skipped: needs root')
    return t.pass()
  }
  const closed = mkdtempSync(join(directory, 'closed-'))
  const outcome = native.spawn(request('', { cwd: closed, uid: 65_534, gid: 65_534, groups: [] }))
  t.like(outcome, { step: 'CHDIR', exitStatus: 200, errno: 'EACCES' })
})

const failures: [string, Partial<SpawnRequest>, object][] = [
  ['a missing file', { path: '/nope' }, { step: 'EXEC', exitStatus: 203, errno: 'ENOENT' }],
  ['a file that is not executable', { path: '/etc/passwd' }, { step: 'EXEC', errno: 'EACCES' }],
  [
    'a directory that is missing',
    { cwd: '/nope' },
    { step: 'CHDIR', exitStatus: 200, errno: 'ENOENT' },
  ],
  [
    'a bad descriptor for stdin',
    { fds: [9999] },
    { step: 'STDIN', exitStatus: 208, errno: 'EBADF' },
  ],
  ['a bad descriptor for stdout', { fds: [-1, 9999] }, { step: 'STDOUT', exitStatus: 209 }],
  ['a bad descriptor for stderr', { fds: [-1, -1, 9999] }, { step: 'STDERR', exitStatus: 222 }],
  ['a bad further descriptor', { fds: [-1, -1, -1, 9999] }, { step: 'FDS', exitStatus: 202 }],
  [
    'a soft limit above the hard one',
    { rlimits: [[RLIMIT_CPU, 9, 8]] },
    { step: 'LIMITS', exitStatus: 205, errno: 'EINVAL' },
  ],
  [
    'a terminal that is none',
    { controllingTty: true },
    { step: 'STDIN', exitStatus: 208, errno: 'ENOTTY' },
  ],
  ['a cgroup that is none', { cgroupFd: 1 }, { step: 'CGROUP', exitStatus: 219 }],
  [
    'a call of the caller’s',
    {
      after: [
        { call: 'mkdirat', args: [-100, '/nope/x', 0], step: 'STATE_DIRECTORY', exitStatus: 238 },
      ],
    },
    {
      step: 'STATE_DIRECTORY',
      exitStatus: 238,
      errno: 'ENOENT',
      message: 'No such file or directory',
    },
  ],
]
for (const [what, changes, expected] of failures) {
  test(`${what} is told with its step, systemd’s exit status and errno`, t => {
    t.like(native.spawn(request('', changes)), expected)
  })
}

test('a script without an interpreter line is no program', t => {
  const path = join(directory, 'script')
  writeFileSync(path, 'echo hello\n', { mode: 0o755 })
  t.like(native.spawn(request('', { path })), { step: 'EXEC', errno: 'ENOEXEC' })
})

test.serial('a failed start leaves no zombie', t => {
  const before = native.children().length
  for (let i = 0; i < 20; i++) native.spawn(request('', { path: '/nope' }))
  t.is(native.children().length, before)
})

test('a missing directory may be allowed', async t => {
  const { output } = await run('echo on', { cwd: '/nope', cwdMissingOk: true })
  t.is(output, 'on\n')
})

test('calls are made in order, before and after the change of user, with the results of earlier ones', async t => {
  const file = join(directory, 'written')
  const { exit } = await run('exit 3', {
    uid: isRoot ? 65_534 : null,
    before: [
      { call: 'openat', args: [-100, file, 0o101, 0o600], step: 'OPEN', exitStatus: 1 },
      {
        call: 'write',
        args: [{ result: 0 }, Buffer.from('before '), 7n],
        step: 'WRITE',
        exitStatus: 1,
      },
    ],
    after: [
      { call: 'write', args: [{ result: 0 }, 'after', 5], step: 'WRITE', exitStatus: 1 },
      { call: 'close', args: [{ result: 0 }], step: 'CLOSE', exitStatus: 1 },
      { call: 'chdir', args: ['/nope'], step: 'CD', exitStatus: 1, ignore: ['ENOENT'] },
      { call: 'chdir', args: ['/nope/x'], step: 'CD', exitStatus: 1, ignore: 'all' },
    ],
  })
  t.deepEqual([exit.kind, 'status' in exit && exit.status], ['exited', 3])
  t.is(readFileSync(file, 'utf8'), 'before after')
})

test('an errno that is not on a call’s list still counts', t => {
  const outcome = native.spawn(
    request('', {
      before: [{ call: 'chdir', args: ['/nope'], step: 'CD', exitStatus: 7, ignore: ['EACCES'] }],
    }),
  )
  t.like(outcome, { step: 'CD', exitStatus: 7, errno: 'ENOENT' })
})

test('a call that no child may make, or the result of a later one, is our own mistake', t => {
  const call = (name: string, args: SpawnRequest['before'][number]['args']) => ({
    before: [{ call: name, args, step: 'X', exitStatus: 1 }],
  })
  t.throws(() => native.spawn(request('', call('fork', []))), { message: /fork/ })
  t.throws(() => native.spawn(request('', call('close', [{ result: 0 }]))), { message: /later/ })
})

test('a request that is not well formed throws and starts nothing', t => {
  const before = native.children().length
  t.throws(() => native.spawn({ ...request(''), argv: [1] } as unknown as SpawnRequest))
  t.throws(() => native.spawn({} as SpawnRequest))
  t.is(native.children().length, before)
})

test('stdin becomes the controlling terminal', async t => {
  const main = openSync('/dev/ptmx', 'r+')
  const unlock = 0x40045431
  // A child unlocks it for us: it is the same terminal, and Node has no ioctl.
  await run('', {
    fds: [main, 1, 2],
    after: [{ call: 'ioctl', args: [0, unlock, new Uint8Array(4)], step: 'TTY', exitStatus: 1 }],
  })
  const index = /tty-index:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${main}`, 'utf8'))?.[1]
  const noControllingTerminal = 0o400
  const terminal = openSync(`/dev/pts/${index}`, 2 | noControllingTerminal)
  const { read, write } = native.pipe()
  const outcome = native.spawn(
    request('exec 3</dev/tty && tty <&0', { fds: [terminal, write, 2], controllingTty: true }),
  )
  native.close(write)
  const end = ended(pidOf(outcome))
  t.is(await readAll(read), `/dev/pts/${index}\n`)
  await end
  closeSync(terminal)
  closeSync(main)
})

test('a pidfd comes only when asked for, and tells the end of its process', async t => {
  const plain = native.spawn(request('exit 0'))
  t.is('pidfd' in plain && plain.pidfd, -1)
  const outcome = native.spawn(request('read x', { pidfd: true, fds: [native.pipe().read, 1, 2] }))
  if (!('pid' in outcome)) return t.fail()
  const ends = [ended(pidOf(plain)), ended(outcome.pid)]
  const told = new Promise<void>(resolve => native.onPidfd(outcome.pidfd, resolve))
  t.is(native.pidfdSignal(outcome.pidfd, 9), null)
  await Promise.all([told, ...ends])
  t.is(native.pidfdSignal(outcome.pidfd, 9), 'ESRCH')
  native.close(outcome.pidfd)
  t.is(native.pidfdOpen(outcome.pid), -1)
})

test('a child starts in its cgroup', async t => {
  const mount = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map(line => line.split(' '))
    .find(fields => fields[2] === 'cgroup2')?.[1]
  const name = `hearth-test-${process.pid}`
  try {
    mkdirSync(`${mount}/${name}`)
  } catch {
    t.log('skipped: needs a writable cgroup v2')
    return t.pass()
  }
  const cgroupFd = openSync(`${mount}/${name}`, 'r')
  const { output } = await run('grep ^0:: /proc/$$/cgroup', { cgroupFd })
  closeSync(cgroupFd)
  rmdirSync(`${mount}/${name}`)
  t.regex(output, new RegExp(`/${name}\n$`))
})
