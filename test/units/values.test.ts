import test from 'ava'
import { ok } from 'neverthrow'
import { nearest } from '../../daemon/units/errors.ts'
import { readBoolean } from '../../daemon/units/values/boolean.ts'
import { assignments } from '../../daemon/units/values/environment.ts'
import {
  exitStatusName,
  exitStatusNumber,
  exitStatusSet,
} from '../../daemon/units/values/exit-status.ts'
import { formatTimespan } from '../../daemon/units/values/format-timespan.ts'
import { limit } from '../../daemon/units/values/limit.ts'
import { mode, readSize } from '../../daemon/units/values/number.ts'
import type { ValueContext } from '../../daemon/units/values/parse.ts'
import { managedDirectories, pidFile, principal } from '../../daemon/units/values/path.ts'
import { signalName, signalNumber } from '../../daemon/units/values/signal.ts'
import { standardInput, standardOutput } from '../../daemon/units/values/stream.ts'
import { readTimespan, timeout, timespan } from '../../daemon/units/values/timespan.ts'
import { words } from '../../daemon/units/values/words.ts'

const context: ValueContext = { expand: text => ok(text), warn: () => {} }
const FOREVER = Number.POSITIVE_INFINITY

test('booleans are 1, yes, y, true, t, on and their opposites, in any case', t => {
  for (const word of ['1', 'yes', 'y', 'true', 't', 'on', 'YES', 'True']) t.true(readBoolean(word))
  for (const word of ['0', 'no', 'n', 'false', 'f', 'off', 'OFF']) t.false(readBoolean(word))
  for (const word of ['', '2', 'ja', 'yes ']) t.is(readBoolean(word), null)
})

test('a bare number is seconds, units may be mixed and repeated', t => {
  const spans: [string, number][] = [
    ['5', 5_000_000],
    ['0', 0],
    ['1min 30s', 90_000_000],
    ['1m30', 90_000_000],
    ['2h', 7_200_000_000],
    ['1d', 86_400_000_000],
    ['1w', 604_800_000_000],
    ['1M', 2_629_800_000_000],
    ['1y', 31_557_600_000_000],
    ['500ms', 500_000],
    ['7us', 7],
    ['7µs', 7],
    ['1.5s', 1_500_000],
    ['.5', 500_000],
    ['5 5', 10_000_000],
    ['infinity', FOREVER],
    ['  infinity ', FOREVER],
  ]
  for (const [text, usec] of spans) t.is(timespan(text, context).unwrapOr(-1), usec, text)
})

test('what is no time span is refused, and it is said what is one', t => {
  for (const text of [
    '',
    'abc',
    '-1',
    '5x',
    '12.34.56',
    '1.s',
    '1. 5',
    'infinity 5',
    '99999999y',
    '+-1',
  ])
    t.true(timespan(text, context).isErr(), text)
  t.regex(timespan('x', context)._unsafeUnwrapErr(), /^expected a time span, such as /)
})

test('for a time-out, 0 means no limit', t => {
  t.is(timeout('0', context)._unsafeUnwrap(), FOREVER)
  t.is(timeout('3', context)._unsafeUnwrap(), 3_000_000)
})

test('time spans are read exactly, however long', t => {
  t.is(readTimespan('584000y 1us'), 584000n * 31_557_600_000_000n + 1n)
})

test('time spans are printed as systemd does', t => {
  const printed: [number, string][] = [
    [90_000_000, '1min 30s'],
    [100_000, '100ms'],
    [0, '0'],
    [FOREVER, 'infinity'],
    [1_500_000, '1.500000s'],
    [10_000_000, '10s'],
    [1, '1us'],
  ]
  for (const [usec, text] of printed) t.is(formatTimespan(usec, 0), text)
  t.is(formatTimespan(1_234_567, 1000), '1.234s')
  t.is(formatTimespan(61_234_567, 1_000_000), '1min 1s')
})

test('signals have names with and without SIG, numbers, and realtime offsets', t => {
  const signals: [string, number | null][] = [
    ['SIGTERM', 15],
    ['TERM', 15],
    ['15', 15],
    ['SIGRTMIN', 34],
    ['SIGRTMIN+3', 37],
    ['RTMAX-1', 63],
    ['RTMAX', 64],
    ['64', 64],
    ['0', null],
    ['65', null],
    ['RTMIN+31', null],
    ['RTMIN-1', null],
    ['sigterm', null],
    ['', null],
  ]
  for (const [text, number] of signals) t.is(signalNumber(text), number, text)
  t.is(signalName(15), 'TERM')
  t.is(signalName(37), 'RTMIN+3')
})

test('exit statuses have names and numbers; a number in a list is a status', t => {
  t.is(exitStatusNumber('TEMPFAIL'), 75)
  t.is(exitStatusNumber('255'), 255)
  t.is(exitStatusNumber('256'), null)
  t.is(exitStatusName(203), 'EXEC')
  t.deepEqual(exitStatusSet('TEMPFAIL 250 SIGKILL 9', context)._unsafeUnwrap(), {
    statuses: [75, 250, 9],
    signals: [9],
  })
  t.true(exitStatusSet('1 nonsense', context).isErr())
})

