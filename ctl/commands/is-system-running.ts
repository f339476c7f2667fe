// is-system-running: the state of the whole.
import type { Command } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { answered } from './answer.ts'

export const run: Command = async context =>
  answered(context, await context.ask('isSystemRunning', {}), ({ state }) => {
    if (context.options.json) context.printJson('is-system-running', { state })
    else if (!context.options.quiet) context.print(state)
    return state === 'running' ? SUCCESS : FAILURE
  })
