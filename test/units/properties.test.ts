// What holds for every input, whatever is in the files.
import test from 'ava'
import fc from 'fast-check'
import { ok } from 'neverthrow'
import { createDirectives } from '../../daemon/units/directives.ts'
import { readUnitFile } from '../../daemon/units/syntax.ts'
import { readCommands } from '../../daemon/units/values/command.ts'
import { formatTimespan } from '../../daemon/units/values/format-timespan.ts'
import { timespan } from '../../daemon/units/values/timespan.ts'
import { escapePath, simplifyPath, unescapePath } from '../../daemon/units/values/unit-name.ts'
import { words } from '../../daemon/units/values/words.ts'
import { unitsOf } from './_files.ts'

const context = { expand: (text: string) => ok<string, string>(text), warn: () => {} }
const table = createDirectives()
const directive = fc.constantFrom(
  ...['Unit', 'Service', 'Install', 'X-Hearth'].flatMap(section =>
    table.section(section).map(({ name }) => ({ section, name })),
  ),
)
const value = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'ab01 "\'\\;%$-@:!+=/.[]#\t~|'), maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('', 'yes', 'infinity', '5min', '/bin/a', 'constructor', '__proto__', 'toString'),
)

test('any bytes are read as a unit file, each line once and within its file', t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
      const file = readUnitFile('/u', bytes)
      const lines = new TextDecoder().decode(bytes).split(/\r\n?|\n/).length
      for (const { line } of file.assignments) t.true(line >= 1 && line <= lines)
    }),
  )
  t.pass()
})

test('any value of any directive gives a unit: loaded, or a bad setting that says where', t => {
  fc.assert(
    fc.property(fc.array(fc.tuple(directive, value), { maxLength: 6 }), assignments => {
      const text = assignments
        .map(([{ section, name }, text]) => `[${section}]\n${name}=${text}\n`)
        .join('')
      const unit = unitsOf({
        '/etc/units/a.service': `[Service]\nExecStart=/bin/a\n${text}`,
      }).get('a.service')
      const errors = unit.problems.filter(({ severity }) => severity === 'error')
      t.is(unit.loadState === 'bad-setting', errors.length > 0)
      for (const { message, place } of errors) {
        t.regex(message, /^cannot /)
        t.is(place.file, '/etc/units/a.service')
      }
    }),
    { numRuns: 500 },
  )
})

test('words that are quoted come back as they were', t => {
  const quote = (word: string) => `"${word.replace(/["\\]/g, '\\$&')}"`
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 8 })), list => {
      t.deepEqual(words(list.map(quote).join(' ')).unwrapOr(['?']), list)
    }),
  )
})

test('arguments of a command that are quoted come back as they were', t => {
  const quote = (word: string) => `'${word.replace(/['\\]/g, '\\$&')}'`
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 8 })), list => {
      const line = ['/bin/a', ...list.map(quote)].join(' ')
      t.deepEqual(readCommands(line, context)._unsafeUnwrap()[0]?.argv.slice(1), list)
    }),
  )
})

test('a span of time that is printed in full is read as the same', t => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 50 }), usec => {
      t.is(timespan(formatTimespan(usec, 1), context).unwrapOr(-1), usec)
    }),
  )
})

test('a path that is escaped comes back simplified', t => {
  const part = fc.string({ unit: fc.constantFrom(...'ab-.\\é /'), minLength: 1, maxLength: 10 })
  fc.assert(
    fc.property(part, text => {
      const path = `/${text}`
      const escaped = escapePath(path)
      if (escaped.isOk()) t.is(unescapePath(escaped.value).unwrapOr('?'), simplifyPath(path))
    }),
  )
  t.pass()
})
