// Methods that act on units: jobs, signals, and waiting for what comes of them.
import { err, ok } from 'neverthrow'
import { machineOf } from '../engine/machines.ts'
import type { JobType } from '../engine/state.ts'
import type { JobMode, Unit, UnitName } from '../units/unit.ts'
import type { Backend, JobAccepted } from './backend.ts'
import { CANCELLED, type Handler, orAborted } from './call.ts'
import { transactionError } from './errors.ts'
import { explain } from './explain.ts'
import { findPresentUnit, matchesAny, resolveUnits } from './resolve.ts'
import type { ControlError, JobOutcome, JobVerb } from './schema.ts'

const SIGTERM = 15

/** The job that does what `verb` asks for: some depend on whether the unit can be reloaded. */
function jobFor(verb: JobVerb, unit: Unit): JobType {
  switch (verb) {
    case 'isolate':
      return 'start'
    case 'reload-or-restart':
      return canReload(unit) ? 'reload-or-start' : 'restart'
    case 'try-reload-or-restart':
      return canReload(unit) ? 'try-reload' : 'try-restart'
    default:
      return verb
  }
}

const canReload = (unit: Unit) => machineOf(unit.type).canReload(unit)

/** Verbs for which a glob that matches nothing is nothing to do: what is not there is down already. */
const LENIENT: ReadonlySet<JobVerb> = new Set(['stop', 'try-restart', 'try-reload-or-restart'])

type Queued = { unit: UnitName; accepted: JobAccepted | null; error: ControlError | null }

/** Queues the jobs, one unit after the other, so that they go in the order of the command line. */
async function queueJobs(
  backend: Backend,
  verb: JobVerb,
  units: readonly UnitName[],
  { mode, by, key }: Pick<RunOptions, 'mode' | 'by' | 'key'>,
): Promise<Queued[]> {
  const queued: Queued[] = []
  for (const name of units) {
    const found = findPresentUnit(backend, name)
    if (found.isErr()) {
      queued.push({ unit: name, accepted: null, error: found.error })
      continue
    }
    const unit = found.value
    const answer = await backend.requestJob(
      jobFor(verb, unit),
      unit.id,
      mode,
      by,
      key && `${key} ${unit.id}`,
    )
    queued.push(
      'job' in answer && 'finished' in answer
        ? { unit: unit.id, accepted: answer, error: null }
        : { unit: unit.id, accepted: null, error: transactionError(backend, unit.id, answer) },
    )
  }
  return queued
}

const toOutcome = ({ unit, accepted, error }: Queued): JobOutcome => ({
  unit,
  job: accepted?.job ?? null,
  result: null,
  explanation: null,
  error,
})

type RunOptions = {
  mode: JobMode
  wait: boolean
  signal: AbortSignal
  /** Who asks, in words. */
  by: string
  key?: string
}

/** Queues the jobs and, with `wait`, waits until each is finished; null when the request was cancelled meanwhile. */
export async function runJobs(
  backend: Backend,
  verb: JobVerb,
  units: readonly UnitName[],
  { wait, signal, ...how }: RunOptions,
): Promise<JobOutcome[] | null> {
  const queued = await queueJobs(backend, verb, units, how)
  if (!wait) return queued.map(toOutcome)
  const outcomes: JobOutcome[] = []
  for (const one of queued) {
    const result = one.accepted ? await orAborted(one.accepted.finished, signal) : null
    if (signal.aborted) return null
    const explanation = result && (await explain(backend, verb, one.unit, result, signal))
    outcomes.push({ ...toOutcome(one), result, explanation })
  }
  return outcomes
}

