import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, openSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import type { ConsoleFormat } from '../../daemon/logs/console-line.ts'
import { native } from '../../daemon/runtime/native.ts'
import { ended, openLogs, runId, temporaryDirectory } from './world.ts'

/** A pipe that stands for the daemon's standard output: `fd` to write to, and a reader that starts when it is asked. */
function pipe(t: ExecutionContext) {
  const fifo = join(temporaryDirectory(t), 'stdout')
  execFileSync('mkfifo', [fifo])
  // Opened for both, it needs no reader yet.
  const fd = openSync(fifo, constants.O_RDWR)
  return {
    fd,
    read() {
      // Opened here: a reader that comes to it when it is closed would wait for a writer for ever.
      const input = openSync(fifo, constants.O_RDONLY)
      const { stdout } = spawn('cat', [], { stdio: [input, 'pipe', 'inherit'] })
      closeSync(input)
      return (stdout as Readable).setEncoding('utf8')
    },
    close: () => closeSync(fd),
  }
}

test('the lines of a service go to standard output behind its name, those of others do not', async t => {
  const stdout = pipe(t)
  const { logs, start } = openLogs(t, { consoleFd: stdout.fd })
  const web = start('web.service', 'echo hello; echo "<3>bad" >&2; printf end', runId(1), {
    console: true,
  })
  await ended(web)
  logs.close('web.service', runId(1))
  await ended(start('quiet.service', 'echo nothing', runId(2)))
  await logs.lastLines('web.service', null, 1)
  const said = text(stdout.read())
  await logs.finish(10_000)
  stdout.close()
  t.deepEqual((await said).split('\n').sort(), ['', 'web | bad', 'web | end', 'web | hello'])
})

test('a unit’s lines are JSON or bare on standard output if it says so', async t => {
  const stdout = pipe(t)
  const { logs, start } = openLogs(t, { consoleFd: stdout.fd })
  const run = async (unit: string, script: string, consoleFormat: ConsoleFormat) => {
    await ended(start(unit, script, runId(1), { console: true, consoleFormat }))
    logs.close(unit, runId(1))
    await logs.lastLines(unit, null, 1)
  }
  const object = '{"big": 12345678901234567890, "level": "warn"}'
  const lines = [`echo '${object}'`, 'echo "<3>bad {}" >&2', `printf '{no object\\377'`]
  await run('web.service', lines.join('; sleep 0.01; '), 'json')
  await run('bare.service', 'echo "<4>as it is"', 'raw')
  const said = text(stdout.read())
  await logs.finish(10_000)
  stdout.close()
  const told = (await said).split('\n')
  t.is(told.pop(), '')
  t.is(told.pop(), 'as it is')
  t.true(told[0]?.includes(`"message":${object}`), 'the object is as it was')
  const parsed = told.map(line => JSON.parse(line))
  t.true(parsed.every(({ time }) => time.startsWith(new Date().toISOString().slice(0, 2))))
  t.deepEqual(
    parsed
      .map(({ time, message, ...rest }) => ({ ...rest, message: message.level ?? message }))
      .sort((a, b) => a.priority - b.priority),
    [
      { unit: 'web.service', stream: 'err', priority: 3, message: 'bad {}' },
      { unit: 'web.service', stream: 'out', priority: 6, message: 'warn' },
      { unit: 'web.service', stream: 'out', priority: 6, message: '{no object\ufffd' },
    ],
  )
})

test('a standard output that nobody reads makes nobody wait for long, and is told what it missed', async t => {
  const stdout = pipe(t)
  const { logs, start, ask } = openLogs(t, { consoleFd: stdout.fd, consoleWaitMs: 300 })
  const numbers = `seq -f %0100.f 1 40000`
  const loud = start('loud.service', `${numbers}; echo done`, runId(1), { console: true })
  // It has written 4 MB, more than is kept for the console, so it ends only when it does not wait any more.
  await ended(loud)
  logs.close('loud.service', runId(1))
  t.is((await ask({ units: ['loud.service'] })).length, 40_001)
  const reader = stdout.read()
  let said = ''
  for await (const piece of reader) {
    const missed = said.includes('are missing')
    said += piece
    if (missed || !said.includes('are missing')) continue
    await ended(start('loud.service', 'echo later', runId(2), { console: true }))
    await logs.lastLines('loud.service', runId(2), 1)
    await logs.finish(10_000)
    stdout.close()
  }
  const lines = said.split('\n')
  t.is(lines[0], `loud | ${'1'.padStart(100, '0')}`)
  t.regex(lines.at(-3) ?? '', /^hearth \| \d+ lines are missing here/)
  t.is(lines.at(-2), 'loud | later')
})

test('a standard output that takes nothing is no reason to fail', async t => {
  const full = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(full))
  const { logs, start, ask, warnings } = openLogs(t, { consoleFd: full })
  await ended(start('web.service', 'seq 1 100', runId(1), { console: true }))
  logs.close('web.service', runId(1))
  t.is((await ask({ units: ['web.service'] })).length, 100)
  t.deepEqual(warnings, [])
})

test('services wait for a reader of standard output as long as it takes, if that is asked for, and others do not', async t => {
  const stdout = pipe(t)
  const { logs, start, ask } = openLogs(t, {
    consoleFd: stdout.fd,
    consoleWaitMs: Number.POSITIVE_INFINITY,
  })
  const loud = start('loud.service', 'seq -f %0100.f 1 40000', runId(1), { console: true })
  for (let kept = 0; kept < 9_000; ) kept = (await ask({ units: ['loud.service'] })).length
  await ended(start('quiet.service', 'seq -f %0100.f 1 40000', runId(2)))
  t.is((await ask({ units: ['quiet.service'] })).length, 40_000)
  t.is(loud.exitCode, null)
  const said = text(stdout.read())
  await ended(loud)
  logs.close('loud.service', runId(1))
  t.is((await ask({ units: ['loud.service'] })).length, 40_000)
  await logs.finish(10_000)
  stdout.close()
  t.is((await said).split('\n').length, 40_001)
})

test('what a reader does not take at once is not waited for', async t => {
  const { writeNow } = native()
  const bytes = Buffer.alloc(10_000_000, 'x')
  const stdout = pipe(t)
  const taken = writeNow(stdout.fd, bytes, 0, bytes.length)
  t.is(taken, 65_536)
  t.is(writeNow(stdout.fd, bytes, taken, bytes.length), 0)
  stdout.close()

  const path = join(temporaryDirectory(t), 'socket')
  const server = createServer({ pauseOnConnect: true }).listen(path)
  await once(server, 'listening')
  const client = connect(path)
  const [[peer]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [Socket],
    [],
  ]
  const { fd } = (client as unknown as { _handle: { fd: number } })._handle
  const first = writeNow(fd, bytes, 0, bytes.length)
  t.true(first > 0 && first < bytes.length)
  t.is(writeNow(fd, bytes, first, bytes.length), 0)
  client.destroy()
  peer.destroy()
  server.close()

  const file = openSync(join(temporaryDirectory(t), 'file'), 'w')
  t.is(writeNow(file, bytes, 1, bytes.length), bytes.length - 1)
  closeSync(file)
  for (const [from, to] of [
    [-1, 1],
    [2, 1],
    [0, bytes.length + 1],
  ] as const)
    t.throws(() => writeNow(1, bytes, from, to), { instanceOf: RangeError })
})
