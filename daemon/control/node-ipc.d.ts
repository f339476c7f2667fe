// Types of node-ipc 14, which ships none: the part that the control server uses.
declare module 'node-ipc' {
  import type { Server as NetServer, Socket } from 'node:net'

  export class IPCProtocolError extends Error {
    readonly code: string
    constructor(code: string, message: string)
  }

  /** What a parser reads of the configuration. */
  export type ParserConfig = {
    delimiter: string
    /** Bytes. */
    maxMessageSize: number
    /** Bytes; a connection with more to be written is destroyed. */
    maxPendingBytes: number
    maxEventNameLength: number
    /** Milliseconds that an incomplete frame may take; 0: for ever. */
    messageTimeout: number
    allowReservedEvents: boolean
  }

  export type Message = { type: string; data: unknown }

  export class GuardedParser {
    constructor(config: ParserConfig)
    readonly profile: string
    readonly delimiter: string
    /** Throws IPCProtocolError. */
    encode(type: string, data: unknown): string
    /** Hands over the complete frames; the answer is the incomplete rest. Throws IPCProtocolError. */
    read(buffer: string, data: string, receive: (message: Message) => void): string
    validateType(type: unknown): void
    assertFrameSize(characters: number, bytes: number): void
  }

  export type Config = ParserConfig & {
    encoding: string
    parser: string | GuardedParser
    unlink: boolean
    silent: boolean
    logPayloads: boolean
    identifyPeer: boolean
    maxConnections: number
    readableAll: boolean
    writableAll: boolean
    secureSocketRoot: boolean
  }

  export class Server {
    server: NetServer | false
    readonly config: Config
    readonly sockets: Socket[]
    /** Makes the listener; `start` calls it. */
    startServer(): void
    addSocket(socket: Socket): void
    serverError(error: Error): void
    onStart(server: NetServer): void
    on(type: 'start', handler: (server: NetServer) => void): this
    on(type: 'connect' | 'close', handler: (socket: Socket) => void): this
    on(type: 'error', handler: (error: NodeJS.ErrnoException) => void): this
    /** An event of the protocol. */
    on(type: string, handler: (data: unknown, socket: Socket) => void): this
    start(): void
    /** Closes the listener and destroys every connection. */
    stop(): void
    /** False when the socket should be drained first, or was destroyed. */
    emit(socket: Socket, type: string, data: unknown): boolean
    clearMessageTimer(socket: Socket): void
  }

  export class IPCModule {
    config: Config
    server: Server | false
    serve(path: string, callback?: () => void): void
  }
}
