// Transactions: all the jobs that one wish pulls in, made consistent with each other and with the jobs that are pending.
// Pure: nothing is changed by building one. The steps are those of systemd's manager.
import { err, ok, type Result } from 'neverthrow'
import type { JobMode, Unit, UnitName } from '../units/unit.ts'
import { describeTransactionError } from './describe-error.ts'
import type { TransactionError } from './effect.ts'
import type { Graph, Relation } from './graph.ts'
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

export type Wish = {
  type: JobType
  unit: UnitName
  mode: JobMode
  /** Who or what asks for it, in words. */
  by?: string
}

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
  const hadSeveral = plan.units().some(unit => plan.of(unit).length > 1)
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
  if (hadSeveral) {
    // One job of each unit was looked at before; which one it has, and what needs it, is settled only now.
    plan.markWhatMatters()
    const lateCycle = breakCycles(view, plan, notes, collectGarbage)
    if (lateCycle) return err(lateCycle)
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

/** Those that a stop or restart of the unit concerns. */
const DEPENDANTS: readonly Relation[] = ['requiredBy', 'requisiteOf', 'boundBy', 'consistsOf']

/** How a job is tied to the one that pulls it in: with `matters` and `conflicts` the latter falls with it. */
type Tie = 'matters' | 'conflicts' | 'ignored'
type Pull = { type: JobType; unit: UnitName; tie: Tie }
/** A job whose pulls are being followed. */
type Frame = { job: Planned; by: Planned | null; tie: Tie; pulls: readonly Pull[]; next: number }

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

  /** Adds a job and all that it pulls in, depth first; or says why it cannot be. */
  add(type: JobType, name: UnitName, by: Planned | null, tie: Tie): TransactionError | null {
    // An explicit stack: a chain of units may be longer than the program's stack is deep.
    const frames: Frame[] = []
    const refused = this.#enter(frames, { type, unit: name, tie }, by)
    if (refused) return refused
    for (let top = frames.at(-1); top; top = frames.at(-1)) {
      const pull = top.pulls[top.next++]
      if (!pull) {
        frames.pop()
        continue
      }
      const error = this.#enter(frames, pull, top.job)
      const fatal = error && this.#unwind(frames, error, pull)
      if (fatal) return fatal
    }
    return null
  }

  #enter(frames: Frame[], { type, unit, tie }: Pull, by: Planned | null): TransactionError | null {
    const refused = this.#refusal(type, unit, by)
    if (refused) return refused
    const { id } = this.#view.graph.unit(unit)
    const { job, isNew } = this.plan.add(type, id)
    if (by) this.plan.link(by, job, tie !== 'ignored', tie === 'conflicts')
    const isAlone = this.#mode === 'ignore-dependencies' || this.#mode === 'ignore-requirements'
    if (isNew && !isAlone)
      frames.push({ job, by, tie, pulls: this.#pulls(job, by === null), next: 0 })
    return null
  }

  /** A pull failed: the jobs that cannot be without it fall, up to one that can. The error comes back if none can. */
  #unwind(frames: Frame[], error: TransactionError, pull: Pull): TransactionError | null {
    let { tie, unit } = pull
    for (let top = frames.at(-1); top; top = frames.at(-1)) {
      if (tie === 'ignored') {
        this.#passOver(error, unit, top.job.unit)
        return null
      }
      if (error.type === 'job-not-applicable') return null
      // Unlike systemd, which leaves the job in the transaction when the one that pulled it in can do without it: a unit
      // that requires something that cannot be had is not started.
      frames.pop()
      if (top.by === null) return error
      this.plan.delete(top.job, true)
      tie = top.tie
      unit = top.job.unit
    }
    return error
  }

  #refusal(type: JobType, name: UnitName, by: Planned | null): TransactionError | null {
    const { graph } = this.#view
    const wantedBy = by?.unit ?? null
    if (type !== 'stop') {
      const { id, loadState, loadError } = graph.current(name)
      switch (loadState) {
        case 'loaded':
          break
        case 'not-found':
          return { type: 'unit-not-found', unit: id, wantedBy }
        case 'masked':
          return { type: 'unit-masked', unit: id, wantedBy }
        default: {
          const reason = loadError ?? 'it could not be loaded'
          return { type: 'unit-not-loaded', unit: id, loadState, reason, wantedBy }
        }
      }
    }
    if (type === 'reload' && !this.#view.canReload(graph.unit(name))) {
      return { type: 'job-not-applicable', unit: name, job: type }
    }
    return null
  }

  /** A unit that is wanted and simply not there, or masked, is no news. */
  #passOver(error: TransactionError, name: UnitName, by: UnitName): void {
    const isItself = 'unit' in error && error.unit === this.#view.graph.unit(name).id
    if (isItself && error.type !== 'unit-not-loaded') return
    const why = describeTransactionError(error)
    this.notes.push({ level: 'warn', unit: by, message: `Doing without ${name}: ${why}` })
  }

  /** What a job asks for, in order. */
  #pulls(job: Planned, isAnchor: boolean): Pull[] {
    const pulls: Pull[] = []
    const starts = job.type === 'start' || job.type === 'restart'
    const stops = job.type === 'stop' || job.type === 'restart'
    const restarts =
      job.type === 'restart' || (isAnchor && starts && this.#mode === 'restart-dependencies')
    if (starts) {
      this.#pull(pulls, job, ['requires', 'bindsTo'], 'start', 'matters')
      this.#pull(pulls, job, ['wants', 'upholds'], 'start', 'ignored')
      this.#pull(pulls, job, ['requisite'], 'verify-active', 'matters')
      this.#pull(pulls, job, ['conflicts'], 'stop', 'conflicts')
      this.#pull(pulls, job, ['conflictedBy'], 'stop', 'ignored')
    }
    // A stop goes on as a stop, a restart as a try-restart, so that what is down stays down.
    if (restarts) this.#pull(pulls, job, DEPENDANTS, 'try-restart', 'matters')
    else if (stops) this.#pull(pulls, job, DEPENDANTS, 'stop', 'matters')
    if (stops) {
      const restarted = restarts ? this.#related(job, DEPENDANTS) : []
      for (const unit of this.#related(job, ['propagatesStopTo'])) {
        if (!restarted.includes(unit)) pulls.push({ type: 'stop', unit, tie: 'matters' })
      }
    }
    if (job.type === 'reload') {
      this.#pull(pulls, job, ['propagatesReloadTo'], 'try-reload', 'ignored')
    }
    return pulls
  }

  #pull(
    pulls: Pull[],
    job: Planned,
    relations: readonly Relation[],
    type: JobType,
    tie: Tie,
  ): void {
    for (const relation of relations) {
      for (const unit of this.#view.graph.related(job.unit, relation)) {
        const isConditional = type === 'try-restart' || type === 'try-reload'
        const asked = isConditional ? collapseJobType(type, this.#view.activeState(unit)) : type
        if (asked !== 'nop') pulls.push({ type: asked, unit, tie })
      }
    }
  }

  #related(job: Planned, relations: readonly Relation[]): UnitName[] {
    return relations.flatMap(relation => this.#view.graph.related(job.unit, relation))
  }

  /** Isolating stops every unit that is not pulled in, but those with IgnoreOnIsolate=yes. */
  addIsolateStops(anchor: Planned): void {
    const view = this.#view
    for (const name of view.live()) {
      if (view.graph.unit(name).unit.ignoreOnIsolate || this.plan.of(name).length > 0) continue
      if (isDown(view.activeState(name)) && !view.jobOf(name)) continue
      this.add('stop', name, anchor, 'matters')
    }
  }
}
