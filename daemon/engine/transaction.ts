// Transactions: all the jobs that one wish pulls in, made consistent with each other and with the jobs that are pending.
// Pure: nothing is changed by building one. The steps are those of systemd's manager.
import { err, ok, type Result } from 'neverthrow'
import type { JobMode, Unit, UnitName } from '../units/unit.ts'
import type { TransactionError } from './effect.ts'
import type { Graph } from './graph.ts'
import {
  areConflicting,
  collapseJobType,
  isActiveOrActivating,
  isDown,
  isRedundant,
  mergeAndCollapse,
} from './job.ts'
import { breakCycles } from './order.ts'
import { type Note, Plan, type Planned } from './plan.ts'
import type { ActiveState, Job, JobType } from './state.ts'

/** What a transaction is built from. */
export type TransactionView = {
  graph: Graph
  activeState(unit: UnitName): ActiveState
  jobOf(unit: UnitName): Job | null
  canReload(unit: Unit): boolean
  /** The units that are not down or have a job. */
  live(): Iterable<UnitName>
}

export type Wish = { type: JobType; unit: UnitName; mode: JobMode }

/** Jobs to be installed together; `jobs` is empty when the wish came to nothing to do (`nop`). */
export type Transaction = {
  anchor: Planned | null
  jobs: readonly Planned[]
  notes: readonly Note[]
}

/** The transaction for a wish, or why it cannot be (systemd.unit(5); systemctl(1), --job-mode=). */
export function buildTransaction(
  view: TransactionView,
  wish: Wish,
): Result<Transaction, TransactionError> {
  const unit = view.graph.unit(wish.unit)
  if (wish.mode === 'isolate' && !unit.unit.allowIsolate) {
    return err({ type: 'no-isolate', unit: unit.id })
  }
  if (
    (wish.mode === 'isolate' || wish.mode === 'restart-dependencies') &&
    wish.type !== 'start' &&
    wish.type !== 'reload-or-start'
  ) {
    return err({ type: 'job-not-applicable', unit: unit.id, job: wish.type })
  }
  const type = collapseJobType(wish.type, view.activeState(unit.id))
  if (type === 'nop') return ok({ anchor: null, jobs: [], notes: [] })
  const builder = new Builder(view, wish.mode)
  const refused = builder.add(type, unit.id, null, 'matters')
  if (refused) return err(refused)
  const { plan } = builder
  const anchor = plan.only(unit.id)
  plan.anchor = anchor
  if (wish.mode === 'isolate') builder.addIsolateStops(anchor)
  return activate(view, plan, wish.mode, builder.notes).map(() => ({
    anchor: plan.only(unit.id),
    jobs: plan.jobs(),
    notes: builder.notes,
  }))
}

/** Makes what was pulled in consistent, or says what contradicts. */
function activate(
  view: TransactionView,
  plan: Plan,
  mode: JobMode,
  notes: Note[],
): Result<void, TransactionError> {
  const collectGarbage = () => {
    if (mode !== 'isolate') plan.collectGarbage()
  }
  plan.markWhatMatters()
  if (mode === 'fail') minimizeImpact(view, plan)
  dropRedundant(view, plan)
  collectGarbage()
  const cycle = breakCycles(view, plan, notes, collectGarbage)
  if (cycle) return err(cycle)
  for (;;) {
    const conflict = findConflict(view, plan)
    if (!conflict) break
    const dropped = chooseUnmergeable(conflict)
    if (!dropped) {
      const jobs = conflict.map(job => job.type)
      return err({ type: 'conflicting-jobs', unit: conflict[0].unit, jobs })
    }
    plan.delete(dropped, true)
    collectGarbage()
  }
  for (const unit of plan.units()) {
    plan.merge(unit, (a, b) => mergeAndCollapse(a, b, view.activeState(unit)) ?? a)
  }
  dropRedundant(view, plan)
  for (const job of plan.jobs()) {
    const pending = view.jobOf(job.unit)
    if (!pending || !(mode === 'fail' || pending.irreversible)) continue
    if (areConflicting(pending.type, job.type)) {
      return err({
        type: 'destructive',
        unit: job.unit,
        job: job.type,
        pending: pending.type,
      })
    }
  }
  return ok(undefined)
}

