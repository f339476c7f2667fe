// ctl analyze exit-status: as systemd-analyze exit-status.
import { exitStatuses, exitStatusNumber } from '../../daemon/units/values/exit-status.ts'
import { printTable, readWords, refuse, type Subcommand } from './command.ts'

export const run: Subcommand = words => {
  const read = readWords(words, {})
  if (typeof read === 'string') return refuse(read)
  const known = exitStatuses()
  const rows: string[][] = []
  for (const { name, number, class: origin } of read.args.length === 0 ? known : [])
    rows.push([name, String(number), origin])
  for (const text of read.args) {
    const number = exitStatusNumber(text)
    if (number === null)
      return refuse(
        `cannot find the exit status '${text}': expected a name such as TEMPFAIL, or a number up to 255`,
        'all of them: ctl analyze exit-status',
      )
    const status = known.find(one => one.number === number)
    rows.push([status?.name ?? '-', String(number), status?.class ?? '-'])
  }
  printTable([['NAME', 'STATUS', 'CLASS'], ...rows], [1])
  return 0
}
