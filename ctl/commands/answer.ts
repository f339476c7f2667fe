// What commands do with the daemon's answers alike.
import type { Result } from 'neverthrow'
import type { ControlError, JobOutcome } from '../../daemon/control/schema.ts'
import { type ClientError, toControlError } from '../client-error.ts'
import type { Context } from '../context.ts'
import { FAILURE, SUCCESS, statusOfRefusal } from '../exit-status.ts'

/** Tells why there is no answer; gives the exit status. */
export function failed(context: Context, error: ClientError): number {
  context.complain(toControlError(error))
  return FAILURE
}

/** Prints an answer, or tells why there is none. `tell` gives the exit status. */
export function answered<T>(
  context: Context,
  answer: Result<T, ClientError>,
  tell: (value: T) => number,
): number {
  return answer.isOk() ? tell(answer.value) : failed(context, answer.error)
}

/** Tells each error; `FAILURE` when there was one. */
export function complainAll(context: Context, errors: readonly ControlError[]): number {
  for (const error of errors) context.complain(error)
  return errors.length > 0 ? FAILURE : SUCCESS
}

/** Tells which jobs were not queued or failed, and why; gives the exit status, the first failure's. */
export function tellOutcomes(context: Context, outcomes: readonly JobOutcome[]): number {
  let status = SUCCESS
  for (const { unit, error, explanation } of outcomes) {
    if (error !== null) {
      context.complain(error)
      status ||= statusOfRefusal(error)
    } else if (explanation !== null) {
      const last = explanation.lines.findLast(line => line.trim() !== '')
      context.complain(
        { code: 'failed', message: explanation.summary, hint: explanation.hint, unit },
        last === undefined ? [] : [`last output: ${last.trim()}`],
      )
      status ||= FAILURE
    }
  }
  return status
}
