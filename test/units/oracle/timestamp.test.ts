import test from 'ava'
import fc from 'fast-check'
import { localClocks } from '../../../daemon/runtime/zone.ts'
import { readTimestamp } from '../../../daemon/units/values/timestamp.ts'
import { findZone } from '../../../daemon/units/values/zone.ts'
import { ask, batches, sample } from './ask.ts'

const upTo = (most: number, least = 0) =>
  fc.integer({ min: least, max: most }).chain(n => fc.constantFrom(`${n}`, `${n}`.padStart(2, '0')))
const year = fc.oneof(upTo(2060, 1960), upTo(99), upTo(10_000, 1900))
const date = fc.tuple(year, upTo(13), upTo(32)).map(parts => parts.join('-'))
const fraction = fc.constantFrom('', '', '.5', '.123456', '.1234567', '.9999999', '.')
const time = fc.oneof(
  fc.tuple(upTo(24), upTo(60)).map(parts => parts.join(':')),
  fc.tuple(upTo(23), upTo(59), upTo(62), fraction).map(([h, m, s, f]) => `${h}:${m}:${s}${f}`),
)
const day = fc.constantFrom(...'Mon tue Wednesday THU Fri Sat sunday Tues'.split(' '))
// Abbreviations of summers alone: in summer systemd refuses those of winters, which hearth reads all the same.
const zone = fc.constantFrom('UTC', 'utc', 'XYZ', 'CEST', 'cest', 'NDT')
const absolute = fc
  .tuple(
    fc.option(day, { freq: 1 }),
    fc.option(date, { freq: 4 }),
    fc.option(time),
    fc.option(zone, { freq: 1 }),
  )
  .map(parts => parts.filter(part => part !== null).join(' '))
const named = fc
  .tuple(
    fc.constantFrom('today', 'yesterday', 'tomorrow', 'Today'),
    fc.constantFrom('', ' UTC', ' 5:00'),
  )
  .map(parts => parts.join(''))
const epoch = fc
  .tuple(fc.integer({ min: 0, max: 9e9 }), fc.constantFrom('', '.5', '.000001', 's', 'min', ' UTC'))
  .map(([seconds, rest]) => `@${seconds}${rest}`)
const noise = fc
  .string({ unit: fc.constantFrom(...'0123456789-: .@'), maxLength: 12 })
  .filter(text => !text.startsWith('-'))
const moment = fc.oneof({ weight: 6, arbitrary: absolute }, named, epoch, noise)

/** The microseconds of each that systemd-analyze timestamp took, by the original form. */
function readAnswer(out: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const block of out.split('\n\n')) {
    const original = /Original form: (.*)/.exec(block)?.[1]
    const [, whole, fraction = ''] = /UNIX seconds: @(\d+)(?:\.(\d+))?/.exec(block) ?? []
    if (original !== undefined && whole !== undefined)
      found.set(original.trimEnd(), `${whole}${fraction.padEnd(6, '0')}`)
  }
  return found
}

for (const name of ['UTC', 'Europe/Berlin', 'America/St_Johns']) {
  test(`timestamps are read as systemd-analyze timestamp does, in ${name}`, t => {
    const local = findZone(name)
    if (local === null) return t.fail()
    const clocks = localClocks({ TZ: name })
    for (const batch of batches(sample(moment, 800))) {
      const nowUsec = Date.now() * 1000
      const answer = ask(t, 'systemd-analyze', ['timestamp', '--', ...batch], { TZ: name })
      if (answer === null) return
      const theirs = readAnswer(answer.out)
      for (const text of batch) {
        const usec = readTimestamp(text, nowUsec, local, () => clocks).unwrapOr(null)
        // Numbers are exact up to there.
        if (usec !== null && usec > Number.MAX_SAFE_INTEGER) continue
        // Of an hour that is shown twice, glibc takes the run whose offset it used last.
        if (usec !== null && local.momentsOf(local.wallAt(usec)).moments.length > 1) continue
        t.is(
          usec === null ? undefined : String(BigInt(usec)).padStart(7, '0'),
          theirs.get(text.trimEnd()),
          text,
        )
      }
    }
  })
}

const amount = fc
  .tuple(
    fc.integer({ min: 0, max: 200 }),
    fc.constantFrom('', 's', 'min', 'h', 'd', ' days', 'w', 'x', 'y'),
  )
  .map(parts => parts.join(''))
const relative = fc.oneof(
  fc.tuple(fc.constantFrom('+', '-', '+ '), amount).map(parts => parts.join('')),
  fc.tuple(amount, fc.constantFrom(' ago', ' left', 'ago', '  ago')).map(parts => parts.join('')),
)

test('moments relative to now are those of systemd-analyze timestamp, within the time of asking', t => {
  const local = findZone('UTC')
  if (local === null) return t.fail()
  for (const batch of batches(sample(relative, 300))) {
    const before = Date.now() * 1000
    const answer = ask(t, 'systemd-analyze', ['timestamp', '--', ...batch])
    if (answer === null) return
    const after = Date.now() * 1000 + 1000
    const theirs = readAnswer(answer.out)
    for (const text of batch) {
      const least = readTimestamp(text, before, local).unwrapOr(null)
      const most = readTimestamp(text, after, local).unwrapOr(null)
      const usec = theirs.get(text.trimEnd())
      if (usec === undefined || least === null || most === null)
        t.deepEqual([least, usec], [null, undefined], text)
      else t.true(Number(usec) >= least && Number(usec) <= most, `${text}: ${usec} of ${least}`)
    }
  }
})
