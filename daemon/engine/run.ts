// Running a job: what start, stop, reload and verify-active come to for a unit in its present state.
import type { UnitName } from '../units/unit.ts'
import { failureExitStatus, performAction } from './actions.ts'
import type { Draft } from './draft.ts'
import type { EngineEvent } from './event.ts'
import { feed } from './feed.ts'
import { AUTO_RESTART } from './hold.ts'
import { isActive, isDown } from './job.ts'
import { deadlineAfter, earlier, finishJob, isRunnable } from './jobs.ts'
import type { Job, JobResult } from './state.ts'

/** Runs every job that can run, and those that can run after them. */
export function runJobs(draft: Draft): void {
  for (const id of draft.runQueue) {
    draft.runQueue.delete(id)
    const job = draft.job(id)
    if (job?.state === 'waiting' && isRunnable(draft, job)) runJob(draft, job)
  }
}

function runJob(draft: Draft, job: Job): void {
  switch (job.type) {
    case 'start':
      start(draft, job)
      return
    case 'stop':
    case 'restart':
      stop(draft, job)
      return
    case 'reload':
      reload(draft, job)
      return
    case 'verify-active':
      verify(draft, job)
      return
    default:
      // Collapsed before they get here.
      finishJob(draft, job, 'done', { already: true })
  }
}

function setRunning(draft: Draft, job: Job, conditionToken?: number): Job {
  const { jobRunningTimeoutUsec } = draft.graph.unit(job.unit).unit
  const running: Job = {
    ...job,
    state: 'running',
    deadlineUsec: earlier(job.deadlineUsec, deadlineAfter(draft, jobRunningTimeoutUsec)),
    ...(conditionToken !== undefined && { conditionToken }),
  }
  draft.setJob(running)
  return running
}

/** Ends the job if it still is the unit's. */
function endIfPending(draft: Draft, { id }: Job, result: JobResult): void {
  const job = draft.job(id)
  if (job) finishJob(draft, job, result)
}

function verify(draft: Draft, job: Job): void {
  const active = draft.activeState(job.unit)
  if (isActive(active)) finishJob(draft, job, 'done', { already: true })
  else if (active !== 'activating') finishJob(draft, job, 'skipped')
}

function start(draft: Draft, job: Job): void {
  const { unit: name } = job
  const active = draft.activeState(name)
  if (isActive(active)) {
    finishJob(draft, job, 'done', { already: true })
    return
  }
  // It waits until the unit is down, or until the automatic restart takes it over.
  if (active === 'deactivating' || draft.subState(name) === AUTO_RESTART) return
  const unit = draft.graph.unit(name)
  if (unit.loadState !== 'loaded') {
    finishJob(draft, job, 'failed')
    return
  }
  if (active === 'activating') {
    setRunning(draft, job)
    return
  }
  if (!takeStart(draft, name)) {
    const running = setRunning(draft, job)
    hitStartLimit(draft, running)
    return
  }
  if (unit.unit.conditions.length > 0 || unit.unit.asserts.length > 0) {
    const token = draft.token()
    setRunning(draft, job, token)
    draft.effects.push({ type: 'check-conditions', unit: name, token })
    return
  }
  draft.setUnit({
    ...draft.unit(name),
    conditionResult: true,
    assertResult: true,
    conditionFailed: null,
    conditionStamp: draft.stamp,
  })
  startChecked(draft, setRunning(draft, job))
}

