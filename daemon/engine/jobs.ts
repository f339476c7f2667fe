// The life of jobs: how they get into the queue, when they may run, and what follows from their end.
import type { UnitName } from '../units/unit.ts'
import { describeTransactionError } from './describe-error.ts'
import type { Draft } from './draft.ts'
import type { TransactionError } from './effect.ts'
import type { Relation } from './graph.ts'
import { AUTO_RESTART, heldBy, isPatient, isRecovering } from './hold.ts'
import { areConflicting, isActive, isDown, isSuperset, mergeAndCollapse, waitsFor } from './job.ts'
import { describeJobEnd } from './job-log.ts'
import type { Planned } from './plan.ts'
import { mayAct } from './self-acts.ts'
import type { Job, JobResult } from './state.ts'
import { buildTransaction, type Transaction, type Wish } from './transaction.ts'
import { noteTriggered } from './trigger.ts'

/** A deadline `spanUsec` from now; a span of 0 or Infinity gives none. */
export const deadlineAfter = (draft: Draft, spanUsec: number): number | null =>
  spanUsec > 0 && spanUsec !== Number.POSITIVE_INFINITY ? draft.now.monotonicUsec + spanUsec : null

/** The earlier of two deadlines, null being none. */
export const earlier = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b)

/** What a wish for a job came to: its id (null: there was nothing to do), or why it was refused. */
export type Wished = Installed | { refused: TransactionError }

/** Adds the jobs of a wish to the queue. Refused while the system shuts down. */
export function addJob(draft: Draft, wish: Wish, cause?: readonly string[]): Wished {
  if (draft.manager.phase === 'stopping') {
    return { refused: { type: 'shutting-down', unit: wish.unit } }
  }
  const built = buildTransaction(draft, wish)
  if (built.isErr()) return { refused: built.error }
  const transaction = built.value
  if (wish.mode === 'isolate' || wish.mode === 'flush') cancelOthers(draft, transaction)
  return installAll(draft, transaction, cause, wish.by)
}

/** `addJob` for jobs that follow from a rule rather than a request: a refusal is a line in the log. */
export function addOwnJob(draft: Draft, wish: Wish, why: string, cause?: readonly string[]): void {
  const added = addJob(draft, wish, cause)
  if (!('refused' in added) || added.refused.type === 'shutting-down') return
  draft.log('warn', wish.unit, `${why}: ${describeTransactionError(added.refused)}`)
}

function cancelOthers(draft: Draft, transaction: Transaction): void {
  const included = new Set(transaction.jobs.map(job => job.unit))
  for (const job of [...draft.jobs()]) {
    if (included.has(job.unit) || draft.graph.unit(job.unit).unit.ignoreOnIsolate) continue
    finishJob(draft, job, 'canceled', { alone: true })
  }
}

/** `job`: the anchor's, null if there is none. `stops`: the other jobs that stop something. */
export type Installed = { job: number | null; stops: readonly number[] }

/** Installs a transaction. */
export function installAll(
  draft: Draft,
  { jobs, anchor, notes }: Transaction,
  cause?: readonly string[],
  by?: string,
): Installed {
  for (const note of notes) draft.log(note.level, note.unit, note.message)
  let job: number | null = null
  const stops: number[] = []
  for (const planned of jobs) {
    const isAnchor = planned === anchor
    const why = isAnchor || !anchor ? by : dependencyOf(anchor.unit, by)
    const installed = install(draft, planned, isAnchor, cause, why)
    if (planned === anchor) job = installed
    else if (planned.type === 'stop') stops.push(installed)
  }
  return { job, stops }
}

/** Why there is a job that was pulled in by that unit's, in words. */
const dependencyOf = (unit: UnitName, by: string | undefined) =>
  by === undefined ? `a dependency of ${unit}` : `${by}, as a dependency of ${unit}`

function install(
  draft: Draft,
  planned: Planned,
  isAnchor: boolean,
  cause: readonly string[] | undefined,
  by: string | undefined,
): number {
  const pending = draft.jobOf(planned.unit)
  if (pending && !areConflicting(pending.type, planned.type)) {
    return mergeInto(draft, pending, planned, isAnchor)
  }
  if (pending) finishJob(draft, pending, 'canceled', { alone: true })
  const job: Job = {
    id: draft.jobId(),
    type: planned.type,
    unit: planned.unit,
    state: 'waiting',
    anchor: isAnchor,
    irreversible: planned.irreversible,
    ignoreOrder: planned.ignoreOrder,
    deadlineUsec: deadlineAfter(draft, draft.graph.unit(planned.unit).unit.jobTimeoutUsec),
    requests: [],
    ...(isAnchor && cause && { cause }),
    ...(by !== undefined && { by }),
  }
  draft.setJob(job)
  draft.runQueue.add(job.id)
  return job.id
}

