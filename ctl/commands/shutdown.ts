// exit, poweroff, reboot and halt: everything stops, and so does the daemon.
import type { Command } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { answered } from './answer.ts'

export const run: Command = async context => {
  const kind = context.verb as 'exit' | 'poweroff' | 'reboot' | 'halt'
  const [status] = context.args
  if (status !== undefined && !(/^\d{1,3}$/.test(status) && Number(status) <= 255)) {
    context.complain({
      code: 'bad-request',
      message: `cannot exit with '${status}': an exit status is a number from 0 to 255`,
    })
    return FAILURE
  }
  const answer = await context.ask('shutdown', {
    kind,
    ...(status === undefined ? {} : { exitStatus: Number(status) }),
  })
  return answered(context, answer, () => {
    if (context.options.json) context.printJson('done', {})
    return SUCCESS
  })
}
