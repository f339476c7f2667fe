// ctl analyze syscall-filter: as systemd-analyze syscall-filter.
import { nearest } from '../../daemon/units/errors.ts'
import { systemCallGroup, systemCallGroups } from '../../daemon/units/system-calls/names.ts'
import { print, readWords, refuse, type Subcommand } from './command.ts'

export const run: Subcommand = words => {
  const read = readWords(words, {})
  if (typeof read === 'string') return refuse(read)
  const blocks: string[] = []
  for (const name of read.args.length === 0 ? systemCallGroups() : read.args) {
    const group = systemCallGroup(name)
    if (group === null) {
      const near = nearest(name, systemCallGroups())
      return refuse(
        `cannot find the group of system calls '${name}'${near === null ? '' : `; did you mean ${near}?`}`,
        'all of them: ctl analyze syscall-filter',
      )
    }
    const lines = [group.name, `    # ${group.help}`, ...group.members.map(call => `    ${call}`)]
    blocks.push(lines.join('\n'))
  }
  print(blocks.join('\n\n'))
  return 0
}
