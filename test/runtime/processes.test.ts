// Which process is whose, and the end of whole trees, without cgroups.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import anyTest, { type TestFn } from 'ava'
import { endLeftovers } from '../../daemon/runtime/leftovers.ts'
import { native } from '../../daemon/runtime/native.ts'
import { readStat } from '../../daemon/runtime/procfs.ts'
import { command, sh, World } from './world.ts'

const test = (anyTest as TestFn<{ world: World }>).serial
test.beforeEach(t => {
  t.context.world = new World()
})
test.afterEach.always(t => t.context.world.close())

const SIGTERM = 15
const SIGKILL = 9

/** Waits until `holds`: for what another process does, which sends no event. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 5))
}

const lives = (pid: number) => {
  const state = readStat(pid)?.state
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** The pid that a process has written to a file of the world's directory. */
async function written(world: World, name: string): Promise<number> {
  const path = join(world.directory, name)
  await until(() => existsSync(path) && /\n/.test(readFileSync(path, 'utf8')))
  return Number(readFileSync(path, 'utf8'))
}

function start(world: World, script: string, id = 'web.service', exec = {}): number {
  world.add({ id, service: { execStart: [sh(script)] }, exec })
  const answer = world.spawn(id)
  if (answer.type === 'spawn-failed') throw new Error(answer.message)
  return answer.pid
}

/** A grandchild that has left the session, its parents gone. */
const doubleFork = (world: World, environment = '') =>
  `cd ${world.directory}; setsid sh -c '${environment} sh -c "echo \\$\\$ >pid; exec sleep 60" & exit' ; `

test('an orphan that was reaped as it was put to its unit is none of its processes', async t => {
  const { world } = t.context
  const { processes } = world.runtime
  const { pid: gone } = spawnSync('true')
  t.false(processes.adopt('web.service', gone))
  t.deepEqual(processes.of('web.service'), [])
  const pid = start(world, 'exec sleep 60')
  t.true(processes.adopt('web.service', pid))
  t.true(world.kill('web.service', SIGTERM).waiting)
  await world.event('emptied')
  t.false(lives(pid))
})

test('a signal reaches the main process and its children', async t => {
  const { world } = t.context
  const pid = start(world, `sleep 60 & echo $! >${world.directory}/pid; wait`)
  const child = await written(world, 'pid')
  t.deepEqual(world.runtime.processes.of('web.service').sort(), [pid, child].sort())
  t.true(world.kill('web.service', SIGTERM).waiting)
  await world.event('emptied')
  t.false(lives(child))
})

test('a setsid’ed grandchild whose parents are gone is the unit’s all the same', async t => {
  const { world } = t.context
  const pid = start(world, `${doubleFork(world)} exec sleep 60`)
  const stray = await written(world, 'pid')
  await until(() => readStat(stray)?.parent === process.pid)
  t.is(world.runtime.processes.unitOf(stray), 'web.service')
  world.kill('web.service', SIGTERM)
  await world.event('emptied')
  t.false(lives(pid))
  t.false(lives(stray))
})

test('a stray with a session and an environment of its own is the unit’s still', async t => {
  const { world } = t.context
  const pid = start(world, doubleFork(world, 'exec env -i'))
  const stray = await written(world, 'pid')
  await world.event('exited', event => event.pid === pid)
  await until(() => readStat(stray)?.parent === process.pid)
  t.true(world.kill('web.service', SIGTERM).waiting)
  await world.event('emptied')
  t.false(lives(stray))
})

test('the unit is empty only when the last stray has ended', async t => {
  const { world } = t.context
  const pid = start(world, `${doubleFork(world)} exec sleep 60`)
  const stray = await written(world, 'pid')
  world.perform({ type: 'await-empty', unit: 'web.service' })
  native().kill(pid, SIGKILL)
  await world.event('exited', event => event.pid === pid)
  t.false(world.events.some(({ type }) => type === 'emptied'))
  native().kill(stray, SIGKILL)
  await world.event('emptied')
  t.pass()
})

test('a unit without processes is told to be empty at once, and a kill waits for nobody', t => {
  const { world } = t.context
  world.add({})
  t.false(world.kill('web.service', SIGTERM).waiting)
  t.false(world.events.some(({ type }) => type === 'emptied'))
  world.perform({ type: 'await-empty', unit: 'web.service' })
  t.true(world.events.some(({ type }) => type === 'emptied'))
})

