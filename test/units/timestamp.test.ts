import test from 'ava'
import { readTimestamp } from '../../daemon/units/values/timestamp.ts'
import { findZone, UTC } from '../../daemon/units/values/zone.ts'

const SHANGHAI = findZone('Asia/Shanghai') ?? UTC
const BERLIN = findZone('Europe/Berlin') ?? UTC
const NOW = Date.parse('2012-11-23T18:15:22+08:00') * 1000

// systemd.time(7), PARSING TIMESTAMPS: it is 2012-11-23 18:15:22 in Shanghai. What the manual prints in local time.
const MOMENTS: readonly (readonly [text: string, local: string])[] = [
  ['Fri 2012-11-23 11:12:13', '2012-11-23T11:12:13'],
  ['2012-11-23 11:12:13', '2012-11-23T11:12:13'],
  ['2012-11-23 11:12:13 UTC', '2012-11-23T19:12:13'],
  ['2012-11-23', '2012-11-23T00:00:00'],
  ['12-11-23', '2012-11-23T00:00:00'],
  ['11:12:13', '2012-11-23T11:12:13'],
  ['11:12', '2012-11-23T11:12:00'],
  ['now', '2012-11-23T18:15:22'],
  ['today', '2012-11-23T00:00:00'],
  ['today UTC', '2012-11-23T08:00:00'],
  ['yesterday', '2012-11-22T00:00:00'],
  ['tomorrow', '2012-11-24T00:00:00'],
  ['tomorrow Pacific/Auckland', '2012-11-23T19:00:00'],
  ['+3h30min', '2012-11-23T21:45:22'],
  ['-5s', '2012-11-23T18:15:17'],
  ['11min ago', '2012-11-23T18:04:22'],
  ['@1395716396', '2014-03-25T10:59:56'],
]

test('timestamps mean what the manual says', t => {
  // But for two slips of it: "today UTC" is 08:00 in Shanghai, and that number of seconds 10:59:56.
  for (const [text, local] of MOMENTS)
    t.is(readTimestamp(text, NOW, SHANGHAI).unwrapOr(-1), Date.parse(`${local}+08:00`) * 1000, text)
})

test('a weekday that the date is not, what is before 1970 and what is no moment are refused', t => {
  for (const text of [
    'Thu 2012-11-23',
    '',
    'soon',
    '1969-01-01',
    '25:00',
    '2012-13-01',
    '5s',
    '-100y',
    'now UTC',
    '@infinity',
  ])
    t.true(readTimestamp(text, NOW, UTC).isErr(), text)
})

test('what the clock leaves out counts as if it had not been set, of what it shows twice the first is meant', t => {
  t.is(
    readTimestamp('2026-03-29 02:30', NOW, BERLIN).unwrapOr(-1),
    Date.parse('2026-03-29T01:30:00Z') * 1000,
  )
  t.is(
    readTimestamp('2026-10-25 02:30', NOW, BERLIN).unwrapOr(-1),
    Date.parse('2026-10-25T00:30:00Z') * 1000,
  )
})
