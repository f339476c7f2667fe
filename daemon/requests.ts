// Requests for jobs on their way: who asked is answered when the engine accepts or refuses, and again when the job ends.
import type { JobAccepted } from './control/backend.ts'
import type { Effect, TransactionError } from './engine/effect.ts'
import type { EngineEvent } from './engine/event.ts'
import type { JobResult, JobType } from './engine/state.ts'
import type { JobMode, UnitName } from './units/unit.ts'

type Answer = Extract<Effect, { type: 'job-accepted' | 'job-refused' | 'job-finished' }>

export interface Requests {
  /** Asks for a job by hand; the promise never rejects. */
  ask(job: JobType, unit: UnitName, mode: JobMode): Promise<JobAccepted | TransactionError>
  /** What the engine says of them. */
  answer(effect: Answer): void
}

export function createRequests(post: (event: EngineEvent) => void): Requests {
  let last = 0
  const asked = new Map<number, (answer: JobAccepted | TransactionError) => void>()
  const ends = new Map<number, PromiseWithResolvers<JobResult>>()
  /** The promise of a job's end, the same for all who wait. */
  const endOf = (job: number): Promise<JobResult> => {
    const end = ends.get(job) ?? Promise.withResolvers<JobResult>()
    ends.set(job, end)
    return end.promise
  }
  return {
    ask(job, unit, mode) {
      const request = ++last
      return new Promise(resolve => {
        asked.set(request, resolve)
        post({ type: 'job-requested', request, job, unit, mode, manual: true })
      })
    },
    answer(effect) {
      switch (effect.type) {
        case 'job-accepted': {
          const own = endOf(effect.job)
          const all = Promise.all([own, ...effect.stops.map(endOf)])
          asked.get(effect.request)?.({ job: effect.job, finished: all.then(([result]) => result) })
          asked.delete(effect.request)
          return
        }
        case 'job-refused':
          asked.get(effect.request)?.(effect.error)
          asked.delete(effect.request)
          return
        case 'job-finished':
          // Jobs that nobody asked for by hand have no one waiting.
          ends.get(effect.job)?.resolve(effect.result)
          ends.delete(effect.job)
          return
        default:
          return effect satisfies never
      }
    },
  }
}
