import test from 'ava'
import { formatRelative } from '../../ctl/format/timespan.ts'
import { formatTimespan } from '../../daemon/control/schema.ts'

const SEC = 1_000_000
const MIN = 60 * SEC
const HOUR = 60 * MIN
const DAY = 24 * HOUR
const MONTH = 2_629_800 * SEC
const YEAR = 31_557_600 * SEC

// As `systemd-analyze timespan` 252 prints them.
const spans: readonly (readonly [usec: number, text: string])[] = [
  [0, '0'],
  [1, '1us'],
  [999, '999us'],
  [1500, '1.500ms'],
  [SEC, '1s'],
  [3_204_000, '3.204000s'],
  [90 * SEC, '1min 30s'],
  [61_500_000, '1min 1.500000s'],
  [DAY + 2 * HOUR, '1d 2h'],
  [8 * DAY, '1w 1d'],
  [YEAR + MONTH + 7 * DAY, '1y 1month 1w'],
  [Number.POSITIVE_INFINITY, 'infinity'],
]

for (const [usec, text] of spans) {
  test(`a span of ${usec} microseconds is written ${text}`, t => {
    t.is(formatTimespan(usec), text)
  })
}

test('what is below the accuracy is left out, but never all of it', t => {
  t.is(formatTimespan(15_314, 1000), '15ms')
  t.is(formatTimespan(3_204_567, 1000), '3.204s')
  t.is(formatTimespan(400, 1000), '400us')
  t.is(formatTimespan(3600 * SEC + 5, 1000), '1h')
})

const now = 100 * YEAR
const agos: readonly (readonly [usec: number, text: string])[] = [
  [500, '500us ago'],
  [29_000, '29ms ago'],
  [5 * SEC, '5s ago'],
  [MIN + 5 * SEC, '1min 5s ago'],
  [5 * MIN + 5 * SEC, '5min ago'],
  [HOUR + 5 * MIN, '1h 5min ago'],
  [6 * HOUR + 5 * MIN, '6h ago'],
  [25 * HOUR, '1 day 1h ago'],
  [3 * DAY, '3 days ago'],
  [8 * DAY, '1 week 1 day ago'],
  [MONTH + 2 * DAY, '1 month 2 days ago'],
  [2 * YEAR + MONTH, '2 years 1 month ago'],
]

for (const [usec, text] of agos) {
  test(`a moment ${usec} microseconds before now is ${text}`, t => {
    t.is(formatRelative(now - usec, now), text)
  })
}

test('a moment to come is left, this one is now', t => {
  t.is(formatRelative(now + 20 * SEC, now), '20s left')
  t.is(formatRelative(now, now), 'now')
})
