// Requests for jobs on their way: who asked is answered when the engine accepts or refuses, and again when the job ends. Those
// with a key are kept over a re-execution: their clients come again.
import type { JobAccepted } from './control/backend.ts'
import type { Effect, TransactionError } from './engine/effect.ts'
import type { EngineEvent } from './engine/event.ts'
import type { Job, JobResult, JobType } from './engine/state.ts'
import type { KeptPart } from './runtime/keep.ts'
import type { JobMode, UnitName } from './units/unit.ts'

type Answer = Extract<Effect, { type: 'job-accepted' | 'job-refused' | 'job-finished' }>

export interface Requests {
  /** Asks for a job by hand, `by` whom in words; the promise never rejects. With a `key` that was given before nothing is
   * asked anew. */
  ask(
    job: JobType,
    unit: UnitName,
    mode: JobMode,
    by: string,
    key?: string,
  ): Promise<JobAccepted | TransactionError>
  /** What the engine says of them. */
  answer(effect: Answer): void
  /** What an earlier image has left to be done is done. `jobs`: those that are queued. */
  resumed(jobs: ReadonlyMap<number, Job>): void
}

/** A request with a key; `results` by job. */
type Keyed = {
  request: number
  job: number | null
  stops: number[]
  results: { [job: number]: JobResult }
  error: TransactionError | null
}

/** So many requests with a key are remembered, the latest. */
const MOST_KEYS = 256

export function createRequests(post: (event: EngineEvent) => void, kept: KeptPart): Requests {
  const asked = new Map<number, (answer: JobAccepted | TransactionError) => void>()
  const ends = new Map<number, PromiseWithResolvers<JobResult>>()
  const keyed = new Map<string, Keyed>()
  const keysByRequest = new Map<number, string>()
  const keysByJob = new Map<number, string[]>()
  let last = 0

  /** The promise of a job's end, the same for all who wait. */
  const endOf = (job: number): Promise<JobResult> => {
    const end = ends.get(job) ?? Promise.withResolvers<JobResult>()
    ends.set(job, end)
    return end.promise
  }

  const save = (key: string, entry: Keyed) => kept.put(key, JSON.parse(JSON.stringify(entry)))

  const forget = (key: string) => {
    const entry = keyed.get(key)
    if (!entry) return
    keyed.delete(key)
    keysByRequest.delete(entry.request)
    for (const job of jobsOf(entry)) keysByJob.delete(job)
    kept.drop(key)
  }

  const index = (key: string, entry: Keyed) => {
    keyed.set(key, entry)
    keysByRequest.set(entry.request, key)
    for (const job of jobsOf(entry)) keysByJob.set(job, [...(keysByJob.get(job) ?? []), key])
    const [oldest] = keyed.size > MOST_KEYS ? keyed.keys() : []
    if (oldest !== undefined) forget(oldest)
  }

  for (const [key, { data }] of kept.entries) {
    const entry = data as unknown as Keyed
    last = Math.max(last, entry.request)
    index(key, entry)
  }

  /** The answer that a request with a key has had, or will have. */
  const answerOf = (entry: Keyed): JobAccepted | TransactionError | null => {
    if (entry.error) return entry.error
    if (entry.job === null) return null
    const [own, ...stops] = jobsOf(entry).map(job => entry.results[job] ?? endOf(job))
    const all = Promise.all([own as JobResult | Promise<JobResult>, ...stops])
    return { job: entry.job, finished: all.then(([result]) => result) }
  }

  const change = (key: string, change: (entry: Keyed) => void) => {
    const entry = keyed.get(key)
    if (!entry) return
    change(entry)
    save(key, entry)
  }

  return {
    ask(job, unit, mode, by, key) {
      const before = key === undefined ? undefined : keyed.get(key)
      const known = before && answerOf(before)
      if (known) return Promise.resolve(known)
      const request = ++last
      const { promise, resolve } = Promise.withResolvers<JobAccepted | TransactionError>()
      asked.set(request, resolve)
      if (key !== undefined) {
        const entry = { request, job: null, stops: [], results: {}, error: null }
        index(key, entry)
        save(key, entry)
      }
      post({ type: 'job-requested', request, job, unit, mode, manual: true, by })
      return promise
    },
    answer(effect) {
      switch (effect.type) {
        case 'job-accepted': {
          const { request, job, stops } = effect
          const key = keysByRequest.get(request)
          if (key !== undefined)
            change(key, entry => {
              entry.job = job
              entry.stops = [...stops]
              for (const each of jobsOf(entry))
                keysByJob.set(each, [...(keysByJob.get(each) ?? []), key])
            })
          const own = endOf(job)
          const all = Promise.all([own, ...stops.map(endOf)])
          asked.get(request)?.({ job, finished: all.then(([result]) => result) })
          asked.delete(request)
          return
        }
        case 'job-refused': {
          const key = keysByRequest.get(effect.request)
          if (key !== undefined)
            change(key, entry => {
              entry.error = effect.error
            })
          asked.get(effect.request)?.(effect.error)
          asked.delete(effect.request)
          return
        }
        case 'job-finished':
          for (const key of keysByJob.get(effect.job) ?? [])
            change(key, entry => {
              entry.results[effect.job] = effect.result
            })
          keysByJob.delete(effect.job)
          // Jobs that nobody asked for by hand have no one waiting.
          ends.get(effect.job)?.resolve(effect.result)
          ends.delete(effect.job)
          return
        default:
          return effect satisfies never
      }
    },
    resumed(jobs) {
      for (const job of jobs.values()) for (const each of job.requests) last = Math.max(last, each)
      for (const [key, entry] of keyed) {
        // It never came to the engine: it is asked for when its client comes again.
        if (entry.job === null && entry.error === null) forget(key)
        // Their end was told before they were on record as this request's.
        else
          for (const job of jobsOf(entry))
            if (!jobs.has(job) && entry.results[job] === undefined) entry.results[job] = 'done'
      }
    },
  }
}

const jobsOf = ({ job, stops }: Keyed): number[] => (job === null ? [] : [job, ...stops])