/** Drops what the anchor does not need and what would stop a running unit or reverse a pending job. */
function minimizeImpact(view: TransactionView, plan: Plan): void {
  for (const job of plan.jobs()) {
    if (job.matters || !plan.has(job)) continue
    const stopsRunning = job.type === 'stop' && isActiveOrActivating(view.activeState(job.unit))
    const pending = view.jobOf(job.unit)
    if (stopsRunning || (pending && areConflicting(job.type, pending.type))) plan.delete(job, true)
  }
}

/** Drops the jobs of every unit all of whose jobs would change nothing. */
function dropRedundant(view: TransactionView, plan: Plan): void {
  for (const unit of plan.units()) {
    const jobs = plan.of(unit)
    const pending = view.jobOf(unit)
    const active = view.activeState(unit)
    const isKept = (job: Planned) =>
      job === plan.anchor ||
      !isRedundant(job.type, active) ||
      (pending !== null && areConflicting(job.type, pending.type))
    if (jobs.some(isKept)) continue
    for (const job of [...jobs]) plan.delete(job, false)
  }
}

type Conflict = readonly [Planned, Planned]

function findConflict(view: TransactionView, plan: Plan): Conflict | null {
  for (const unit of plan.units()) {
    const jobs = plan.of(unit)
    const [first, ...others] = jobs
    if (!first || others.length === 0) continue
    let merged: JobType | null = first.type
    for (const other of others) {
      merged = mergeAndCollapse(merged, other.type, view.activeState(unit))
      // If a and b together do not go with c, then a or b alone does not go with it.
      if (merged === null) return contradicting(jobs)
    }
  }
  return null
}

function contradicting(jobs: readonly Planned[]): Conflict | null {
  for (const [place, a] of jobs.entries()) {
    const b = jobs.slice(place + 1).find(other => areConflicting(a.type, other.type))
    if (b) return [a, b]
  }
  return null
}

/** Which of two contradicting jobs goes: one that does not matter, and rather a stop than a start, unless the stop is
 * there because of Conflicts=. Null: both matter. */
function chooseUnmergeable([a, b]: Conflict): Planned | null {
  if (a.matters && b.matters) return null
  if (a.matters) return b
  if (b.matters) return a
  if (a.type === 'stop') return a.isConflictedBy() ? b : a
  if (b.type === 'stop') return b.isConflictedBy() ? a : b
  return a
}

/** How a job is tied to the one that pulls it in: `matters` means that the latter falls with it. */
type Tie = 'matters' | 'conflicts' | 'ignored'

class Builder {
  readonly plan: Plan
  readonly notes: Note[] = []
  readonly #view: TransactionView
  readonly #mode: JobMode

  constructor(view: TransactionView, mode: JobMode) {
    this.#view = view
    this.#mode = mode
    this.plan = new Plan(mode === 'replace-irreversibly', mode === 'ignore-dependencies')
  }

  /** Adds a job and all that it pulls in. An error comes back only if `tie` is not `ignored`. */
  add(type: JobType, name: UnitName, by: Planned | null, tie: Tie): TransactionError | null {
    const refused = this.#refusal(type, name, by)
    if (refused) return this.#passOver(refused, name, by, tie)
    const unit = this.#view.graph.unit(name)
    const { job, isNew } = this.plan.add(type, unit.id)
    if (by) this.plan.link(by, job, tie !== 'ignored', tie === 'conflicts')
    if (!isNew || this.#mode === 'ignore-dependencies' || this.#mode === 'ignore-requirements') {
      return null
    }
    const failed = this.#pullIn(job, by === null)
    if (!failed) return null
    // Unlike systemd, which leaves the job in the transaction when the one that pulled it in can do without it: a unit
    // that requires something that cannot be had is not started.
    if (by) this.plan.delete(job, true)
    return this.#passOver(failed, name, by, tie)
  }

