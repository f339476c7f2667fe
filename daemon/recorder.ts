// The latest steps of the engine, for `ctl record`, for the dump that SIGUSR2 asks for and for the report of a defect. What they
// changed is kept as it was before, by reference: the state at their beginning follows from the present one, backwards, and a
// step costs no copy.
import type { Effect } from './engine/effect.ts'
import type { Engine } from './engine/engine.ts'
import type { EngineEvent, Now } from './engine/event.ts'
import type { Host } from './engine/machine.ts'
import type { Changes, EngineState, Job, ManagerState, UnitState } from './engine/state.ts'
import type { RecordedStep, Recording } from './record.ts'
import type { UnitName } from './units/unit.ts'

export type Step = { atUsec: number; event: EngineEvent }

type Kept = Step & {
  monotonicUsec: number
  effects: readonly Effect[]
  /** How many units had been loaded before it. */
  loads: number
  /** What was before, null: nothing; by turns what it is of and what it was. The manager is of `null`. */
  before: (UnitName | number | UnitState | Job | ManagerState | null)[]
}

export interface Recorder {
  /** The step of an event that is about to count. */
  record(event: EngineEvent, now: Now, changes: Changes, effects: readonly Effect[]): void
  /** Oldest first. */
  latest(): Step[]
  /** The state before the oldest step that is kept, and the steps from there on; with each how many units had been loaded. */
  recording(): { state: EngineState; steps: readonly RecordedStep[]; loads: readonly number[] }
}

/** `most`: how many steps are kept. */
export function createRecorder(
  most: number,
  { state, graph }: Pick<Engine, 'state' | 'graph'>,
): Recorder {
  let ring: Kept[] = []
  let next = 0
  let loads = graph.loads()

  const beforeOf = ({ manager, units, jobs }: Changes): Kept['before'] => {
    const before: Kept['before'] = []
    if (manager) before.push(null, state.manager)
    for (const name of units.keys()) before.push(name, state.units.get(name) ?? null)
    for (const id of jobs.keys()) before.push(id, state.jobs.get(id) ?? null)
    return before
  }

  const inOrder = () => [...ring.slice(next), ...ring.slice(0, next)]

  return {
    record(event, now, changes, effects) {
      if (most === 0) return
      // What the units were read from before is gone: nothing could be made of older steps.
      if (event.type === 'units-reloaded') {
        ring = []
        next = 0
        loads = graph.loads()
        return
      }
      const { realtimeUsec: atUsec, monotonicUsec } = now
      ring[next] = { atUsec, monotonicUsec, event, effects, loads, before: beforeOf(changes) }
      loads = graph.loads()
      next = (next + 1) % most
    },
    latest: inOrder,
    recording: () => ({
      ...unwind(state, inOrder()),
      loads: inOrder().map(step => step.loads),
    }),
  }
}

/** What is needed to go through the latest steps again: the units, too, as the engine acts by them. */
export function recordingOf(
  recorder: Recorder,
  { engine, host, program, now }: RecordingParts,
): Recording {
  const { state, steps, loads } = recorder.recording()
  const { graph } = engine
  const froms = new Map<UnitName, number | null>()
  for (const { name, place } of graph.inOrder()) {
    const at = loads.findIndex(count => count > place)
    froms.set(name, at < 0 ? null : at + 1)
  }
  // Others are forgotten when they are down; they are read again for this.
  for (const name of state.units.keys()) if (!froms.has(name)) froms.set(name, 1)
  for (const { changes } of steps)
    for (const name of changes.units.keys()) if (!froms.has(name)) froms.set(name, null)
  return {
    program,
    madeUsec: now().realtimeUsec,
    host,
    units: [...froms].map(([name, from]) => {
      const [unit, current] = [graph.unit(name), graph.current(name)]
      return unit === current ? { unit, from } : { unit, current, from }
    }),
    state,
    steps,
  }
}

export type RecordingParts = {
  engine: Pick<Engine, 'graph'>
  host: Host
  /** The version of hearth. */
  program: string
  now: () => Now
}

/** Takes the steps back, the last one first; what each had changed to is what the next one found. */
function unwind(present: EngineState, kept: readonly Kept[]): Pick<Recording, 'state' | 'steps'> {
  const units = new Map(present.units)
  const jobs = new Map(present.jobs)
  let { manager } = present
  const steps: RecordedStep[] = []
  for (const { atUsec, monotonicUsec, event, effects, before } of [...kept].reverse()) {
    const changes = {
      manager: null as ManagerState | null,
      units: new Map<UnitName, UnitState | null>(),
      jobs: new Map<number, Job | null>(),
    }
    for (let at = 0; at < before.length; at += 2) {
      const [of, was] = [before[at], before[at + 1]]
      if (of === null) {
        changes.manager = manager
        manager = was as ManagerState
      } else if (typeof of === 'string') exchange(units, changes.units, of, was as UnitState | null)
      else exchange(jobs, changes.jobs, of as number, was as Job | null)
    }
    steps.push({ event, now: { realtimeUsec: atUsec, monotonicUsec }, changes, effects })
  }
  return { state: { manager, units, jobs }, steps: steps.reverse() }
}

function exchange<Key, Value>(
  values: Map<Key, Value>,
  changes: Map<Key, Value | null>,
  key: Key,
  was: Value | null,
): void {
  changes.set(key, values.get(key) ?? null)
  if (was === null) values.delete(key)
  else values.set(key, was)
}
