import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { formatLine } from '../../daemon/logs/line.ts'
import { createQuery } from '../../daemon/logs/query.ts'
import type { LogQuery, LogRecord } from '../../daemon/logs/record.ts'
import { createStore } from '../../daemon/logs/store.ts'
import { ALL, createBackground, ended, openLogs, runId, temporaryDirectory } from './world.ts'

type Told = Pick<LogRecord, 'timeUsec' | 'unit'> & Partial<LogRecord>

/** A store with these records, in files of `rotateBytes`. */
function filled(
  t: ExecutionContext,
  told: readonly Told[],
  rotateBytes = 1_000_000,
  compressed = false,
) {
  let nowUsec = 0
  const { background, catchUp } = createBackground()
  const store = createStore({
    directory: temporaryDirectory(t),
    rotateBytes,
    keep: 100_000,
    warn: message => t.fail(message),
    nowUsec: () => nowUsec,
    ...(compressed && { background }),
  })
  t.teardown(() => store.close())
  for (const record of told) {
    nowUsec = record.timeUsec
    store.append(record.unit, formatLine({ ...PLAIN, ...record }))
  }
  catchUp()
  return store
}

const PLAIN = {
  identifier: 'x',
  pid: 1,
  stream: 'out',
  priority: 6,
  invocationId: runId(1),
  message: '',
} as const

type Place = ReturnType<typeof createStore>
const ask = (store: Place, query: Partial<LogQuery>) =>
  [...createQuery(store, { ...ALL, ...query }).history()].filter(record => record !== null)
const messages = (store: Place, query: Partial<LogQuery>) =>
  ask(store, query)
    .map(({ message }) => message)
    .join(' ')

const day: readonly Told[] = [
  { timeUsec: 1000, unit: 'a.service', message: 'a1' },
  { timeUsec: 2000, unit: 'b.service', message: 'b1', stream: 'err', priority: 3 },
  { timeUsec: 3000, unit: 'a.service', message: 'a2', invocationId: runId(2), priority: 4 },
  { timeUsec: 4000, unit: 'a.service', message: 'A3', invocationId: runId(2), stream: 'err' },
  { timeUsec: 5000, unit: 'b.service', message: 'b2' },
  { timeUsec: 6000, unit: 'c.service', message: 'c1' },
]
const table: readonly [string, Partial<LogQuery>, string][] = [
  ['everything, in the order of time', {}, 'a1 b1 a2 A3 b2 c1'],
  ['one unit', { units: ['a.service'] }, 'a1 a2 A3'],
  ['two units', { units: ['c.service', 'b.service'] }, 'b1 b2 c1'],
  ['a unit named twice', { units: ['c.service', 'c.service'] }, 'c1'],
  ['a unit without a log', { units: ['none.service'] }, ''],
  ['the last line', { lines: 1 }, 'c1'],
  ['the last lines of all units together', { lines: 3 }, 'A3 b2 c1'],
  ['the last lines of a unit', { units: ['a.service'], lines: 2 }, 'a2 A3'],
  ['more lines than there are', { lines: 100 }, 'a1 b1 a2 A3 b2 c1'],
  ['no lines', { lines: 0 }, ''],
  ['since a time', { sinceUsec: 4000 }, 'A3 b2 c1'],
  ['until a time', { untilUsec: 3000 }, 'a1 b1 a2'],
  ['between two times', { sinceUsec: 1500, untilUsec: 4500 }, 'b1 a2 A3'],
  ['the last lines until a time', { untilUsec: 4500, lines: 2 }, 'a2 A3'],
  ['a priority and those more urgent', { maxPriority: 4 }, 'b1 a2'],
  ['standard error', { stream: 'err' }, 'b1 A3'],
  ['a run', { invocationId: runId(2) }, 'a2 A3'],
  ['the last line of a run', { invocationId: runId(1), units: ['a.service'], lines: 1 }, 'a1'],
  ['a pattern, whatever its case', { grep: '^a' }, 'a1 a2 A3'],
  ['a pattern with a capital', { grep: '^A' }, 'A3'],
  ['the last match', { grep: '1', lines: 1 }, 'c1'],
  ['the latest first', { reverse: true }, 'c1 b2 A3 a2 b1 a1'],
  [
    'the latest of some, first',
    { reverse: true, lines: 2, sinceUsec: 2000, untilUsec: 4500 },
    'A3 a2',
  ],
  ['the latest first, since a time', { reverse: true, sinceUsec: 4000 }, 'c1 b2 A3'],
  ['the last run of each unit', { run: 0 }, 'b1 a2 A3 b2 c1'],
  ['the run before', { run: -1 }, 'a1'],
  ['a run that is not there', { run: -2 }, ''],
  [
    'the last run, which has written nothing',
    { run: 0, units: ['a.service'], lastRuns: new Map([['a.service', runId(3)]]) },
    '',
  ],
  [
    'the run before one that has written nothing, backwards',
    { run: -1, lastRuns: new Map([['a.service', runId(3)]]), reverse: true },
    'A3 a2',
  ],
  ['all conditions at once', { grep: 'a', maxPriority: 4, lines: 1, sinceUsec: 1 }, 'a2'],
]
for (const rotateBytes of [1_000_000, 100])
  for (const [title, query, expected] of table)
    test(`${title}, ${rotateBytes === 100 ? 'a file for each line' : 'in one file'}`, t => {
      t.is(messages(filled(t, day, rotateBytes), query), expected)
    })