/** A pending job takes up another for the same unit. */
function mergeInto(draft: Draft, pending: Job, planned: Planned, isAnchor: boolean): number {
  const { conditionToken, ...kept } = pending
  const type = mergeAndCollapse(pending.type, planned.type, draft.activeState(planned.unit))
  // A running job already does all that is asked, unless it is a reload: that one may have read the old configuration.
  const suffices =
    pending.state === 'waiting' ||
    (conditionToken !== undefined && type === 'start') ||
    (planned.type !== 'reload' && isSuperset(pending.type, planned.type))
  draft.setJob({
    ...kept,
    type: type ?? pending.type,
    state: suffices ? pending.state : 'waiting',
    anchor: pending.anchor || isAnchor,
    irreversible: pending.irreversible || planned.irreversible,
    ignoreOrder: pending.ignoreOrder || planned.ignoreOrder,
    ...(suffices && conditionToken !== undefined && { conditionToken }),
  })
  draft.runQueue.add(pending.id)
  return pending.id
}

/** Whether nothing that goes before the job is left: no job that ordering puts first, no recovering unit it needs. */
export function isRunnable(draft: Draft, job: Job): boolean {
  if (job.ignoreOrder) return true
  const after = draft.graph.related(job.unit, 'after')
  const before = draft.graph.related(job.unit, 'before')
  const count = after.length + before.length
  // Begin where the last look ended: while a target waits for a thousand units, each is looked at once, not each time.
  const start = draft.blockers.get(job.id) ?? 0
  for (let i = 0; i < count; i++) {
    const place = (start + i) % count
    const isAfter = place < after.length
    const unit = isAfter ? after[place] : before[place - after.length]
    const other = unit === undefined ? null : draft.jobOf(unit)
    if (other && waitsFor(job, other, isAfter ? 'after' : 'before')) {
      draft.blockers.set(job.id, place)
      return false
    }
  }
  return job.type !== 'start' || heldBy(draft, job.unit) === null
}

/** Looks again at the jobs that a job or the state of the unit may have held back. */
export function wakeNeighbours(draft: Draft, name: UnitName): void {
  for (const relation of ['after', 'before'] as const) {
    for (const other of draft.graph.related(name, relation)) {
      const job = draft.unit(other).job
      if (job !== null) draft.runQueue.add(job)
    }
  }
}

type Finish = {
  /** It goes without pulling down others: it was replaced or flushed. */
  alone?: boolean
  /** There was nothing to do: no line in the log. */
  already?: boolean
}

const START_FAILURE: readonly Relation[] = ['requiredBy', 'requisiteOf', 'boundBy']

/** A job's end. A restart that is done with its stop goes on as a start; everything else leaves the queue. */
export function finishJob(draft: Draft, job: Job, result: JobResult, how: Finish = {}): void {
  const { unit: name, type } = job
  if (!how.already) logEnd(draft, job, result)
  if (result === 'done' && type === 'restart') {
    const { conditionToken: _, ...kept } = job
    draft.setJob({ ...kept, type: 'start', state: 'waiting' })
    draft.runQueue.add(job.id)
    wakeNeighbours(draft, name)
    return
  }
  draft.removeJob(job)
  draft.effects.push({ type: 'job-finished', job: job.id, jobType: type, unit: name, result })
  if (!how.alone) failDependants(draft, job, result)
  if (result === 'timeout' || result === 'dependency') startTriggered(draft, name, 'onFailure')
  // While it had a job it was let alone.
  const active = draft.activeState(name)
  if (isDown(active)) recheckNeeds(draft, name)
  else if (isActive(active)) recheckBonds(draft, name)
  else if (draft.subState(name) === AUTO_RESTART) draft.recheck('stranded', name)
  noteTriggered(draft, name, active)
  wakeNeighbours(draft, name)
}

