// What a search of the logs finds, and that none takes long.
import test from 'ava'
import fc from 'fast-check'
import { createPattern } from '../../daemon/logs/pattern.ts'

const found: readonly [source: string, message: string, isFound: boolean][] = [
  ['error', 'An ERROR occurred', true],
  ['Error', 'An ERROR occurred', false],
  ['err.r', 'An ERROR occurred', true],
  ['^e', 'An ERROR occurred', false],
  ['é+', 'ÉÉ', true],
  ['[a-c]x', 'BX', true],
  ['a\\Sb', 'A B', false],
  ['a\\Sb', 'A-B', true],
  ['\\x41', 'a', false],
  ['\\x41', 'A', true],
  ['a\\.b', 'a.b', true],
  ['a\\.b', 'axb', false],
  ['\\\\x', '\\X', true],
]
for (const [source, message, isFound] of found) {
  test(`${source} ${isFound ? 'finds' : 'does not find'} ${message}`, t => {
    t.is(createPattern(source)(message), isFound)
  })
}

for (const source of ['(', 'a(?=b)', '(a)\\1']) {
  test(`${source} is refused`, t => {
    t.throws(() => createPattern(source), { instanceOf: SyntaxError })
  })
}

test('a pattern that a backtracking engine never finishes with is answered', t => {
  t.false(createPattern('^(a+)+$')(`${'a'.repeat(1000)}b`))
})

test('text without special characters is found wherever it stands, in any case', t => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9 :=,]*$/), fc.string(), fc.string(), (text, a, b) => {
      t.true(createPattern(text)(`${a}${text.toUpperCase()}${b}`))
    }),
  )
})
