// What programs send to the sockets of other loggers, taken apart.
import test from 'ava'
import { linesOf } from '../../daemon/logs/intake.ts'
import { parseEntries } from '../../daemon/logs/journal-entry.ts'
import { parseStreamHead } from '../../daemon/logs/stream-head.ts'
import { parseSyslog } from '../../daemon/logs/syslog.ts'

const told = (text: string) => {
  const { message, fields, ...said } = parseSyslog(Buffer.from(text))
  const some = Object.keys(fields).length > 0 ? { fields } : {}
  return { ...said, message: message.toString(), ...some }
}

test('a message of syslog(3) has a priority, a tag and a process', t => {
  t.deepEqual(told('<34>Oct 11 22:14:15 su[12]: failed: no'), {
    priority: 2,
    facility: 4,
    identifier: 'su',
    pid: 12,
    message: 'failed: no',
  })
  t.deepEqual(told('<13>Feb  5 17:32:18 a:b: two words\n'), {
    priority: 5,
    facility: 1,
    identifier: 'a:b',
    pid: null,
    message: 'two words',
  })
  const plain = { priority: 6, facility: 1, identifier: null, pid: null }
  t.deepEqual(told('only text'), { ...plain, message: 'only text' })
  t.deepEqual(told('<192>too much'), { ...plain, message: '<192>too much' })
})

test('a message of RFC 5424 is taken apart, too', t => {
  t.deepEqual(
    told('<165>1 2003-10-11T22:14:15.003Z host app 8710 ID47 [x@1 a="\\"1\\""] \u{feff}said'),
    {
      priority: 5,
      facility: 20,
      identifier: 'app',
      pid: 8710,
      message: 'said',
      fields: { 'x@1.a': '"1"' },
    },
  )
  t.like(told('<30>1 - - - - - - text'), { identifier: null, pid: null, message: 'text' })
  t.like(told('<30>1 - - app - - -'), { identifier: 'app', message: '' })
})

test('a message to the journal has fields, in text or with their length', t => {
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(3n)
  const bytes = Buffer.concat([
    Buffer.from('PRIORITY=3\nSYSLOG_IDENTIFIER=app\n_PID=1\nA=1\nA=2\nMESSAGE\n'),
    size,
    Buffer.from('a\nb\n\nMESSAGE=next'),
  ])
  const { entries, isDamaged } = parseEntries(bytes)
  t.false(isDamaged)
  const common = { identifier: 'app', pid: null, priority: 3 }
  t.deepEqual(entries[0], { ...common, message: Buffer.from('a\nb'), fields: { A: '1\n2' } })
  t.like(entries[1], { identifier: null, priority: 6, fields: {} })
  t.is(entries[1]?.message.toString(), 'next')
  t.true(parseEntries(bytes.subarray(0, 64)).isDamaged)
})

test('fields that are too long for a line are left out, and counted', t => {
  const { entries } = parseEntries(Buffer.from(`MESSAGE=m\nBIG=${'x'.repeat(30_000)}\nB=1\n`))
  t.deepEqual(entries[0]?.fields, { B: '1', HEARTH_OMITTED_FIELDS: '1' })
})

test('a message is cut into lines, a long one into parts, and nothing of it is lost', t => {
  const lines = (message: string) =>
    [...linesOf(Buffer.from(message))].map(({ line, isPartial }) => [line.length, isPartial])
  t.deepEqual(lines(''), [[0, false]])
  t.deepEqual(lines('a\n\nbc\n'), [
    [1, false],
    [0, false],
    [2, false],
  ])
  t.deepEqual(lines(`${'x'.repeat(49_151)}é${'y'.repeat(10)}`), [
    [49_151, true],
    [12, false],
  ])
})

test('the head of a stream is seven lines', t => {
  const head = 'app\nweb.service\n13\n1\n0\n0\n0\n'
  t.deepEqual(parseStreamHead(Buffer.from(`${head}output`)), {
    identifier: 'app',
    priority: 5,
    levelPrefix: true,
    length: head.length,
  })
  t.is(parseStreamHead(Buffer.from(head.slice(0, -1))), 'more')
  t.is(parseStreamHead(Buffer.from('a\nb\nhigh\n1\n0\n0\n0\n')), 'bad')
  t.is(parseStreamHead(Buffer.from('x'.repeat(5000))), 'bad')
})
