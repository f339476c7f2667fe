// An exit is shown before it is taken, none is lost, and those of strangers go by uncounted.

import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import anyTest, { type TestFn } from 'ava'
import type { WaitedExit } from '../../daemon/runtime/native.ts'
import { native, pidOf, request, run } from './children.ts'

const test = anyTest as TestFn
native.setSubreaper()

const start = (script: string) => pidOf(native.spawn(request(script)))

const startStranger = (script: string) => {
  const pid = start(script)
  native.untrack(pid)
  return pid
}

/** Becomes true when `holds` does, looked at whenever a child ends. */
async function until(holds: () => boolean): Promise<void> {
  const ends = new PassThrough()
  native.onChild(() => ends.emit('end-of-child'))
  try {
    while (!holds()) await once(ends, 'end-of-child')
  } finally {
    native.onChild(null)
  }
}

const isZombie = (pid: number) => /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))

test.serial('an exit that was shown stays with the kernel until it is reaped', async t => {
  const pid = start('exit 5')
  native.track(pid)
  await until(() => isZombie(pid))
  t.deepEqual(native.peekExit(), { pid, kind: 'exited', status: 5 })
  t.true(isZombie(pid))
  const usage = native.reap(pid)
  t.true(usage !== null && usage.userUsec >= 0 && usage.systemUsec >= 0)
  t.false(existsSync(`/proc/${pid}`))
  t.is(native.reap(pid), null)
  t.is(native.peekExit(), null)
})

test.serial('to look for the next exit before the last is reaped is our own mistake', async t => {
  const pid = start('exit 0')
  native.track(pid)
  await until(() => isZombie(pid))
  native.peekExit()
  t.throws(() => native.peekExit(), { message: /has not been reaped/ })
  native.reap(pid)
})

test.serial('a signal that ended a process is told as such', async t => {
  const killed = start('kill -9 $$')
  native.track(killed)
  await until(() => isZombie(killed))
  t.deepEqual(native.peekExit(), { pid: killed, kind: 'killed', signal: 9 })
  native.reap(killed)
})

test.serial(
  'children that are not tracked are reaped on the way to one that is, and counted',
  async t => {
    const strangers = Array.from({ length: 10 }, () => startStranger('exit 1'))
    const own = start('exit 2')
    native.track(own)
    await until(() => [...strangers, own].every(isZombie))
    native.reapedUntracked()
    t.deepEqual(native.peekExit(), { pid: own, kind: 'exited', status: 2 })
    native.reap(own)
    t.is(native.peekExit(), null)
    t.is(native.reapedUntracked(), 10)
    t.is(native.reapedUntracked(), 0)
  },
)

test.serial('a child that is no longer tracked is reaped like a stranger', async t => {
  const pid = start('exit 0')
  native.track(pid)
  native.untrack(pid)
  await until(() => isZombie(pid))
  t.is(native.peekExit(), null)
  t.is(native.reapedUntracked(), 1)
})

test.serial('who tracks a child is told whether it is still there', async t => {
  const pid = start('exit 0')
  t.true(native.track(pid))
  await until(() => isZombie(pid))
  t.true(native.track(pid), 'ended, and nobody has taken it')
  native.peekExit()
  native.reap(pid)
  t.false(native.track(pid))
  native.untrack(pid)
  t.false(native.track(process.ppid), 'no child of ours')
  native.untrack(process.ppid)
})

test.serial('orphans arrive at the subreaper and are reaped', async t => {
  native.reapedUntracked()
  const { output } = await run('for i in 1 2 3 4 5; do (sleep 0.05 & echo $!); done')
  const orphans = output.trim().split('\n').map(Number)
  t.is(orphans.length, 5)
  let reaped = 0
  await until(() => {
    native.peekExit()
    reaped += native.reapedUntracked()
    return reaped >= 5
  })
  t.is(reaped, 5)
  t.deepEqual(
    orphans.filter(pid => existsSync(`/proc/${pid}`)),
    [],
  )
})

test.serial('orphans that nobody waits for are reaped without a call, children never', async t => {
  native.reapedUntracked()
  native.awaitStrangers(false)
  const own = start('for i in 1 2 3 4 5; do (: &); done; exec sleep 1000')
  const told: boolean[] = []
  native.onChild(() => told.push(native.peekExit() !== null))
  try {
    let reaped = 0
    while (reaped < 5) {
      await new Promise(setImmediate)
      reaped += native.reapedUntracked()
    }
    t.deepEqual([...native.children()], [own])
    t.false(told.includes(true))
    native.kill(own, 9)
    while (!told.includes(true)) await new Promise(setImmediate)
    t.truthy(native.reap(own))
  } finally {
    native.awaitStrangers(true)
    native.onChild(null)
  }
})

test.serial('of a thousand children that end as they are started no exit is lost', async t => {
  const exits = new Map<number, WaitedExit>()
  const started: number[] = []
  const collect = () => {
    for (let exit = native.peekExit(); exit; exit = native.peekExit()) {
      exits.set(exit.pid, exit)
      native.reap(exit.pid)
    }
  }
  for (let i = 0; i < 1000; i++) {
    const pid = pidOf(native.spawn(request('', { path: i % 2 ? '/bin/true' : '/bin/false' })))
    native.track(pid)
    started.push(pid)
    if (i % 100 === 0) collect()
  }
  await until(() => {
    collect()
    return exits.size >= 1000
  })
  t.deepEqual(
    started.map(pid => {
      const exit = exits.get(pid)
      return exit?.kind === 'exited' ? exit.status : exit
    }),
    started.map((_, i) => (i % 2 ? 0 : 1)),
  )
  t.is(native.children().length, 0)
})

test.serial('children tells the direct children, zombies too', async t => {
  const pids = [start('exit 0'), start('read x')]
  const [zombie, living] = pids as [number, number]
  native.track(zombie)
  native.track(living)
  await until(() => isZombie(zombie))
  t.deepEqual(
    [...native.children()].sort((a, b) => a - b),
    pids.sort((a, b) => a - b),
  )
  native.kill(living, 9)
  await until(() => isZombie(living))
  for (let exit = native.peekExit(); exit; exit = native.peekExit()) native.reap(exit.pid)
})
