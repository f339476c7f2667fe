// help: the whole, or one verb.
import type { Command } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { helpText } from '../program.ts'

export const run: Command = async context => {
  const [verb] = context.args
  const text = helpText(verb ?? null)
  if (text === null) {
    context.complain({
      code: 'bad-request',
      message: `cannot help with '${verb}': there is no such verb`,
      hint: "see all with 'ctl help'",
    })
    return FAILURE
  }
  context.print(text.trimEnd())
  return SUCCESS
}
