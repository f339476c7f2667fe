// What follows when a unit's state has changed: its stamps, its job, those that depend on it.
import type { UnitName } from '../units/unit.ts'
import { failureExitStatus, performAction, successExitStatus } from './actions.ts'
import type { Draft } from './draft.ts'
import type { Relation } from './graph.ts'
import { AUTO_RESTART, isPatient, restartsDirectly } from './hold.ts'
import { isActive, isActiveOrActivating, isDown, isDownOrDeactivating } from './job.ts'
import {
  addOwnJob,
  failJobsOf,
  finishJob,
  recheckBonds,
  recheckNeeds,
  startTriggered,
  wakeNeighbours,
} from './jobs.ts'
import type { ActiveState, Job, JobResult, UnitState } from './state.ts'
import { noteTriggered } from './trigger.ts'

export type Change = {
  name: UnitName
  /** Before and after. */
  from: ActiveState
  to: ActiveState
  fromSub: string
  toSub: string
  /** Whether the unit was about to come back by itself (hold.ts), and whether it still is. */
  wasRecovering: boolean
  isRecovering: boolean
  /** ExecCondition= ended the start. */
  skipped: boolean
  /** What is to be started is not to be had. */
  refused: boolean
}

/** Draws the consequences of a change of state (unit.c, unit_notify). */
export function afterChange(draft: Draft, change: Change): void {
  const { name, to } = change
  draft.setUnit(stamped(draft, change))
  noteTriggered(draft, name, change.from)
  const job = draft.jobOf(name)
  const isExpected = job !== null && advanceJob(draft, job, change)
  if (!isExpected) propagateUnexpected(draft, change)
  settleHeld(draft, change)
  startWhatFollows(draft, change)
  if (isDown(to)) {
    draft.graph.release(name)
    recheckNeeds(draft, name)
  }
  if (isActive(to)) {
    for (const other of draft.graph.related(name, 'upholds')) draft.recheck('upheld', other)
    recheckBonds(draft, name)
  }
}

function stamped(draft: Draft, { name, from, to }: Change): UnitState {
  const { stamp } = draft
  return {
    ...draft.unit(name),
    stateChange: stamp,
    ...(isDown(from) && !isDown(to) && { inactiveExit: stamp }),
    ...(!isDown(from) && isDown(to) && { inactiveEnter: stamp }),
    ...(!isActive(from) && isActive(to) && { activeEnter: stamp }),
    ...(isActive(from) && !isActive(to) && { activeExit: stamp }),
  }
}

/** Ends the unit's job if the new state is what it was for, or shows that it cannot be had. False: the change has
 * nothing to do with the job (unit.c, unit_process_job). */
function advanceJob(draft: Draft, job: Job, change: Change): boolean {
  const { to, skipped, refused } = change
  // The job may have waited for just this state.
  if (job.state === 'waiting') draft.runQueue.add(job.id)
  const isRunning = job.state === 'running'
  const end = (result: JobResult) => finishJob(draft, job, result)
  switch (job.type) {
    case 'start':
    case 'verify-active':
      if (isActive(to)) {
        end('done')
        return true
      }
      // The unit will be tried again, but this attempt has failed: whoever waits for the job is told now.
      if (isRunning && beginsPause(change) && !restartsDirectly(draft, job.unit)) {
        end('failed')
        return false
      }
      if (!isRunning || to === 'activating') return true
      if (isDown(to)) end(to === 'failed' || refused ? 'failed' : skipped ? 'skipped' : 'done')
      return false
    case 'reload':
      if (!isRunning) return true
      if (to === 'active') {
        const result = draft.unit(job.unit).service?.reloadResult ?? 'success'
        end(result === 'success' ? 'done' : 'failed')
        return true
      }
      if (to === 'activating' || to === 'reloading') return true
      if (isDown(to)) end(to === 'failed' ? 'failed' : 'done')
      return false
    default:
      if (isDown(to)) {
        end('done')
        return true
      }
      if (!isRunning || to === 'deactivating') return true
      end('failed')
      return false
  }
}

