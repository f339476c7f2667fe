// The main thread's side of the log worker, when that fails.
import { readFileSync } from 'node:fs'
import test from 'ava'
import type { LogsSettings } from '../../daemon/logs/hub.ts'
import { native } from '../../daemon/runtime/native.ts'
import { ended, openLogs, runId } from './world.ts'

const WORKER = new URL('../../daemon/logs/worker.ts', import.meta.url).href
/** Programs of workers, one after the other: `null` is the real one. */
const programs = (...texts: readonly (string | null)[]) => {
  let next = 0
  return () => texts[next++] ?? `import(${JSON.stringify(WORKER)})`
}
const failingAt = (type: string) => `
  require('node:worker_threads').parentPort.on('message', messages => {
    if (messages.some(message => message.type === '${type}')) throw new Error('failed on purpose')
  })`

test('what a failed worker has not read is read by the next, also at the end', async t => {
  for (const type of ['open', 'finish']) {
    const { logs, directory, warnings, start } = openLogs(t, { program: programs(failingAt(type)) })
    await ended(start('a.service', 'echo out; echo err >&2'))
    logs.close('a.service', runId(1))
    await logs.finish(30_000)
    t.regex(readFileSync(`${directory}/a.service/current`, 'utf8'), /out\n.*err\n/, type)
    t.is(warnings.length, 1)
    t.regex(warnings[0] ?? '', /the log worker failed and was started anew: .*failed on purpose/)
  }
})

test('the end of a run that a failed worker has not written down is written by the next', async t => {
  const { logs, run } = openLogs(t, { program: programs(failingAt('run-ended')) })
  await run('a.service', 'echo out')
  const end = {
    ...{ invocationId: runId(1), startedUsec: 0, endedUsec: 2, startedBy: 'a job' },
    ...{ result: 'exit-code', outcome: null, mainPid: 42, error: null, restarting: true },
    ...{ cpuUsec: null, memoryPeakBytes: null },
  }
  logs.runEnded('a.service', end)
  t.deepEqual(await logs.history('a.service'), [], 'who asks while it fails is told of none')
  t.deepEqual(await logs.history('a.service'), [{ ...end, lines: ['out'] }])
})

test('a log worker that there is no memory for is started when there is some', async t => {
  let isShort = true
  const captureMemory: LogsSettings['native']['captureMemory'] = fd => {
    if (isShort) throw Object.assign(new Error('memfd_create'), { code: 'ENOMEM' })
    return native().captureMemory(fd)
  }
  const { run, ask, warnings } = openLogs(t, { native: { ...native(), captureMemory } })
  await run('a.service', 'echo out')
  const message = /cannot read the logs: the log worker cannot be started: /
  await t.throwsAsync(ask({ units: ['a.service'] }), { message })
  await t.throwsAsync(ask({ units: ['a.service'] }), { message })
  t.is(warnings.length, 1, 'it is said once')
  isShort = false
  t.deepEqual(
    (await ask({ units: ['a.service'] })).map(({ message }) => message),
    ['out'],
  )
})

test('who asks a worker that fails is told so', async t => {
  const { run, ask } = openLogs(t, { program: programs(failingAt('query')) })
  await run('a.service', 'echo out')
  await t.throwsAsync(ask({ units: ['a.service'] }), {
    message: 'cannot read the logs: the log worker failed: failed on purpose',
  })
  t.deepEqual(
    (await ask({ units: ['a.service'] })).map(({ message }) => message),
    ['out'],
  )
})
