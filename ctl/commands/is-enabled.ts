// is-enabled: the state of unit files, and an exit status for scripts.
import type { Command } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { answered, complainAll } from './answer.ts'

/** States in which nothing is left to be enabled (systemctl(1), is-enabled). */
const ENABLED = new Set([
  'enabled',
  'enabled-runtime',
  'alias',
  'static',
  'indirect',
  'generated',
  'transient',
])

/** 0 when one of the units is enabled. */
export const run: Command = async context => {
  const { args, options } = context
  return answered(context, await context.ask('isEnabled', { units: args }), ({ units, errors }) => {
    if (options.json) context.printJson('is-enabled', units)
    else if (!options.quiet) {
      context.print(...units.map(unit => unit.state).filter(state => state !== 'not-found'))
    }
    complainAll(context, errors)
    return units.some(unit => ENABLED.has(unit.state)) ? SUCCESS : FAILURE
  })
}
