import test from 'ava'
import fc from 'fast-check'
import { createCutter, type Source } from '../../daemon/logs/cut.ts'
import { createFilter } from '../../daemon/logs/filter.ts'
import type { RunLog } from '../../daemon/logs/logs.ts'
import { native } from '../../daemon/runtime/native.ts'
import { runId } from './world.ts'

const LINE_MAX = 48 * 1024
const INPUT = 64 * 1024

/** What is stored and told of `bytes` that come in pieces of these sizes, in turn. */
function cut(bytes: Buffer, sizes: readonly number[], more: Partial<RunLog>, filtered: boolean) {
  const stored: Buffer[] = []
  const told: Buffer[] = []
  let count = 0
  const input = Buffer.alloc(INPUT)
  const cutter = createCutter({
    native: native(),
    input,
    nowUsec: () => 0,
    store: (_, lines) => stored.push(Buffer.from(lines)),
    console(lines, lineCount) {
      told.push(Buffer.from(lines))
      count += lineCount
    },
  })
  const log = { unit: 'a.service', invocationId: runId(1), identifier: 'a', console: true, ...more }
  const filter = filtered ? createFilter({ maxPriority: 7 }, () => {}) : null
  const run = { log, pid: 7, label: Buffer.from('a | '), filter }
  const source: Source = { name: 'out', run, carry: null, carried: 0, continues: -1 }
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = bytes.copy(input, 0, at, at + (sizes[i % sizes.length] ?? INPUT))
    if (!cutter.extend(source, length)) cutter.take(source, length, false)
    at += length
  }
  cutter.take(source, 0, true)
  return { stored: Buffer.concat(stored), told: Buffer.concat(told), count }
}

const rows = (bytes: Buffer) => bytes.toString('latin1').split('\n').slice(0, -1)
const HEAD = /^1970-01-01T00:00:00\.000000Z [0-9a-f]{32} out (\d) a\[7\]([:+]) /

/** Lines as they are printed: short, empty, with a level or something like one, long, the last one without its end. */
const output = fc
  .array(
    fc.oneof(
      fc.string({ maxLength: 120, unit: 'binary' }),
      fc.constantFrom('', '<', '<3', '<3>', '<3>bad', '<8>x', '<7>', '\r', '\xff\0', '<1>é'),
      fc
        .integer({ min: LINE_MAX - 5, max: 2 * LINE_MAX + 5 })
        .map(n => `<2>${'é'.repeat(9)}${'x'.repeat(n)}`),
    ),
    { maxLength: 20 },
  )
  .map(lines => Buffer.from(lines.map(line => line.replaceAll('\n', '')).join('\n'), 'latin1'))
const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 200 }), fc.constant(INPUT)), {
  minLength: 1,
  maxLength: 8,
})
const settings = fc.record({ levelPrefix: fc.boolean(), priority: fc.integer({ min: 0, max: 7 }) })

test('however a stream’s bytes come, its lines are those that were written, each with its priority', t => {
  fc.assert(
    fc.property(output, sizes, settings, (bytes, sizes, log) => {
      const { stored, told, count } = cut(bytes, sizes, log, false)
      const lines: [priority: number, message: string][] = []
      let isOpen = false
      for (const row of rows(stored)) {
        const [head = '', priority, mark] = HEAD.exec(row) ?? []
        const message = row.slice(head.length)
        if (head === '' || message.length > LINE_MAX) return false
        if (!isOpen) lines.push([Number(priority), ''])
        const line = lines.at(-1) ?? t.fail()
        line[1] += message
        isOpen = mark === '+'
        if (Number(priority) !== line[0]) return false
      }
      const text = bytes.toString('latin1')
      const written = text.endsWith('\n') || text === '' ? text : `${text}\n`
      const expected = rows(Buffer.from(written, 'latin1')).map(line => {
        const level = log.levelPrefix ? /^<([0-7])>/.exec(line)?.[1] : undefined
        return level === undefined ? [log.priority, line] : [Number(level), line.slice(3)]
      })
      t.deepEqual(lines, expected as typeof lines)
      t.is(count, rows(told).length)
      t.deepEqual(
        rows(told),
        rows(stored).map(row => `a | ${row.replace(HEAD, '')}`),
      )
      return true
    }),
    { numRuns: 40 },
  )
})

test('lines that are looked at one by one are cut as those that are taken many at once', t => {
  fc.assert(
    fc.property(output, sizes, settings, (bytes, sizes, log) => {
      const [one, many] = [true, false].map(isFiltered => cut(bytes, sizes, log, isFiltered))
      t.true(one?.stored.equals(many?.stored ?? Buffer.alloc(0)))
      t.true(one?.told.equals(many?.told ?? Buffer.alloc(0)))
      t.is(one?.count, many?.count)
    }),
    { numRuns: 40 },
  )
})

test('many lines of a single byte are more than one buffer takes, and all are there', t => {
  const { stored, told } = cut(Buffer.alloc(200_000, '\n'), [INPUT], {}, false)
  t.is(rows(stored).length, 200_000)
  t.is(told.length, 5 * 200_000)
})

test('a place outside of the bytes is refused', t => {
  const bytes = Buffer.alloc(8, '\n')
  const { frameLines } = native()
  const call = (...place: number[]) =>
    frameLines(new Int32Array(place), bytes, Buffer.from('h '), Buffer.alloc(64))
  t.is(call(0, 8, 0, 100, -2), 8)
  t.is(call(8, 8, 64, 0, 1), 0)
  for (const place of [
    [-1, 8, 0, 100, -2],
    [9, 8, 0, 100, -2],
    [0, 9, 0, 100, -2],
    [0, -1, 0, 100, -2],
    [0, 8, -1, 100, -2],
    [0, 8, 65, 100, -2],
    [0, 8, 0, -1, -2],
    [0, 8, 0, 100, 2],
    [0, 8, 0, 100, -3],
    [0, 8, 0, 100],
  ])
    t.throws(() => call(...place), { instanceOf: RangeError }, String(place))
  t.throws(() => frameLines(new Int32Array(5), new Uint16Array(8) as never, bytes, bytes), {
    instanceOf: TypeError,
  })
})