test('sizes have suffixes to the base 1024, fractions, and fall when they are added', t => {
  t.is(readSize('64K').unwrapOr(-1), 65536)
  t.is(readSize('1.5G').unwrapOr(-1), 1.5 * 1024 ** 3)
  t.is(readSize('1G 512M').unwrapOr(-1), 1.5 * 1024 ** 3)
  t.is(readSize('12').unwrapOr(-1), 12)
  t.true(readSize('1M 1G').isErr())
  t.true(readSize('-1').isErr())
  t.true(readSize('').isErr())
})

test('modes are octal, up to 7777', t => {
  t.is(mode('0755', context).unwrapOr(-1), 0o755)
  t.is(mode('7777', context).unwrapOr(-1), 0o7777)
  for (const text of ['0888', '10000', '-1', '']) t.true(mode(text, context).isErr())
})

test('a resource limit is one value or soft:hard, each resource in its measure', t => {
  const read = (measure: Parameters<typeof limit>[0], text: string) =>
    limit(measure)(text, context).unwrapOr({ soft: -1, hard: -1 })
  t.deepEqual(read('count', '1024:4096'), { soft: 1024, hard: 4096 })
  t.deepEqual(read('count', 'infinity'), { soft: FOREVER, hard: FOREVER })
  t.deepEqual(read('bytes', '64K:1M'), { soft: 65536, hard: 1048576 })
  t.deepEqual(read('seconds', '1500ms'), { soft: 2, hard: 2 })
  t.deepEqual(read('usec', '100'), { soft: 100, hard: 100 })
  t.deepEqual(read('nice', '-5'), { soft: 25, hard: 25 })
  t.deepEqual(read('nice', '30'), { soft: 30, hard: 30 })
  t.is(
    limit('count')('5:4', context)._unsafeUnwrapErr(),
    'expected a soft limit not above the hard one',
  )
  for (const text of ['', '1:2:3', 'x', '1K']) t.true(limit('count')(text, context).isErr(), text)
})

test('words are split at spaces, quotes group and go, C escapes mean what they mean', t => {
  const split = (text: string) => words(text).unwrapOr(['?'])
  t.deepEqual(split(`a  "b c" 'd "e"'f\t`), ['a', 'b c', 'd "e"f'])
  t.deepEqual(split('a\\tb \\x41\\102\\u00e9 \\s'), ['a\tb', 'ABé', ' '])
  t.deepEqual(split('\\xc3\\xa9'), ['é'])
  t.deepEqual(split('""'), [''])
  t.deepEqual(split('   '), [])
  for (const text of ['"a', "'", '\\', '\\q', '\\x00', '\\xff']) t.true(words(text).isErr(), text)
})

test('Environment= holds assignments, quoted where they hold spaces', t => {
  t.deepEqual(assignments('"A=b c" D=e F="g h"', context).unwrapOr([]), ['A=b c', 'D=e', 'F=g h'])
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  t.deepEqual(assignments('A=-E 1A=b production B=c', { ...context, warn }).unwrapOr([]), [
    'A=-E',
    'B=c',
  ])
  t.deepEqual(
    warnings.map(text => text.split(';')[0]),
    ['1A=b is passed over', 'production is passed over'],
  )
})

test('streams lead to files, descriptors or the log', t => {
  const out = standardOutput('stdout')
  t.deepEqual(out('append:/var/log/a', context)._unsafeUnwrap(), {
    kind: 'append',
    target: '/var/log/a',
  })
  t.deepEqual(out('syslog', context)._unsafeUnwrap(), { kind: 'journal' })
  t.deepEqual(out('fd', context)._unsafeUnwrap(), { kind: 'fd', target: 'stdout' })
  t.deepEqual(standardInput('fd:web', context)._unsafeUnwrap(), { kind: 'fd', target: 'web' })
  t.true(out('file:a', context).isErr())
  t.true(out('nowhere', context).isErr())
  t.true(standardInput('journal', context).isErr())
})

test('a relative PIDFile= lies under /run, and /var/run is /run', t => {
  const read = (text: string) => pidFile('/run')(text, context).unwrapOr('?')
  t.is(read('a.pid'), '/run/a.pid')
  t.is(read('/var/run/a.pid'), '/run/a.pid')
  t.is(read('/srv//a.pid'), '/srv/a.pid')
  t.is(read('../a.pid'), '?')
})

test('users and groups are names or numbers', t => {
  for (const name of ['root', 'www-data', 'a.b', '0', '4294967294'])
    t.true(principal(name, context).isOk())
  for (const name of ['', 'a:b', '4294967295', '65535', 'a/b', ' x'])
    t.true(principal(name, context).isErr())
})

test('managed directories are relative and may have links', t => {
  t.deepEqual(managedDirectories('a b/c:d a:e', context).unwrapOr([]), [
    { path: 'a', symlinks: ['e'] },
    { path: 'b/c', symlinks: ['d'] },
  ])
  for (const text of ['/a', '../a', 'a/../b']) t.true(managedDirectories(text, context).isErr())
})

test('the nearest name is a few letters away or there is none', t => {
  t.is(nearest('ExecStrat', ['ExecStart', 'ExecStop']), 'ExecStart')
  t.is(nearest('execstart', ['ExecStart']), 'ExecStart')
  t.is(nearest('Whatever', ['ExecStart', 'ExecStop']), null)
})
