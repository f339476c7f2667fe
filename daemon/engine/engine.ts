// The manager: takes one event at a time and decides. `step` computes what changes and what is wanted done, and changes
// nothing itself; `commit` makes the changes count.
import type { Unit, UnitName, Units, UnitType } from '../units/unit.ts'
import { createDeadlines } from './deadlines.ts'
import { Draft, unitTypeOf } from './draft.ts'
import type { Effect } from './effect.ts'
import type { EngineEvent, Now } from './event.ts'
import { createGraph, type Graph } from './graph.ts'
import { handle } from './handle.ts'
import { isDown } from './job.ts'
import { earlier } from './jobs.ts'
import type { Host, Machine } from './machine.ts'
import { machineOf as standardMachine } from './machines.ts'
import { recheck } from './rechecks.ts'
import { runJobs } from './run.ts'
import { finishShutdown } from './shutdown.ts'
import type { Changes, EngineState, Job, ManagerState, UnitState } from './state.ts'

export interface Engine {
  /** What is so now. A unit that is not in it is loaded at most and has never been touched: see `initialUnitState`. */
  readonly state: EngineState
  /** Dependencies, inverse ones too. */
  readonly graph: Graph
  /** What follows from the event. The state stays as it is; a defect throws and leaves everything as it was. */
  step(event: EngineEvent, now: Now): { changes: Changes; effects: readonly Effect[] }
  commit(changes: Changes): void
  /** The monotonic moment, microseconds, at which a `wakeup` is due; null: none. */
  nextWakeUsec(): number | null
  /** The unit whose main or control process that is. */
  unitOfPid(pid: number): UnitName | null
}

export type EngineParts = {
  units: Units
  /** 32 hex digits, drawn at random for each boot: invocation ids are derived from it. */
  seed: string
  started: Now
  /** What does not change while it runs. */
  host?: Host
  /** The machine's time zone by its name in the IANA database; UTC by default. */
  zone?: string
  /** The state to go on from, as `step` and `commit` left it. */
  state?: EngineState
  /** Units that the graph of that state kept as they were. */
  kept?: ReadonlyMap<UnitName, Unit>
  /** For tests. */
  machineOf?: (type: UnitType) => Machine
}

const initialManager = ({ seed, started, zone }: EngineParts): ManagerState => ({
  phase: 'starting',
  shutdown: null,
  environment: [],
  nextJob: 1,
  nextToken: 1,
  seed,
  started: { realtimeUsec: started.realtimeUsec, monotonicUsec: started.monotonicUsec },
  zone: zone ?? 'UTC',
})

export function createEngine(parts: EngineParts): Engine {
  const machineOf = parts.machineOf ?? standardMachine
  const host = parts.host ?? { machineId: '', isContainer: true }
  const graph = createGraph(parts.units, parts.kept)
  const units = new Map<UnitName, UnitState>()
  const jobs = new Map<number, Job>()
  let manager = parts.state?.manager ?? initialManager(parts)
  const state: EngineState = {
    get manager() {
      return manager
    },
    units,
    jobs,
  }

  // Derived from the state, and kept in step with it by `commit`.
  const unitsByPid = new Map<number, UnitName>()
  const deadlines = createDeadlines<UnitName | number>()
  const blockers = new Map<number, number>()
  const idle = new Set<UnitName>()

  const setUnit = (name: UnitName, unit: UnitState | null) => {
    const machine = machineOf(unitTypeOf(name))
    const before = units.get(name)
    for (const pid of before ? machine.pids(before) : []) {
      if (unitsByPid.get(pid) === name) unitsByPid.delete(pid)
    }
    if (unit) {
      units.set(name, unit)
      for (const pid of machine.pids(unit)) unitsByPid.set(pid, name)
    } else units.delete(name)
    if (unit?.service?.waitsForOthers && unit.service.sub === 'start') idle.add(name)
    else idle.delete(name)
    deadlines.set(name, unit && earlier(machine.deadlineUsec(unit), unit.recheckUsec ?? null))
  }

  const setJob = (id: number, job: Job | null) => {
    if (job) jobs.set(id, job)
    else {
      jobs.delete(id)
      blockers.delete(id)
    }
    deadlines.set(id, job?.deadlineUsec ?? null)
  }

  const commit = (changes: Changes) => {
    manager = changes.manager ?? manager
    for (const [name, unit] of changes.units) setUnit(name, unit)
    for (const [id, job] of changes.jobs) setJob(id, job)
  }
  if (parts.state) {
    commit({ ...parts.state, manager: null })
    // A unit that nobody has named yet would be missing where it depends on another.
    for (const name of units.keys()) graph.unit(name)
  }

  return {
    state,
    graph,
    step(event, now) {
      if (event.type === 'units-reloaded') {
        blockers.clear()
        graph.reload(name => {
          const unit = units.get(name)
          return unit !== undefined && !isDown(machineOf(unitTypeOf(name)).activeState(unit))
        })
      }
      const draft = new Draft({ state, graph, now, host, machineOf, blockers, idle })
      handle(draft, event, { due: () => deadlines.due(now.monotonicUsec), unitsByPid })
      do runJobs(draft)
      while (recheck(draft))
      if (draft.manager.phase === 'starting' && draft.jobCount === 0 && draft.touchesJobs) {
        draft.setManager({ phase: 'running' })
        draft.log('info', null, 'Startup finished')
      }
      finishShutdown(draft)
      return { changes: draft.changes(), effects: draft.effects }
    },
    commit,
    nextWakeUsec: () => deadlines.earliestUsec(),
    unitOfPid: pid => unitsByPid.get(pid) ?? null,
  }
}
