// A limit for what units do to each other unasked (Upholds=, BindsTo=, StopWhenUnneeded=, OnFailure=): two that want
// opposite things, or a handler that calls for what it handles, must not keep the daemon busy for ever.
import type { UnitName } from '../units/unit.ts'
import type { Draft } from './draft.ts'

/** systemd's figures, there for all but OnFailure= and OnSuccess=. */
const INTERVAL_USEC = 10_000_000
const BURST = 16

/** Counts an act of the unit's own; false: there were too many. With `later` it is looked at again after a while. */
export function mayAct(draft: Draft, name: UnitName, otherwise: 'later' | 'never'): boolean {
  if (draft.manager.phase === 'stopping') return false
  const { recheckUsec: _, ...state } = draft.unit(name)
  const now = draft.now.monotonicUsec
  const acts = state.selfActs ?? []
  const [first] = acts
  if (first === undefined || now - first > INTERVAL_USEC) {
    draft.setUnit({ ...state, selfActs: [now] })
    return true
  }
  if (acts.length < BURST) {
    draft.setUnit({ ...state, selfActs: [...acts, now] })
    return true
  }
  draft.log('warn', name, 'Its dependencies call for starts and stops too often: left as it is')
  if (otherwise === 'later') draft.setUnit({ ...state, recheckUsec: first + INTERVAL_USEC + 1 })
  return false
}
