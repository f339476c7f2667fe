// A unit's state as what differs from that of a unit that nothing has happened to: what is written down stays short, and a
// field that a later version adds has its first value when an older state is read.
import type { UnitType } from '../units/unit.ts'
import { unitTypeOf } from './draft.ts'
import { createServiceFacts, initialUnitState } from './initial.ts'
import type { UnitState } from './state.ts'

type Fields = Record<string, unknown>

const INITIAL_SERVICE = createServiceFacts()
const initials = new Map<UnitType, UnitState>()
/** That of any unit of the type, but for its name. */
function initialOf(type: UnitType): UnitState {
  const known = initials.get(type)
  if (known) return known
  const made = initialUnitState('', type)
  initials.set(type, made)
  return made
}

/** `name`, and each field that is not as in the beginning; of `service` likewise. */
export function differenceOf(state: UnitState): Fields {
  const difference = differing(state, initialOf(unitTypeOf(state.name)))
  difference.name = state.name
  if (difference.service) difference.service = differing(state.service as Fields, INITIAL_SERVICE)
  return difference
}

/** The state of which that is the difference. Throws when it names no unit. */
export function stateOf(difference: Fields): UnitState {
  const { name } = difference
  if (typeof name !== 'string' || !name.includes('.'))
    throw new Error('a unit state without a name')
  const initial = initialUnitState(name, unitTypeOf(name))
  const service = difference.service as Fields | null | undefined
  return {
    ...initial,
    ...difference,
    service: service ? { ...createServiceFacts(), ...service } : initial.service,
  } as UnitState
}

function differing(state: Readonly<Fields>, initial: Readonly<Fields>): Fields {
  const found: Fields = {}
  for (const key in state) if (state[key] !== initial[key]) found[key] = state[key]
  return found
}
