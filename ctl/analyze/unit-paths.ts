// ctl analyze unit-paths: where unit files are looked for, in that order.
import { print, readWords, refuse, type Subcommand } from './command.ts'
import { unitDirectories } from './host.ts'

/** Those that a daemon with this environment has: HEARTH_SERVICES and HEARTH_VENDOR_UNITS are heeded. */
export const run: Subcommand = words => {
  const read = readWords(words, {})
  if (typeof read === 'string') return refuse(read)
  const { services, vendorUnits } = unitDirectories()
  print(...services, ...vendorUnits)
  return 0
}
