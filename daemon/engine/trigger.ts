// Units that trigger another (timers, paths, sockets): what they see of it, and that they hear of its changes.
import type { UnitName } from '../units/unit.ts'
import type { Draft } from './draft.ts'
import type { Triggered } from './machine.ts'
import type { ActiveState } from './state.ts'

/** The unit as those see it that trigger it. */
export function triggeredUnit(draft: Draft, name: UnitName): Triggered {
  const { id, loadState } = draft.graph.unit(name)
  const state = draft.unit(id)
  return {
    unit: id,
    loadState,
    active: draft.activeState(id),
    sub: draft.subState(id),
    hasJob: state.job !== null,
    failedByStartLimit: state.startLimitHit,
    isShort: state.service?.isShort ?? false,
    inactiveExit: state.inactiveExit,
    inactiveEnter: state.inactiveEnter,
  }
}

/** The unit that `name` triggers by its own files, or null. */
export function triggeredBy(draft: Draft, name: UnitName): Triggered | null {
  const [unit] = draft.graph.unit(name).dependencies.triggers ?? []
  return unit === undefined ? null : triggeredUnit(draft, unit)
}

/** Those that `name` triggers, by its own word or by theirs (Sockets=). */
export const allTriggeredBy = (draft: Draft, name: UnitName): Triggered[] =>
  draft.graph.related(name, 'triggers').map(unit => triggeredUnit(draft, unit))

/** Those that hear of changes of `name`: what triggers it, and the socket whose connection it serves. */
export function triggersOf(draft: Draft, name: UnitName): readonly UnitName[] {
  const { connection } = draft.unit(name)
  const stated = draft.graph.related(name, 'triggeredBy')
  return connection ? [...stated, connection.socket] : stated
}

/** Marks a unit that has changed, or whose job has ended: whoever triggers it is told once all that can run has run. In
 * the middle of a transaction a trigger that acts on it would see jobs half queued. */
export function noteTriggered(draft: Draft, name: UnitName, previous: ActiveState): void {
  if (triggersOf(draft, name).length === 0) return
  if (!draft.triggered.has(name)) draft.triggered.set(name, previous)
}
