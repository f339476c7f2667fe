// ctl analyze calendar: as systemd-analyze calendar.
import { type Calendar, printCalendar, readCalendar } from '../../daemon/units/values/calendar.ts'
import { nextElapse } from '../../daemon/units/values/next-elapse.ts'
import { readTimestamp } from '../../daemon/units/values/timestamp.ts'
import type { Zone } from '../../daemon/units/values/zone.ts'
import { complain, print, readWords, refuse, type Subcommand } from './command.ts'
import { hints } from './hint.ts'
import { machineClocks, machineZone } from './moment.ts'
import { fromNowLine, momentLines, nowUsec } from './now.ts'

/** Fails when one of them is none; the others are told all the same. */
export const run: Subcommand = words => {
  const read = readWords(words, {
    'base-time': { takes: 'value' },
    iterations: { takes: 'value' },
  })
  if (typeof read === 'string') return refuse(read)
  const { args, options } = read
  const zone = machineZone()
  const base = readTimestamp(options.get('base-time') ?? 'now', nowUsec(), zone, machineClocks)
  if (base.isErr()) return refuse(`cannot read --base-time=: ${base.error}`)
  const iterations = Number(options.get('iterations') ?? 1)
  if (!Number.isInteger(iterations) || iterations < 1)
    return refuse('cannot read --iterations=: expected a whole number from 1')
  if (args.length === 0) return refuse('cannot analyze: calendar wants an expression')
  let status = 0
  for (const [at, text] of args.entries()) {
    if (at > 0) print('')
    readCalendar(text, machineClocks).match(
      calendar => describe(text, calendar, base.value, iterations, zone),
      error => {
        complain(`cannot read the calendar expression '${text}': ${error}`)
        complain(...hints(text, 'calendar'))
        status = 1
      },
    )
  }
  return status
}

function describe(
  text: string,
  calendar: Calendar,
  base: number,
  iterations: number,
  zone: Zone,
): void {
  const normalized = printCalendar(calendar)
  if (normalized !== text) print(`  Original form: ${text}`)
  print(`Normalized form: ${normalized}`)
  let at = base
  for (let iteration = 1; iteration <= iterations; iteration++) {
    const next = nextElapse(calendar, at, zone)
    if (next === null) {
      if (iteration === 1) print('    Next elapse: never')
      return
    }
    const label = iteration === 1 ? 'Next elapse' : `Iter. #${iteration}`
    print(...momentLines(label, next, zone), fromNowLine(next))
    at = next
  }
}
