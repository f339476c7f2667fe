// The control server: node-ipc on a Unix socket, each connection checked by its peer credentials.
import { chmodSync, chownSync, rmSync } from 'node:fs'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { err, ok, type Result } from 'neverthrow'
import { IPCModule, type Server } from 'node-ipc'
import type { Now } from '../engine/event.ts'
import { createKeep, type KeptPart } from '../runtime/keep.ts'
import { authorise, type Peer, refusePeer } from './authorise.ts'
import type { Backend } from './backend.ts'
import { type Client, type ClientLimits, createClient } from './client.ts'
import { BROKEN_EVENT, type Broken, ControlParser } from './frames.ts'
import { runMethod } from './methods.ts'
import {
  CANCEL_EVENT,
  type ControlError,
  FRAME_DELIMITER,
  MAX_REPLY_BYTES,
  MAX_REQUEST_BYTES,
  PROTOCOL_VERSION,
  REPLY_EVENT,
  REQUEST_EVENT,
} from './schema.ts'
import { clearSocketPath, type SocketPathError, toSocketPathError } from './socket-path.ts'

export type ControlLimits = ClientLimits & {
  /** Connections held; the last `reservedConnections` of them are for admins, so that readers cannot lock them out. */
  connections: number
  reservedConnections: number
  /** How long an incomplete message may take, milliseconds. */
  messageTimeoutMs: number
}

const CONTROL_LIMITS: ControlLimits = {
  connections: 1024,
  reservedConnections: 24,
  waitingRequests: 4096,
  waitingBytes: MAX_REQUEST_BYTES,
  stallMs: 30_000,
  lingerMs: 1000,
  messageTimeoutMs: 30_000,
}

export type ControlServerOptions = {
  path: string
  /** The gid of --control-group: its members may read. Null: none may. */
  groupId: number | null
  /** The daemon's own user. */
  uid: number
  backend: Backend
  /** Where the listening socket is kept: that of an earlier image goes on. For tests it may be left out. */
  kept?: KeptPart
  /** SO_PEERCRED and SO_PEERGROUPS of a connected socket; throws when the kernel will not tell. */
  peerCredentials: (fd: number) => Peer & { pid?: number }
  /** A user's name, where it has one. */
  userName?: (uid: number) => string | null
  now: () => Now
  /** Told what went wrong with a connection or the listener: nothing that needs an answer. */
  warn: (message: string) => void
  limits?: Partial<ControlLimits>
}

export interface ControlServer {
  /** Makes the socket anew (its file was removed, its directory remounted). Connections stay. */
  reopen(): Promise<Result<void, SocketPathError>>
  /** Closes every connection and removes the socket. */
  close(): void
  /** How many connections are held. */
  connections(): number
}

const SOCKET = 'socket'

/** Connections over the limit that are told so rather than closed at once. */
const REFUSALS = 64
/** Warnings of one kind come at most this often: running out of descriptors gives one for each connection. */
const WARN_EVERY_MS = 10_000

/** Opens the control socket. Fails when another daemon has it or the file system refuses. */
export async function openControlServer(
  options: ControlServerOptions,
): Promise<Result<ControlServer, SocketPathError>> {
  const limits = { ...CONTROL_LIMITS, ...options.limits }
  const kept = options.kept ?? createKeep().part('control')
  const clients = new Map<Socket, Client>()
  const warn = occasionally(options.warn)
  const context = { backend: options.backend, now: options.now }
  let server: Server | null = null
  let admitted = 0

  const write = (socket: Socket, ipc: Server) => (event: string, data: unknown) => {
    ipc.emit(socket, event, data)
  }

  const admit = (socket: Socket): Admitted | ControlError => {
    let peer: ReturnType<typeof options.peerCredentials>
    try {
      peer = options.peerCredentials(descriptorOf(socket))
    } catch (error) {
      return {
        code: 'not-permitted',
        message: `cannot tell who is calling: ${error instanceof Error ? error.message : error}`,
      }
    }
    const policy = { uid: options.uid, groupId: options.groupId }
    const role = authorise(peer, policy)
    if (role === null) return refusePeer(peer.uid, policy)
    const most = limits.connections - (role === 'admin' ? 0 : limits.reservedConnections)
    if (admitted < most) return { role, caller: () => describeCaller(peer, options.userName) }
    return {
      code: 'too-many-connections',
      message: `cannot take another connection: ${admitted} are open`,
      hint: 'close some, or try again later',
    }
  }

  const connected = (ipc: Server, socket: Socket) => {
    // Clients that close their side after the request (nc -N) still get their answer; `ended` closes ours.
    socket.allowHalfOpen = true
    const admission = admit(socket)
    const isAdmitted = 'role' in admission
    const { role, caller } = isAdmitted ? admission : REFUSED
    const client = createClient({
      socket,
      role,
      limits,
      write: write(socket, ipc),
      run: (request, call) => runMethod({ ...context, ...call, caller }, request),
      defect: error => options.backend.defect(error, null),
    })
    clients.set(socket, client)
    socket.on('end', client.ended)
    if (isAdmitted) {
      admitted++
      socket.once('close', () => admitted--)
    } else {
      client.dismiss(admission)
    }
  }

  /** `before`: the descriptor of a socket that listens already. */
  const listen = async (before: number | null): Promise<Result<void, SocketPathError>> => {
    const clear = before === null ? await clearSocketPath(options.path) : ok()
    if (clear.isErr()) return err(clear.error)
    const ipc = configure(options.path, limits)
    if (before !== null) ipc.startServer = () => listenOn(ipc, before)
    ipc.on('connect', socket => connected(ipc, socket))
    ipc.on('close', socket => {
      clients.get(socket)?.gone()
      clients.delete(socket)
    })
    ipc.on(REQUEST_EVENT, (data, socket) => {
      // Else the time of this message would count against the next one.
      ipc.clearMessageTimer(socket)
      clients.get(socket)?.request(data)
    })
    ipc.on(CANCEL_EVENT, (data, socket) => {
      ipc.clearMessageTimer(socket)
      clients.get(socket)?.cancel(data)
    })
    ipc.on(BROKEN_EVENT, (data, socket) => {
      clients.get(socket)?.dismiss(describeBroken(data as Broken))
    })
    const listening = await start(ipc, options, warn)
    if (listening.isErr()) return listening
    server = ipc
    if (ipc.server && before === null) kept.put(SOCKET, null, [descriptorOf(ipc.server)])
    return listening
  }

  const stopListening = () => {
    if (server?.server) server.server.close()
    server = null
  }

  const first = await listen(kept.entries.get(SOCKET)?.fds[0] ?? null)
  return first.map(() => ({
    reopen() {
      kept.drop(SOCKET)
      stopListening()
      return listen(null)
    },
    close() {
      kept.drop(SOCKET)
      stopListening()
      for (const socket of clients.keys()) socket.destroy()
      // A socket that an earlier image has bound is not removed by who closes it.
      rmSync(options.path, { force: true })
    },
    connections: () => admitted,
  }))
}

