// list-dependencies: the tree of what units need, or of what needs them.
import type { Command } from '../context.ts'
import { formatDependencies } from '../format/dependencies.ts'
import { answered, complainAll } from './answer.ts'

export const run: Command = async context => {
  const { args, options, paint } = context
  return answered(
    context,
    await context.ask('listDependencies', {
      reverse: options.reverse,
      all: options.all,
      ...(args.length > 0 ? { units: args } : {}),
      ...(options.after ? { order: 'after' as const } : {}),
      ...(options.before ? { order: 'before' as const } : {}),
    }),
    ({ trees, errors }) => {
      if (options.json) context.printJson('list-dependencies', trees)
      else {
        const style = { paint, plain: options.plain }
        const blocks = trees.map(tree => formatDependencies(tree, style).join('\n'))
        if (blocks.length > 0) context.print(blocks.join('\n\n'))
      }
      return complainAll(context, errors)
    },
  )
}