test('whatever is asked is what a filter over all records gives', t => {
  const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })
  const units = fc.constantFrom('a.service', 'b.service', 'c.service')
  const record = fc.record({
    step: fc.nat({ max: 3 }),
    unit: units,
    priority: fc.nat({ max: 7 }),
    stream: fc.constantFrom('out' as const, 'err' as const),
    size: fc.constantFrom(1, 1, 1, 100, 40_000),
  })
  const asked = fc.record({
    units: fc.uniqueArray(units),
    lines: optional(fc.nat({ max: 10 })),
    sinceUsec: optional(fc.nat({ max: 60 })),
    untilUsec: optional(fc.nat({ max: 60 })),
    maxPriority: optional(fc.nat({ max: 7 })),
    stream: optional(fc.constantFrom('out' as const, 'err' as const)),
    reverse: fc.boolean(),
  })
  fc.assert(
    fc.property(
      fc.array(record, { maxLength: 40 }),
      asked,
      fc.constantFrom(300, 100_000),
      fc.boolean(),
      (given, query, rotateBytes, compressed) => {
        let timeUsec = 0
        const told = given.map(({ step, size, ...record }, i) => {
          timeUsec += step + 1
          return { ...PLAIN, ...record, timeUsec, message: `${i} ${'x'.repeat(size)}` }
        })
        const matching = told.filter(
          record =>
            (query.units.length === 0 || query.units.includes(record.unit)) &&
            record.timeUsec >= (query.sinceUsec ?? 0) &&
            record.timeUsec <= (query.untilUsec ?? Infinity) &&
            record.priority <= (query.maxPriority ?? 7) &&
            record.stream === (query.stream ?? record.stream),
        )
        const expected =
          query.lines === null
            ? matching
            : matching.slice(matching.length - Math.min(query.lines, matching.length))
        if (query.reverse) expected.reverse()
        t.deepEqual(ask(filled(t, told, rotateBytes, compressed), query), expected)
      },
    ),
    { numRuns: 60 },
  )
})

test('the last lines of a large file are read from its end', t => {
  const store = filled(t, [])
  const block = Buffer.concat(
    Array.from({ length: 1000 }, (_, i) =>
      formatLine({ ...PLAIN, timeUsec: 1, unit: 'a.service', message: `${i} ${'x'.repeat(1000)}` }),
    ),
  )
  for (let i = 0; i < 20; i++) store.append('a.service', block)
  let read = 0
  const counting = {
    ...store,
    readBefore(unit: string, position: number, most: number) {
      const block = store.readBefore(unit, position, most)
      read += block?.bytes.length ?? 0
      return block
    },
  }
  t.is(ask(counting, { lines: 10 }).length, 10)
  t.true(read < 300_000, `${read} bytes were read`)
  t.is(ask(store, { lines: 2000 }).length, 2000)
})

test('a time is found in a large file without reading it all', t => {
  const store = filled(t, [], 100_000_000)
  for (let block = 0; block < 20; block++)
    store.append(
      'a.service',
      Buffer.concat(
        Array.from({ length: 1000 }, (_, i) =>
          formatLine({
            ...PLAIN,
            timeUsec: block * 1000 + i,
            unit: 'a.service',
            message: 'x'.repeat(1000),
          }),
        ),
      ),
    )
  let read = 0
  const counting = {
    ...store,
    read(unit: string, position: number, most: number) {
      const block = store.read(unit, position, most)
      read += block?.bytes.length ?? 0
      return block
    },
  }
  const found = ask(counting, { sinceUsec: 19_000, untilUsec: 19_009 })
  t.deepEqual(
    found.map(({ timeUsec }) => timeUsec),
    Array.from({ length: 10 }, (_, i) => 19_000 + i),
  )
  t.true(read < 4_000_000, `${read} bytes were read`)
})

