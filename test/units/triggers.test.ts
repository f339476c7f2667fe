// Timer and path units as they are read, and what they depend on without saying so.
import test from 'ava'
import { describeProblem } from '../../daemon/units/errors.ts'
import { settingsProperties } from '../../daemon/units/show.ts'
import type { Unit } from '../../daemon/units/unit.ts'
import { printCalendar } from '../../daemon/units/values/calendar.ts'
import { unitsOf } from './_files.ts'

const load = (text: string, name: string): Unit =>
  unitsOf({ [`/etc/units/${name}`]: text }).get(name)
const timer = (lines: string, name = 'a.timer') => load(`[Timer]\n${lines}\n`, name)
const problems = (unit: Unit) => unit.problems.map(describeProblem)

test('the spans and calendar events of a timer are kept in their order', t => {
  const unit = timer(
    'OnBootSec=15min\nOnCalendar=daily\nOnUnitActiveSec=1d\nOnCalendar=Mon 12:00\nOnActiveSec=infinity',
  )
  t.deepEqual(problems(unit), [])
  t.deepEqual(unit.timer?.spans, [
    { base: 'boot', usec: 900_000_000 },
    { base: 'unit-active', usec: 86_400_000_000 },
    { base: 'active', usec: Infinity },
  ])
  t.deepEqual(unit.timer?.calendars.map(printCalendar), ['*-*-* 00:00:00', 'Mon *-*-* 12:00:00'])
})

test('an empty assignment to one takes back all of them', t => {
  const unit = timer('OnBootSec=1\nOnCalendar=daily\nOnUnitInactiveSec=\nOnStartupSec=2')
  t.deepEqual(unit.timer?.spans, [{ base: 'startup', usec: 2_000_000 }])
  t.deepEqual(unit.timer?.calendars, [])
})

test('a timer that says nothing else has the defaults of the manual', t => {
  const unit = timer('OnBootSec=1')
  t.like(unit.timer, {
    accuracyUsec: 60_000_000,
    randomizedDelayUsec: 0,
    fixedRandomDelay: false,
    onClockChange: false,
    onTimezoneChange: false,
    persistent: false,
    wakeSystem: false,
    remainAfterElapse: true,
  })
  const shown = new Map(settingsProperties(unit))
  t.is(shown.get('AccuracyUSec'), '1min')
  t.is(shown.get('RemainAfterElapse'), 'yes')
})

test('a timer triggers the service of its name, or what Unit= says, and comes before it', t => {
  t.like(timer('OnBootSec=1').dependencies, {
    triggers: ['a.service'],
    requires: ['sysinit.target'],
    before: ['a.service', 'timers.target', 'shutdown.target'],
    after: ['sysinit.target'],
    conflicts: ['shutdown.target'],
  })
  t.deepEqual(timer('OnBootSec=1', 'a@b.timer').dependencies.triggers, ['a@b.service'])
  t.deepEqual(timer('OnBootSec=1\nUnit=b.target').dependencies.triggers, ['b.target'])
})

test('a calendar event waits for the clock to be right, unless there are no default dependencies', t => {
  const unit = timer('OnCalendar=daily')
  t.deepEqual(unit.dependencies.after, ['time-set.target', 'time-sync.target', 'sysinit.target'])
  const bare = load('[Unit]\nDefaultDependencies=no\n[Timer]\nOnCalendar=daily\n', 'a.timer')
  t.deepEqual(bare.dependencies, { triggers: ['a.service'], before: ['a.service'] })
})

test('a timer that never elapses cannot be one', t => {
  const unit = timer('Persistent=yes')
  t.is(unit.loadState, 'bad-setting')
  t.regex(problems(unit).join(), /never elapses; give it an OnCalendar=/)
  t.is(timer('OnClockChange=yes').loadState, 'loaded')
})

test('a value that cannot be read makes the timer bad-setting, and says where and what', t => {
  const cases = [
    ['OnCalendar=someday', 'cannot read OnCalendar=someday: '],
    ['OnBootSec=5 apples', 'cannot read OnBootSec=5 apples: expected a time span'],
    ['Unit=b.timer\nOnBootSec=1', 'cannot read Unit=b.timer: expected a unit of another type'],
    ['Unit=nonsense\nOnBootSec=1', 'cannot read Unit=nonsense: nonsense is no unit'],
    ['Persistent=maybe\nOnBootSec=1', 'cannot read Persistent=maybe: expected yes or no'],
  ] as const
  for (const [lines, said] of cases) {
    const unit = timer(lines)
    t.is(unit.loadState, 'bad-setting', lines)
    t.true(
      problems(unit)[0]?.startsWith('/etc/units/a.timer:2:') && problems(unit)[0]?.includes(said),
      problems(unit)[0],
    )
  }
})

test('what a timer asks for in vain is said', t => {
  const units = unitsOf({ '/etc/units/a.timer': '[Timer]\nOnBootSec=1\nWakeSystem=yes\n' })
  t.deepEqual(units.notEnforced('a.timer').map(describeProblem), [
    '/etc/units/a.timer:3:12: WakeSystem= is known but not enforced: a machine that sleeps is not woken',
  ])
})

const path = (lines: string) => load(`[Path]\n${lines}\n`, 'a.path')

test('the paths of a path unit are kept in their order, an empty one takes back all of them', t => {
  const unit = path('PathExists=/a//b/\nPathChanged=%t/x\nDirectoryNotEmpty=/q')
  t.deepEqual(problems(unit), [])
  t.deepEqual(unit.path?.watched, [
    { condition: 'PathExists', path: '/a/b' },
    { condition: 'PathChanged', path: '/run/x' },
    { condition: 'DirectoryNotEmpty', path: '/q' },
  ])
  t.deepEqual(path('PathExists=/a\nPathModified=\nPathExistsGlob=/b*').path?.watched, [
    { condition: 'PathExistsGlob', path: '/b*' },
  ])
  const shown = settingsProperties(unit).filter(([name]) => name === 'Paths')
  t.deepEqual(
    shown.map(([, value]) => value),
    ['/a/b (PathExists)', '/run/x (PathChanged)', '/q (DirectoryNotEmpty)'],
  )
})

test('a path unit triggers the service of its name and comes before it and paths.target', t => {
  const unit = path('PathExists=/a')
  t.like(unit.dependencies, {
    triggers: ['a.service'],
    requires: ['sysinit.target'],
    before: ['a.service', 'paths.target', 'shutdown.target'],
  })
  t.like(unit.path, {
    makeDirectory: false,
    directoryMode: 0o755,
    triggerLimitIntervalUsec: 2_000_000,
    triggerLimitBurst: 200,
  })
})

test('a path unit that watches nothing, or a relative path, cannot be one', t => {
  t.is(path('MakeDirectory=yes').loadState, 'bad-setting')
  t.regex(problems(path('MakeDirectory=yes')).join(), /watches nothing; give it a PathExists=/)
  t.regex(problems(path('PathExists=a/b')).join(), /PathExists=a\/b: expected an absolute path/)
})
