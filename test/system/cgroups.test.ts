// Cgroups: a directory of cgroup v2 for each unit, where it is asked for or the system has no other hierarchy.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import anyTest, { type ExecutionContext } from 'ava'
import { boot, isRoot, type Pid1 } from './pid1.ts'

// They share the machine's one tree.
const test = anyTest.serial

const MOUNT = readFileSync('/proc/self/mounts', 'utf8')
  .split('\n')
  .map(line => line.split(' '))
  .find(fields => fields[2] === 'cgroup2')?.[1]
/** The cgroup v2 that a process is in, as a directory. */
const placeOf = (pid: number | 'self') =>
  `${MOUNT}${/^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1]}`.replace(
    /\/$/,
    '',
  )

function canWrite(t: ExecutionContext): boolean {
  try {
    accessSync(placeOf('self'), constants.W_OK)
    if (isRoot) return true
  } catch {
    // Told below.
  }
  t.log('needs root and a writable cgroup v2: not checked')
  t.pass()
  return false
}

const lives = (pid: number) => existsSync(`/proc/${pid}`) && !/^State:\tZ/m.test(status(pid))
const status = (pid: number) => {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1')
  } catch {
    return ''
  }
}
/** The pid from here of a process by its pid in the daemon's namespace. */
const fromHere = (place: string, inside: string) =>
  readFileSync(`${place}/cgroup.procs`, 'latin1')
    .trim()
    .split('\n')
    .map(Number)
    .find(pid => status(pid).match(/^NSpid:.*\t(\d+)$/m)?.[1] === inside) ?? 0

async function mainOf(hearth: Pid1, unit: string): Promise<{ pid: number; place: string }> {
  const inside = await hearth.show(unit, 'MainPID')
  const scope = readdirSync(placeOf(hearth.pid)).filter(name => name.startsWith('hearth-'))
  const places = scope
    .map(name => `${placeOf(hearth.pid)}/${name}/system.slice/${unit}`)
    .filter(existsSync)
  for (const place of places) {
    const pid = fromHere(place, inside)
    if (pid > 0 && parentOf(pid) === hearth.pid) return { pid, place }
  }
  throw new Error(`${unit} has no cgroup`)
}
const parentOf = (pid: number) => Number(/^PPid:\t(\d+)$/m.exec(status(pid))?.[1])

async function end(hearth: Pid1) {
  hearth.signal('SIGTERM')
  return hearth.ended
}

const yes = ['--cgroups', 'yes']
const web = {
  'web.service':
    '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n',
}

test('a stop takes a grandchild of another session that ignores SIGTERM with the cgroup, which goes too', async t => {
  if (!canWrite(t)) return
  const hearth = await boot(t, {
    args: yes,
    units: directory => ({
      'tree.service': `[Service]\nTimeoutStopSec=100ms\nExecStart=/bin/sh -c '(setsid sh -c "trap : TERM; echo \\$\\$ >${directory}/stray; while :; do sleep 60; done" &); exec sleep infinity'\n`,
    }),
  })
  await hearth.ok('start', 'tree.service')
  const stray = await hearth.file(`${hearth.directory}/stray`, text => text.endsWith('\n'))
  const main = await mainOf(hearth, 'tree.service')
  const pid = fromHere(main.place, stray.trim())
  t.true(lives(pid))
  await hearth.ok('stop', 'tree.service')
  t.false(lives(pid))
  t.false(existsSync(main.place))
  const scope = main.place.replace(/\/system\.slice\/tree\.service$/, '')
  t.true(existsSync(scope))
  t.is((await end(hearth)).code, 0)
  t.false(existsSync(scope))
})

test('two daemons in one cgroup tree leave each other’s services alone', async t => {
  if (!canWrite(t)) return
  const first = await boot(t, { args: yes, units: web })
  const one = await mainOf(first, 'web.service')
  const second = await boot(t, { args: yes, units: web })
  const two = await mainOf(second, 'web.service')
  t.not(one.place, two.place)
  await second.ok('kill', '--signal=KILL', 'web.service')
  await second.ok('stop', 'web.service')
  await end(second)
  t.true(lives(one.pid))
  t.true(existsSync(one.place))
  t.false(existsSync(two.place))
  await end(first)
  t.false(existsSync(one.place))
})