test('a damaged piece of a file costs its own lines only', t => {
  const store = filled(t, [{ timeUsec: 1, unit: 'a.service', message: 'before' }])
  store.append('a.service', Buffer.from(`\xff\0 garbage\n${'x'.repeat(300_000)}\n\n`))
  store.append(
    'a.service',
    formatLine({ ...PLAIN, timeUsec: 2, unit: 'a.service', message: 'after' }),
  )
  t.is(messages(store, {}), 'before after')
  t.is(messages(store, { lines: 2 }), 'before after')
})

test('a pattern that is none is refused with a sentence', async t => {
  const { ask } = openLogs(t)
  await t.throwsAsync(ask({ grep: '(' }), { message: /^cannot search for '\('/ })
})

test('who follows gets every line once and in order, through rotation, from the last ones on', async t => {
  const { logs, run, start } = openLogs(t, { rotateBytes: 20_000, keep: 100, compress: true })
  await run('web.service', 'seq 1 100')
  const following = logs.query(
    { ...ALL, units: ['web.service'], lines: 50, follow: true },
    new AbortController().signal,
  )
  const child = start('web.service', 'read go; seq 101 3000', runId(2))
  const got: string[] = []
  for await (const records of following) {
    got.push(...records.map(({ message }) => message))
    if (got.length === 50) child.stdin?.write('go\n')
    if (got.at(-1) === '3000') break
  }
  t.deepEqual(
    got,
    Array.from({ length: 2950 }, (_, i) => String(51 + i)),
  )
  await ended(child)
})

test('who follows all units hears of those that come later', async t => {
  const { logs, run } = openLogs(t, { directory: null })
  const stop = new AbortController()
  const following = logs.query({ ...ALL, lines: 0, follow: true }, stop.signal)
  const got: string[] = []
  const first = following[Symbol.asyncIterator]().next()
  await logs.lastLines('none.service', null, 1)
  await run('new.service', 'echo here')
  const { value } = await first
  for (const { unit, message } of value ?? []) got.push(`${unit} ${message}`)
  t.deepEqual(got, ['new.service here'])
})

test('following ends when it is told to', async t => {
  const { logs } = openLogs(t)
  const stop = new AbortController()
  const following = logs.query({ ...ALL, follow: true }, stop.signal)
  const next = following[Symbol.asyncIterator]().next()
  stop.abort()
  t.true((await next).done)
})

test('what comes while files are removed under a slow reader is told once', t => {
  let nowUsec = 0
  let written = 0
  const store = createStore({
    directory: temporaryDirectory(t),
    rotateBytes: 150_000,
    keep: 1,
    warn: message => t.fail(message),
    nowUsec: () => nowUsec,
  })
  t.teardown(() => store.close())
  const write = (lines: number) => {
    for (let i = 0; i < lines; i++) {
      nowUsec++
      const message = `${++written} ${'x'.repeat(900)}`
      store.append(
        'a.service',
        formatLine({ ...PLAIN, timeUsec: nowUsec, unit: 'a.service', message }),
      )
    }
  }
  let missedBytes = 0
  const query = createQuery(store, ALL, bytes => {
    missedBytes += bytes
  })
  const numbers: number[] = []
  const take = (answer: Generator<LogRecord | null>, most = Number.POSITIVE_INFINITY) => {
    for (let taken = 0; taken < most; taken++) {
      const { done, value } = answer.next()
      if (done) return
      if (value) numbers.push(Number.parseInt(value.message, 10))
    }
  }
  write(200)
  const history = query.history()
  take(history, 10)
  // The first file goes, and the second one goes on behind the end of what was asked for.
  write(150)
  take(history)
  take(query.fresh(['a.service']))
  t.deepEqual(
    numbers,
    [...new Set(numbers)].sort((a, b) => a - b),
  )
  t.is(numbers.at(-1), written)
  t.true(numbers.length < written)
  t.true(missedBytes > 900 * (written - numbers.length), 'what is missing is counted')
})
