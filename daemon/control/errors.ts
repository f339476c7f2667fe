// What the daemon's other rooms refuse, as errors of the protocol.
import { describeTransactionError } from '../engine/describe-error.ts'
import type { TransactionError } from '../engine/effect.ts'
import type { Backend } from './backend.ts'
import { notFound } from './resolve.ts'
import type { ControlError, ErrorCode } from './schema.ts'

const CODES: Readonly<Record<TransactionError['type'], ErrorCode>> = {
  'unit-not-found': 'unit-not-found',
  'unit-not-loaded': 'unit-not-loaded',
  'unit-masked': 'unit-masked',
  'ordering-cycle': 'job-refused',
  destructive: 'job-refused',
  'conflicting-jobs': 'job-refused',
  'job-not-applicable': 'job-not-applicable',
  'refused-manual': 'job-refused',
  'no-isolate': 'job-refused',
  'shutting-down': 'job-refused',
  'set-aside': 'failed',
}

/** Why a job for `unit` was refused. */
export function transactionError(
  backend: Backend,
  unit: string,
  error: TransactionError,
): ControlError {
  if (error.type === 'unit-not-found') {
    const missing = notFound(backend, error.unit)
    return error.wantedBy === null
      ? missing
      : { ...missing, message: describeTransactionError(error), unit }
  }
  const hint = hintOf(error)
  return {
    code: CODES[error.type],
    message: describeTransactionError(error),
    unit,
    ...(hint === null ? {} : { hint }),
  }
}

function hintOf(error: TransactionError): string | null {
  switch (error.type) {
    case 'unit-not-loaded':
      return `see what is wrong with 'ctl verify ${error.unit}'`
    case 'job-not-applicable':
      return error.job === 'reload'
        ? `give it an ExecReload=, or run 'ctl reload-or-restart ${error.unit}'`
        : null
    case 'destructive':
      return "see what is under way with 'ctl list-jobs'"
    default:
      return null
  }
}

/**
 * A failure of the file system, or a refusal in words, that an operation of the backend threw. Anything else is a defect
 * and thrown on.
 */
export function operationError(what: string, error: unknown): ControlError {
  if (error instanceof Error && error.message.startsWith('cannot ')) {
    return { code: 'failed', message: error.message }
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return { code: 'failed', message: `cannot ${what}: ${error.message}` }
  }
  throw error
}

/** What nobody has thought of: the daemon goes on, and whoever asked is told. */
export const describeDefect = (error: unknown): ControlError => ({
  code: 'failed',
  message: `cannot answer: the daemon met a defect of its own: ${error instanceof Error ? error.message : error}`,
  hint: 'see its log, and report it',
})
