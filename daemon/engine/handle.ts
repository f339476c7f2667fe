// What each kind of event means to the manager.
import type { UnitName } from '../units/unit.ts'
import { failureExitStatus, performAction } from './actions.ts'
import { collect } from './collect.ts'
import { type Draft, unitTypeOf } from './draft.ts'
import type { EngineEvent } from './event.ts'
import { feed } from './feed.ts'
import { finishJob } from './jobs.ts'
import { describeCycle, findCycle } from './order.ts'
import { Plan } from './plan.ts'
import { recheckLater } from './rechecks.ts'
import { cancelJob, isForgettable, requestJob } from './request.ts'
import { conditionsChecked } from './run.ts'
import { beginShutdown } from './shutdown.ts'
import { unreachable } from './unreachable.ts'

export type Indexes = {
  /** The units and jobs whose deadline has come, earliest first. */
  due(): readonly (UnitName | number)[]
  unitsByPid: ReadonlyMap<number, UnitName>
}

/** Takes the event in; jobs that can run because of it are left in the run queue. */
export function handle(draft: Draft, event: EngineEvent, indexes: Indexes): void {
  switch (event.type) {
    case 'job-requested':
      requestJob(draft, event)
      return
    case 'job-cancelled':
      cancelJob(draft, event.job)
      return
    case 'reset-failed':
      resetFailed(draft, event.unit)
      return
    case 'presence':
      // News of a unit that nothing has happened to yet as well.
      feed(draft, event.unit, event)
      return
    case 'conditions-checked':
      conditionsChecked(draft, event)
      return
    case 'spawned':
    case 'spawn-failed':
    case 'killed':
    case 'emptied':
    case 'oom-killed':
    case 'pid-file':
    case 'main-pid-guessed':
    case 'bus-name':
    case 'notify':
    case 'timer-stamp':
    case 'sockets-opened':
    case 'socket-ready':
    case 'socket-broken':
    case 'path-triggered':
    case 'path-failed':
      // An answer about a unit that has been forgotten meanwhile concerns nobody.
      if (draft.isKnown(event.unit)) feed(draft, event.unit, event)
      return
    case 'connection':
      // Taken is taken: a socket that nobody knows any more closes it.
      feed(draft, event.unit, event)
      return
    case 'exited': {
      const name = indexes.unitsByPid.get(event.pid)
      // Others are the runtime's: they were reaped, and `emptied` tells when a unit has none left.
      if (name) feed(draft, name, event)
      return
    }
    case 'wakeup':
      for (const key of indexes.due()) {
        if (typeof key === 'number') timeOut(draft, key)
        else deadlineCame(draft, key)
      }
      return
    case 'clock-set':
      tellTimers(draft, 'clock')
      return
    case 'zone-changed':
      if (event.zone === draft.manager.zone) return
      draft.setManager({ zone: event.zone })
      tellTimers(draft, 'zone')
      return
    case 'units-reloaded':
      unitsReloaded(draft)
      return
    case 'shutdown-requested':
      beginShutdown(draft, { ...event, force: event.force ?? false })
      return
    case 'environment-changed':
      changeEnvironment(draft, event.set, event.unset)
      return
    default:
      unreachable(event)
  }
}

function resetFailed(draft: Draft, unit: UnitName | null): void {
  const names = unit === null ? draft.unitNames() : [draft.graph.unit(unit).id]
  for (const name of names) {
    if (!draft.isKnown(name)) continue
    feed(draft, name, { type: 'reset-failed' })
    const state = draft.unit(name)
    if (state.starts.length > 0 || state.startLimitHit) {
      draft.setUnit({ ...state, starts: [], startLimitHit: false })
    }
    if (isForgettable(draft, name)) draft.forgetUnit(name)
    else collect(draft, name)
  }
}

function deadlineCame(draft: Draft, name: UnitName): void {
  const now = draft.now.monotonicUsec
  const { recheckUsec } = draft.unit(name)
  if (recheckUsec !== undefined && recheckUsec <= now) recheckLater(draft, name)
  const deadlineUsec = draft.machine(name).deadlineUsec(draft.unit(name))
  if (deadlineUsec !== null && deadlineUsec <= now) feed(draft, name, { type: 'deadline' })
}

/** What these wait for is set up when they start, and by their files. */
const TRIGGERING: ReadonlySet<string> = new Set(['timer', 'path'])

function tellTimers(draft: Draft, what: 'clock' | 'zone'): void {
  for (const name of draft.unitNames()) {
    if (unitTypeOf(name) === 'timer') feed(draft, name, { type: 'clock-changed', what })
  }
}

function timeOut(draft: Draft, id: number): void {
  const job = draft.job(id)
  if (!job) return
  const { unit: name } = job
  draft.log('warn', name, `Job ${id} (${job.type}) timed out`)
  finishJob(draft, job, 'timeout')
  const { jobTimeoutAction } = draft.graph.unit(name).unit
  const status = failureExitStatus(draft, name)
  performAction(
    draft,
    name,
    jobTimeoutAction,
    status,
    `a job of ${name} timed out, JobTimeoutAction=`,
  )
}

/** Orderings may be other ones now, and what is down and has no file any more is forgotten. */
function unitsReloaded(draft: Draft): void {
  for (const job of draft.jobs()) draft.runQueue.add(job.id)
  loosenCycles(draft)
  for (const name of draft.unitNames()) {
    if (isForgettable(draft, name)) draft.forgetUnit(name)
    else if (TRIGGERING.has(unitTypeOf(name))) feed(draft, name, { type: 'reloaded' })
  }
}

/** Jobs that were in order when they were queued and wait for each other by the new files. */
function loosenCycles(draft: Draft): void {
  const pending = [...draft.jobs()].map(job => job.unit)
  const none = new Plan(false, false)
  for (;;) {
    const cycle = findCycle(draft, none, pending)
    const job = cycle && draft.jobOf(cycle.at(-1)?.unit ?? '')
    if (!cycle || !job) return
    draft.setJob({ ...job, ignoreOrder: true })
    const message = `Ordering cycle ${describeCycle(cycle)}: its ${job.type} job does not wait for the others`
    draft.log('warn', job.unit, message)
  }
}

/** `NAME=value` takes the place of what NAME was; `unset` holds names, or assignments that have to match as a whole. */
function changeEnvironment(draft: Draft, set: readonly string[], unset: readonly string[]): void {
  const names = new Set(set.map(nameOf))
  const gone = new Set(unset)
  const kept = draft.manager.environment.filter(
    assignment =>
      !names.has(nameOf(assignment)) && !gone.has(nameOf(assignment)) && !gone.has(assignment),
  )
  draft.setManager({ environment: [...kept, ...set] })
}

const nameOf = (assignment: string) => assignment.split('=', 1)[0] ?? assignment
