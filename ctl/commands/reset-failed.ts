// reset-failed: forget that units have failed.
import type { Command } from '../context.ts'
import { answered, complainAll } from './answer.ts'

export const run: Command = async context =>
  answered(
    context,
    await context.ask('resetFailed', context.args.length > 0 ? { units: context.args } : {}),
    ({ errors }) => {
      if (context.options.json) context.printJson('reset-failed', {})
      return complainAll(context, errors)
    },
  )
