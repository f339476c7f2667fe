import test from 'ava'
import fc from 'fast-check'
import {
  type Calendar,
  type CalendarField,
  printCalendar,
  readCalendar,
} from '../../../daemon/units/values/calendar.ts'
import { nextElapse } from '../../../daemon/units/values/next-elapse.ts'
import { findZone, type Zone } from '../../../daemon/units/values/zone.ts'
import { ask, batches, sample } from './ask.ts'

const number = (least: number, most: number) =>
  fc.integer({ min: least, max: most }).chain(n => fc.constantFrom(`${n}`, `${n}`.padStart(2, '0')))

/** A component: mostly right, at times just beyond what is allowed. */
function field(least: number, most: number, isSeconds = false): fc.Arbitrary<string> {
  const value = isSeconds
    ? fc
        .tuple(
          number(least, most + 1),
          fc.constantFrom('', '', '', '.5', '.000001', '.9999996', '.12345649'),
        )
        .map(parts => parts.join(''))
    : number(Math.max(0, least - 1), most + 1)
  const part = fc
    .tuple(
      value,
      fc.option(
        value.map(stop => `..${stop}`),
        { freq: 3 },
      ),
      fc.option(
        number(0, most).map(step => `/${step}`),
        { freq: 3 },
      ),
    )
    .map(([start, stop, repeat]) => `${start}${stop ?? ''}${repeat ?? ''}`)
  const few = fc.array(part, { minLength: 1, maxLength: 3 }).map(parts => parts.join(','))
  return fc.oneof({ weight: 2, arbitrary: fc.constant('*') }, { weight: 3, arbitrary: few })
}

const day = fc.constantFrom(
  ...'Mon Tue Wed Thu Fri Sat Sun mon SUNDAY Wednesday friday Tues'.split(' '),
)
const dayItem = fc
  .tuple(day, fc.option(fc.tuple(fc.constantFrom('..', '-'), day), { freq: 3 }))
  .map(([first, rest]) => `${first}${rest?.join('') ?? ''}`)
const days = fc
  .tuple(fc.array(dayItem, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '', ','))
  .map(([items, end]) => items.join(',') + end)
const year = fc.oneof(fc.constant('*'), field(2024, 2032), field(1968, 2201), number(0, 101))
const date = fc.oneof(
  fc.tuple(year, field(1, 12), field(1, 31)).map(parts => parts.join('-')),
  fc.tuple(field(1, 12), field(1, 31)).map(parts => parts.join('-')),
  fc.tuple(year, field(1, 12), field(1, 28)).map(([y, m, d]) => `${y}-${m}~${d}`),
  fc.tuple(field(1, 12), field(1, 28)).map(parts => parts.join('~')),
  fc.integer({ min: 0, max: 8e9 }).map(seconds => `@${seconds}`),
)
const time = fc.oneof(
  fc.tuple(field(0, 23), field(0, 59)).map(parts => parts.join(':')),
  fc.tuple(field(0, 23), field(0, 59), field(0, 59, true)).map(parts => parts.join(':')),
)
const zone = fc.constantFrom(
  'UTC',
  'utc',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Europe/Atlantis',
  'europe/berlin',
  'EST5EDT',
  'Etc/GMT+5',
)
const shorthand = fc.constantFrom(
  ...'minutely hourly daily weekly monthly quarterly semiannually biannually yearly annually Daily fortnightly'.split(
    ' ',
  ),
)
const optional = (arbitrary: fc.Arbitrary<string>, freq = 2) =>
  fc.option(arbitrary, { freq, nil: '' })
const expression = fc
  .oneof(
    {
      weight: 8,
      arbitrary: fc
        .tuple(optional(days, 1), optional(date), optional(time), optional(zone, 1))
        .chain(parts =>
          fc
            .constantFrom(' ', ' ', '  ')
            .map(space => parts.filter(part => part !== '').join(space)),
        ),
    },
    { weight: 1, arbitrary: fc.tuple(shorthand, optional(zone)).map(parts => parts.join(' ')) },
    {
      weight: 1,
      arbitrary: fc.string({ unit: fc.constantFrom(...'0123456789*-~:./, Mon'), maxLength: 12 }),
    },
  )
  .filter(text => text !== '')

type Theirs = { normalized: string; elapses: number[] }

/**
 * What systemd-analyze calendar printed, by the original form; what it refused is not there. An original form that is the
 * normalized one is printed once.
 */
function readAnswer(out: string): Map<string, Theirs> {
  const found = new Map<string, Theirs>()
  let original: string | null = null
  let current: Theirs = { normalized: '', elapses: [] }
  for (const line of out.split('\n')) {
    const [, label = '', value = ''] = /^ *([^:]+): ?(.*)$/.exec(line) ?? []
    if (label === 'Original form') original = value.trimEnd()
    else if (label === 'Normalized form') {
      current = { normalized: value, elapses: [] }
      found.set(original ?? value, current)
      original = null
    } else if (label === '(in UTC)') current.elapses[current.elapses.length - 1] = seconds(value)
    else if ((label === 'Next elapse' || label.startsWith('Iter')) && value !== 'never')
      current.elapses.push(value.endsWith('UTC') ? seconds(value) : Number.NaN)
  }
  return found
}

