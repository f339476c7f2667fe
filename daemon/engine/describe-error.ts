// Refusals and results of jobs in words.
import type { TransactionError } from './effect.ts'
import type { JobResult, JobType } from './state.ts'

const VERBS: Record<JobType, string> = {
  start: 'start',
  'verify-active': 'check',
  stop: 'stop',
  reload: 'reload',
  restart: 'restart',
  'try-restart': 'restart',
  'reload-or-start': 'reload or start',
  'try-reload': 'reload',
  nop: 'act on',
}

/** Whom the refusal is about: `web.service requires it` when another unit asked for it. */
const wanting = (unit: string, wantedBy: string | null) =>
  wantedBy === null
    ? `cannot start ${unit}: `
    : `cannot start ${wantedBy}: it requires ${unit}, which `

/** A refusal as one sentence without a trailing period, beginning "cannot". */
export function describeTransactionError(error: TransactionError): string {
  switch (error.type) {
    case 'unit-not-found':
      return error.wantedBy === null
        ? `cannot find the unit ${error.unit}: no unit directory has a file for it`
        : `${wanting(error.unit, error.wantedBy)}was not found`
    case 'unit-not-loaded':
      return error.wantedBy === null
        ? `cannot start ${error.unit}: ${error.reason} (${error.loadState})`
        : `${wanting(error.unit, error.wantedBy)}could not be loaded: ${error.reason} (${error.loadState})`
    case 'unit-masked':
      return error.wantedBy === null
        ? `cannot start ${error.unit}: it is masked; \`ctl unmask ${error.unit}\` lifts that`
        : `${wanting(error.unit, error.wantedBy)}is masked; \`ctl unmask ${error.unit}\` lifts that`
    case 'ordering-cycle':
      return `cannot order the jobs: ${[...error.path, error.path[0]].join(' -> ')} is a cycle of After= and Before=; remove one of them`
    case 'destructive':
      return `cannot ${VERBS[error.job]} ${error.unit}: its ${error.pending} job is pending and may not be replaced`
    case 'conflicting-jobs':
      return `cannot ${error.jobs.map(job => VERBS[job]).join(' and ')} ${error.unit} at once: its dependencies contradict each other`
    case 'job-not-applicable':
      return `cannot ${VERBS[error.job]} ${error.unit}: this kind of job does not apply to it`
    case 'refused-manual':
      return `cannot ${VERBS[error.job]} ${error.unit}: it may be ${error.job === 'stop' ? 'stopped' : 'started'} only as a dependency of another unit (RefuseManual${error.job === 'stop' ? 'Stop' : 'Start'}=)`
    case 'no-isolate':
      return `cannot isolate ${error.unit}: its unit file has no AllowIsolate=yes`
    case 'shutting-down':
      return `cannot act on ${error.unit}: the system is shutting down`
    case 'set-aside':
      return `cannot ${VERBS[error.job]} ${error.unit}: hearth itself fails at it; see its log, and report it`
  }
}

const RESULTS: Record<JobResult, string> = {
  done: 'was done',
  canceled: 'was canceled',
  timeout: 'timed out',
  failed: 'failed',
  dependency: 'failed because a unit it depends on did',
  skipped: 'was skipped',
  invalid: 'was not possible: the unit is not active',
  assert: 'was not done: an Assert…= of the unit does not hold',
  unsupported: 'was not done: this kind of unit is not supported',
  collected: 'was dropped: nothing needed it any more',
  once: 'was not done: the unit can be started only once',
}

/** The end of a job as a clause whose subject is the job: `failed`, `timed out` … */
export const describeJobResult = (result: JobResult): string => RESULTS[result]