test('emptied is told once for each time it is waited for', async t => {
  const { world } = t.context
  const pid = start(world, 'exit 0')
  await world.event('exited', event => event.pid === pid)
  t.false(world.events.some(({ type }) => type === 'emptied'))
})

test('the processes of one unit are not those of another', async t => {
  const { world } = t.context
  const a = start(world, 'sleep 60 & wait', 'a.service')
  const b = start(world, 'sleep 60 & wait', 'b.service')
  await until(() => world.runtime.processes.of('b.service').length === 2)
  world.kill('a.service', SIGKILL)
  await world.event('emptied', event => event.unit === 'a.service')
  t.false(lives(a))
  t.true(lives(b))
  t.is(world.runtime.processes.of('b.service').length, 2)
})

test('a child that belongs to no unit is left alone', async t => {
  const { world } = t.context
  const stranger = native().spawn({
    path: '/bin/sleep',
    argv: ['sleep', '60'],
    env: ['A=b'],
    fds: [-1, -1, -1],
    cwd: null,
    cwdMissingOk: false,
    uid: null,
    gid: null,
    groups: null,
    umask: 0o22,
    rlimits: [],
    nice: null,
    oomScoreAdjust: null,
    ignoreSigpipe: false,
    controllingTty: false,
    cgroupFd: -1,
    pidVariables: [],
    before: [],
    after: [],
    filter: null,
  })
  if (!('pid' in stranger)) return t.fail(stranger.message)
  const pid = start(world, 'sleep 60 & wait')
  world.kill('web.service', SIGKILL)
  await world.event('emptied')
  t.false(lives(pid))
  t.true(lives(stranger.pid))
  t.is(world.runtime.processes.unitOf(stranger.pid), null)
  native().kill(stranger.pid, SIGKILL)
  await until(() => {
    world.collect()
    return !lives(stranger.pid)
  })
})

test('SIGKILL ends a tree of processes that keep forking away from their parents', async t => {
  const { world } = t.context
  // Each forks two that leave the session, and ends; at most 300 live at once, by the limit on the whole.
  writeFileSync(
    join(world.directory, 'bomb'),
    `#!/bin/sh
n=$1
while [ $n -gt 0 ]; do
  setsid "$0" $((n - 1)) &
  n=$((n - 1))
done
sleep 60 & exec sleep 60
`,
    { mode: 0o755 },
  )
  world.add({ service: { execStart: [command([join(world.directory, 'bomb'), '7'])] } })
  world.spawn('web.service')
  // Killed while it still grows.
  await until(() => world.runtime.processes.of('web.service').length > 50)
  t.true(world.kill('web.service', SIGKILL).waiting)
  await world.event('emptied')
  t.deepEqual(world.runtime.processes.of('web.service'), [])
  const left = [...native().children()].filter(lives)
  t.deepEqual(left, [])
})

test('SIGKILL ends a chain of processes of which each is gone when the next is born', async t => {
  const { world } = t.context
  writeFileSync(
    join(world.directory, 'chain'),
    // Bounded, so that a failure of this test does not outlive it for long.
    `#!/bin/sh
[ $1 -gt 0 ] || exit
setsid "$0" $(($1 - 1)) &
setsid sleep 1 &
`,
    { mode: 0o755 },
  )
  world.add({ service: { execStart: [command([join(world.directory, 'chain'), '3000'])] } })
  world.spawn('web.service')
  await until(() => world.runtime.processes.of('web.service').length > 5)
  world.kill('web.service', SIGKILL)
  await world.event('emptied')
  t.deepEqual([...native().children()].filter(lives), [])
})

test('a forking daemon’s only child of ours is guessed to be its main process', async t => {
  const { world } = t.context
  const pid = start(world, doubleFork(world))
  const stray = await written(world, 'pid')
  await world.event('exited', event => event.pid === pid)
  await until(() => readStat(stray)?.parent === process.pid)
  const guess = world.ask('main-pid-guessed', token => ({
    type: 'guess-main-pid',
    unit: 'web.service',
    token,
  }))
  t.is(guess.pid, stray)
})

