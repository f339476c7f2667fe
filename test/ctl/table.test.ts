import test from 'ava'
import { formatBytes } from '../../ctl/format/bytes.ts'
import { createPaint, wantsColour } from '../../ctl/format/paint.ts'
import { formatTable } from '../../ctl/format/table.ts'
import { cut, cutMiddle, widthOf } from '../../ctl/format/width.ts'

const plain = createPaint(false)
const table = {
  header: ['UNIT', 'SUB', 'DESCRIPTION'],
  rows: [
    ['a-service-with-a-long-name.service', 'running', 'Something that takes long to describe'],
    ['web.service', 'dead', ''],
  ],
}

test('columns are as wide as what stands in them, and no line ends in spaces', t => {
  t.deepEqual(formatTable(table, { paint: plain, legend: true, marks: null, width: null }), [
    'UNIT                               SUB     DESCRIPTION',
    'a-service-with-a-long-name.service running Something that takes long to describe',
    'web.service                        dead',
  ])
})

test('on a narrow terminal the description is cut first, then the middle of the name', t => {
  const lines = formatTable(table, { paint: plain, legend: false, marks: null, width: 60 })
  t.is(lines[0], 'a-service-with-a-long-name.service running Something that t…')
  const narrow = formatTable(table, { paint: plain, legend: false, marks: null, width: 40 })
  t.is(narrow[0], 'a-service…e.service running Something t…')
  t.true(lines.every(line => widthOf(line) <= 60))
})

test('marks stand in front of the rows, and the header moves with them', t => {
  const lines = formatTable(table, { paint: plain, legend: true, marks: ['●', ' '], width: null })
  t.deepEqual(
    lines.map(line => line.slice(0, 6)),
    ['  UNIT', '● a-se', '  web.'],
  )
})

test('a wide character takes two cells, a combining mark none', t => {
  t.is(widthOf('服务'), 4)
  t.is(widthOf('e\u0301'), 1)
  t.is(cut('服务器', 5), '服务…')
  t.is(cutMiddle('abcdefghij', 5), 'ab…ij')
})

test('colours are for terminals whose user has not refused them', t => {
  t.true(wantsColour(true, {}))
  t.false(wantsColour(false, {}))
  t.false(wantsColour(true, { NO_COLOR: '1' }))
  t.true(wantsColour(true, { NO_COLOR: '' }))
  t.false(wantsColour(true, { TERM: 'dumb' }))
  t.is(plain.red('x'), 'x')
  t.is(createPaint(true).green('x'), '\x1b[1;32mx\x1b[0m')
})

test('sizes are written in powers of 1024 and cut, not rounded', t => {
  t.is(formatBytes(0), '0B')
  t.is(formatBytes(1023), '1023B')
  t.is(formatBytes(1536), '1.5K')
  t.is(formatBytes(1024 * 1024 - 1), '1023.9K')
  t.is(formatBytes(5 * 1024 ** 3), '5.0G')
})
