// What the processes of a test do: what it says of them, and what any process of such a unit does.
import type { Unit } from '../../daemon/units/unit.ts'
import { type Behaviour, ends, LIVES } from '../behaviour.ts'
import type { Command } from '../surroundings.ts'
import type { Phrases, ProcessRule } from './script.ts'

/** The behaviour of a command's process: by the last rule that is for it. */
export function behaviourOf(
  command: Command,
  unit: Unit,
  rules: readonly ProcessRule[],
): Behaviour {
  const rule = rules.findLast(
    ({ unit: name, exec, index, runs }) =>
      (name === command.unit || name === unit.id || unit.names.includes(name)) &&
      exec === command.exec &&
      (index === null || index === command.index) &&
      command.run >= runs.from &&
      command.run <= runs.to,
  )
  const said = rule?.phrases ?? {}
  // What is no main process has something to do and ends.
  if (command.exec !== 'start' || !unit.service) return { ...ends(0), ...said }
  switch (unit.service.type) {
    case 'oneshot':
      return { ...ends(0), ...said }
    case 'forking':
      return { ...ends(0), ...said.parent, forks: daemon(unit, said) }
    default:
      return daemon(unit, said)
  }
}

/** A main process that is up to its duties: it sends WATCHDOG=1 in half the time that it has. */
function daemon({ service }: Unit, { parent: _, isSilent, ...said }: Phrases): Behaviour {
  const watchdogUsec = service?.watchdogUsec ?? 0
  const isWatched = watchdogUsec > 0 && Number.isFinite(watchdogUsec) && !isSilent
  const pings = { everyUsec: watchdogUsec / 2, forUsec: null }
  return { ...LIVES, ...(isWatched && { pings }), ...said }
}
