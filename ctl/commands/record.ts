// record: the daemon's latest decisions, for `hearth replay`; to a file, or to standard output.
import { writeFileSync } from 'node:fs'
import { formatTimespan } from '../../daemon/control/schema.ts'
import type { Command } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { write } from '../output.ts'
import { answered } from './answer.ts'

/** For its owner alone: command lines and messages of services are in it. */
const MODE = 0o600
const SECOND = 1_000_000
/** How the first line begins: after that of a daemon that was executed anew meanwhile, all comes once more. */
const BEGINS = '{"recording":'

export const run: Command = async context => {
  const [path = '-'] = context.args
  let lines: string[] = []
  const answer = await context.ask(
    'record',
    {},
    {
      onPart({ lines: more }) {
        lines = more[0]?.startsWith(BEGINS) ? [...more] : [...lines, ...more]
      },
    },
  )
  return answered(context, answer, ({ steps, units, sinceUsec }) => {
    const text = lines.map(line => `${line}\n`).join('')
    if (path === '-') {
      write(1, text)
      return SUCCESS
    }
    try {
      writeFileSync(path, text, { mode: MODE })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      context.complain({ code: 'failed', message: `cannot write ${path}: ${code}` })
      return FAILURE
    }
    const span = sinceUsec === null ? '' : ` of the last ${ago(sinceUsec)}`
    context.note(`Recorded ${steps} steps${span}, with ${units} units, to ${path}`)
    return SUCCESS
  })
}

const ago = (usec: number) => formatTimespan(Math.max(SECOND, Date.now() * 1000 - usec), SECOND)