function failDependants(draft: Draft, { unit: name, type }: Job, result: JobResult): void {
  if (result !== 'done') {
    if (type === 'start' || type === 'verify-active') {
      const isHolding = isRecovering(draft, name)
      failJobsOf(draft, name, START_FAILURE, other => !isHolding || !isPatient(draft, other))
    } else if (type === 'stop') failJobsOf(draft, name, ['conflictedBy'])
    return
  }
  // A start that is done without the unit being active (a condition, a oneshot) is not what Requisite= asks for.
  if ((type === 'start' || type === 'reload') && !isActive(draft.activeState(name))) {
    failJobsOf(draft, name, ['requisiteOf'])
  }
}

/** Fails the start jobs of those in the given relations to the unit with `dependency`. */
export function failJobsOf(
  draft: Draft,
  name: UnitName,
  relations: readonly Relation[],
  isMeant: (unit: UnitName) => boolean = () => true,
): void {
  for (const relation of relations) {
    for (const other of draft.graph.related(name, relation)) {
      const job = draft.jobOf(other)
      if (job?.type !== 'start' && job?.type !== 'verify-active') continue
      if (isMeant(other)) finishJob(draft, job, 'dependency')
    }
  }
}

/** A unit is down: those bound to it, those it needed and those that hold it up are looked at. */
export function recheckNeeds(draft: Draft, name: UnitName): void {
  const { graph } = draft
  for (const other of graph.related(name, 'boundBy')) draft.recheck('bound', other)
  for (const relation of ['requires', 'requisite', 'wants', 'bindsTo', 'upholds'] as const) {
    for (const other of graph.related(name, relation)) {
      if (graph.unit(other).unit.stopWhenUnneeded) draft.recheck('unneeded', other)
    }
  }
  if (graph.related(name, 'upheldBy').length > 0) draft.recheck('upheld', name)
}

/** A unit is up: what it is bound to, and who needs it, are looked at. */
export function recheckBonds(draft: Draft, name: UnitName): void {
  if (draft.graph.unit(name).unit.stopWhenUnneeded) draft.recheck('unneeded', name)
  if (draft.graph.related(name, 'bindsTo').length > 0) draft.recheck('bound', name)
}

/** Starts what OnFailure= or OnSuccess= name, telling them of the unit that ended (systemd.exec(5), $MONITOR_…). */
export function startTriggered(
  draft: Draft,
  name: UnitName,
  relation: 'onFailure' | 'onSuccess',
): void {
  const others = draft.graph.related(name, relation)
  if (others.length === 0 || !mayAct(draft, name, 'never')) return
  const directive = relation === 'onFailure' ? 'OnFailure=' : 'OnSuccess='
  const { onFailureJobMode, onSuccessJobMode } = draft.graph.unit(name).unit
  const mode = relation === 'onFailure' ? onFailureJobMode : onSuccessJobMode
  draft.log('info', name, `Starting what ${directive} names: ${others.join(' ')}`)
  for (const unit of others) {
    const wish: Wish = { type: 'start', unit, mode, by: `${directive} of ${name}` }
    addOwnJob(draft, wish, `Cannot follow ${directive} of ${name}`, monitorOf(draft, name))
  }
}

function monitorOf(draft: Draft, name: UnitName): readonly string[] {
  const state = draft.unit(name)
  const exit = state.service?.main?.exit
  const code = exit && (exit.kind === 'unknown' ? null : exit.kind)
  const status =
    exit && (exit.kind === 'exited' ? exit.status : 'signal' in exit ? exit.signal : null)
  return [
    `MONITOR_UNIT=${name}`,
    ...(state.invocationId ? [`MONITOR_INVOCATION_ID=${state.invocationId}`] : []),
    `MONITOR_SERVICE_RESULT=${draft.machine(name).result(state)}`,
    ...(code ? [`MONITOR_EXIT_CODE=${code}`] : []),
    ...(code && status !== null ? [`MONITOR_EXIT_STATUS=${status}`] : []),
  ]
}

function logEnd(draft: Draft, job: Job, result: JobResult): void {
  const unit = draft.graph.unit(job.unit)
  const { description } = unit.unit
  const wasSkipped =
    job.type === 'start' && result === 'done' && !draft.unit(job.unit).conditionResult
  const line = describeJobEnd(job.type, result, description || job.unit, wasSkipped)
  if (!line) return
  // A target or slice that is built in comes and goes without anybody having asked for it.
  const level = line.level === 'info' && unit.fragmentPath === null ? 'debug' : line.level
  draft.log(level, job.unit, line.message, { job: job.id, type: job.type, result })
}
