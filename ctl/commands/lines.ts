// --lines=N.
import { err, ok, type Result } from 'neverthrow'
import type { ControlError } from '../../daemon/control/schema.ts'

/** The number of lines; null for `all`. */
export function readLines(text: string): Result<number | null, ControlError> {
  if (text === 'all') return ok(null)
  return /^\d{1,9}$/.test(text)
    ? ok(Number(text))
    : err({
        code: 'bad-request',
        message: `cannot show '${text}' lines: --lines= takes a number or all`,
      })
}
