// list-unit-files: what is in the unit directories, and whether it is enabled.
import type { Command } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { formatUnitFiles, sortUnits } from '../format/list.ts'
import { answered } from './answer.ts'
import { listStyle } from './style.ts'
import { checkTypes } from './types.ts'

/** Fails when a pattern was given and there is none, as systemctl does. */
export const run: Command = async context => {
  const { args, options } = context
  const wrong = checkTypes(options.type)
  if (wrong !== null) {
    context.complain(wrong)
    return FAILURE
  }
  return answered(
    context,
    await context.ask('listUnitFiles', {
      ...(args.length > 0 ? { patterns: args } : {}),
      ...(options.state.length > 0 ? { states: options.state } : {}),
      ...(options.type.length > 0 ? { types: options.type } : {}),
    }),
    ({ files }) => {
      const sorted = sortUnits(files)
      if (options.json) context.printJson('list-unit-files', sorted)
      else context.print(...formatUnitFiles(sorted, listStyle(context)))
      return files.length === 0 && args.length > 0 ? FAILURE : SUCCESS
    },
  )
}
