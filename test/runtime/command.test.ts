// `$` in command lines (systemd.service(5), COMMAND LINES).
import test from 'ava'
import fc from 'fast-check'
import {
  expandArguments,
  findExecutable,
  shellArguments,
  splitWords,
} from '../../daemon/runtime/command.ts'

const SET: Readonly<Record<string, string>> = {
  ONE: 'one',
  TWO: 'two two',
  EMPTY: '',
  QUOTED: `'one' "two two" too`,
  NESTED: '$ONE',
}
const expand = (...argv: string[]) => expandArguments(argv, name => SET[name]).argv

const table: readonly [given: string, becomes: readonly string[]][] = [
  ['plain', ['plain']],
  ['$ONE', ['one']],
  ['${ONE}', ['one']],
  ['$TWO', ['two', 'two']],
  ['${TWO}', ['two two']],
  ['a${ONE}b${TWO}c', ['aonebtwo twoc']],
  ['a$ONE', ['a$ONE']],
  ['$EMPTY', []],
  ['${EMPTY}', ['']],
  ['$NOWHERE', []],
  ['${NOWHERE}', ['']],
  ['$QUOTED', ['one', 'two two', 'too']],
  ['${QUOTED}', [`'one' "two two" too`]],
  ['$NESTED', ['$ONE']],
  ['${NESTED}', ['$ONE']],
  ['$$ONE', ['$ONE']],
  ['$$', ['$']],
  ['$$$$', ['$$']],
  ['$${ONE}', ['${ONE}']],
  ['5$', ['5$']],
  ['${ONE', ['${ONE']],
  ['', ['']],
]
for (const [given, becomes] of table) {
  test(`${JSON.stringify(given)} becomes ${JSON.stringify(becomes)}`, t => {
    t.deepEqual(expand('first', given, 'last'), ['first', ...becomes, 'last'])
  })
}

test('the example of the manual page: quotes in a value are respected with $, kept with ${}', t => {
  const value: Readonly<Record<string, string>> = { ONE: "'one'", TWO: "'two two' too", THREE: '' }
  const words = (...argv: string[]) => expandArguments(argv, name => value[name]).argv
  t.deepEqual(words('${ONE}', '${TWO}', '${THREE}'), ["'one'", "'two two' too", ''])
  t.deepEqual(words('$ONE', '$TWO', '$THREE'), ['one', 'two two', 'too'])
})

test('variables that are not set are named, each once', t => {
  const { unset } = expandArguments(['$A', '${A}', 'x${B}', '$ONE'], name => SET[name])
  t.deepEqual(unset, ['A', 'B'])
})

test('an argument without a dollar stays as it is, whatever it is', t => {
  fc.assert(
    fc.property(fc.array(fc.string().filter(text => !text.includes('$'))), argv => {
      t.deepEqual(expandArguments(argv, () => 'set').argv, argv)
    }),
  )
})

test('what has its dollars doubled comes out as it was', t => {
  fc.assert(
    fc.property(fc.string(), text => {
      t.deepEqual(expandArguments([text.replaceAll('$', '$$$$')], () => 'set').argv, [text])
    }),
  )
})

test('words that are quoted are split into what they were', t => {
  fc.assert(
    fc.property(fc.array(fc.string()), words => {
      const quoted = words.map(word => `"${word.replace(/[\\"]/g, '\\$&')}"`).join(' \t\n')
      t.deepEqual(splitWords(quoted), words)
    }),
  )
})

test('a quote that is not closed ends with the text', t => {
  t.deepEqual(splitWords('a "b c'), ['a', 'b c'])
  t.deepEqual(splitWords('a\\'), ['a'])
})

test('a name is found in the first directory that has it as an executable file', t => {
  t.is(findExecutable('sh', ['/no/such', '/etc', '/bin']), '/bin/sh')
  t.is(findExecutable('passwd', ['/etc']), null)
  t.is(findExecutable('etc', ['/']), null)
})

test('without a search path the fixed one is used, as seen from the root directory', t => {
  t.truthy(findExecutable('sh', []))
  t.is(
    findExecutable('sh', [], path => `/no/such${path}`),
    null,
  )
  t.is(
    findExecutable('sh', [], () => null),
    null,
  )
  t.truthy(findExecutable('sh', [], path => `/proc/self/root${path}`))
})

test('a command for a shell is one line to it, each argument as it was', t => {
  t.deepEqual(shellArguments('/bin/zsh', ['sh', 'echo', "it's", 'a b', '']), [
    'zsh',
    '-c',
    `echo 'it'\\''s' 'a b' ''`,
  ])
  t.deepEqual(shellArguments('/bin/zsh', ['-sh', 'true']), ['-zsh', '-c', 'true'])
  t.deepEqual(shellArguments('/bin/sh', ['sh']), ['sh'])
})
