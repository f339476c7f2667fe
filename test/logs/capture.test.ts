import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { ALL, ended, openLogs, runId, temporaryDirectory } from './world.ts'

const numbered = (count: number) => Array.from({ length: count }, (_, i) => String(i + 1))

test('every line of a service is kept, in order, with its unit, run, program, pid, stream and priority', async t => {
  const { run, ask } = openLogs(t)
  const before = Date.now() * 1000
  await run('web.service', 'seq 1 20000; echo $$')
  const records = await ask({ units: ['web.service'] })
  const pid = Number(records.pop()?.message)
  t.deepEqual(
    records.map(({ message }) => message),
    numbered(20_000),
  )
  const { timeUsec, ...first } = records[0] ?? t.fail()
  t.true(timeUsec >= before - 10_000 && timeUsec <= Date.now() * 1000 + 10_000)
  t.deepEqual(first, {
    unit: 'web.service',
    invocationId: runId(1),
    identifier: 'sh',
    pid,
    stream: 'out',
    priority: 6,
    message: '1',
  })
  t.true(
    records.every((record, i) => i === 0 || record.timeUsec >= (records[i - 1]?.timeUsec ?? 0)),
  )
})

test('standard output and standard error are told apart and each keeps its order', async t => {
  const { run, ask } = openLogs(t)
  await run('web.service', 'for i in $(seq 1 500); do echo o$i; echo e$i >&2; done')
  const told = async (stream: 'out' | 'err') =>
    (await ask({ units: ['web.service'], stream })).map(({ message }) => message)
  t.deepEqual(
    await told('out'),
    numbered(500).map(n => `o${n}`),
  )
  t.deepEqual(
    await told('err'),
    numbered(500).map(n => `e${n}`),
  )
})

test('nothing that a service wrote before SIGKILL is lost, its unfinished last line included', async t => {
  const { logs, start, ask } = openLogs(t)
  const child = start('web.service', 'seq 1 5000; printf unfinished; kill -9 $$')
  await ended(child)
  t.is(child.signalCode, 'SIGKILL')
  logs.close('web.service', runId(1))
  t.deepEqual(
    (await ask({ units: ['web.service'] })).map(({ message }) => message),
    [...numbered(5000), 'unfinished'],
  )
})

test('a line longer than 48 KiB is split with a mark, and the parts are the line', async t => {
  const { run, ask } = openLogs(t)
  const parts = 'é'.repeat(70_000)
  await run('web.service', `printf '<3>%s\\n<4>next\\n' $(printf 'é%.0s' $(seq 70000))`)
  const records = await ask({ units: ['web.service'] })
  const next = records.pop()
  t.deepEqual([next?.message, next?.priority, next?.partial], ['next', 4, undefined])
  t.is(records.map(({ message }) => message).join(''), parts)
  t.deepEqual(
    records.map(({ partial, priority, binary }) => [partial, priority, binary]),
    [
      [true, 3, undefined],
      [true, 3, undefined],
      [undefined, 3, undefined],
    ],
  )
  t.true(records.every(({ message }) => Buffer.byteLength(message) <= 48 * 1024))
})

test('a line of exactly 48 KiB is whole', async t => {
  const { run, ask } = openLogs(t)
  await run('web.service', "head -c 49152 /dev/zero | tr '\\0' x; echo; echo next")
  const records = await ask({ units: ['web.service'] })
  t.deepEqual(
    records.map(({ message, partial }) => [message.length, partial]),
    [
      [49152, undefined],
      [4, undefined],
    ],
  )
})

test('bytes that are not UTF-8 are kept as they are, NUL and carriage return too', async t => {
  const { run, ask } = openLogs(t)
  await run('web.service', "printf '\\377\\000\\r\\001\\nplain \\303\\251\\n\\n'")
  const records = await ask({ units: ['web.service'] })
  t.deepEqual(
    records.map(({ message, binary }) => [message, binary]),
    [
      ['\xff\0\r\x01', true],
      ['plain é', undefined],
      ['', undefined],
    ],
  )
})

