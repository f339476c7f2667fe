// completion: a script that has the shell complete what is typed after ctl.

import { bashCompletion } from '../completion/bash.ts'
import { fishCompletion } from '../completion/fish.ts'
import { zshCompletion } from '../completion/zsh.ts'
import type { Command } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'

const SHELLS: ReadonlyMap<string, () => string> = new Map([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
])

export const run: Command = async context => {
  const [shell = ''] = context.args
  const script = SHELLS.get(shell)
  if (script === undefined) {
    context.complain({
      code: 'bad-request',
      message: `cannot complete for '${shell}': only bash, zsh and fish are known`,
    })
    return FAILURE
  }
  context.print(script().trimEnd())
  return SUCCESS
}
