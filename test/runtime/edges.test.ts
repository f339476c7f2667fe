// PID files, notifications, births, and the runs of a unit: the facts that come back.
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import anyTest, { type TestFn } from 'ava'
import fc from 'fast-check'
import { createBirths } from '../../daemon/runtime/births.ts'
import { native } from '../../daemon/runtime/native.ts'
import { parseFields } from '../../daemon/runtime/notify.ts'
import { readPidFile } from '../../daemon/runtime/pid-file.ts'
import { command, isRoot, sh, World } from './world.ts'

const test = (anyTest as TestFn<{ world: World }>).serial
test.beforeEach(t => {
  t.context.world = new World({ notify: true })
})
test.afterEach.always(t => t.context.world.close())

const start = (world: World, script: string, id = 'web.service', service = {}) => {
  world.add({ id, service: { ...service, execStart: [sh(script)] } })
  const answer = world.spawn(id)
  if (answer.type === 'spawn-failed') throw new Error(answer.message)
  return answer.pid
}

test('a PID file that names a process of the unit is believed', t => {
  const { world } = t.context
  const pid = start(world, 'sleep 60')
  const path = join(world.directory, 'pid')
  writeFileSync(path, `${pid}\nmore\n`)
  t.deepEqual(readPidFile(path, 'web.service', world.runtime.processes), { pid, problem: null })
})

const refused: readonly [what: string, content: string | null, words: string][] = [
  ['that is missing', null, 'no such file'],
  ['that is empty', '', 'does not begin with a process number'],
  ['with words in it', 'starting\n', 'does not begin with a process number'],
  ['that names PID 1', '1\n', 'the daemon itself'],
  ['that names the daemon', `${process.pid}\n`, 'the daemon itself'],
  ['that names nobody', '4194304\n', 'does not exist'],
]
for (const [what, content, words] of refused) {
  test(`a PID file ${what} is refused, in words`, t => {
    const { world } = t.context
    const path = join(world.directory, 'pid')
    if (content !== null) writeFileSync(path, content)
    const answer = readPidFile(path, 'web.service', world.runtime.processes)
    t.is(answer.pid, null)
    t.true(answer.problem?.startsWith(`cannot take the main process from PIDFile=${path}`))
    t.true(answer.problem?.includes(words), answer.problem ?? '')
  })
}

test('another’s process is believed from a file of root’s alone, no link of the service’s', t => {
  const { world } = t.context
  const pid = start(world, 'sleep 60', 'other.service')
  const path = join(world.directory, 'pid')
  const read = (at = path) => readPidFile(at, 'web.service', world.runtime.processes)
  writeFileSync(path, `${pid}\n`)
  t.is(read().pid, pid)
  if (!isRoot) return t.log('needs root: files of other users')
  chownSync(path, 1, 1)
  t.is(read().pid, null)
})

test('a PID file is waited for, though its directory is still missing', async t => {
  const { world } = t.context
  const path = join(world.directory, 'deep/er/pid')
  const pid = start(world, 'sleep 60', 'web.service', { pidFile: path })
  const first = world.ask('pid-file', token => ({
    type: 'read-pid-file',
    unit: 'web.service',
    token,
    watch: true,
  }))
  t.is(first.pid, null)
  mkdirSync(join(world.directory, 'deep/er'), { recursive: true })
  writeFileSync(path, '')
  writeFileSync(path, `${pid}\n`)
  const later = await world.event('pid-file', event => event.pid !== null)
  t.is(later.pid, pid)
  t.is(later.token, first.token)
})

test('a PID file is not watched any more once that is said, and removed when asked', async t => {
  const { world } = t.context
  const path = join(world.directory, 'pid')
  const pid = start(world, 'sleep 60', 'web.service', { pidFile: path })
  const effect = { type: 'read-pid-file', unit: 'web.service', token: 1, watch: true } as const
  world.perform(effect)
  world.perform({ type: 'unwatch-pid-file', unit: 'web.service' })
  writeFileSync(path, `${pid}\n`)
  world.perform({ type: 'remove-pid-file', unit: 'web.service' })
  world.perform({ ...effect, watch: false })
  const answers = world.events.filter(event => event.type === 'pid-file')
  t.deepEqual(
    answers.map(event => event.pid),
    [null, null],
  )
  rmSync(path, { force: true })
})

