// list-jobs: what is queued or under way.
import type { Command } from '../context.ts'
import { SUCCESS } from '../exit-status.ts'
import { formatJobs } from '../format/list.ts'
import { answered } from './answer.ts'
import { listStyle } from './style.ts'

export const run: Command = async context =>
  answered(
    context,
    await context.ask('listJobs', context.args.length > 0 ? { patterns: context.args } : {}),
    ({ jobs }) => {
      if (context.options.json) context.printJson('list-jobs', jobs)
      else context.print(...formatJobs(jobs, listStyle(context)))
      return SUCCESS
    },
  )
