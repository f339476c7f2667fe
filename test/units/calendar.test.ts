import test from 'ava'
import fc from 'fast-check'
import { printCalendar, readCalendar } from '../../daemon/units/values/calendar.ts'
import { nextElapse } from '../../daemon/units/values/next-elapse.ts'
import { clocksOf, findZone, UTC, type Zone } from '../../daemon/units/values/zone.ts'

// systemd.time(7), CALENDAR EVENTS.
const NORMALIZED: readonly (readonly [written: string, normalized: string])[] = [
  ['Sat,Thu,Mon..Wed,Sat..Sun', 'Mon..Thu,Sat,Sun *-*-* 00:00:00'],
  ['Mon,Sun 12-*-* 2,1:23', 'Mon,Sun 2012-*-* 01,02:23:00'],
  ['Wed *-1', 'Wed *-*-01 00:00:00'],
  ['Wed..Wed,Wed *-1', 'Wed *-*-01 00:00:00'],
  ['Wed, 17:48', 'Wed *-*-* 17:48:00'],
  ['Wed..Sat,Tue 12-10-15 1:2:3', 'Tue..Sat 2012-10-15 01:02:03'],
  ['*-*-7 0:0:0', '*-*-07 00:00:00'],
  ['10-15', '*-10-15 00:00:00'],
  ['monday *-12-* 17:00', 'Mon *-12-* 17:00:00'],
  ['Mon,Fri *-*-3,1,2 *:30:45', 'Mon,Fri *-*-01,02,03 *:30:45'],
  ['12,14,13,12:20,10,30', '*-*-* 12,13,14:10,20,30:00'],
  ['12..14:10,20,30', '*-*-* 12..14:10,20,30:00'],
  ['mon,fri *-1/2-1,3 *:30:45', 'Mon,Fri *-01/2-01,03 *:30:45'],
  ['03-05 08:05:40', '*-03-05 08:05:40'],
  ['05:40', '*-*-* 05:40:00'],
  ['Sat,Sun 12-05 08:05:40', 'Sat,Sun *-12-05 08:05:40'],
  ['2003-03-05 05:40', '2003-03-05 05:40:00'],
  ['05:40:23.4200004/3.1700005', '*-*-* 05:40:23.420000/3.170001'],
  ['2003-02..04-05', '2003-02..04-05 00:00:00'],
  ['2003-03-05 05:40 UTC', '2003-03-05 05:40:00 UTC'],
  ['minutely', '*-*-* *:*:00'],
  ['hourly', '*-*-* *:00:00'],
  ['daily UTC', '*-*-* 00:00:00 UTC'],
  ['weekly Pacific/Auckland', 'Mon *-*-* 00:00:00 Pacific/Auckland'],
  ['monthly', '*-*-01 00:00:00'],
  ['quarterly', '*-01,04,07,10-01 00:00:00'],
  ['semiannually', '*-01,07-01 00:00:00'],
  ['annually', '*-01-01 00:00:00'],
  ['*:2/3', '*-*-* *:02/3:00'],
  ['*-02~03', '*-02~03 00:00:00'],
  ['Mon *-05~07/1', 'Mon *-05~07/1 00:00:00'],
  ['@1395716396', '2014-03-25 02:59:56 UTC'],
]

test('expressions have the normalized forms of the manual', t => {
  for (const [written, normalized] of NORMALIZED)
    t.is(readCalendar(written).map(printCalendar).unwrapOr('?'), normalized, written)
})

test('what is no expression is refused, and it is said what was expected', t => {
  for (const text of [
    '',
    ' ',
    'Mon Tue',
    'Wed..Mon',
    '25:00',
    '*-13-01',
    '1:60',
    '*-*-32',
    '1969-1-1',
    '2200-1-1',
    '*/2:00',
    '5',
    '0:0/0',
    '5..3:0',
    '*~29',
    '1:2:3:4',
    'daily 5:00',
  ])
    t.true(readCalendar(text).isErr(), text)
  t.regex(readCalendar('Someday 5:00')._unsafeUnwrapErr(), /Someday is no day of the week/)
  t.regex(readCalendar('5:00 Europe/Atlantis')._unsafeUnwrapErr(), /no time zone Europe\/Atlantis/)
})

const usec = (iso: string) => Date.parse(iso) * 1000
const zone = (name: string): Zone => findZone(name) ?? UTC

function elapses(text: string, from: string, name = 'UTC', count = 3): string[] {
  const calendar = readCalendar(text)._unsafeUnwrap()
  const found: string[] = []
  for (let at: number | null = usec(from); found.length < count; ) {
    at = nextElapse(calendar, at, zone(name))
    if (at === null) break
    found.push(new Date(at / 1000).toISOString().replace('.000Z', 'Z'))
  }
  return found
}

test('an expression elapses at each time that fits, in order, and null when there is none left', t => {
  t.deepEqual(elapses('Mon..Fri 8:00', '2026-11-26T08:00:00Z'), [
    '2026-11-27T08:00:00Z',
    '2026-11-30T08:00:00Z',
    '2026-12-01T08:00:00Z',
  ])
  t.deepEqual(elapses('*-*~1', '2028-01-31T00:00:00Z'), [
    '2028-02-29T00:00:00Z',
    '2028-03-31T00:00:00Z',
    '2028-04-30T00:00:00Z',
  ])
  t.deepEqual(elapses('*:*:0/20.5', '2026-01-01T00:00:20Z'), [
    '2026-01-01T00:00:20.500Z',
    '2026-01-01T00:00:41Z',
    '2026-01-01T00:01:00Z',
  ])
  t.deepEqual(elapses('*-02-30', '2026-01-01T00:00:00Z'), [])
  t.deepEqual(elapses('2026-01-01', '2026-01-01T00:00:00Z'), [])
  t.deepEqual(elapses('Fri *-02-29', '2026-01-01T00:00:00Z', 'UTC', 2), [
    '2036-02-29T00:00:00Z',
    '2064-02-29T00:00:00Z',
  ])
})

