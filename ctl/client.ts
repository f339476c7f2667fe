// The typed client of the control socket, for ctl and for TypeScript programs that drive the daemon.
import { err, ok, type Result } from 'neverthrow'
import { type IPCClient, IPCModule } from 'node-ipc'
import {
  CANCEL_EVENT,
  FRAME_DELIMITER,
  MAX_REPLY_BYTES,
  type MethodName,
  type Methods,
  PART_EVENT,
  type Part,
  PROTOCOL_VERSION,
  REPLY_EVENT,
  REQUEST_EVENT,
  type Reply,
} from '../daemon/control/schema.ts'
import type { ClientError } from './client-error.ts'
import { defaultSocketPath } from './socket-path.ts'

export type { ControlError, MethodName, Methods } from '../daemon/control/schema.ts'
export { type ClientError, toControlError } from './client-error.ts'
export { defaultSocketPath } from './socket-path.ts'

export type ConnectOptions = {
  /** Path of the control socket; default: `defaultSocketPath()`. */
  socket?: string
}

export type RequestOptions<M extends MethodName> = {
  /** Takes the pieces of a streamed answer (`logs`). While a promise it gave is pending no more is read. */
  onPart?: (part: Methods[M]['part']) => undefined | Promise<void>
  /** Cancels the request; it is then answered with the error `cancelled`. */
  signal?: AbortSignal
  /** The parameters, when ctl asks again since the daemon was executed anew. */
  again?: () => Methods[M]['params']
}

export interface Connection {
  /** Asks the daemon. Several requests may be under way: they are answered in their order. */
  request<M extends MethodName>(
    method: M,
    params: Methods[M]['params'],
    options?: RequestOptions<M>,
  ): Promise<Result<Methods[M]['result'], ClientError>>
  /** Resolves when the daemon has closed the connection. */
  readonly ended: Promise<void>
  close(): void
}

type Pending = {
  settle: (result: Result<unknown, ClientError>) => void
  onPart: ((part: unknown) => undefined | Promise<void>) | undefined
}

/**
 * Connects to the daemon. It is tried once and not again: a daemon that went away is an error of the requests under way, and
 * whoever wants another connection makes one.
 */
export function connect(options: ConnectOptions = {}): Promise<Result<Connection, ClientError>> {
  const socket = options.socket ?? defaultSocketPath()
  const ipc = openSocket(socket)
  return new Promise(resolve => {
    let connection: OpenConnection | null = null
    ipc.on('connect', () => {
      connection = createConnection(ipc)
      resolve(ok(connection))
    })
    ipc.on('error', error => {
      const failure = toClientError(error, socket, connection !== null)
      if (connection) connection.fail(failure)
      else resolve(err(failure))
    })
    ipc.on('disconnect', () => connection?.fail({ type: 'disconnected' }))
  })
}

const ID = 'hearth'

function openSocket(path: string): IPCClient {
  const module = new IPCModule()
  Object.assign(module.config, {
    silent: true,
    parser: 'guarded',
    delimiter: FRAME_DELIMITER,
    maxMessageSize: MAX_REPLY_BYTES,
    maxPendingBytes: MAX_REPLY_BYTES,
    // A large answer may take its time.
    messageTimeout: 0,
    maxRetries: 0,
    stopRetrying: true,
  })
  module.connectTo(ID, path, () => {})
  const client = module.of[ID]
  if (client === undefined) throw new Error('node-ipc made no client')
  return client
}

type OpenConnection = Connection & { fail(error: ClientError): void }

function createConnection(ipc: IPCClient): OpenConnection {
  const pending = new Map<number, Pending>()
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  let failure: ClientError | null = null
  let lastId = 0

  const finish = (id: number, result: Result<unknown, ClientError>) => {
    const request = pending.get(id)
    pending.delete(id)
    request?.settle(result)
  }

  const fail = (error: ClientError) => {
    failure ??= error
    for (const id of [...pending.keys()]) finish(id, err(failure))
    ipc.socket.destroy()
    end()
  }

  ipc.on(REPLY_EVENT, data => {
    const reply = data as Reply
    if (reply.ok) finish(reply.id, ok(reply.result))
    else if (reply.id !== null) finish(reply.id, err({ type: 'refused', error: reply.error }))
    // The connection as a whole is refused.
    else fail({ type: 'refused', error: reply.error })
  })
  ipc.on(PART_EVENT, data => {
    const { id, part } = data as Part
    const busy = pending.get(id)?.onPart?.(part)
    if (busy === undefined) return
    ipc.socket.pause()
    void busy.finally(() => ipc.socket.resume())
  })

  return {
    ended,
    request: (method, params, { onPart, signal } = {}) => {
      if (failure) return Promise.resolve(err(failure))
      const id = ++lastId
      return new Promise(resolve => {
        const onAbort = () => ipc.emit(CANCEL_EVENT, { v: PROTOCOL_VERSION, id })
        pending.set(id, {
          onPart: onPart as Pending['onPart'],
          settle: result => {
            signal?.removeEventListener('abort', onAbort)
            resolve(result as Result<never, ClientError>)
          },
        })
        ipc.emit(REQUEST_EVENT, { v: PROTOCOL_VERSION, id, method, params })
        if (signal?.aborted) onAbort()
        else signal?.addEventListener('abort', onAbort, { once: true })
      })
    },
    close() {
      failure ??= { type: 'disconnected' }
      fail(failure)
    },
    fail,
  }
}

function toClientError(
  error: NodeJS.ErrnoException,
  socket: string,
  connected: boolean,
): ClientError {
  if (error.name === 'IPCProtocolError') return { type: 'bad-answer', message: error.message }
  if (connected) return { type: 'disconnected' }
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return { type: 'not-running', socket }
    case 'EACCES':
    case 'EPERM':
      return { type: 'not-permitted', socket }
    default:
      return { type: 'unreachable', socket, message: reasonOf(error, socket) }
  }
}

// unix(7): sun_path, its NUL counted.
const LONGEST_PATH = 107

const reasonOf = (error: NodeJS.ErrnoException, socket: string) =>
  Buffer.byteLength(socket) > LONGEST_PATH
    ? `the path of a socket may have ${LONGEST_PATH} bytes at most`
    : (error.code ?? error.message)
