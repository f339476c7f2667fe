// clean: removes what units have kept in their directories.
import type { Command } from '../context.ts'
import { FAILURE } from '../exit-status.ts'
import { answered, complainAll } from './answer.ts'

export const KINDS = ['configuration', 'state', 'cache', 'logs', 'runtime'] as const

export const run: Command = async context => {
  const { what } = context.options
  const unknown = what.find(word => word !== 'all' && !KINDS.some(kind => kind === word))
  if (unknown !== undefined) {
    context.complain({
      code: 'bad-request',
      message: `cannot clean ${unknown}: --what= takes ${KINDS.join(', ')} or all`,
    })
    return FAILURE
  }
  const kinds = KINDS.filter(kind => what.includes(kind) || what.includes('all'))
  return answered(
    context,
    await context.ask('clean', {
      units: context.args,
      ...(kinds.length > 0 && { what: kinds }),
    }),
    ({ cleaned, errors }) => {
      if (context.options.json) context.printJson('clean', cleaned)
      return complainAll(context, errors)
    },
  )
}
