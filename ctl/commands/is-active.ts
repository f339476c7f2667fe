// is-active and is-failed: a word for each unit, and an exit status for scripts.
import type { Command } from '../context.ts'
import { FAILURE, NOT_ACTIVE, SUCCESS } from '../exit-status.ts'
import { answered } from './answer.ts'

/** 0 when one of the units is in a state that was asked for. A unit that is not there is inactive. */
export const run: Command = async context => {
  const { args, options, verb } = context
  const good = verb === 'is-failed' ? ['failed'] : ['active', 'reloading']
  return answered(context, await context.ask('isActive', { units: args }), ({ units }) => {
    if (options.json) {
      context.printJson(
        'is-active',
        units.map(({ unit, state }) => ({ unit, state })),
      )
    } else if (!options.quiet) context.print(...units.map(unit => unit.state))
    if (units.some(unit => good.includes(unit.state))) return SUCCESS
    return verb === 'is-failed' ? FAILURE : NOT_ACTIVE
  })
}