test('a main process that is told of is watched, and its status known once it is our child', async t => {
  const { world } = t.context
  const pid = start(
    world,
    `cd ${world.directory}; setsid sh -c 'echo $$ >pid; while [ ! -e go ]; do sleep 0.01; done; exit 7' & wait`,
  )
  const daemon = await written(world, 'pid')
  world.perform({ type: 'watch-process', unit: 'web.service', pid: daemon })
  native().kill(pid, SIGKILL)
  await world.event('exited', event => event.pid === pid)
  await until(() => readStat(daemon)?.parent === process.pid)
  writeFileSync(join(world.directory, 'go'), '')
  const { exit } = await world.event('exited', event => event.pid === daemon)
  t.deepEqual(exit, { kind: 'exited', status: 7 })
})

test('of a main process that never was our child, the end alone is known', async t => {
  const { world } = t.context
  const pid = start(
    world,
    `cd ${world.directory}; sh -c 'echo $$ >pid; while [ ! -e go ]; do sleep 0.01; done; exit 7' & wait; sleep 60`,
  )
  const daemon = await written(world, 'pid')
  world.perform({ type: 'watch-process', unit: 'web.service', pid: daemon })
  writeFileSync(join(world.directory, 'go'), '')
  const { exit } = await world.event('exited', event => event.pid === daemon)
  t.deepEqual(exit, { kind: 'unknown' })
  t.true(lives(pid))
})

test('exits that came together are told one by one, each before the process is reaped', async t => {
  const { world } = t.context
  const pids = Array.from({ length: 20 }, (_, i) => start(world, 'sleep 60', `${i}.service`))
  for (const pid of pids) native().kill(pid, SIGKILL)
  const exits = await Promise.all(
    pids.map(pid => world.event('exited', event => event.pid === pid)),
  )
  t.true(exits.every(({ exit }) => exit.kind === 'killed' && exit.signal === SIGKILL))
})

test('at the end what is left over is asked to leave, then killed, and nobody is left', async t => {
  const { world } = t.context
  start(world, `${doubleFork(world)} trap "" TERM; echo $$ >stubborn; while :; do sleep 0.05; done`)
  await written(world, 'pid')
  await written(world, 'stubborn')
  const killed = await endLeftovers(
    {
      native: native(),
      collect: () => world.collect(),
      pause: ms => new Promise(resolve => setTimeout(resolve, Math.min(ms, 10))),
      monotonicUsec: () => native().monotonicUsec(),
    },
    200_000,
  )
  t.true(killed > 0)
  t.deepEqual([...native().children()], [])
})

test('with a writable cgroup v2 a unit’s processes are those of its cgroup, and go with it', async t => {
  await t.context.world.close()
  const world = new World({ cgroups: 'yes' })
  t.context.world = world
  const pid = start(world, `${doubleFork(world)} exec sleep 60`)
  const stray = await written(world, 'pid')
  const place = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
  if (!place.includes('/hearth-')) {
    t.log('no writable cgroup v2 here: not checked')
    return t.pass()
  }
  t.true(/^0::.*\/web\.service$/m.test(place))
  t.deepEqual(world.runtime.processes.of('web.service').sort(), [pid, stray].sort())
  t.true(world.kill('web.service', SIGKILL).waiting)
  await world.event('emptied')
  t.false(lives(pid) || lives(stray))
  t.false(world.kill('web.service', SIGKILL).waiting)
})

test('the cgroup tells of the end of a process that is no child of ours', async t => {
  await t.context.world.close()
  const world = new World({ cgroups: 'yes' })
  t.context.world = world
  const pid = start(world, 'exec sleep 60')
  const place = /^0::(.*\/hearth-.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1]
  if (place === undefined) {
    t.log('no writable cgroup v2 here: not checked')
    return t.pass()
  }
  const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/self/mounts', 'utf8'))?.[1]
  // The child of another unit, which reaps it.
  start(
    world,
    `cd ${world.directory}; sleep 60 & echo $! >foreign; wait; exec sleep 60`,
    'other.service',
  )
  const foreign = await written(world, 'foreign')
  writeFileSync(`${mount}${place}/cgroup.procs`, String(foreign))
  t.deepEqual(world.runtime.processes.of('web.service').sort(), [pid, foreign].sort())
  process.kill(pid, 'SIGKILL')
  await world.event('exited')
  world.perform({ type: 'await-empty', unit: 'web.service' })
  t.false(world.events.some(event => event.type === 'emptied'))
  process.kill(foreign)
  await world.event('emptied')
})