/** `Tue 2026-03-31 00:00:00 UTC`, in seconds. */
const seconds = (text: string) => Date.parse(`${text.slice(4, 14)}T${text.slice(15, 23)}Z`) / 1000

/** The same with an end to each repetition: `7/36` as `7..59/36`. */
function bounded(calendar: Calendar): Calendar {
  const end = (field: CalendarField, most: number) =>
    field?.map(part => (part.stop === null && part.repeat > 0 ? { ...part, stop: most } : part)) ??
    null
  return {
    ...calendar,
    years: end(calendar.years, 2199),
    months: end(calendar.months, 12),
    days: calendar.fromMonthsEnd ? calendar.days : end(calendar.days, 31),
    hours: end(calendar.hours, 23),
    minutes: end(calendar.minutes, 59),
    seconds: end(calendar.seconds, 59_999_999),
  }
}

/** `*:*:55..55`, `*:*:1.5..2`: a range of seconds that holds one value. */
const hasLoneSecond = (text: string) =>
  (text.split(':')[2] ?? '').split(',').some(part => {
    const [, start, stop] = /^([\d.]+)\.\.([\d.]+)$/.exec(part.trim()) ?? []
    return Math.fround(Number(stop) - Number(start)) < 1
  })

/** `*-*~16,26`: its bound for a later part is 25, then 22, where the first one's is 28. */
const hasLateDayOfEnd = ({ fromMonthsEnd, days }: Calendar) =>
  fromMonthsEnd &&
  (days ?? []).some((part, at) => Math.max(part.start, part.stop ?? 0) > 28 - 3 * at)

test('calendar expressions are read and printed as systemd-analyze calendar does', t => {
  for (const batch of batches(sample(expression, 3000))) {
    const answer = ask(t, 'systemd-analyze', ['calendar', '--', ...batch])
    if (answer === null) return
    const theirs = readAnswer(answer.out)
    for (const text of batch) {
      const calendar = readCalendar(text).unwrapOr(null)
      // systemd 252 refuses them by a slip: the bound shrinks from part to part.
      if (calendar !== null && hasLateDayOfEnd(calendar)) continue
      // systemd 252 refuses them in seconds alone; for hours and minutes it takes them.
      if (calendar !== null && hasLoneSecond(text)) continue
      const printed = calendar === null ? undefined : printCalendar(calendar)
      t.is(printed, theirs.get(text.trimEnd())?.normalized, text)
    }
  }
})

function elapses(calendar: Calendar, baseUsec: number, local: Zone): number[] {
  const found: number[] = []
  for (let at = baseUsec; found.length < ITERATIONS; ) {
    const next = nextElapse(calendar, at, local)
    if (next === null) break
    found.push(Math.floor(next / 1_000_000))
    at = next
  }
  return found
}

const ITERATIONS = 4

/** Moments around which the zones' clocks change, and quiet ones. */
const SCENES: readonly (readonly [zone: string, base: string])[] = [
  ['UTC', '2026-02-27T23:59:58Z'],
  ['Europe/Berlin', '2026-03-28T22:10:00Z'],
  ['Europe/Berlin', '2026-10-24T22:10:00Z'],
  ['America/New_York', '2026-03-07T12:00:00Z'],
  ['America/Sao_Paulo', '2018-11-02T12:00:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T10:00:00Z'],
  ['Pacific/Apia', '2011-12-28T12:00:00Z'],
  ['Europe/London', '2026-10-24T12:00:00Z'],
  // Not Europe/Dublin, where winter is what is saved: systemd 252 leaves out the rest of the day of a change there.
]

for (const [name, base] of SCENES) {
  test(`calendar expressions elapse when systemd-analyze calendar says, in ${name} from ${base}`, t => {
    const local = findZone(name)
    if (local === null) return t.fail()
    const baseUsec = Date.parse(base) * 1000
    const calendars = new Map<string, Calendar>()
    for (const text of sample(expression, 400)) {
      const calendar = readCalendar(text).unwrapOr(null)
      if (calendar === null || hasLateDayOfEnd(calendar)) continue
      // systemd 252 takes a step beyond the end of a month, or of a day, for a day or a minute of the next one.
      if (calendar.fromMonthsEnd && calendar.days?.some(day => day.stop === null && day.repeat > 0))
        continue
      // The day that Samoa left out when it crossed the date line is the next one to glibc.
      if (calendar.fromMonthsEnd && name === 'Pacific/Apia') continue
      calendars.set(printCalendar(bounded(calendar)), calendar)
    }
    for (const batch of batches([...calendars.keys()])) {
      const answer = ask(
        t,
        'systemd-analyze',
        [
          'calendar',
          `--iterations=${ITERATIONS}`,
          `--base-time=@${baseUsec / 1e6}`,
          '--',
          ...batch,
        ],
        { TZ: name },
      )
      if (answer === null) return
      const theirs = readAnswer(answer.out)
      for (const text of batch) {
        const calendar = calendars.get(text)
        if (calendar !== undefined)
          t.deepEqual(elapses(calendar, baseUsec, local), theirs.get(text)?.elapses, text)
      }
    }
  })
}
