import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { ok, type Result } from 'neverthrow'
import {
  escapeName,
  escapePath,
  isUnitName,
  mangleName,
  unescapeName,
  unescapePath,
  withInstance,
} from '../../../daemon/units/values/unit-name.ts'
import { ask, batches, sample } from './ask.ts'

const text = fc.string({
  unit: fc.constantFrom(...'abzAZ019:_.-\\@/ äß€😀,%$'),
  minLength: 1,
  maxLength: 12,
})
const path = fc
  .array(fc.string({ unit: fc.constantFrom(...'ab-.é \\'), maxLength: 4 }), {
    minLength: 1,
    maxLength: 4,
  })
  .map(parts => `/${parts.join('/')}`)
const escaped = fc
  .array(
    fc.constantFrom(
      'a',
      'B',
      '7',
      '-',
      '--',
      '.',
      ':',
      '_',
      '\\x20',
      '\\x2d',
      '\\xc3\\xa9',
      '\\x2f',
      '\\',
      '\\x',
      '\\xg0',
      '\\n',
      '@',
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map(parts => parts.join(''))

/** What the tool makes of each, for those that we take; it refuses the others, of which some are tried. */
function compare(
  t: ExecutionContext,
  options: readonly string[],
  values: readonly string[],
  ours: (value: string) => Result<string, string>,
): void {
  for (const batch of batches(values.filter(value => ours(value).isOk()))) {
    const answer = ask(t, 'systemd-escape', [...options, '--', ...batch])
    if (answer === null) return
    const theirs = answer.out.replace(/\n$/, '')
    if (theirs === batch.map(value => ours(value).unwrapOr('')).join(' ')) continue
    // One by one, to name it.
    for (const value of batch)
      t.is(
        ask(t, 'systemd-escape', [...options, '--', value])?.out.replace(/\n$/, ''),
        ours(value).unwrapOr(''),
        value,
      )
  }
  for (const value of values.filter(value => ours(value).isErr()).slice(0, 20))
    t.is(ask(t, 'systemd-escape', [...options, '--', value])?.status, 1, value)
  t.pass()
}

test('strings are escaped as systemd-escape does, and back', t => {
  const strings = sample(text, 2000)
  for (const string of strings) t.is(unescapeName(escapeName(string)).unwrapOr(''), string)
  compare(t, [], strings, string => ok(escapeName(string)))
})

test('strings are unescaped as systemd-escape --unescape does', t => {
  compare(t, ['--unescape'], sample(escaped, 1500), unescapeName)
})

test('paths are escaped as systemd-escape --path does', t => {
  compare(t, ['--path'], [...sample(path, 1500), '.', './', './a', '..', 'a/./b'], escapePath)
})

test('paths are unescaped as systemd-escape --path --unescape does', t => {
  compare(t, ['--path', '--unescape'], sample(escaped, 1500), unescapePath)
})

test('names are completed as systemd-escape --mangle does', t => {
  compare(t, ['--mangle'], sample(text, 1500), name => mangleName(name, { keepGlobs: false }))
})

test('instances are made as systemd-escape --template= does', t => {
  const template = 'web@.service'
  const instances = sample(text, 500)
  const answer = ask(t, 'systemd-escape', [`--template=${template}`, '--', ...instances])
  if (answer === null) return
  const ours = instances.map(instance => withInstance(template, escapeName(instance)))
  for (const name of ours) t.true(isUnitName(name), name)
  t.is(answer.out.trimEnd(), ours.join(' '))
})
