// kill: a signal to the processes of units.
import { constants } from 'node:os'
import type { Command } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { answered, complainAll } from './answer.ts'

const WHOM = ['main', 'control', 'all'] as const

export const run: Command = async context => {
  const { options } = context
  const signal = signalNumber(options.signal ?? 'SIGTERM')
  if (signal === null) {
    context.complain({
      code: 'bad-request',
      message: `cannot send ${options.signal}: there is no such signal`,
      hint: "name it as in 'kill -l', or by its number",
    })
    return FAILURE
  }
  const whom = WHOM.find(one => one === (options.killWhom ?? 'all'))
  if (whom === undefined) {
    context.complain({
      code: 'bad-request',
      message: `cannot send a signal to ${options.killWhom}: --kill-whom= takes main, control or all`,
    })
    return FAILURE
  }
  return answered(
    context,
    await context.ask('kill', { units: context.args, signal, whom }),
    ({ units, errors }) => {
      if (options.json) context.printJson('kill', units)
      return complainAll(context, errors) || SUCCESS
    },
  )
}

// signal(7): the C library keeps 32 and 33 for itself.
const SIGRTMIN = 34
const SIGRTMAX = 64

/** The number of `SIGHUP`, `HUP`, `RTMIN+3` or `1`; null when there is none. */
export function signalNumber(name: string): number | null {
  if (/^\d+$/.test(name)) {
    const number = Number(name)
    return number >= 1 && number <= SIGRTMAX ? number : null
  }
  const bare = name.toUpperCase().replace(/^SIG/, '')
  const realtime = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(bare)
  if (realtime) {
    const offset = Number(`${realtime[2] ?? '+'}${realtime[3] ?? 0}`)
    const number = (realtime[1] === 'MIN' ? SIGRTMIN : SIGRTMAX) + offset
    return number >= SIGRTMIN && number <= SIGRTMAX ? number : null
  }
  const signals: Readonly<Record<string, number>> = constants.signals
  return signals[`SIG${bare}`] ?? null
}
