// list-units: the units in memory, and how they are.
import type { Command } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { formatUnits, sortUnits } from '../format/list.ts'
import { answered } from './answer.ts'
import { listStyle } from './style.ts'
import { checkTypes } from './types.ts'

export const run: Command = async context => {
  const { args, options } = context
  const wrong = checkTypes(options.type)
  if (wrong !== null) {
    context.complain(wrong)
    return FAILURE
  }
  const states = options.failed ? [...options.state, 'failed'] : options.state
  return answered(
    context,
    await context.ask('listUnits', {
      all: options.all,
      ...(args.length > 0 ? { patterns: args } : {}),
      ...(states.length > 0 ? { states } : {}),
      ...(options.type.length > 0 ? { types: options.type } : {}),
    }),
    ({ units }) => {
      const sorted = sortUnits(units)
      if (options.json) context.printJson('list-units', sorted)
      else {
        const about = {
          all: options.all || states.includes('inactive'),
          restricted: states.length > 0 && !options.all && !states.includes('inactive'),
        }
        context.print(...formatUnits(sorted, listStyle(context), about))
      }
      return SUCCESS
    },
  )
}
