// list-paths: what path units watch.
import type { Command } from '../context.ts'
import { SUCCESS } from '../exit-status.ts'
import { formatPaths } from '../format/triggers.ts'
import { answered } from './answer.ts'
import { listStyle } from './style.ts'

export const run: Command = async context => {
  const { args, options } = context
  return answered(
    context,
    await context.ask('listPaths', {
      all: options.all,
      ...(args.length > 0 ? { patterns: args } : {}),
    }),
    ({ paths }) => {
      if (options.json) context.printJson('list-paths', paths)
      else context.print(...formatPaths(paths, { ...listStyle(context), all: options.all }))
      return SUCCESS
    },
  )
}
