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
  const ends = new Map<
    number,
    { promise: Promise<JobResult>; resolve: (result: JobResult) => void }
  >()
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
          let end = ends.get(effect.job)
          if (!end) {
            let resolve: (result: JobResult) => void = () => {}
            const promise = new Promise<JobResult>(settle => {
              resolve = settle
            })
            end = { promise, resolve }
            ends.set(effect.job, end)
          }
          asked.get(effect.request)?.({ job: effect.job, finished: end.promise })
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
