// fidelity: how the directives of units are carried out on this machine.
import type { Command } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { formatFidelity, isWeakened } from '../format/fidelity.ts'
import { answered, complainAll } from './answer.ts'
import { listStyle } from './style.ts'

/** Fails when a unit is less confined than its file says; what else is left out is no failure. */
export const run: Command = async context =>
  answered(
    context,
    await context.ask('fidelity', context.args.length > 0 ? { units: context.args } : {}),
    ({ units, errors }) => {
      const { all, json } = context.options
      if (json) context.printJson('fidelity', units)
      else context.print(...formatFidelity(units, listStyle(context), { all }))
      const status = complainAll(context, errors)
      return status || (units.some(isWeakened) ? FAILURE : SUCCESS)
    },
  )