/** The unit has ended, and begins the pause before its automatic restart. */
const beginsPause = ({ fromSub, toSub }: Change): boolean =>
  toSub === AUTO_RESTART && fromSub !== AUTO_RESTART

const STOPPED_WITH: readonly Relation[] = ['boundBy', 'propagatesStopTo']

/** No job asked for the change: what a job would have pulled in follows now. */
function propagateUnexpected(draft: Draft, change: Change): void {
  const { name, from, to, toSub } = change
  const { graph } = draft
  if (isDown(from) && isActiveOrActivating(to) && toSub !== AUTO_RESTART) {
    const start = (relations: readonly Relation[], mode: 'replace' | 'fail') => {
      for (const relation of relations) {
        for (const other of graph.related(name, relation)) {
          if (isActiveOrActivating(draft.activeState(other))) continue
          if (graph.related(name, 'after').includes(other)) continue
          const wish = { type: 'start', unit: other, mode, by: `a dependency of ${name}` } as const
          addOwnJob(draft, wish, `Cannot start what ${name} needs`)
        }
      }
    }
    start(['requires', 'bindsTo', 'upholds'], 'replace')
    start(['wants'], 'fail')
    stopThose(draft, name, ['conflicts', 'conflictedBy'], () => true)
    return
  }
  const isGoingDown = isActiveOrActivating(from) && isDownOrDeactivating(to)
  if (change.isRecovering) {
    const isNews = isGoingDown || beginsPause(change)
    if (isNews && !restartsDirectly(draft, name)) {
      stopThose(draft, name, STOPPED_WITH, other => !isPatient(draft, other))
    }
    return
  }
  if (isGoingDown || (change.wasRecovering && isDown(to))) {
    stopThose(draft, name, STOPPED_WITH, () => true)
  }
}

function stopThose(
  draft: Draft,
  name: UnitName,
  relations: readonly Relation[],
  isMeant: (unit: UnitName) => boolean,
): void {
  for (const relation of relations) {
    for (const other of draft.graph.related(name, relation)) {
      if (isDownOrDeactivating(draft.activeState(other)) || !isMeant(other)) continue
      const why = `Cannot stop it though ${name} changed`
      addOwnJob(draft, { type: 'stop', unit: other, mode: 'replace' }, why)
    }
  }
}

/** Those that were held while the unit recovered go on when it is up, and fail when it is given up. */
function settleHeld(draft: Draft, change: Change): void {
  const { name, to } = change
  if (change.isRecovering) {
    // In the pause before a restart, those that do not wait are told as if the unit had failed for good.
    const isImpatient = (other: UnitName) =>
      !isPatient(draft, other) && draft.graph.related(other, 'after').includes(name)
    if (beginsPause(change) && !restartsDirectly(draft, name)) {
      failJobsOf(draft, name, ['requiredBy', 'requisiteOf', 'boundBy'], isImpatient)
    }
    return
  }
  if (!change.wasRecovering || draft.jobOf(name)) return
  if (isDown(to)) {
    failJobsOf(draft, name, ['requiredBy', 'requisiteOf', 'boundBy'], other =>
      draft.graph.related(other, 'after').includes(name),
    )
  }
  wakeNeighbours(draft, name)
}

/** OnFailure=, OnSuccess=, FailureAction= and SuccessAction=. The end of the pause before an automatic restart is no
 * ending of its own: the start that follows will tell. */
function startWhatFollows(draft: Draft, { name, from, to, fromSub }: Change): void {
  const { failureAction, successAction } = draft.graph.unit(name).unit
  if (to === 'failed' && from !== 'failed') {
    startTriggered(draft, name, 'onFailure')
    const status = failureExitStatus(draft, name)
    performAction(draft, name, failureAction, status, `${name} failed, FailureAction=`)
  } else if (to === 'inactive' && !isDown(from) && fromSub !== AUTO_RESTART) {
    startTriggered(draft, name, 'onSuccess')
    const status = successExitStatus(draft, name)
    performAction(draft, name, successAction, status, `${name} ended, SuccessAction=`)
  }
}