  #refusal(type: JobType, name: UnitName, by: Planned | null): TransactionError | null {
    const { graph } = this.#view
    const wantedBy = by?.unit ?? null
    if (type !== 'stop') {
      const now = graph.current(name)
      switch (now.loadState) {
        case 'loaded':
          break
        case 'not-found':
          return { type: 'unit-not-found', unit: now.id, wantedBy }
        case 'masked':
          return { type: 'unit-masked', unit: now.id, wantedBy }
        default: {
          const reason = now.loadError ?? 'it could not be loaded'
          return {
            type: 'unit-not-loaded',
            unit: now.id,
            loadState: now.loadState,
            reason,
            wantedBy,
          }
        }
      }
    }
    if (type === 'reload' && !this.#view.canReload(graph.unit(name))) {
      return { type: 'job-not-applicable', unit: name, job: type }
    }
    return null
  }

  #passOver(error: TransactionError, name: UnitName, by: Planned | null, tie: Tie) {
    if (tie !== 'ignored') return error
    const isAbsence = 'unit' in error && error.unit === name && error.type !== 'unit-not-loaded'
    if (by && !isAbsence) {
      this.notes.push({ level: 'warn', unit: by.unit, message: passedOver(error, name) })
    }
    return null
  }

  #pullIn(job: Planned, isAnchor: boolean): TransactionError | null {
    const starts = job.type === 'start' || job.type === 'restart'
    const stops = job.type === 'stop' || job.type === 'restart'
    const restarts =
      job.type === 'restart' || (isAnchor && starts && this.#mode === 'restart-dependencies')
    return (
      (starts ? this.#pullInForStart(job) : null) ??
      (stops || restarts ? this.#propagateStop(job, restarts, stops) : null) ??
      (job.type === 'reload' ? this.#propagateReload(job) : null)
    )
  }

  #pullInForStart(job: Planned): TransactionError | null {
    const { graph } = this.#view
    const each = (
      relations: Parameters<Graph['related']>[1][],
      type: JobType,
      tie: Tie,
    ): TransactionError | null => {
      for (const relation of relations) {
        for (const other of graph.related(job.unit, relation)) {
          const error = this.add(type, other, job, tie)
          if (error && error.type !== 'job-not-applicable') return error
        }
      }
      return null
    }
    return (
      each(['requires', 'bindsTo'], 'start', 'matters') ??
      each(['wants', 'upholds'], 'start', 'ignored') ??
      each(['requisite'], 'verify-active', 'matters') ??
      each(['conflicts'], 'stop', 'conflicts') ??
      each(['conflictedBy'], 'stop', 'ignored')
    )
  }

  /** A stop goes on as a stop, a restart as a try-restart, so that what is down stays down. */
  #propagateStop(job: Planned, restarts: boolean, stops: boolean): TransactionError | null {
    const { graph, activeState } = this.#view
    const dependants = [
      ...graph.related(job.unit, 'requiredBy'),
      ...graph.related(job.unit, 'requisiteOf'),
      ...graph.related(job.unit, 'boundBy'),
      ...graph.related(job.unit, 'consistsOf'),
    ]
    for (const other of dependants) {
      const type = restarts ? collapseJobType('try-restart', activeState(other)) : 'stop'
      if (type === 'nop') continue
      const error = this.add(type, other, job, 'matters')
      if (error && error.type !== 'job-not-applicable') return error
    }
    if (!stops) return null
    const restarted = new Set(restarts ? dependants : [])
    for (const other of graph.related(job.unit, 'propagatesStopTo')) {
      if (restarted.has(other)) continue
      const error = this.add('stop', other, job, 'matters')
      if (error && error.type !== 'job-not-applicable') return error
    }
    return null
  }

  #propagateReload(job: Planned): null {
    for (const other of this.#view.graph.related(job.unit, 'propagatesReloadTo')) {
      const type = collapseJobType('try-reload', this.#view.activeState(other))
      if (type !== 'nop') this.add(type, other, job, 'ignored')
    }
    return null
  }

  /** Isolating stops every unit that is not pulled in, but those with IgnoreOnIsolate=yes. */
  addIsolateStops(anchor: Planned): void {
    const { graph, activeState, jobOf } = this.#view
    for (const name of this.#view.live()) {
      if (graph.unit(name).unit.ignoreOnIsolate || this.plan.of(name).length > 0) continue
      if (isDown(activeState(name)) && !jobOf(name)) continue
      this.add('stop', name, anchor, 'matters')
    }
  }
}

function passedOver(error: TransactionError, name: UnitName): string {
  const cause = 'unit' in error && error.unit !== name ? ` because of ${error.unit}` : ''
  return `Passing over ${name}, which is wanted but cannot be started${cause} (${error.type})`
}
