// Services of connections (Accept=yes) come by the thousand: one that is down is forgotten altogether (systemd.unit(5),
// CollectMode=). Other units are few and stay.
import type { UnitName } from '../units/unit.ts'
import type { Draft } from './draft.ts'

/** Forgets the unit if it served a connection, is down and has no job; one that failed is kept to be looked at, unless
 * CollectMode=inactive-or-failed. */
export function collect(draft: Draft, name: UnitName): void {
  if (!draft.isKnown(name) || !draft.unit(name).connection || draft.jobOf(name)) return
  const active = draft.activeState(name)
  const isOver =
    active === 'inactive' ||
    (active === 'failed' && draft.graph.unit(name).unit.collectMode === 'inactive-or-failed')
  if (!isOver) return
  draft.forgetUnit(name)
  draft.graph.forget(name)
  // What this step still wants done for the unit comes before it.
  draft.effects.push({ type: 'unload-unit', unit: name })
}
