import test from 'ava'
import { ok } from 'neverthrow'
import { expandSpecifiers } from '../../daemon/units/specifiers.ts'
import { readCommands } from '../../daemon/units/values/command.ts'
import { host } from './_files.ts'

const read = (line: string) => {
  const warnings: string[] = []
  const commands = readCommands(line, {
    expand: text => expandSpecifiers(text, { id: 'web@1.service', fragmentPath: '/u' }, host),
    warn: message => warnings.push(message),
  })
  return { commands, warnings }
}
const argvs = (line: string) =>
  read(line)
    .commands.unwrapOr([])
    .map(({ argv }) => argv)
const first = (line: string) => read(line).commands._unsafeUnwrap()[0]

test('a command is a path and its arguments, by quotes and escapes', t => {
  t.deepEqual(argvs(`/bin/echo one "two three" 'f"our' \\x41 $A "\${B}"`), [
    ['/bin/echo', 'one', 'two three', 'f"our', 'A', '$A', '${B}'],
  ])
})

test('each prefix means something of its own, in any order', t => {
  t.like(first('-/bin/a'), { path: '/bin/a', ignoreFailure: true, privilege: 'none' })
  t.like(first('@/bin/a name arg'), { path: '/bin/a', argv: ['name', 'arg'] })
  t.like(first(':/bin/a'), { noExpand: true })
  t.like(first('+/bin/a'), { privilege: 'full' })
  t.like(first('!/bin/a'), { privilege: 'no-setuid' })
  t.like(first('!!/bin/a'), { privilege: 'ambient' })
  t.like(first('|a b'), { path: '/bin/sh', argv: ['sh', 'a', 'b'], viaShell: true })
  t.like(first('@|a b'), { path: '/bin/sh', argv: ['-sh', 'a', 'b'], viaShell: true })
  t.like(first('-|'), { argv: ['sh'], viaShell: true, ignoreFailure: true })
  t.like(first('@-:+/bin/a b'), {
    argv: ['b'],
    ignoreFailure: true,
    noExpand: true,
    privilege: 'full',
  })
})

test('a lone ; divides commands, an escaped or quoted one is an argument', t => {
  t.deepEqual(argvs('/bin/a b ; -/bin/c'), [['/bin/a', 'b'], ['/bin/c']])
  t.deepEqual(argvs('/bin/a \\; b'), [['/bin/a', ';', 'b']])
  t.deepEqual(argvs('/bin/a ";" b;c'), [['/bin/a', ';', 'b;c']])
  t.deepEqual(argvs('/bin/a ;'), [['/bin/a']])
})

test('specifiers are expanded in each word, after it was split', t => {
  t.deepEqual(argvs('/bin/%p --n=%i %% %q'), [['/bin/web', '--n=1', '%', 'The Box']])
  t.is(
    read('/bin/a %Z').commands._unsafeUnwrapErr(),
    '%Z is no specifier; write %%Z for a percent sign',
  )
})

test('an escape that C does not know stays as it is, with a warning', t => {
  const { commands, warnings } = read("/bin/grep '\\d'")
  t.deepEqual(commands.unwrapOr([])[0]?.argv, ['/bin/grep', '\\d'])
  t.is(warnings.length, 1)
})

test('a bare name is looked up later; a relative path, a directory or nothing is refused', t => {
  t.is(first('sleep 5')?.path, 'sleep')
  t.is(first('/bin//./sleep 5')?.path, '/bin/sleep')
  t.is(first('/bin//./sleep 5')?.argv[0], '/bin//./sleep')
  for (const line of [
    'bin/a',
    './a',
    '/bin/',
    '+',
    '@',
    '@/bin/a',
    '"/bin/a',
    '/bin/a "b',
    ';',
    '',
  ])
    t.true(read(line).commands.isErr(), line)
})

test('the name of a command may hold spaces when it is quoted', t => {
  t.deepEqual(argvs('"/opt/my app/run" x'), [['/opt/my app/run', 'x']])
  t.true(readCommands('/bin/a\\x01', { expand: text => ok(text), warn: () => {} }).isErr())
})

test('a command that may fail and cannot be read is left out with a warning', t => {
  for (const line of ['-bin/a', '-', '-/bin/a %Z', '-/bin/a "b']) {
    const { commands, warnings } = read(line)
    t.deepEqual(commands.unwrapOr([{} as never]), [], line)
    t.regex(warnings.at(-1) ?? '', /left out, since it may fail/)
  }
  t.is(read('/bin/a ; -bin/b').commands._unsafeUnwrap().length, 1)
})

test('a long row of separators is no deep recursion', t => {
  t.true(read('; '.repeat(100_000)).commands.isErr())
})