/** The answer about Condition…= and Assert…=. */
export function conditionsChecked(
  draft: Draft,
  event: Extract<EngineEvent, { type: 'conditions-checked' }>,
): void {
  const { unit: name, condition, assert, failed } = event
  const job = draft.jobOf(name)
  if (job?.conditionToken !== event.token) return
  const { conditionToken: _, ...checked } = job
  draft.setJob(checked)
  draft.setUnit({
    ...draft.unit(name),
    conditionResult: condition,
    // Asserts are not looked at when a condition does not hold.
    assertResult: condition && assert,
    conditionFailed: condition ? null : failed,
    conditionStamp: draft.stamp,
  })
  if (!condition) {
    if (failed) draft.log('info', name, `Skipped: ${failed} does not hold`)
    finishJob(draft, checked, 'done')
  } else if (!assert) {
    if (failed) draft.log('warn', name, `${failed} does not hold`)
    finishJob(draft, checked, 'assert')
  } else startChecked(draft, checked)
}

function startChecked(draft: Draft, job: Job): void {
  const { unit: name } = job
  const missing = missingBinding(draft, name)
  if (missing) {
    draft.log('warn', name, `Bound to ${missing}, which is not active`)
    finishJob(draft, job, 'dependency')
    return
  }
  const { cause: _, startedBy: __, ...state } = draft.unit(name)
  const { cause, by } = job
  draft.setUnit({ ...state, ...(cause && { cause }), ...(by !== undefined && { startedBy: by }) })
  feed(draft, name, { type: 'start' })
  // What has not moved cannot be waited for.
  const active = draft.activeState(name)
  if (isDown(active)) endIfPending(draft, job, active === 'failed' ? 'failed' : 'done')
}

/** A unit that has to be active with this one (BindsTo=, ordered before it) and is not. */
function missingBinding(draft: Draft, name: UnitName): UnitName | undefined {
  const { graph } = draft
  return graph
    .related(name, 'bindsTo')
    .find(
      other => !isActive(draft.activeState(other)) && graph.related(name, 'after').includes(other),
    )
}

function stop(draft: Draft, job: Job): void {
  const { unit: name } = job
  if (isDown(draft.activeState(name))) {
    finishJob(draft, job, 'done', { already: true })
    return
  }
  setRunning(draft, job)
  feed(draft, name, { type: 'stop' })
}

function reload(draft: Draft, job: Job): void {
  const { unit: name } = job
  const active = draft.activeState(name)
  if (active === 'reloading') return // after that
  const unit = draft.graph.unit(name)
  if (active !== 'active') {
    finishJob(draft, job, 'invalid')
    return
  }
  const running = setRunning(draft, job)
  if (draft.machine(name).canReload(unit)) feed(draft, name, { type: 'reload' })
  // A unit that only passes the reload on is done with that.
  if (draft.activeState(name) === 'active') endIfPending(draft, running, 'done')
}

/** Targets, slices and the like are cheap: no limit, as in systemd. */
const UNLIMITED: ReadonlySet<string> = new Set(['target', 'slice', 'scope', 'device'])

/** Counts a start; false: StartLimitBurst= is reached (systemd.unit(5), StartLimitIntervalSec=). The interval is counted
 * from its first start, not from each. */
function takeStart(draft: Draft, name: UnitName): boolean {
  const { unit, type } = draft.graph.unit(name)
  const { startLimitIntervalUsec: interval, startLimitBurst: burst } = unit
  if (interval <= 0 || burst <= 0 || UNLIMITED.has(type)) return true
  const state = draft.unit(name)
  const now = draft.now.monotonicUsec
  const isNew = state.starts[0] === undefined || now - state.starts[0] > interval
  if (!isNew && state.starts.length >= burst) return false
  const starts = isNew ? [now] : [...state.starts, now]
  draft.setUnit({ ...state, starts, startLimitHit: false })
  return true
}

function hitStartLimit(draft: Draft, job: Job): void {
  const { unit: name } = job
  const { startLimitAction } = draft.graph.unit(name).unit
  draft.setUnit({ ...draft.unit(name), startLimitHit: true })
  feed(draft, name, { type: 'start-limit-hit' })
  const status = failureExitStatus(draft, name)
  performAction(
    draft,
    name,
    startLimitAction,
    status,
    `${name} was started too often, StartLimitAction=`,
  )
  endIfPending(draft, job, 'failed')
}
