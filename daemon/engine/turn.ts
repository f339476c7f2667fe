// One move of a unit's state machine, in the making: what its type knows of the unit so far, and what is wanted done. It lives for
// one step; the state that it began with is never edited. (Services have one of their own, service/turn.ts: a function that is
// given facts of one shape alone is several times as fast, and theirs are the most.)
import type { Effect } from './effect.ts'
import type { MachineContext, MachineInput, MachineRequest, MachineStep } from './machine.ts'
import type { UnitState } from './state.ts'

export type Turn<Facts> = {
  readonly context: MachineContext
  /** As it was before. */
  readonly state: UnitState
  facts: Facts
  invocationId: string | null
  readonly effects: Effect[]
  readonly requests: MachineRequest[]
}

/** The step of a machine that takes inputs by `take` and keeps what it knows in the state's field `field`. */
export function stepOf<Field extends 'timer' | 'path' | 'mount'>(
  field: Field,
  factsOf: (state: UnitState) => NonNullable<UnitState[Field]>,
  take: (turn: Turn<NonNullable<UnitState[Field]>>, input: MachineInput) => void,
) {
  return (context: MachineContext, state: UnitState, input: MachineInput): MachineStep => {
    const before = factsOf(state)
    const { invocationId } = state
    const turn: Turn<NonNullable<UnitState[Field]>> = {
      context,
      state,
      facts: before,
      invocationId,
      effects: [],
      requests: [],
    }
    take(turn, input)
    const { facts, effects, requests } = turn
    const isSame = facts === before && turn.invocationId === invocationId
    return {
      state: isSame ? state : { ...state, [field]: facts, invocationId: turn.invocationId },
      effects,
      requests,
    }
  }
}

/** Replaces some of the facts. */
export function set<Facts>(turn: Turn<Facts>, change: Partial<Facts>): void {
  turn.facts = { ...turn.facts, ...change }
}

/** A line for the daemon's log, about this unit. */
export function log(turn: Turn<unknown>, level: 'info' | 'warn', message: string): void {
  turn.effects.push({ type: 'log', level, unit: turn.state.name, message })
}
