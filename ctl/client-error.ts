// What keeps a request from being answered, and its words.
import type { ControlError } from '../daemon/control/schema.ts'

export type ClientError =
  /** No socket is there, or nobody listens on it. */
  | { type: 'not-running'; socket: string }
  /** The file system does not let this user at the socket. */
  | { type: 'not-permitted'; socket: string }
  | { type: 'unreachable'; socket: string; message: string }
  /** The daemon went away, or the connection was closed, before the answer came. */
  | { type: 'disconnected' }
  /** What came is not a message of the protocol. */
  | { type: 'bad-answer'; message: string }
  /** The daemon said no. */
  | { type: 'refused'; error: ControlError }

/** The error in the shape and the words of the protocol. */
export function toControlError(error: ClientError): ControlError {
  switch (error.type) {
    case 'refused':
      return error.error
    case 'not-running':
      return {
        code: 'failed',
        message: `cannot reach the daemon: hearth is not running, nobody listens on ${error.socket}`,
        hint: 'start hearth, or name the socket of a running one with --socket or HEARTH_RUNTIME',
      }
    case 'not-permitted':
      return {
        code: 'not-permitted',
        message: `cannot reach the daemon: you may not open ${error.socket}`,
        hint: 'use sudo, or join the group that hearth was given with --control-group',
      }
    case 'unreachable':
      return {
        code: 'failed',
        message: `cannot reach the daemon on ${error.socket}: ${error.message}`,
        hint: 'check --socket and HEARTH_RUNTIME',
      }
    case 'disconnected':
      return {
        code: 'failed',
        message: 'cannot get an answer: the daemon closed the connection',
        hint: 'see the log of hearth; what was asked for may have been done',
      }
    case 'bad-answer':
      return {
        code: 'bad-request',
        message: `cannot read the answer of the daemon: ${error.message}`,
        hint: 'check that ctl and hearth are of the same version',
      }
  }
}
