// list-sockets: where sockets listen, and what they start.
import type { Command } from '../context.ts'
import { SUCCESS } from '../exit-status.ts'
import { formatSockets } from '../format/sockets.ts'
import { answered } from './answer.ts'
import { listStyle } from './style.ts'

export const run: Command = async context => {
  const { args, options } = context
  return answered(
    context,
    await context.ask('listSockets', {
      all: options.all,
      ...(args.length > 0 ? { patterns: args } : {}),
    }),
    ({ sockets }) => {
      if (options.json) {
        context.printJson(
          'list-sockets',
          sockets.map(({ address, ...rest }) => ({ listen: address, ...rest })),
        )
      } else {
        const { all, showTypes } = options
        context.print(...formatSockets(sockets, { ...listStyle(context), all, showTypes }))
      }
      return SUCCESS
    },
  )
}
