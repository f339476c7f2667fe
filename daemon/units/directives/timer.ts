// The directives of [Timer] (systemd.timer(5)).
import { err, ok } from 'neverthrow'
import { usec, yesNo } from '../print.ts'
import type { TimerBase, UnitName } from '../unit.ts'
import { boolean } from '../values/boolean.ts'
import { calendar } from '../values/calendar.ts'
import type { Parse } from '../values/parse.ts'
import { timespan } from '../values/timespan.ts'
import { isUnitName, nameKind, unitType } from '../values/unit-name.ts'
import { custom, type Directive, type Draft, setting, take } from './directive.ts'

/** The name of a unit to be started, of another type than `own`. */
export const triggered =
  (own: 'timer' | 'path'): Parse<UnitName> =>
  (text, context) =>
    context.expand(text).andThen(name => {
      if (!isUnitName(name) || nameKind(name) === 'template')
        return err(`${name} is no unit that can be started; expected one such as web.service`)
      return unitType(name) === own ? err(`expected a unit of another type than ${own}`) : ok(name)
    })

/** An empty assignment to any of them takes back all of them, spans and calendar events alike. */
function reset(draft: Draft): void {
  delete draft.timer.spans
  delete draft.timer.calendars
}

const span = (name: string, base: TimerBase): Directive =>
  custom(
    name,
    (draft, text, context) => {
      if (text === '') return ok(reset(draft))
      return take(timespan(text, context), value => {
        draft.timer.spans = [...(draft.timer.spans ?? []), { base, usec: value }]
      })
    },
    [],
  )

const onCalendar = (): Directive =>
  custom(
    'OnCalendar',
    (draft, text, context) => {
      if (text === '') return ok(reset(draft))
      return take(calendar(text, context), value => {
        draft.timer.calendars = [...(draft.timer.calendars ?? []), value]
      })
    },
    [],
  )

export const timerDirectives = (): Directive[] => [
  onCalendar(),
  span('OnActiveSec', 'active'),
  span('OnBootSec', 'boot'),
  span('OnStartupSec', 'startup'),
  span('OnUnitActiveSec', 'unit-active'),
  span('OnUnitInactiveSec', 'unit-inactive'),
  setting('timer', 'OnClockChange', 'onClockChange', boolean, { print: yesNo }),
  setting('timer', 'OnTimezoneChange', 'onTimezoneChange', boolean, { print: yesNo }),
  setting('timer', 'Unit', 'unit', triggered('timer')),
  setting('timer', 'Persistent', 'persistent', boolean, { print: yesNo }),
  setting('timer', 'AccuracySec', 'accuracyUsec', timespan, {
    note: 'a timer elapses at the beginning of the window that it allows',
    print: usec,
    property: 'AccuracyUSec',
  }),
  setting('timer', 'RandomizedDelaySec', 'randomizedDelayUsec', timespan, {
    print: usec,
    property: 'RandomizedDelayUSec',
  }),
  setting('timer', 'FixedRandomDelay', 'fixedRandomDelay', boolean, { print: yesNo }),
  setting('timer', 'RemainAfterElapse', 'remainAfterElapse', boolean, { print: yesNo }),
  setting('timer', 'WakeSystem', 'wakeSystem', boolean, {
    status: 'not-enforced',
    note: 'a machine that sleeps is not woken',
    print: yesNo,
  }),
  custom('RandomizedOffsetSec', () => ok(), null, { status: 'not-enforced' }),
  custom('DeferReactivation', () => ok(), null, { status: 'not-enforced' }),
]