test('a line that begins with <N> has priority N, and anything else in brackets is text', async t => {
  const { run, ask } = openLogs(t)
  await run('web.service', "printf '<3>bad\\n<8>eight\\n<30>thirty\\n<7>\\n<3\\n'")
  t.deepEqual(
    (await ask({ units: ['web.service'] })).map(({ priority, message }) => [priority, message]),
    [
      [3, 'bad'],
      [6, '<8>eight'],
      [6, '<30>thirty'],
      [7, ''],
      [6, '<3'],
    ],
  )
})

test('a line that comes in pieces is one line, its priority prefix included', async t => {
  const { start, logs, ask } = openLogs(t)
  const child = start('web.service', 'cat')
  for (const piece of ['<', '3', '>slow', 'ly\nand', ' on']) {
    child.stdin?.write(piece)
    // Each piece is read on its own: a question reads what is in the pipe.
    await logs.lastLines('web.service', null, 1)
  }
  child.stdin?.end()
  await ended(child)
  logs.close('web.service', runId(1))
  t.deepEqual(
    (await ask({ units: ['web.service'] })).map(({ priority, message }) => [priority, message]),
    [
      [3, 'slowly'],
      [6, 'and on'],
    ],
  )
})

test('a run goes on until the last process that holds its pipes has gone', async t => {
  const { logs, start, ask } = openLogs(t)
  const fifo = join(temporaryDirectory(t), 'fifo')
  execFileSync('mkfifo', [fifo])
  // The grandchild waits for somebody to write into the FIFO, long after the shell has gone.
  const child = start('web.service', `(read line <${fifo}; echo "late: $line") & echo early`)
  await ended(child)
  logs.close('web.service', runId(1))
  t.deepEqual(
    (await ask({ units: ['web.service'] })).map(({ message }) => message),
    ['early'],
  )
  writeFileSync(fifo, 'hello\n')
  const following = logs.query(
    { ...ALL, units: ['web.service'], follow: true },
    new AbortController().signal,
  )
  const told: string[] = []
  for await (const records of following) {
    told.push(...records.map(({ message }) => message))
    if (told.length === 2) break
  }
  t.deepEqual(told, ['early', 'late: hello'])
})

test('a hundred writers at once lose nothing, and none waits for a chatty one', async t => {
  const { start, run, logs, ask } = openLogs(t, { rotateBytes: 50_000 })
  const chatty = start('chatty.service', `exec yes ${'x'.repeat(1000)}`)
  const units = Array.from({ length: 100 }, (_, i) => `web@${i}.service`)
  await Promise.all(units.map(unit => run(unit, 'seq 1 1000')))
  for (const unit of units) {
    const records = await ask({ units: [unit] })
    t.deepEqual(
      records.map(({ message }) => message),
      numbered(1000),
    )
  }
  chatty.kill('SIGKILL')
  await ended(chatty)
  logs.close('chatty.service', runId(1))
})

test('a line without an end is kept in parts, however long it is, and keeps nobody else from being read', async t => {
  const { start, run, logs, ask } = openLogs(t, { rotateBytes: 5_000_000, keep: 100 })
  const bytes = 24 * 1024 * 1024
  const endless = start('endless.service', `head -c ${bytes} /dev/zero | tr '\\0' x`)
  await run('web.service', 'seq 1 1000')
  t.is((await ask({ units: ['web.service'] })).length, 1000)
  await ended(endless)
  logs.close('endless.service', runId(1))
  let sum = 0
  let parts = 0
  let wholes = 0
  for (const { message, partial } of await ask({ units: ['endless.service'] })) {
    sum += message.length
    parts++
    if (!partial) wholes++
  }
  t.is(sum, bytes)
  t.is(parts, bytes / (48 * 1024))
  t.is(wholes, 1)
})