type Admitted = { role: Client['role']; caller: () => string }
const REFUSED: Admitted = { role: 'reader', caller: () => '' }

/** `root (process 4711)`. */
function describeCaller(
  { pid, uid }: { pid?: number; uid: number },
  userName: ControlServerOptions['userName'],
): string {
  const user = userName?.(uid) ?? `user ${uid}`
  return pid === undefined || pid <= 0 ? user : `${user} (process ${pid})`
}

/** As node-ipc's own, on a socket that listens already. */
function listenOn(ipc: Server, fd: number): void {
  const server = createServer(socket => ipc.addSocket(socket))
  ipc.server = server
  server.maxConnections = ipc.config.maxConnections
  server.on('error', error => ipc.serverError(error))
  server.listen({ fd }, () => ipc.onStart(server))
}

function configure(path: string, limits: ControlLimits): Server {
  const ipc = new IPCModule()
  Object.assign(ipc.config, {
    silent: true,
    // clearSocketPath knows better than to remove the socket of a daemon that lives.
    unlink: false,
    delimiter: FRAME_DELIMITER,
    maxMessageSize: MAX_REQUEST_BYTES,
    maxPendingBytes: 2 * MAX_REPLY_BYTES,
    messageTimeout: limits.messageTimeoutMs,
    maxConnections: limits.connections + REFUSALS,
    secureSocketRoot: false,
  })
  ipc.config.parser = new ControlParser(ipc.config)
  ipc.serve(path)
  if (!ipc.server) throw new Error('node-ipc made no server')
  return ipc.server
}

function start(
  ipc: Server,
  { path, groupId }: ControlServerOptions,
  warn: (kind: string, message: string) => void,
): Promise<Result<void, SocketPathError>> {
  return new Promise(resolve => {
    let listening = false
    ipc.on('error', error => {
      if (!listening) {
        resolve(err(toSocketPathError(path, error)))
        return
      }
      // A client that went away, or sent what is no message, is its own affair.
      if (error.syscall === 'accept') {
        warn('accept', `cannot take a connection on ${path}: ${error.message}`)
      }
    })
    ipc.on('start', () => {
      try {
        // Nobody is let in before this: connections are accepted when the loop turns, and checked then.
        chmodSync(path, groupId === null ? 0o600 : 0o660)
        if (groupId !== null) chownSync(path, -1, groupId)
        listening = true
        resolve(ok())
      } catch (error) {
        ipc.stop()
        resolve(err(toSocketPathError(path, error)))
      }
    })
    ipc.start()
  })
}

function describeBroken(broken: Broken): ControlError {
  if (broken.code === 'ERR_IPC_FRAME_TOO_LARGE') {
    return {
      code: 'message-too-large',
      message: `cannot take a message of more than ${MAX_REQUEST_BYTES} bytes`,
    }
  }
  return {
    code: 'bad-request',
    message: `cannot read the message: ${broken.message}`,
    hint: `a message is one line, {"type": "${REQUEST_EVENT}", "data": {"v": ${PROTOCOL_VERSION}, "id": 1, "method": "version", "params": {}}}, answered by a line of type ${REPLY_EVENT}`,
  }
}

/** The file descriptor of a connection or a listener, which Node keeps to itself. */
function descriptorOf(socket: Socket | NetServer): number {
  const handle = (socket as { _handle?: { fd?: number } | null })._handle
  const fd = handle?.fd
  if (fd === undefined || fd < 0) throw new Error('the connection is closed')
  return fd
}

function occasionally(warn: (message: string) => void) {
  const last = new Map<string, number>()
  return (kind: string, message: string) => {
    const now = performance.now()
    if (now - (last.get(kind) ?? Number.NEGATIVE_INFINITY) < WARN_EVERY_MS) return
    last.set(kind, now)
    warn(message)
  }
}
