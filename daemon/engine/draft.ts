// One step in the making: what it has changed so far, over the state that it leaves as it is.
import type { Unit, UnitName, UnitType } from '../units/unit.ts'
import type { Effect } from './effect.ts'
import type { Now } from './event.ts'
import type { Graph } from './graph.ts'
import { initialUnitState } from './initial.ts'
import type { Host, Machine } from './machine.ts'
import { createIds, type Ids } from './seed.ts'
import type {
  ActiveState,
  Changes,
  EngineState,
  Job,
  JobType,
  ManagerState,
  Stamp,
  UnitState,
} from './state.ts'
import type { TransactionView } from './transaction.ts'
import { defect } from './unreachable.ts'

/** The type that a unit's name says. */
export const unitTypeOf = (name: UnitName): UnitType =>
  // Most are services: for them no string is made.
  name.endsWith('.service') ? 'service' : (name.slice(name.lastIndexOf('.') + 1) as UnitType)

export type DraftParts = {
  state: EngineState
  graph: Graph
  now: Now
  host: Host
  machineOf: (type: UnitType) => Machine
  /** Where in its list of orderings a waiting job was last found to be held back: a hint that outlives the step. */
  blockers: Map<number, number>
  /** Units that wait for the queue of jobs to be empty. */
  idle: Iterable<UnitName>
}

/** What is to be looked at again once the jobs that can run have run. */
export type Recheck = 'upheld' | 'bound' | 'unneeded' | 'stranded'

export class Draft implements TransactionView {
  readonly graph: Graph
  readonly now: Now
  readonly host: Host
  /** The same moment as the state keeps it. */
  readonly stamp: Stamp
  readonly effects: Effect[] = []
  readonly blockers: Map<number, number>
  /** Ids of waiting jobs that may be able to run now, in order. */
  readonly runQueue = new Set<number>()
  /** Units whose triggering units are to hear of a change, and what they were before it. */
  readonly triggered = new Map<UnitName, ActiveState>()
  /** Units that wait for the queue of jobs to be empty. */
  readonly idle: Set<UnitName>
  readonly rechecks: { what: Recheck; unit: UnitName }[] = []

  readonly #state: EngineState
  readonly #machineOf: (type: UnitType) => Machine
  readonly #units = new Map<UnitName, UnitState | null>()
  #initial: Map<UnitName, UnitState> | null = null
  readonly #jobs = new Map<number, Job | null>()
  #manager: ManagerState | null = null
  #ids: Ids | null = null
  #jobCount: number

  constructor(parts: DraftParts) {
    this.#state = parts.state
    this.graph = parts.graph
    this.now = parts.now
    this.host = parts.host
    this.stamp = {
      realtimeUsec: parts.now.realtimeUsec,
      monotonicUsec: parts.now.monotonicUsec,
    }
    this.#machineOf = parts.machineOf
    this.blockers = parts.blockers
    this.idle = new Set(parts.idle)
    this.#jobCount = parts.state.jobs.size
  }

  get manager(): Readonly<ManagerState> {
    return this.#manager ?? this.#state.manager
  }

  setManager(change: Partial<ManagerState>): void {
    Object.assign(this.#ownManager(), change)
  }

  /** The step's own copy, which may be edited until the step is done: a boot draws thousands of numbers from it. */
  #ownManager(): ManagerState {
    this.#manager ??= { ...this.#state.manager }
    return this.#manager
  }

  /** The state of a unit; one that nothing has happened to yet is dead. */
  unit(name: UnitName): UnitState {
    const changed = this.#units.get(name)
    const state = changed === undefined ? this.#state.units.get(name) : changed
    return state ?? this.#untouched(name)
  }

