// What systemd itself says, where its tools are installed: many values per call.
import { spawnSync } from 'node:child_process'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { exitStatuses } from '../../daemon/units/values/exit-status.ts'
import { formatTimespan } from '../../daemon/units/values/format-timespan.ts'
import { readTimespan } from '../../daemon/units/values/timespan.ts'
import {
  escapeName,
  escapePath,
  mangleName,
  unescapeName,
  unescapePath,
} from '../../daemon/units/values/unit-name.ts'

type Answer = { out: string; status: number | null }

/** The tool's answer; null, with a word in the log, where it is not installed. */
function ask(t: ExecutionContext, tool: string, ...args: string[]): Answer | null {
  const { stdout, status, error } = spawnSync(tool, args, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C.UTF-8', SYSTEMD_LOG_LEVEL: 'emerg' },
  })
  if (error) {
    t.log(`${tool} is not installed: not compared`)
    t.pass()
    return null
  }
  return { out: stdout, status }
}

const seed = 20_240_601
const sample = <T>(arbitrary: fc.Arbitrary<T>, count: number) =>
  fc.sample(arbitrary, { seed, numRuns: count })

const unit = fc.constantFrom(
  ...'us usec ms msec s sec second seconds m min minute minutes h hr hour hours d day days w week weeks M month months y year years μs'.split(
    ' ',
  ),
  '',
)
const spanPart = fc
  .tuple(
    fc.integer({ min: 0, max: 5000 }),
    fc.option(fc.integer({ min: 0, max: 9999 })),
    unit,
    fc.constantFrom('', ' '),
  )
  .map(
    ([whole, fraction, name, space]) =>
      `${whole}${fraction === null ? '' : `.${fraction}`}${space}${name}`,
  )
const span = fc
  .tuple(fc.array(spanPart, { minLength: 1, maxLength: 3 }), fc.constantFrom('', ' '))
  .map(([parts, space]) => parts.join(space))
const noise = fc.string({
  unit: fc.constantFrom(...'0123456789.+ smhdwyMu-'),
  minLength: 1,
  maxLength: 8,
})

test('time spans are read and printed as systemd-analyze timespan does', t => {
  for (const text of sample(fc.oneof({ weight: 3, arbitrary: span }, noise), 120)) {
    const answer = ask(t, 'systemd-analyze', 'timespan', '--', text)
    if (!answer) return
    const usec = readTimespan(text)
    const theirs = /μs: (\d+)/.exec(answer.out)?.[1]
    if (theirs === undefined) {
      // It says "infinity" where we know no number either.
      if (usec !== 'infinity') t.is(usec, null, `"${text}"`)
      continue
    }
    t.is(String(usec), theirs, `"${text}"`)
    const human = /Human: (.*)/.exec(answer.out)?.[1] ?? ''
    if (Number(theirs) <= Number.MAX_SAFE_INTEGER)
      t.is(formatTimespan(Number(theirs), 1), human, `"${text}"`)
  }
})

const text = fc.string({
  unit: fc.constantFrom(...'abzAZ019:_.-\\@/ äß€😀,%$'),
  minLength: 1,
  maxLength: 12,
})

test('strings are escaped and unescaped as systemd-escape does', t => {
  const strings = sample(text, 200)
  const answer = ask(t, 'systemd-escape', '--', ...strings)
  if (!answer) return
  t.is(answer.out.trimEnd(), strings.map(escapeName).join(' '))
  for (const string of strings) t.is(unescapeName(escapeName(string)).unwrapOr(''), string)
})

test('paths are escaped and unescaped as systemd-escape --path does', t => {
  const paths = sample(
    fc
      .array(fc.string({ unit: fc.constantFrom(...'ab-.é '), minLength: 0, maxLength: 4 }), {
        minLength: 1,
        maxLength: 4,
      })
      .map(parts => `/${parts.join('/')}`),
    200,
  ).filter(path => escapePath(path).isOk())
  const answer = ask(t, 'systemd-escape', '--path', '--', ...paths)
  if (!answer) return
  const ours = paths.map(path => escapePath(path)._unsafeUnwrap())
  t.is(answer.out.trimEnd(), ours.join(' '))
  const back = ask(t, 'systemd-escape', '--path', '--unescape', '--', ...ours)
  t.deepEqual(back?.out.trimEnd(), ours.map(name => unescapePath(name)._unsafeUnwrap()).join(' '))
})

test('names are completed as systemd-escape --mangle does', t => {
  const names = sample(text, 200).filter(name => !/[*?[]/.test(name) && mangleName(name).isOk())
  const answer = ask(t, 'systemd-escape', '--mangle', '--', ...names)
  if (!answer) return
  t.is(answer.out.trimEnd(), names.map(name => mangleName(name)._unsafeUnwrap()).join(' '))
})

test('exit statuses have the names, numbers and classes of systemd-analyze exit-status', t => {
  const answer = ask(t, 'systemd-analyze', 'exit-status')
  if (!answer) return
  const theirs = answer.out
    .split('\n')
    .slice(1)
    .filter(line => line !== '')
    .map(line => line.trim().split(/\s+/).join(' '))
  const ours = exitStatuses().map(status => `${status.name} ${status.number} ${status.class}`)
  for (const line of theirs) t.true(ours.includes(line), line)
})
