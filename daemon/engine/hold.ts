// Dependants of a unit that is coming back by itself: they wait for it.
//
// Here hearth is kinder than systemd. There, a start that failed fails the start jobs of all that require the unit, though
// it may come up at the automatic restart a second later: at boot one slow database leaves everything above it down until
// somebody looks. Here the failed unit's own job fails (whoever started it is told the truth at once), and what requires
// it (Requires=, Requisite=, BindsTo=) and is ordered after it stays queued: it starts when the unit is up, and fails with
// `dependency` when the unit is given up (start limit, stop). A unit that is bound to it (BindsTo=) and runs is left alone
// meanwhile. `[X-Hearth] Dependants=fail` in the dependant gives systemd's way.
import type { Unit, UnitName } from '../units/unit.ts'
import type { Draft } from './draft.ts'
import type { Relation } from './graph.ts'

export const AUTO_RESTART = 'auto-restart'

/** Whether an ending of the unit may be followed by an automatic restart. */
const mayRestart = ({ service }: Unit) =>
  service !== undefined &&
  (service.restart !== 'no' ||
    service.restartForceExitStatus.statuses.length > 0 ||
    service.restartForceExitStatus.signals.length > 0)

/** Whether the unit is down but may come back by itself: in the pause before an automatic restart, or on the way there. */
export function isRecovering(draft: Draft, name: UnitName): boolean {
  if (draft.subState(name) === AUTO_RESTART) return true
  return (
    draft.activeState(name) === 'deactivating' &&
    draft.jobOf(name)?.type !== 'stop' &&
    draft.manager.phase !== 'stopping' &&
    mayRestart(draft.graph.unit(name))
  )
}

/** Whether the unit waits for those it requires while they recover (Dependants=hold, the default). */
export const isPatient = (draft: Draft, name: UnitName) =>
  draft.graph.unit(name).hearth.dependants !== 'fail'

/** RestartMode=direct (systemd.service(5)): an ending that an automatic restart follows is nobody else's business. Who waits
 * for the unit's start job waits on, and no dependant hears of it, patient or not. */
export const restartsDirectly = (draft: Draft, name: UnitName) =>
  draft.graph.unit(name).service?.restartMode === 'direct'

const REQUIRED: readonly Relation[] = ['requires', 'requisite', 'bindsTo']

/** A recovering unit that holds back the start of `name`, or null. */
export function heldBy(draft: Draft, name: UnitName): UnitName | null {
  if (!isPatient(draft, name)) return null
  for (const relation of REQUIRED) {
    for (const other of draft.graph.related(name, relation)) {
      if (!isRecovering(draft, other)) continue
      if (draft.graph.related(name, 'after').includes(other)) return other
    }
  }
  return null
}
