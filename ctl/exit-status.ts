// Exit statuses, as systemctl(1) has them (those of the LSB).
import type { ControlError } from '../daemon/control/schema.ts'

export const SUCCESS = 0
export const FAILURE = 1
/** is-active and status: the unit is not active. */
export const NOT_ACTIVE = 3
/** status: there is no such unit. */
export const NO_SUCH_UNIT = 4
/** A job of a kind that the unit does not have: a reload. */
const NOT_IMPLEMENTED = 3
const NO_PERMISSION = 4
/** A job for a unit that is not there. */
const NOT_INSTALLED = 5

/** The exit status for a job that was not queued. */
export function statusOfRefusal(error: ControlError): number {
  switch (error.code) {
    case 'unit-not-found':
      return NOT_INSTALLED
    case 'job-not-applicable':
      return NOT_IMPLEMENTED
    case 'not-permitted':
    case 'job-refused':
      return NO_PERMISSION
    default:
      return FAILURE
  }
}
