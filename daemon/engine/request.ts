// A job that somebody asks for: may it be, what does it come to, and who waits for it.
import type { Draft } from './draft.ts'
import type { TransactionError } from './effect.ts'
import type { EngineEvent } from './event.ts'
import { collapseJobType, isDown } from './job.ts'
import { addJob, finishJob } from './jobs.ts'
import type { JobType } from './state.ts'

type Request = Extract<EngineEvent, { type: 'job-requested' }>

/** Answers a request with `job-accepted` or `job-refused`. */
export function requestJob(draft: Draft, event: Request): void {
  const { request } = event
  const unit = draft.graph.unit(event.unit)
  const type = typeFor(draft, event.job, event.unit)
  const refused = refusalOf(draft, event, type)
  const added = refused ? { refused } : addJob(draft, { ...wishOf(event), type, unit: unit.id })
  if ('refused' in added) {
    draft.effects.push({ type: 'job-refused', request, error: added.refused })
    return
  }
  const job = added.job === null ? null : draft.job(added.job)
  if (!job) {
    // Nothing to do: try-restart of a unit that is down.
    const id = draft.jobId()
    draft.effects.push(
      { type: 'job-accepted', request, job: id, stops: [] },
      { type: 'job-finished', job: id, jobType: 'nop', unit: unit.id, result: 'done' },
    )
    return
  }
  draft.setJob({ ...job, requests: [...job.requests, request] })
  const stops = type === 'stop' ? added.stops : []
  draft.effects.push({ type: 'job-accepted', request, job: job.id, stops })
}

const wishOf = ({ mode, by }: Request) => ({ mode, ...(by !== undefined && { by }) })

/** What reloads if it can restarts if it cannot. */
function typeFor(draft: Draft, type: JobType, name: string): JobType {
  if (type !== 'reload-or-start' && type !== 'try-reload') return type
  if (draft.canReload(draft.graph.unit(name))) return type
  return type === 'try-reload' ? 'try-restart' : 'restart'
}

/** Refusals that concern requests only: jobs that dependencies ask for are not held to them. */
function refusalOf(draft: Draft, event: Request, type: JobType): TransactionError | null {
  const current = draft.graph.current(event.unit)
  const unit = draft.graph.unit(event.unit)
  if (draft.manager.phase === 'stopping') return { type: 'shutting-down', unit: unit.id }
  const active = draft.activeState(unit.id)
  if (type === 'stop' && active === 'inactive' && !draft.jobOf(unit.id)) {
    if (current.loadState === 'not-found') {
      return { type: 'unit-not-found', unit: current.id, wantedBy: null }
    }
    if (current.loadState === 'bad-setting' || current.loadState === 'error') {
      const reason = current.loadError ?? 'it could not be loaded'
      const { id, loadState } = current
      return { type: 'unit-not-loaded', unit: id, loadState, reason, wantedBy: null }
    }
  }
  if (!event.manual) return null
  const { refuseManualStart, refuseManualStop } = unit.unit
  const does = collapseJobType(type, active)
  const starts =
    type === 'start' || type === 'restart' || type === 'try-restart' || does === 'start'
  const stops = type === 'stop' || type === 'restart' || type === 'try-restart'
  if (refuseManualStart && starts) return { type: 'refused-manual', unit: unit.id, job: 'start' }
  if (refuseManualStop && stops) return { type: 'refused-manual', unit: unit.id, job: 'stop' }
  return null
}

/** Takes a job out of the queue. The jobs of a shutdown stay: what is to stop has to. */
export function cancelJob(draft: Draft, id: number): void {
  const job = draft.job(id)
  if (!job) return
  if (draft.manager.phase === 'stopping' && job.irreversible) {
    draft.log('warn', job.unit, `Job ${id} belongs to the shutdown and is not canceled`)
    return
  }
  finishJob(draft, job, 'canceled')
}

/** Whether nothing is left of a unit but its state: it is down and its file is gone. */
export const isForgettable = (draft: Draft, name: string): boolean =>
  isDown(draft.activeState(name)) &&
  !draft.jobOf(name) &&
  draft.graph.current(name).loadState === 'not-found'
