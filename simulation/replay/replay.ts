// Goes through a recording again, step by step: what this engine decides, beside what was recorded.

import { err } from 'neverthrow'
import type { Effect } from '../../daemon/engine/effect.ts'
import { createEngine, type Engine } from '../../daemon/engine/engine.ts'
import type { Changes } from '../../daemon/engine/state.ts'
import { changesRow, type RecordedStep, type Recording } from '../../daemon/record.ts'
import { createUnits } from '../../daemon/units/load.ts'
import type { UnitReader } from '../../daemon/units/reader.ts'
import type { Unit, UnitName, Units } from '../../daemon/units/unit.ts'
import { isSame } from '../same.ts'
import { HOST } from '../trial/host.ts'

export type Decision = { changes: Changes; effects: readonly Effect[] }
export type ReplayedStep = {
  /** From 1. */
  number: number
  recorded: RecordedStep
  /** What this engine makes of it; null: it threw, which `defect` tells. */
  now: Decision | null
  defect: string | null
  isSame: boolean
}

/** Each step in turn, before it counts: `engine` has the state before it. What was recorded counts, so that each step is judged
 * by itself. What was changed by hand, or damaged, may throw anything. */
export function* replay(recording: Recording): Generator<{ step: ReplayedStep; engine: Engine }> {
  const engine = engineOf(recording)
  for (const [at, recorded] of recording.steps.entries()) {
    if (at > 0) load(engine, recording, at + 1)
    let now: Decision | null = null
    let defect: string | null = null
    try {
      now = engine.step(recorded.event, recorded.now)
    } catch (error) {
      defect = inWords(error)
    }
    const step = {
      number: at + 1,
      recorded,
      now,
      defect,
      isSame: now !== null && agree(now, recorded),
    }
    yield { step, engine }
    engine.commit(recorded.changes)
  }
}

const inWords = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** The engine as it was at the beginning of the recording. */
export function engineOf(recording: Recording): Engine {
  const { units, state, host } = recording
  const kept = new Map<UnitName, Unit>()
  for (const { unit, current } of units) if (current) kept.set(unit.id, unit)
  const engine = createEngine({
    units: recordedUnits(units.map(({ unit, current }) => current ?? unit)),
    seed: state.manager.seed,
    started: state.manager.started,
    host,
    kept,
  })
  // Before the state counts: a state alone would have its units loaded in another order.
  load(engine, recording, 1)
  engine.commit(state)
  return engine
}

/** Loads what was loaded before the step, in the order in which it was: it is that of the relations, too. */
function load({ graph }: Engine, { units }: Recording, step: number): void {
  for (const { unit, from } of units) if (from === step) graph.unit(unit.id)
}

function recordedUnits(units: readonly Unit[]): Units {
  const named = new Map<UnitName, Unit>()
  for (const unit of units) for (const name of [unit.id, ...unit.names]) named.set(name, unit)
  // One that nobody has asked for by then.
  const others = createUnits({ services: [], vendorUnits: [], reader: NOTHING, host: HOST })
  return { get: name => named.get(name) ?? others.get(name), loaded: () => new Set(named.values()) }
}

const NOTHING: UnitReader = {
  list: () => null,
  read: () => err('ENOENT'),
  readlink: () => null,
  realpath: () => null,
}

/** By what can be written down: so it was recorded. */
const plain = ({ changes, effects }: Decision): unknown =>
  JSON.parse(JSON.stringify({ ...changesRow(changes), effects }))

const agree = (now: Decision, recorded: Decision): boolean => isSame(plain(now), plain(recorded))
