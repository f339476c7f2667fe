// ctl analyze exec-line: what an ExecStart= runs, as JSON (systemd.service(5), COMMAND LINES).
import { expandSpecifiers } from '../../daemon/units/specifiers.ts'
import { readCommands } from '../../daemon/units/values/command.ts'
import { nameKind } from '../../daemon/units/values/unit-name.ts'
import { complain, print, readWords, refuse, type Subcommand } from './command.ts'
import { unitFacts } from './host.ts'

/**
 * One line for each command: its argv as execve gets it, a JSON array, specifiers expanded and `$` left as it is. Fails when
 * a line cannot be read.
 */
export const run: Subcommand = words => {
  const read = readWords(words, { unit: { takes: 'value' } }, 'kept')
  if (typeof read === 'string') return refuse(read)
  const id = read.options.get('unit') ?? 'ctl-analyze.service'
  if (nameKind(id) === null) return refuse(`cannot use '${id}' as a unit name`)
  const host = unitFacts()
  const context = {
    expand: (text: string) => expandSpecifiers(text, { id, fragmentPath: null }, host),
    warn: (message: string) => complain(`warning: ${message}`),
  }
  let status = 0
  for (const line of read.args)
    readCommands(line.trim(), context).match(
      commands => print(...commands.map(({ argv }) => JSON.stringify(argv))),
      error => {
        complain(`cannot read the command line '${line}': ${error}`)
        status = 1
      },
    )
  return status
}