test('an hour that the clock leaves out does not come on that day', t => {
  t.deepEqual(elapses('02:30', '2026-03-28T12:00:00Z', 'Europe/Berlin', 2), [
    '2026-03-30T00:30:00Z',
    '2026-03-31T00:30:00Z',
  ])
  t.deepEqual(elapses('*:0/30', '2026-03-29T00:00:00Z', 'Europe/Berlin'), [
    '2026-03-29T00:30:00Z',
    '2026-03-29T01:00:00Z',
    '2026-03-29T01:30:00Z',
  ])
})

test('an hour that the clock shows twice counts once', t => {
  t.deepEqual(elapses('*:0/30', '2026-10-25T00:00:00Z', 'Europe/Berlin', 2), [
    '2026-10-25T00:30:00Z',
    '2026-10-25T02:00:00Z',
  ])
  t.deepEqual(elapses('02:30', '2026-10-25T01:00:00Z', 'Europe/Berlin', 2), [
    '2026-10-25T01:30:00Z',
    '2026-10-26T01:30:00Z',
  ])
})

test('an expression with a zone of its own is not moved by that of the machine', t => {
  for (const name of ['UTC', 'Asia/Tokyo', 'America/New_York'])
    t.deepEqual(elapses('12:00 Europe/Berlin', '2026-07-01T00:00:00Z', name, 1), [
      '2026-07-01T10:00:00Z',
    ])
})

const part = (least: number, most: number) =>
  fc.oneof(
    fc.constant('*'),
    fc
      .uniqueArray(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: 3 })
      .map(all => all.join(',')),
    fc
      .tuple(fc.integer({ min: least, max: most - 1 }), fc.constant(most))
      .map(([from, to]) => `${from}..${to}`),
    fc.integer({ min: least, max: most - 2 }).map(from => `${from}/2`),
  )
const expression = fc
  .tuple(
    fc.constantFrom('', 'Mon ', 'Tue..Thu ', 'Sat,Sun '),
    part(1, 12),
    part(1, 28),
    part(0, 23),
    part(0, 59),
    part(0, 59),
  )
  .map(
    ([days, month, day, hour, minute, second]) =>
      `${days}*-${month}-${day} ${hour}:${minute}:${second}`,
  )
const moment = fc.integer({ min: 0, max: usec('2100-01-01T00:00:00Z') })
const zones = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Pacific/Apia',
)

test('the normalized form is its own', t => {
  fc.assert(
    fc.property(expression, text => {
      const printed = printCalendar(readCalendar(text)._unsafeUnwrap())
      t.is(printCalendar(readCalendar(printed)._unsafeUnwrap()), printed)
    }),
    { numRuns: 300 },
  )
})

test('the next moment lies ahead, fits the expression, and none before it does', t => {
  fc.assert(
    fc.property(expression, moment, zones, (text, from, name) => {
      const calendar = readCalendar(text)._unsafeUnwrap()
      const next = nextElapse(calendar, from, zone(name))
      if (next === null) return
      t.true(next > from)
      // From any moment between, it is the same one: nothing is skipped.
      const between = from + Math.floor((next - from) / 2)
      t.is(nextElapse(calendar, between, zone(name)), next)
      t.is(nextElapse(calendar, next - 1, zone(name)), next)
    }),
    { numRuns: 300 },
  )
})

test('the rule of a zone names its clocks', t => {
  const hours = (rule: string) =>
    clocksOf(rule).map(({ name, aheadUsec }) => [name, aheadUsec / 3_600_000_000])
  t.deepEqual(hours('CET-1CEST,M3.5.0,M10.5.0/3'), [
    ['CET', 1],
    ['CEST', 2],
  ])
  t.deepEqual(hours('IST-5:30'), [['IST', 5.5]])
  t.deepEqual(hours('<+0330>-3:30'), [['+0330', 3.5]])
  t.deepEqual(hours('NST3:30NDT,M3.2.0,M11.1.0'), [
    ['NST', -3.5],
    ['NDT', -2.5],
  ])
  t.deepEqual(hours('IST-1GMT0,M10.5.0,M3.5.0/1'), [
    ['IST', 1],
    ['GMT', 0],
  ])
  t.deepEqual(hours(''), [])
})

test('an expression in the abbreviation of a clock means what that clock shows, all the year', t => {
  const clocks = () => clocksOf('CET-1CEST,M3.5.0,M10.5.0/3')
  const berlin = findZone('Europe/Berlin') ?? UTC
  const calendar = readCalendar('*-*-* 12:00 cest', clocks)._unsafeUnwrap()
  t.is(printCalendar(calendar), '*-*-* 12:00:00 CEST')
  for (const day of ['2026-07-01', '2026-01-01']) {
    const midnight = Date.parse(`${day}T00:00:00Z`) * 1000
    t.is(nextElapse(calendar, midnight, berlin), midnight + 10 * 3_600_000_000)
  }
  t.true(readCalendar('*-*-* 12:00 CEST').isErr())
})
