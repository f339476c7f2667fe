// daemon-reexec: the daemon executes itself anew, as it is installed now. Done when the new image answers.
import type { Command } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { failed } from './answer.ts'

export const run: Command = async context => {
  const before = await context.ask('version', {})
  if (before.isErr()) return failed(context, before.error)
  const asked = await context.ask('reexec', {})
  if (asked.isErr()) return failed(context, asked.error)
  const after = await context.askNext('version', {})
  if (after.isErr()) return failed(context, after.error)
  const { image, version } = after.value
  if (context.options.json) context.printJson('done', {})
  if (image.asked && image.number > before.value.image.number) return SUCCESS
  context.complain({
    code: 'failed',
    message: `cannot execute the daemon again: it did not come up (${image.cause}), and version ${version} goes on in its place`,
    hint: 'no service was touched; see the log of hearth',
  })
  return FAILURE
}
