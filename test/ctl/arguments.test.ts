import test from 'ava'
import fc from 'fast-check'
import { readPlain } from '../../ctl/arguments.ts'
import { OPTIONS } from '../../ctl/options.ts'
import { helpText, readWithCommander } from '../../ctl/program.ts'
import { allVerbs, findVerb } from '../../ctl/verbs.ts'

function read(...words: string[]) {
  const line = readPlain(words)
  if (line === null) throw new Error(`not plain: ${words.join(' ')}`)
  return line
}

test('options stand before and behind the verb', t => {
  const { verb, args, options } = read('--no-block', 'start', 'a', '--job-mode=fail', 'b', '-q')
  t.is(verb.name, 'start')
  t.deepEqual(args, ['a', 'b'])
  t.true(options.noBlock)
  t.true(options.quiet)
  t.is(options.jobMode, 'fail')
})

test('a list may be given several times, and with commas', t => {
  t.deepEqual(read('show', 'web', '-p', 'A,B', '--property=C').options.property, ['A', 'B', 'C'])
})

test('without a verb the units are listed', t => {
  t.is(read().verb.name, 'list-units')
  t.true(read('--failed').options.failed)
})

test('what wants a closer look is left to commander', t => {
  for (const line of [
    'strat web',
    'start',
    'list-jobs --bogus',
    'is-active -h web',
    '--version',
    'start -- -web',
    'list-units -al',
    'start --no-block=yes web',
    'logs web -n',
    'isolate a b',
  ]) {
    t.is(readPlain(line.split(' ')), null, line)
  }
})

test('commander reads what is left to it', t => {
  const line = readWithCommander(['logs', '-fn5', 'web', '--', '-x'])
  if (typeof line === 'number') return t.fail()
  t.is(line.verb.name, 'logs')
  t.deepEqual(line.args, ['web', '-x'])
  t.true(line.options.force)
  t.is(line.options.lines, '5')
  const bare = readWithCommander(['-al'])
  t.is(typeof bare === 'number' ? bare : bare.verb.name, 'list-units')
})

const word = fc.constantFrom('web', 'db.service', 'web@*', 'A=b', '7', 'a b', 'ünit')
const option = fc.constantFrom(...OPTIONS).chain(spec => {
  const names = [`--${spec.long}`, ...(spec.short === undefined ? [] : [`-${spec.short}`])]
  if (spec.kind === 'flag') return fc.constantFrom(...names).map(name => [name])
  const value = fc.constantFrom('x', 'a,b', '-1', '--all', 'x=y', '5')
  return fc.oneof(
    fc.tuple(fc.constantFrom(...names), value).map(pair => [...pair]),
    value.map(text => [`--${spec.long}=${text}`]),
  )
})
const line = fc
  .tuple(
    fc.array(option, { maxLength: 3 }),
    fc.constantFrom(...allVerbs().map(verb => verb.name)),
    fc.array(
      fc.oneof(
        word.map(text => [text]),
        option,
      ),
      { maxLength: 4 },
    ),
  )
  .map(([before, verb, after]) => [...before.flat(), verb, ...after.flat()])

test('the two readers agree on every line that the plain one takes', t => {
  fc.assert(
    fc.property(line, words => {
      const plain = readPlain(words)
      if (plain === null) return
      t.deepEqual(plain, readWithCommander(words) as typeof plain)
    }),
    { numRuns: 200 },
  )
  t.pass()
})

test('what other scripts write for systemctl is one of the verbs, to both readers and to help', t => {
  t.is(read('condrestart', 'web').verb.name, 'try-restart')
  t.is(findVerb('force-reload')?.name, 'try-reload-or-restart')
  t.like(readWithCommander(['condstop', '--', 'web']), { verb: { name: 'stop' }, args: ['web'] })
  t.regex(helpText('condrestart') ?? '', /restart units that are up/)
  t.is(findVerb('constructor'), undefined)
})

test('every option of a verb is in the table of options', t => {
  for (const { name, options } of allVerbs()) {
    for (const long of options)
      t.true(
        OPTIONS.some(spec => spec.long === long),
        `${name} ${long}`,
      )
  }
})

test('no two options share a name, and a verb is found by its own', t => {
  const names = OPTIONS.flatMap(({ long, short }) => (short === undefined ? [long] : [long, short]))
  t.is(new Set(names).size, names.length)
  t.is(findVerb('stop')?.name, 'stop')
  t.is(findVerb('Stop'), undefined)
})
