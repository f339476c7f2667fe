// Signals to the processes of a unit (systemd.kill(5)).
import type { Effect } from '../engine/effect.ts'
import type { Processes } from './processes.ts'
import type { Watches } from './watch.ts'

export type KillEffect = Extract<Effect, { type: 'kill' }>

const SIGHUP = 1
const SIGKILL = 9
const SIGCONT = 18

/** Sends what is asked for; a stopped process is continued, so that it can obey. Gives whether anybody was reached whose
 * end is to be waited for: then `emptied` follows. */
export function kill(effect: KillEffect, processes: Processes, watches: Watches): boolean {
  const { unit, signal, others } = effect
  const chosen = [effect.main, effect.control].filter(pid => pid !== null)
  const signals = [signal]
  if (effect.sighup && signal !== SIGHUP) signals.push(SIGHUP)
  if (signal !== SIGKILL && signal !== SIGCONT) signals.push(SIGCONT)

  let reached = 0
  for (const pid of chosen) {
    const sent = signals.map(each => watches.signal(pid, each))
    if (sent[0] === null) reached++
  }
  if (others) reached += processes.signal(unit, signals, chosen)
  if (reached > 0) processes.awaitEmpty(unit)
  else processes.awaitNothing(unit)
  return reached > 0
}
