// One connection: its requests are answered one after the other, in their order, as fast as it reads.
import type { Socket } from 'node:net'
import type { Result } from 'neverthrow'
import { permits, type Role, refuseMethod } from './authorise.ts'
import { CANCELLED } from './call.ts'
import { describeDefect } from './errors.ts'
import {
  type ControlError,
  PART_EVENT,
  PROTOCOL_VERSION,
  REPLY_EVENT,
  type Reply,
  type Request,
} from './schema.ts'
import { parseCancel, parseRequest } from './validate.ts'

export type ClientLimits = {
  /** Requests of one connection that wait for their turn. */
  waitingRequests: number
  /** Bytes of them, about. */
  waitingBytes: number
  /** How long a client may leave a reply unread before it is dropped. */
  stallMs: number
  /** How long a connection that was refused may take to read why. */
  lingerMs: number
}

export type ClientParts = {
  socket: Socket
  role: Role
  limits: ClientLimits
  /** Encodes and writes a message; throws an IPCProtocolError when it is too large. */
  write: (event: string, data: unknown) => void
  run: (
    request: Request,
    context: { role: Role; signal: AbortSignal; part: (part: unknown) => Promise<void> },
  ) => Promise<Result<unknown, ControlError>>
  /** Takes down what was thrown where none of this may throw. */
  defect: (error: unknown) => void
}

export interface Client {
  readonly role: Role
  request(data: unknown): void
  cancel(data: unknown): void
  /** Tells the client what is wrong, then closes the connection. */
  dismiss(error: ControlError): void
  /** The client has closed its side: it may still read. */
  ended(): void
  /** The connection is gone. */
  gone(): void
}

type Waiting = { id: number | null; request: Request | ControlError }

export function createClient(parts: ClientParts): Client {
  const { socket, role, limits } = parts
  // Made when there is something to wait: most connections have one request at a time, many none.
  let waiting: Waiting[] | null = null
  let running: { id: number; abort: AbortController; streams: boolean } | null = null
  let busy = false
  let closing = false
  let halfClosed = false
  let readAtIdle = 0

  const reply = (id: number, result: Result<unknown, ControlError>) => {
    if (closing) return
    try {
      parts.write(REPLY_EVENT, toReply(id, result))
    } catch (error) {
      if (!isTooLarge(error)) throw error
      parts.write(REPLY_EVENT, {
        v: PROTOCOL_VERSION,
        id,
        ok: false,
        error: {
          code: 'message-too-large',
          message: 'cannot send the answer: it is too large',
          hint: 'ask for fewer units or lines at once',
        },
      })
    }
  }

  /** Resolves when the client has read enough, or is gone. */
  const room = (patient: boolean): Promise<void> => {
    if (socket.destroyed || !socket.writableNeedDrain) return Promise.resolve()
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(timer)
        socket.off('drain', done)
        socket.off('close', done)
        resolve()
      }
      const timer = patient ? undefined : setTimeout(() => socket.destroy(), limits.stallMs)
      timer?.unref()
      socket.on('drain', done)
      socket.on('close', done)
    })
  }

  const answer = async ({ id, request }: Waiting) => {
    if ('code' in request) {
      refuse(id, request)
      return
    }
    if (!permits(role, request.method)) {
      refuse(request.id, refuseMethod(request.method))
      return
    }
    const abort = new AbortController()
    running = { id: request.id, abort, streams: lastsForever(request) }
    if (halfClosed && running.streams) abort.abort()
    const result = await parts.run(request, {
      role,
      signal: abort.signal,
      part: async part => {
        if (closing || abort.signal.aborted) return
        parts.write(PART_EVENT, { v: PROTOCOL_VERSION, id: request.id, part })
        // A pager that is not scrolled holds its stream for as long as it likes: that costs no more than this.
        await room(true)
      },
    })
    running = null
    reply(request.id, result)
  }

  const refuse = (id: number | null, error: ControlError) => {
    if (id === null) client.dismiss(error)
    else if (!closing) parts.write(REPLY_EVENT, { v: PROTOCOL_VERSION, id, ok: false, error })
  }

  const work = async () => {
    busy = true
    for (let next = waiting?.shift(); next !== undefined && !closing; next = waiting?.shift()) {
      await answer(next)
      await room(false)
    }
    busy = false
    waiting = null
    if (halfClosed && !closing) socket.end()
  }

  const failed = (error: unknown) => {
    parts.defect(error)
    client.dismiss(describeDefect(error))
  }

  const client: Client = {
    role,
    request(data) {
      if (closing) return
      if (!busy) readAtIdle = socket.bytesRead
      const parsed = parseRequest(data)
      waiting ??= []
      waiting.push(
        parsed.isOk()
          ? { id: parsed.value.id, request: parsed.value }
          : { id: parsed.error.id, request: parsed.error.error },
      )
      if (
        waiting.length > limits.waitingRequests ||
        socket.bytesRead - readAtIdle > limits.waitingBytes
      ) {
        client.dismiss({
          code: 'bad-request',
          message: 'cannot take more requests: too many of this connection wait for their turn',
          hint: 'read the replies, or use a connection for each request that takes long',
        })
        return
      }
      if (!busy) void work().catch(failed)
    },
    cancel(data) {
      const cancel = parseCancel(data)
      if (cancel === null) {
        client.dismiss({
          code: 'bad-request',
          message: 'cannot read the cancellation',
          hint: `a cancellation is {"v": ${PROTOCOL_VERSION}, "id": NUMBER}`,
        })
        return
      }
      if (running?.id === cancel.id) running.abort.abort()
      // Answered in its turn: replies keep the order of the requests.
      for (const one of waiting ?? []) if (one.id === cancel.id) one.request = CANCELLED
    },
    dismiss(error) {
      if (closing) return
      closing = true
      running?.abort.abort()
      parts.write(REPLY_EVENT, { v: PROTOCOL_VERSION, id: null, ok: false, error })
      // Not destroyed yet: a client that is still writing would get EPIPE and never read why.
      socket.end()
      const timer = setTimeout(() => socket.destroy(), limits.lingerMs)
      timer.unref()
      socket.once('close', () => clearTimeout(timer))
    },
    ended() {
      halfClosed = true
      if (running?.streams) running.abort.abort()
      if (!busy && !closing) socket.end()
      // Nobody is left to tell: both sides are closed now.
      if (closing) socket.destroy()
    },
    gone() {
      closing = true
      waiting = null
      running?.abort.abort()
    },
  }
  return client
}

// Requests that may last for ever. A client that has closed its side, and so perhaps is gone, does not keep them.
function lastsForever({ method, params }: Request): boolean {
  return method === 'waitInactive' || (method === 'logs' && 'follow' in params && !!params.follow)
}

const toReply = (id: number, result: Result<unknown, ControlError>) =>
  ({
    v: PROTOCOL_VERSION,
    id,
    ...(result.isOk() ? { ok: true, result: result.value } : { ok: false, error: result.error }),
  }) as Reply

const isTooLarge = (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === 'ERR_IPC_FRAME_TOO_LARGE'
