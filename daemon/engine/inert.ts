// The state machine of unit types that only have to be there: nothing is done for them, they are up once started.
import type { Machine } from './machine.ts'
import type { UnitState } from './state.ts'

const NOTHING: readonly never[] = Object.freeze([])

const UP: Record<string, string> = { scope: 'running', automount: 'running' }
/** There as long as there is a system. */
const PERPETUAL: ReadonlySet<string> = new Set(['-.slice', 'init.scope'])
const isActive = (state: UnitState) =>
  (state.target ?? (PERPETUAL.has(state.name) ? 'active' : 'dead')) === 'active'

/** Slices and scopes, and automounts, whose mount comes up before them. */
export const inertMachine: Machine = {
  step(_context, state, input) {
    const isUp = input.type === 'start' || (input.type !== 'stop' && isActive(state))
    const target = isUp ? 'active' : 'dead'
    return {
      state: isUp === isActive(state) ? state : { ...state, target },
      effects: NOTHING,
      requests: NOTHING,
    }
  },
  activeState: state => (isActive(state) ? 'active' : 'inactive'),
  subState: state =>
    isActive(state) ? (UP[state.name.slice(state.name.lastIndexOf('.') + 1)] ?? 'active') : 'dead',
  result: () => 'success',
  pids: () => NOTHING,
  deadlineUsec: () => null,
  canReload: () => false,
}
