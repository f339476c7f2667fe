// ctl analyze capability: as systemd-analyze capability.
import { CAPABILITIES, capabilityNumber } from '../../daemon/units/values/capability.ts'
import { printTable, readWords, refuse, type Subcommand } from './command.ts'

export const run: Subcommand = words => {
  const read = readWords(words, {})
  if (typeof read === 'string') return refuse(read)
  const numbers: number[] = read.args.length === 0 ? [...CAPABILITIES.keys()] : []
  for (const text of read.args) {
    const number = capabilityNumber(text)
    if (number === null)
      return refuse(
        `cannot find the capability '${text}': expected a name such as CAP_NET_ADMIN, or its number`,
        'all of them: ctl analyze capability',
      )
    numbers.push(number)
  }
  const rows = numbers.map(number => [(CAPABILITIES[number] ?? '').toLowerCase(), String(number)])
  printTable([['NAME', 'NUMBER'], ...rows], [1])
  return 0
}
