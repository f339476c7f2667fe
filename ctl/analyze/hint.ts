// Under a value that is none: whether it is one of another kind, as systemd-analyze says.
import { readCalendar } from '../../daemon/units/values/calendar.ts'
import { readTimespan } from '../../daemon/units/values/timespan.ts'
import { readTimestamp } from '../../daemon/units/values/timestamp.ts'
import { UTC } from '../../daemon/units/values/zone.ts'

type Kind = 'timespan' | 'timestamp' | 'calendar'

const FITS: Readonly<Record<Kind, (text: string) => boolean>> = {
  calendar: text => readCalendar(text).isOk(),
  timespan: text => readTimespan(text) !== null,
  timestamp: text => readTimestamp(text, Date.now() * 1000, UTC).isOk(),
}

/** Lines that name the subcommand for which `text` is meant, perhaps. */
export const hints = (text: string, notFor: Kind): string[] =>
  (['calendar', 'timespan', 'timestamp'] as const)
    .filter(kind => kind !== notFor && FITS[kind](text))
    .map(kind => `  it is a valid ${kind}: ctl analyze ${kind} ${JSON.stringify(text)}`)