  #untouched(name: UnitName): UnitState {
    this.#initial ??= new Map()
    let state = this.#initial.get(name)
    if (!state) {
      state = initialUnitState(name, unitTypeOf(name))
      this.#initial.set(name, state)
    }
    return state
  }

  /** Whether the unit has a state of its own. */
  isKnown(name: UnitName): boolean {
    const changed = this.#units.get(name)
    return changed === undefined ? this.#state.units.has(name) : changed !== null
  }

  forgetUnit(name: UnitName): void {
    this.#units.set(name, null)
  }

  setUnit(state: UnitState): void {
    this.#units.set(state.name, state)
  }

  machine(name: UnitName): Machine {
    return this.#machineOf(unitTypeOf(name))
  }

  activeState(name: UnitName): ActiveState {
    return this.machine(name).activeState(this.unit(name))
  }

  subState(name: UnitName): string {
    return this.machine(name).subState(this.unit(name))
  }

  /** Whether a reload job applies: the type reloads, or there is someone to pass the reload on to. */
  canReload(unit: Unit): boolean {
    if (this.#machineOf(unit.type).canReload(unit)) return true
    return unit.type !== 'service' && this.graph.related(unit.id, 'propagatesReloadTo').length > 0
  }

  job(id: number): Job | null {
    const changed = this.#jobs.get(id)
    return changed !== undefined ? changed : (this.#state.jobs.get(id) ?? null)
  }

  jobOf(name: UnitName): Job | null {
    const id = this.unit(name).job
    return id === null ? null : (this.job(id) ?? defect(`job ${id} of ${name} is not in the queue`))
  }

  /** Has the unit looked at when all that can run has run. */
  recheck(what: Recheck, unit: UnitName): void {
    this.rechecks.push({ what, unit })
  }

  /** Whether the unit has a job of that type, waiting or running. */
  hasJob(name: UnitName, type: JobType): boolean {
    return this.jobOf(name)?.type === type
  }

  /** Puts a job in the queue, or replaces it there. */
  setJob(job: Job): void {
    if (!this.job(job.id)) this.#jobCount++
    this.#jobs.set(job.id, job)
    const unit = this.unit(job.unit)
    if (unit.job !== job.id) this.setUnit({ ...unit, job: job.id })
  }

  removeJob(job: Job): void {
    this.#jobs.set(job.id, null)
    this.#jobCount--
    this.runQueue.delete(job.id)
    this.blockers.delete(job.id)
    this.setUnit({ ...this.unit(job.unit), job: null })
  }

  get jobCount(): number {
    return this.#jobCount
  }

  /** Whether the step has put in, changed or taken out a job. */
  get touchesJobs(): boolean {
    return this.#jobs.size > 0
  }

  /** Every job in the queue; a scan, for what concerns all of them. */
  *jobs(): Generator<Job> {
    for (const job of this.#state.jobs.values()) {
      const now = this.job(job.id)
      if (now) yield now
    }
    for (const job of this.#jobs.values()) if (job && !this.#state.jobs.has(job.id)) yield job
  }

  /** The units that are not down or have a job; a scan, for what concerns all of them. */
  *live(): Generator<UnitName> {
    for (const name of this.unitNames()) {
      const active = this.activeState(name)
      if (this.unit(name).job !== null || (active !== 'inactive' && active !== 'failed')) yield name
    }
  }

  /** The names of all units that have a state. */
  unitNames(): UnitName[] {
    const names = new Set([...this.#state.units.keys(), ...this.#units.keys()])
    return [...names].filter(name => this.isKnown(name))
  }

  readonly token = (): number => this.#ownManager().nextToken++

  jobId(): number {
    return this.#ownManager().nextJob++
  }

  readonly invocationId = (): string => {
    this.#ids ??= createIds(this.manager.seed)
    return this.#ids.draw()
  }

  /** A number in [0, 1), new each time. */
  readonly random = (): number => Number.parseInt(this.invocationId().slice(0, 12), 16) / 2 ** 48

  log(
    level: 'debug' | 'info' | 'warn' | 'error',
    unit: UnitName | null,
    message: string,
    fields?: Readonly<Record<string, string | number>>,
  ): void {
    this.effects.push({ type: 'log', level, unit, message, ...(fields && { fields }) })
  }

  changes(): Changes {
    if (this.#ids) this.setManager({ seed: this.#ids.seed() })
    return { manager: this.#manager, units: this.#units, jobs: this.#jobs }
  }
}
