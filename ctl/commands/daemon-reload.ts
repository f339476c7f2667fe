// daemon-reload: all unit files are read anew.
import type { Command } from '../context.ts'
import { SUCCESS } from '../exit-status.ts'
import { answered } from './answer.ts'

/** A unit that is wrong is a word on standard error, not a failure: the others have been read. */
export const run: Command = async context =>
  answered(context, await context.ask('reload', {}), ({ problems }) => {
    if (context.options.json) context.printJson('daemon-reload', { problems })
    context.note(...problems)
    return SUCCESS
  })
