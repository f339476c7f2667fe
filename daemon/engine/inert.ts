// The state machine of unit types that only have to be there: nothing is done for them, they are up once started.
import type { Machine } from './machine.ts'

const NOTHING: readonly never[] = Object.freeze([])

const UP: Record<string, string> = { mount: 'mounted', device: 'plugged', scope: 'running' }

/** Mounts, slices, devices, swaps and scopes belong to whoever runs the container: hearth takes them as given. */
export const inertMachine: Machine = {
  step(_context, state, input) {
    const isUp = input.type === 'start' || (input.type !== 'stop' && state.target === 'active')
    const target = isUp ? 'active' : 'dead'
    return {
      state: target === (state.target ?? 'dead') ? state : { ...state, target },
      effects: NOTHING,
      requests: NOTHING,
    }
  },
  activeState: state => (state.target === 'active' ? 'active' : 'inactive'),
  subState: state =>
    state.target === 'active'
      ? (UP[state.name.slice(state.name.lastIndexOf('.') + 1)] ?? 'active')
      : 'dead',
  result: () => 'success',
  pids: () => NOTHING,
  deadlineUsec: () => null,
  canReload: () => false,
}
