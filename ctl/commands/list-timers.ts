// list-timers: when timers elapse next, and when they last did.
import type { Command } from '../context.ts'
import { SUCCESS } from '../exit-status.ts'
import { formatTimers } from '../format/triggers.ts'
import { answered } from './answer.ts'
import { listStyle } from './style.ts'

export const run: Command = async context => {
  const { args, options } = context
  return answered(
    context,
    await context.ask('listTimers', {
      all: options.all,
      ...(args.length > 0 ? { patterns: args } : {}),
    }),
    ({ timers, nowUsec }) => {
      if (options.json) {
        context.printJson(
          'list-timers',
          timers.map(({ unit, activates, active, nextUsec, lastUsec }) => ({
            next: nextUsec,
            left: nextUsec === null ? null : Math.max(0, nextUsec - nowUsec),
            last: lastUsec,
            passed: lastUsec === null ? null : nowUsec - lastUsec,
            unit,
            activates,
            active,
          })),
        )
      } else
        context.print(...formatTimers(timers, nowUsec, { ...listStyle(context), all: options.all }))
      return SUCCESS
    },
  )
}
