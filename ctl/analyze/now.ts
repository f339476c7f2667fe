// The clock and the zone of this machine, and moments as systemd-analyze prints them.
import { WEEKDAYS, weekdayAt } from '../../daemon/units/values/weekday.ts'
import { UTC, type Zone } from '../../daemon/units/values/zone.ts'
import { formatRelative } from '../format/timespan.ts'
import { zoneName } from '../format/timestamp.ts'

export const nowUsec = () => Date.now() * 1000

/** The lines `LABEL: MOMENT`, and `(in UTC): MOMENT` where the zone is another; the labels end at the same column. */
export function momentLines(label: string, usec: number, zone: Zone): string[] {
  const lines = [`${label.padStart(15)}: ${formatTimestamp(usec, zone)}`]
  if (!isUtc(zone)) lines.push(`${'(in UTC)'.padStart(15)}: ${formatTimestamp(usec, UTC)}`)
  return lines
}

/** `Wed 2026-11-25 21:23:32 CET`. */
function formatTimestamp(usec: number, zone: Zone): string {
  const wall = zone.wallAt(usec)
  const [date = '', time = ''] = new Date(Math.floor(wall / 1000)).toISOString().split('T')
  const name = isUtc(zone) ? 'UTC' : zoneName(new Date(usec / 1000), zone.name)
  return `${WEEKDAYS[weekdayAt(wall)]} ${date} ${time.slice(0, 8)} ${name}`
}

const isUtc = ({ name }: Zone) => /^(?:Etc\/)?(?:UTC|UCT|Universal|Zulu)$/.test(name)

export const fromNowLine = (usec: number) =>
  `${'From now'.padStart(15)}: ${formatRelative(usec, nowUsec())}`
