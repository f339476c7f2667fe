// ctl analyze unit-name: the parts of a unit name (systemd.unit(5), DESCRIPTION).
import { instanceOf, nameKind, prefixOf } from '../../daemon/units/values/unit-name.ts'
import { complain, print, readWords, refuse, type Subcommand } from './command.ts'

/** Fails when one of them is no unit name; the others are told all the same. */
export const run: Subcommand = words => {
  const read = readWords(words, {})
  if (typeof read === 'string') return refuse(read)
  let status = 0
  for (const [at, name] of read.args.entries()) {
    if (at > 0) print('')
    const kind = nameKind(name)
    if (kind === null) {
      complain(
        `cannot use '${name}' as a unit name: expected one such as web.service, web@.service or web@1.service`,
      )
      status = 1
      continue
    }
    print(`Type: ${kind}`, `Prefix: ${prefixOf(name)}`)
    if (kind === 'instance') print(`Instance: ${instanceOf(name)}`)
  }
  return status
}