test('what a daemon that is gone has left is removed when another starts, if nobody is in it', async t => {
  if (!canWrite(t)) return
  const [empty = '', busy = ''] = [1, 2].map(
    n => `${placeOf('self')}/hearth-1-${process.pid}-${n}.scope`,
  )
  const survivor = spawn('sleep', ['60'])
  t.teardown(() => survivor.kill())
  for (const scope of [busy, empty]) {
    mkdirSync(`${scope}/web.service`, { recursive: true })
    if (scope === busy) writeFileSync(`${scope}/web.service/cgroup.procs`, String(survivor.pid))
  }
  const hearth = await boot(t, { args: yes })
  t.false(existsSync(empty))
  t.true(existsSync(`${busy}/web.service`))
  t.true(lives(survivor.pid ?? 0))
  await end(hearth)
  survivor.kill('SIGKILL')
  await once(survivor, 'exit')
  rmdirSync(`${busy}/web.service`)
  rmdirSync(busy)
})

test('beside the old hierarchies cgroups are used only when that is asked for', async t => {
  if (!canWrite(t)) return
  if (MOUNT === '/sys/fs/cgroup') {
    t.log('cgroup v2 is the only hierarchy here: not checked')
    return t.pass()
  }
  for (const args of [[], ['--cgroups', 'auto'], ['--cgroups', 'no']]) {
    const hearth = await boot(t, { args, units: web })
    await t.throwsAsync(mainOf(hearth, 'web.service'), { message: 'web.service has no cgroup' })
    await end(hearth)
  }
})

test('where no cgroup can be made, one line says that --cgroups yes does without', async t => {
  if (!isRoot && MOUNT && canWriteHere()) {
    t.log('cgroups can be made here by everybody: not checked')
    return t.pass()
  }
  const hearth = await boot(t, { args: yes, units: web, ...(isRoot ? { user: 'nobody' } : {}) })
  t.is(await hearth.show('web.service', 'ActiveState'), 'active')
  t.is(hearth.err().match(/cannot use cgroups/g)?.length, 1)
  await end(hearth)
})

function canWriteHere(): boolean {
  try {
    accessSync(placeOf('self'), constants.W_OK)
    return true
  } catch {
    return false
  }
}

test('a unit is in the cgroups of its slices, shown by ctl, and owns what it delegates', async t => {
  if (!canWrite(t)) return
  const hearth = await boot(t, {
    args: yes,
    units: {
      ...web,
      'a.service':
        '[Service]\nExecStart=/bin/sleep infinity\nSlice=tight-inner.slice\nUser=nobody\nDelegate=yes\nDelegateSubgroup=main\n',
      'b.service': '[Service]\nExecStart=/bin/sleep infinity\nMemoryMax=64M\nCPUAccounting=yes\n',
    },
  })
  await hearth.ok('start', 'a', 'b')
  const group = await hearth.show('a', 'ControlGroup')
  t.regex(group, /^\/hearth-.*\.scope\/tight\.slice\/tight-inner\.slice\/a\.service$/)
  t.is(await hearth.show('a', 'Slice'), 'tight-inner.slice')
  t.is(await hearth.show('tight-inner.slice', 'ActiveState'), 'active')
  const place = `${placeOf(hearth.pid)}${group}`
  t.is(statSync(place).uid, statSync(`${place}/main/cgroup.procs`).uid)
  t.not(statSync(place).uid, 0)
  t.is(readFileSync(`${place}/main/cgroup.procs`, 'utf8').trim().split('\n').length, 1)

  // What the kernel counts, and the sum over /proc of what it does not count here.
  const { out } = await hearth.ctl('show', 'b', '-p', 'CPUUsageNSec,MemoryCurrent,TasksCurrent')
  for (const line of out.trim().split('\n')) t.regex(line, /^\w+=\d+$/)
  t.regex((await hearth.ctl('status', 'b')).out, /^ +Tasks: 1$/m)
  const report = await hearth.ctl('fidelity', 'b')
  t.is(report.code, 0)
  if (!readFileSync(`${placeOf(hearth.pid)}/cgroup.controllers`, 'utf8').includes('memory')) {
    t.regex(report.out, /^MemoryMax= +64M +ignored \(harmless\) no memory controller/m)
    t.regex(hearth.err(), /Starts without MemoryMax= \(no memory controller in its cgroup\)/)
  }
  await hearth.ok('stop', 'a')
  t.false(existsSync(place))
  await end(hearth)
})