test('a notification is put to the unit of its sender, a grandchild too', async t => {
  const { world } = t.context
  const script = join(world.directory, 'tell.pl')
  // It stays: whose a sender was that has gone meanwhile, nobody could say.
  writeFileSync(
    script,
    `use Socket; socket(S, AF_UNIX, SOCK_DGRAM, 0);
send(S, "READY=1\\nSTATUS=up", 0, sockaddr_un($ENV{NOTIFY_SOCKET})); sleep 60;`,
  )
  start(world, `sh -c 'perl ${script}; :'; :`, 'web.service', { type: 'notify' })
  const { unit, fields } = await world.event('notify')
  t.is(unit, 'web.service')
  t.deepEqual(fields, { READY: '1', STATUS: 'up' })
})

/** A service of the unit that sends `message` and stays. */
function tell(world: World, message: string, id = 'web.service', exec = {}): number {
  const script = join(world.directory, `${id}.pl`)
  writeFileSync(
    script,
    `use Socket; socket(S, AF_UNIX, SOCK_DGRAM, 0);
send(S, "${message}", 0, sockaddr_un($ENV{NOTIFY_SOCKET})); sleep 60;`,
  )
  world.add({
    id,
    service: { type: 'notify', execStart: [command(['/usr/bin/perl', script])] },
    exec,
  })
  const answer = world.spawn(id)
  if (answer.type === 'spawn-failed') throw new Error(answer.message)
  return answer.pid
}

const noMainPid: readonly [what: string, value: string, words: string][] = [
  ['is no number', '0x10', '"0x10" is no process number'],
  ['is the daemon', `${process.pid}`, 'the daemon itself'],
  ['is PID 1', '1', 'the daemon itself'],
  ['does not live', '4194304', 'does not exist'],
]
for (const [what, value, words] of noMainPid) {
  test(`a MAINPID= that ${what} is left out of the notification, in words`, async t => {
    const { world } = t.context
    tell(world, `READY=1\\nMAINPID=${value}`)
    const { fields } = await world.event('notify')
    t.deepEqual(fields, { READY: '1' })
    t.true(world.lines.some(line => line.startsWith('warn web.service: cannot take the main')))
    t.true(world.lines.some(line => line.includes(words)))
  })
}

test('a MAINPID= may name any process of the unit', async t => {
  const { world } = t.context
  const first = start(world, 'sleep 60')
  tell(world, `MAINPID=${first}`)
  t.deepEqual((await world.event('notify')).fields, { MAINPID: `${first}` })
})

test('a MAINPID= of another unit’s process is left out unless root sends it', async t => {
  const { world } = t.context
  const other = start(world, 'sleep 60', 'other.service')
  // To be reached by the other user.
  chmodSync(world.directory, 0o755)
  tell(world, `READY=1\\nMAINPID=${other}`, 'web.service', isRoot ? { user: 'nobody' } : {})
  t.deepEqual((await world.event('notify')).fields, { READY: '1' })
  t.true(world.lines.some(line => line.includes('not of this unit, and the sender is not root')))
  if (!isRoot) return t.log('needs root: what root sends')
  tell(world, `MAINPID=${other}`, 'trusted.service')
  const { fields } = await world.event('notify', ({ unit }) => unit === 'trusted.service')
  t.deepEqual(fields, { MAINPID: `${other}` })
})

test('a notification’s fields are its lines; of a name the first counts', t => {
  t.deepEqual(parseFields('READY=1\nSTATUS=a=b\n\nno field\n=x\nSTATUS=later'), {
    READY: '1',
    STATUS: 'a=b',
  })
  t.deepEqual(parseFields('RELOADING=1\nREADY=1\nMONOTONIC_USEC=5'), {
    RELOADING: '1',
    READY: '1',
    MONOTONIC_USEC: '5',
  })
  t.deepEqual(parseFields('BARRIER=1'), {})
  t.is(parseFields('READY=1\0'), null)
})

