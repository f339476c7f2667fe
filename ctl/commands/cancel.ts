// cancel: jobs are taken from the queue.
import type { Command } from '../context.ts'
import { FAILURE } from '../exit-status.ts'
import { answered, complainAll } from './answer.ts'

export const run: Command = async context => {
  const wrong = context.args.find(arg => !/^\d{1,15}$/.test(arg))
  if (wrong !== undefined) {
    context.complain({
      code: 'bad-request',
      message: `cannot cancel '${wrong}': a job is named by its number`,
      hint: "see the numbers with 'ctl list-jobs'",
    })
    return FAILURE
  }
  return answered(
    context,
    await context.ask('cancel', { jobs: context.args.map(Number) }),
    ({ cancelled, errors }) => {
      if (context.options.json) context.printJson('cancel', { cancelled })
      return complainAll(context, errors)
    },
  )
}
