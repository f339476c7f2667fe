import test from 'ava'
import { ctl } from './run.ts'

const lines = (...all: string[]) => `${all.join('\n')}\n`

test('timespan prints the microseconds of a span and the span as people write it', t => {
  t.deepEqual(ctl(['analyze', 'timespan', '1.5h', '0']), {
    out: lines(
      'Original: 1.5h',
      '      μs: 5400000000',
      '   Human: 1h 30min',
      '',
      'Original: 0',
      '      μs: 0',
      '   Human: 0',
    ),
    errors: '',
    status: 0,
  })
})

test('a value that is none is told with what it might be, and fails', t => {
  const { out, errors, status } = ctl(['analyze', 'timespan', 'daily'])
  t.is(out, '')
  t.regex(
    errors,
    /^cannot read the time span 'daily'\n {2}it is a valid calendar: ctl analyze calendar "daily"\n$/,
  )
  t.is(status, 1)
})

test('timestamp prints the moment in the zone of the machine, in UTC and in seconds', t => {
  const { out, status } = ctl(['analyze', 'timestamp', '2012-11-23 11:12:13.5'], {
    TZ: 'Europe/Berlin',
  })
  t.deepEqual(out.split('\n').slice(0, 4), [
    '  Original form: 2012-11-23 11:12:13.5',
    'Normalized form: Fri 2012-11-23 11:12:13 CET',
    '       (in UTC): Fri 2012-11-23 10:12:13 UTC',
    '   UNIX seconds: @1353665533.500000',
  ])
  t.is(status, 0)
})

test('calendar prints the normalized form and the next moments from --base-time=', t => {
  const base = '--base-time=2026-11-25 12:00 UTC'
  const { out, status } = ctl([
    'analyze',
    'calendar',
    base,
    '--iterations=2',
    'Mon..Fri 8:00',
    '*-02-30',
  ])
  t.deepEqual(
    out.split('\n').filter(line => !line.includes('From now')),
    [
      '  Original form: Mon..Fri 8:00',
      'Normalized form: Mon..Fri *-*-* 08:00:00',
      '    Next elapse: Thu 2026-11-26 08:00:00 UTC',
      '       Iter. #2: Fri 2026-11-27 08:00:00 UTC',
      '',
      '  Original form: *-02-30',
      'Normalized form: *-02-30 00:00:00',
      '    Next elapse: never',
      '',
    ],
  )
  t.is(status, 0)
})

test('condition tells each on standard error and fails unless the conditions and the asserts hold', t => {
  const held = ctl(['analyze', 'condition', 'ConditionPathExists=/', 'AssertPathExists=!/nowhere'])
  t.regex(held.errors, /: ConditionPathExists=\/ succeeded\.\n/)
  t.regex(held.errors, /Asserts succeeded\.\n/)
  t.is(held.status, 0)
  const failed = ctl([
    'analyze',
    'condition',
    'ConditionPathExists=|/nowhere',
    'ConditionPathIsDirectory=|/etc/passwd',
  ])
  t.regex(failed.errors, /Conditions failed\.\n$/)
  t.is(failed.status, 1)
  t.is(ctl(['analyze', 'condition', 'ConditionWeather=fine']).status, 1)
})

test('exec-line prints the argv of each command as JSON, specifiers expanded and $ left', t => {
  const { out, errors, status } = ctl([
    'analyze',
    'exec-line',
    '--unit=web@a.service',
    '-/bin/sh -c "echo $X ${Y} %i" ; @/bin/true other "x y" \\x41',
  ])
  t.is(errors, '')
  t.is(out, lines('["/bin/sh","-c","echo $X ${Y} a"]', '["other","x y","A"]'))
  t.is(status, 0)
  const wrong = ctl(['analyze', 'exec-line', '/bin/true "'])
  t.regex(wrong.errors, /^cannot read the command line '.*': the quotes do not pair up/)
  t.is(wrong.status, 1)
})

test('unit-name prints the type, the prefix and the instance of a name', t => {
  t.is(
    ctl(['analyze', 'unit-name', 'web@a.service']).out,
    lines('Type: instance', 'Prefix: web', 'Instance: a'),
  )
  t.is(ctl(['analyze', 'unit-name', 'web.service']).out, lines('Type: plain', 'Prefix: web'))
  t.is(ctl(['analyze', 'unit-name', 'web@.service']).out, lines('Type: template', 'Prefix: web'))
  const wrong = ctl(['analyze', 'unit-name', 'web.txt'])
  t.regex(wrong.errors, /^cannot use 'web.txt' as a unit name/)
  t.is(wrong.status, 1)
})

test('unit-paths prints the directories of the environment', t => {
  const { out } = ctl(['analyze', 'unit-paths'], {
    HEARTH_RUNTIME: '/run/h',
    HEARTH_SERVICES: '/a:/b',
    HEARTH_VENDOR_UNITS: '/c',
  })
  t.is(out, lines('/run/h/services.d', '/a', '/b', '/c'))
})

test('what is no subcommand, or misses its arguments, is refused', t => {
  t.is(ctl(['analyze', 'weather']).status, 1)
  t.is(ctl(['analyze', 'timespan']).status, 1)
  t.is(ctl(['analyze', 'calendar', '--iterations=0', 'daily']).status, 1)
  t.is(ctl(['analyze', 'calendar', '--iteration=1', 'daily']).status, 1)
  t.is(ctl(['analyze', 'help']).status, 0)
})