test('no notification makes the parser fail', t => {
  fc.assert(
    fc.property(fc.string(), text => {
      const fields = parseFields(text)
      t.is(fields === null, text.includes('\0'))
    }),
  )
})

test('births by others change the epoch, our own do not', t => {
  let latest = 10
  const births = createBirths(
    () => latest,
    () => false,
  )
  const first = births.epoch()
  latest = 11
  t.is(births.started(11), first)
  births.expire()
  t.is(births.epoch(), first)
  // Somebody forks between two starts of ours: seen by the gap.
  latest = 13
  t.not(births.started(13), first)
  const second = births.epoch()
  births.expire()
  t.is(births.epoch(), second)
  latest = 14
  t.is(births.epoch(), second, 'what was seen holds until it expires')
  births.expire()
  t.not(births.epoch(), second)
})

test('a thread of ours is no birth by others, though it has a pid', t => {
  let latest = 10
  const threads = new Set([12, 14])
  const births = createBirths(
    () => latest,
    tid => threads.has(tid),
  )
  const first = births.epoch()
  t.is(births.started(11), first)
  t.is(births.started(13), first, '12 is a thread')
  latest = 14
  births.expire()
  t.is(births.epoch(), first, '14 is a thread')
  latest = 16
  threads.add(15)
  births.expire()
  t.not(births.epoch(), first, '16 is somebody’s process')
})

test('in a namespace where nobody else can be told, every look is a new epoch', t => {
  const births = createBirths(() => Number.NaN)
  const first = births.epoch()
  births.expire()
  t.not(births.epoch(), first)
})

test('runtime directories are there for the process and gone after the run', async t => {
  const { world } = t.context
  if (!isRoot) return t.pass('needs root: directories below /run')
  const name = `hearth-test-${process.pid}`
  const unit = world.add({
    service: { execStart: [sh('stat -c %a "$RUNTIME_DIRECTORY"')] },
    exec: {
      directories: { runtime: { paths: [{ path: name, symlinks: [] }], mode: 0o750 } },
    },
  })
  const invocationId = world.begin(unit.id)
  const answer = world.spawn(unit.id, { invocationId })
  if (answer.type === 'spawn-failed') return t.fail(answer.message)
  await world.event('exited')
  t.is(world.output(unit.id).out, '750\n')
  world.perform({ type: 'run-ends', unit: unit.id, invocationId, restarting: false })
  const again = await world.run({
    id: 'look.service',
    service: { execStart: [command(['/bin/ls', `/run/${name}`])] },
  })
  t.deepEqual(again.exit, { kind: 'exited', status: 2 })
})

test('conditions are answered with what failed, as the unit has it', t => {
  const { world } = t.context
  const condition = { kind: 'PathExists', value: '/no/such', negated: false, trigger: false }
  world.add({ unit: { conditions: [condition] } })
  world.add({ id: 'b.service', unit: { asserts: [{ ...condition, negated: true }, condition] } })
  const ask = (unit: string) =>
    world.ask('conditions-checked', token => ({ type: 'check-conditions', unit, token }))
  const first = ask('web.service')
  t.deepEqual(
    [first.condition, first.assert, first.failed],
    [false, true, 'ConditionPathExists=/no/such'],
  )
  const second = ask('b.service')
  t.deepEqual(
    [second.condition, second.assert, second.failed],
    [true, false, 'AssertPathExists=/no/such'],
  )
})

test('a stopped process is continued after the signal, so that it can obey', async t => {
  const { world } = t.context
  const pid = start(world, 'exec sleep 60')
  native().kill(pid, 19)
  t.true(world.kill('web.service', 15, pid).waiting)
  const { exit } = await world.event('exited', event => event.pid === pid)
  t.deepEqual(exit, { kind: 'killed', signal: 15 })
})
