// What a method is given, and what it answers with.
import type { Result } from 'neverthrow'
import type { Now } from '../engine/event.ts'
import type { Role } from './authorise.ts'
import type { Backend } from './backend.ts'
import type { ControlError, MethodName, Methods } from './schema.ts'

export type Call = {
  backend: Backend
  role: Role
  /** Who asks, in words: the user and the process. */
  caller: () => string
  now: () => Now
  /** Aborts when the request is cancelled or its client is gone. */
  signal: AbortSignal
}

export type StreamingCall<M extends MethodName> = Call & {
  /** Sends a part of a streamed answer; resolves when there is room for another. */
  part: (part: Methods[M]['part']) => Promise<void>
}

type Answer<M extends MethodName> = Result<Methods[M]['result'], ControlError>
export type Handler<M extends MethodName> = (
  call: StreamingCall<M>,
  params: Methods[M]['params'],
) => Answer<M> | Promise<Answer<M>>

export const CANCELLED: ControlError = {
  code: 'cancelled',
  message: 'cannot finish the request: it was cancelled',
}

/** Waits for `promise`, or for the end of the request: then the answer is null. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  if (signal.aborted) return Promise.resolve(null)
  return new Promise((resolve, reject) => {
    const abort = () => resolve(null)
    signal.addEventListener('abort', abort, { once: true })
    promise
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort))
      .catch(() => {}) // told by `reject`
  })
}
