import test from 'ava'
import fc from 'fast-check'
import {
  directoryName,
  FIELD_NAME,
  formatLine,
  parseLine,
  parseStamp,
  stamp,
  unitOfDirectory,
} from '../../daemon/logs/line.ts'
import type { LogRecord } from '../../daemon/logs/record.ts'

const text = fc.string({ unit: 'binary' }).map(message => ({ message }))
/** Bytes that are not UTF-8. */
const bytes = fc
  .uint8Array()
  .map(array => Buffer.of(0xff, ...array).toString('latin1'))
  .map(message => ({ message, binary: true as const }))

const records: fc.Arbitrary<LogRecord> = fc
  .tuple(
    fc.record({
      timeUsec: fc.integer({ min: 0, max: 8_000_000_000_000_000 }),
      unit: fc.constant('web.service'),
      identifier: fc.string({ unit: 'binary' }),
      pid: fc.option(fc.nat()),
      stream: fc.constantFrom('out' as const, 'err' as const, 'log' as const),
      priority: fc.integer({ min: 0, max: 7 }),
      invocationId: fc.oneof(
        fc.constant(''),
        fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 32, maxLength: 32 }),
      ),
    }),
    fc.oneof(text, bytes),
    fc.oneof(
      fc.constantFrom({}, { partial: true as const }),
      fc
        .dictionary(fc.stringMatching(FIELD_NAME), fc.string({ unit: 'binary' }))
        .map(fields => ({ fields })),
    ),
  )
  .map(([head, message, partial]) => ({ ...head, ...message, ...partial }))
  .filter(({ message }) => !message.includes('\n'))

test('a record that was written as a line is read back as it was', t => {
  fc.assert(
    fc.property(records, record => {
      const line = formatLine(record)
      t.deepEqual(parseLine('web.service', line, 0, line.length - 1), record)
    }),
  )
})

test('a line is text for grep: the time, the run, the stream, the priority, the program, the message', t => {
  const line = formatLine({
    timeUsec: Date.UTC(2026, 10, 25, 21, 23, 32, 123) * 1000 + 456,
    unit: 'web.service',
    identifier: 'nginx',
    pid: 31,
    stream: 'err',
    priority: 3,
    invocationId: '0123456789abcdef0123456789abcdef',
    message: 'it [broke]: again',
  })
  t.is(
    line.toString(),
    '2026-11-25T21:23:32.123456Z 0123456789abcdef0123456789abcdef err 3 nginx[31]: it [broke]: again\n',
  )
})

test("a number in brackets that no process can have is of the program's name", t => {
  const line = Buffer.from('2026-11-25T21:23:32.123456Z - out 0 a[1844674407370955161531]: b')
  const record = parseLine('web.service', line, 0, line.length)
  t.like(record, { pid: null, message: 'b' })
  const again = formatLine({ ...record, timeUsec: 0 } as LogRecord)
  t.like(parseLine('web.service', again, 0, again.length - 1), { ...record, timeUsec: 0 })
})

test('a time is read back to the microsecond, and what is none is not a number', t => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 8_000_000_000_000_000 }), usec => {
      t.is(parseStamp(stamp(usec)), usec)
    }),
  )
  for (const word of [
    '',
    '2026-11-25T21:23:32.12345xZ',
    '2026-11-25T21:23:32.123456+',
    '202026-11-: 1:23:32.123456Z',
    'x'.repeat(27),
  ])
    t.true(Number.isNaN(parseStamp(word)), word)
})

test('whatever a damaged file holds is no record, or one of the unit', t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), array => {
      const line = Buffer.from(array)
      const record = parseLine('web.service', line, 0, line.length)
      t.true(record === null || record.unit === 'web.service')
    }),
  )
  const whole = formatLine({
    timeUsec: 0,
    unit: 'web.service',
    identifier: 'web',
    pid: 1,
    stream: 'out',
    priority: 6,
    invocationId: '',
    message: '',
  })
  for (let cut = 0; cut < whole.length - 1; cut++)
    t.is(parseLine('web.service', whole, 0, cut), null, `the first ${cut} bytes`)
})

test('no unit name leads out of the log directory, and each is read back from its directory', t => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), name => {
      const directory = directoryName(name)
      t.regex(directory, /^[\w:@\\+-][\w:@\\+.-]*$/)
      t.is(unitOfDirectory(directory), name)
    }),
  )
  t.is(directoryName('web@1.service'), 'web@1.service')
  t.is(directoryName('../etc'), '\\x2e.\\x2fetc')
})
