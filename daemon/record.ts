// A recording: the state at its beginning, the units, and each step since, as lines of JSON. `ctl record` writes it, `hearth
// replay` reads it.
import { err, ok, type Result } from 'neverthrow'
import { differenceOf, stateOf } from './engine/difference.ts'
import type { Effect } from './engine/effect.ts'
import type { EngineEvent, Now } from './engine/event.ts'
import type { Host } from './engine/machine.ts'
import type { Changes, EngineState, Job, ManagerState, UnitState } from './engine/state.ts'
import { decodeValue, encodeValue } from './unit-json.ts'
import type { Unit, UnitName } from './units/unit.ts'

/** Of the lines; another one is not read. */
export const RECORDING_VERSION = 1

export type RecordedStep = {
  event: EngineEvent
  now: Now
  changes: Changes
  effects: readonly Effect[]
}
/** A unit as the engine acts by it; `current`: as its files say now, where that is another. `from`: the number of the first step
 * before which it was loaded; null: none, it is loaded when a step asks for it. */
export type RecordedUnit = { unit: Unit; current?: Unit; from: number | null }
export type Recording = {
  /** The version of hearth that has written it. */
  program: string
  /** CLOCK_REALTIME, microseconds. */
  madeUsec: number
  host: Host
  /** In the order in which they were read. */
  units: readonly RecordedUnit[]
  state: EngineState
  steps: readonly RecordedStep[]
}

type StateRow = { manager: ManagerState; units: object[]; jobs: Job[] }
/** Manager, units and jobs that have changed, and those that are gone. */
export type ChangesRow = {
  manager?: ManagerState
  units?: object[]
  gone?: UnitName[]
  jobs?: Job[]
  ended?: number[]
}
type Row =
  | { recording: number; program: string; madeUsec: number; host: Host }
  | RecordedUnit
  | { state: StateRow }
  | { step: { event: EngineEvent; now: Now; changes: ChangesRow; effects: readonly Effect[] } }

/** The lines, each made when it is asked for. Values of environment variables, credentials and standard input are not in them:
 * a number stands in their place, the same for the same value. */
export function* recordingLines(recording: Recording): Generator<string> {
  const mask = createMask()
  const masked = (value: object) => JSON.stringify(value, mask)
  const { program, madeUsec, host, units, state, steps } = recording
  const head: Row = { recording: RECORDING_VERSION, program, madeUsec, host }
  yield JSON.stringify(head)
  for (const unit of units) yield masked(unit)
  const { manager } = state
  const jobs = [...state.jobs.values()]
  yield masked({ state: { manager, units: [...state.units.values()].map(differenceOf), jobs } })
  for (const { event, now, changes, effects } of steps) {
    const row = { event, now, changes: changesRow(changes) }
    // What the engine has put together for a process tells what happened, and is no secret.
    yield `{"step":${masked(row).slice(0, -1)},"effects":${JSON.stringify(effects)}}}`
  }
}

/** Arrays of NAME=VALUE, by the names that they have in units, in the manager's state and in events. */
const ASSIGNMENTS: ReadonlySet<string> = new Set(['environment', 'set', 'unset'])

function createMask(): (key: string, value: unknown) => unknown {
  const known = new Map<string, number>()
  const number = (value: string) => {
    if (!known.has(value)) known.set(value, known.size + 1)
    return known.get(value)
  }
  const masked = (assignment: string) => {
    const at = assignment.indexOf('=')
    return at < 0 ? assignment : `${assignment.slice(0, at)}=*${number(assignment.slice(at + 1))}`
  }
  return (key, value) => {
    if (key === 'setCredentials')
      return (value as { name: string }[]).map(({ name }) => ({ name, data: new Uint8Array() }))
    if (key === 'standardInputData') return null
    if (ASSIGNMENTS.has(key) && Array.isArray(value)) return value.map(masked)
    return encodeValue(value)
  }
}

export function changesRow({ manager, units, jobs }: Changes): ChangesRow {
  const present = [...units.values()].filter(unit => unit !== null)
  const gone = [...units].flatMap(([name, unit]) => (unit ? [] : [name]))
  const queued = [...jobs.values()].filter(job => job !== null)
  const ended = [...jobs].flatMap(([id, job]) => (job ? [] : [id]))
  return {
    ...(manager && { manager }),
    ...(present.length > 0 && { units: present.map(differenceOf) }),
    ...(gone.length > 0 && { gone }),
    ...(queued.length > 0 && { jobs: queued }),
    ...(ended.length > 0 && { ended }),
  }
}

function changesOf({ manager, units = [], gone = [], jobs = [], ended = [] }: ChangesRow): Changes {
  return {
    manager: manager ?? null,
    units: new Map<UnitName, UnitState | null>([
      ...unitStates(units),
      ...gone.map(name => [name, null] as const),
    ]),
    jobs: new Map<number, Job | null>([
      ...jobs.map(job => [job.id, job] as const),
      ...ended.map(id => [id, null] as const),
    ]),
  }
}

const unitStates = (units: readonly object[]) =>
  units.map(each => {
    const state = stateOf(each as Record<string, unknown>)
    return [state.name, state] as const
  })

/** Reads the lines again; the error is a sentence. */
export function readRecording(text: string): Result<Recording, string> {
  const rows: Row[] = []
  for (const [at, line] of text.split('\n').entries()) {
    if (line === '') continue
    try {
      rows.push(JSON.parse(line, (_, value) => decodeValue(value)) as Row)
    } catch {
      return err(`line ${at + 1} is no JSON: a recording is what ctl record writes`)
    }
    if (typeof rows.at(-1) !== 'object' || rows.at(-1) === null)
      return err(`line ${at + 1} is no object: a recording is what ctl record writes`)
  }
  const [head, ...rest] = rows
  if (!head || !('recording' in head)) return err('it is no recording: ctl record writes one')
  if (head.recording !== RECORDING_VERSION)
    return err(
      `it is of version ${head.recording}, and this hearth reads version ${RECORDING_VERSION}: use the hearth that wrote it (${head.program})`,
    )
  const found = rest.find(row => 'state' in row)
  if (!found) return err('it has no state: it was cut off')
  try {
    const { program, madeUsec, host } = head
    const units = rest.filter(row => 'unit' in row)
    const steps = rest.filter(row => 'step' in row)
    if (!units.every(({ unit }) => typeof unit.id === 'string' && Array.isArray(unit.names)))
      return err('a unit in it has no name: it was damaged')
    return ok({
      program,
      madeUsec,
      host,
      units,
      state: stateOfRow(found.state),
      steps: steps.map(({ step }) => ({ ...step, changes: changesOf(step.changes) })),
    })
  } catch {
    return err('a line of it is not as ctl record writes it: it was damaged')
  }
}

const stateOfRow = ({ manager, units, jobs }: StateRow): EngineState => ({
  manager,
  units: new Map(unitStates(units)),
  jobs: new Map(jobs.map(job => [job.id, job])),
})
