import { appendFileSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { appendEnd, type RunEnd, readEnds } from '../../daemon/logs/history.ts'
import { createKeep } from '../../daemon/runtime/keep.ts'
import { ended, openLogs, runId, temporaryDirectory } from './world.ts'

const end: Omit<RunEnd, 'lines'> = {
  invocationId: runId(1),
  startedUsec: 0,
  endedUsec: 2,
  startedBy: 'a job',
  result: 'exit-code',
  outcome: 'code=exited, status=1/FAILURE',
  mainPid: 42,
  error: null,
  restarting: true,
  cpuUsec: 7,
  memoryPeakBytes: null,
}

test('the end of a run that no worker has come to write down is told again by the next image, and written once', async t => {
  const directory = temporaryDirectory(t)
  const kept = createKeep()
  kept.part('ends of runs').put('1', { unit: 'web.service', end })
  const second = openLogs(t, { directory, kept })
  // The step that ended it is done again, too.
  second.logs.runEnded('web.service', end)
  t.is((await second.logs.history('web.service')).length, 1)
  second.logs.runEnded('web.service', { ...end, invocationId: runId(2) })
  t.is((await second.logs.history('web.service')).length, 2)
  t.deepEqual([...kept.part('ends of runs').entries.keys()], ['3'], 'what is written is forgotten')
  const third = openLogs(t, { directory, kept })
  t.deepEqual(
    (await third.logs.history('web.service')).map(({ invocationId }) => invocationId),
    [runId(1), runId(2)],
  )
})

test('the end of a run is kept with its own last lines, those that are still in its pipes too', async t => {
  const { logs, run, start } = openLogs(t)
  await run('web.service', 'echo of another', runId(9))
  await ended(start('web.service', 'seq 12; printf %0600d 1', runId(1)))
  logs.runEnded('web.service', end)
  logs.close('web.service', runId(1))
  await ended(start('web.service', 'echo later', runId(2)))
  logs.runEnded('web.service', { ...end, invocationId: runId(2), result: 'success' })
  const [first, second, ...more] = await logs.history('web.service')
  t.deepEqual(more, [])
  const numbers = ['3', '4', '5', '6', '7', '8', '9', '10', '11', '12']
  // The line without its end is one when the pipe is at its own.
  t.deepEqual(
    { ...first, lines: first?.lines.slice(-9) },
    { ...end, lines: first?.lines.slice(-9) ?? [] },
  )
  t.deepEqual(first?.lines.filter(line => line.length < 3).slice(-9), numbers.slice(-9))
  t.like(second, { invocationId: runId(2), lines: ['later'] })
  t.deepEqual(await logs.history('none.service'), [])
})

test('a damaged line of a history costs itself, and the older half goes when it has grown', t => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'web.service', 'runs')
  const add = (n: number) =>
    appendEnd(directory, 'web.service', { ...end, endedUsec: n, lines: ['x'.repeat(500)] })
  add(0)
  appendFileSync(path, '{"invocationId": "torn\n\n[]\n')
  add(1)
  t.deepEqual(
    readEnds(directory, 'web.service').map(({ endedUsec }) => endedUsec),
    [0, 1],
  )
  for (let n = 2; n < 1000; n++) add(n)
  t.true(statSync(path).size < 300 * 1024)
  t.is(statSync(path).mode & 0o137, 0)
  const kept = readEnds(directory, 'web.service').map(({ endedUsec }) => endedUsec)
  t.true(kept.length > 100)
  t.deepEqual(
    kept,
    Array.from({ length: kept.length }, (_, i) => 1000 - kept.length + i),
  )
})

test('a history is not written through a symbolic link', t => {
  const directory = temporaryDirectory(t)
  const elsewhere = join(directory, 'elsewhere')
  appendFileSync(elsewhere, '')
  mkdirSync(join(directory, 'web.service'))
  symlinkSync(elsewhere, join(directory, 'web.service', 'runs'))
  t.throws(() => appendEnd(directory, 'web.service', { ...end, lines: [] }), { code: 'ELOOP' })
  t.is(readFileSync(elsewhere, 'utf8'), '')
})