export const jobs: Handler<'jobs'> = async ({ backend, signal, caller }, params) => {
  const { verb, wait = true } = params
  const mode = verb === 'isolate' ? 'isolate' : (params.mode ?? 'replace')
  // Only a start can be of use to a unit that is not loaded; a glob for another verb would load and start strangers.
  const { units, unmatched } = resolveUnits(backend, params.units, { files: verb === 'start' })
  const { key } = params
  const options = { mode, wait, signal, by: caller(), ...(key !== undefined && { key }) }
  const outcomes = await runJobs(backend, verb, units, options)
  if (outcomes === null) return err(CANCELLED)
  const missing = LENIENT.has(verb) ? [] : unmatched
  return ok({ jobs: [...outcomes, ...missing.map(noOutcome)] })
}

const noOutcome = (error: ControlError): JobOutcome => ({
  unit: error.unit ?? '',
  job: null,
  result: null,
  explanation: null,
  error,
})

export const waitInactive: Handler<'waitInactive'> = async ({ backend, signal }, params) => {
  const { units, unmatched } = resolveUnits(backend, params.units)
  const errors = [...unmatched]
  const present: UnitName[] = []
  for (const name of units) {
    findPresentUnit(backend, name).match(
      unit => present.push(unit.id),
      error => errors.push(error),
    )
  }
  const isDown = (unit: UnitName) => {
    const active = backend.activeState(unit)
    return active === 'inactive' || active === 'failed'
  }
  const up = new Set(present.filter(unit => !isDown(unit)))
  if (up.size > 0) {
    let unsubscribe = () => {}
    const down = new Promise<void>(resolve => {
      unsubscribe = backend.onChange(unit => {
        if (up.has(unit) && isDown(unit)) up.delete(unit)
        if (up.size === 0) resolve()
      })
    })
    await orAborted(down, signal)
    unsubscribe()
    if (signal.aborted) return err(CANCELLED)
  }
  return ok({
    units: present.map(unit => ({
      unit,
      active: backend.activeState(unit),
      result: backend.result(unit),
    })),
    errors,
  })
}

export const listJobs: Handler<'listJobs'> = ({ backend }, { patterns }) =>
  ok({
    jobs: [...backend.state.jobs.values()]
      .filter(job => matchesAny(patterns, [job.unit]))
      .sort((a, b) => a.id - b.id)
      .map(({ id, unit, type, state }) => ({ id, unit, type, state })),
  })

export const cancel: Handler<'cancel'> = ({ backend }, params) => {
  const wanted = params.jobs.length > 0 ? params.jobs : [...backend.state.jobs.keys()]
  const cancelled: number[] = []
  const errors: ControlError[] = []
  for (const job of wanted) {
    if (backend.cancelJob(job)) cancelled.push(job)
    // With all of them asked for, one that went with another is no error.
    else if (params.jobs.length > 0) {
      errors.push({
        code: 'no-such-job',
        message: `cannot cancel job ${job}: there is none of that number`,
        hint: "see those there are with 'ctl list-jobs'",
      })
    }
  }
  return ok({ cancelled, errors })
}

export const kill: Handler<'kill'> = ({ backend }, params) => {
  const { signal = SIGTERM, whom = 'all' } = params
  const { units, unmatched } = resolveUnits(backend, params.units)
  const signalled: { unit: UnitName; signalled: number }[] = []
  const errors = [...unmatched]
  for (const name of units) {
    const found = findPresentUnit(backend, name)
    if (found.isErr()) {
      errors.push(found.error)
      continue
    }
    const unit = found.value.id
    const count = backend.kill(unit, whom, signal)
    if (count === 0 && whom !== 'all') {
      errors.push({
        code: 'failed',
        message: `cannot signal ${unit}: it has no ${whom} process`,
        unit,
      })
    } else signalled.push({ unit, signalled: count })
  }
  return ok({ units: signalled, errors })
}

export const resetFailed: Handler<'resetFailed'> = ({ backend }, params) => {
  if (params.units === undefined || params.units.length === 0) {
    backend.resetFailed(null)
    return ok({ errors: [] })
  }
  const errors: ControlError[] = []
  for (const name of resolveUnits(backend, params.units).units) {
    findPresentUnit(backend, name).match(
      unit => backend.resetFailed(unit.id),
      error => errors.push(error),
    )
  }
  return ok({ errors })
}
