// The client's side of node-ipc 14, which ships no types; the server's is declared beside the control server.
declare module 'node-ipc' {
  import type { Socket } from 'node:net'

  export interface IPCClient {
    readonly socket: Socket
    on(type: 'connect' | 'disconnect', handler: () => void): this
    on(type: 'error', handler: (error: NodeJS.ErrnoException) => void): this
    /** An event of the protocol. */
    on(type: string, handler: (data: unknown) => void): this
    /** Throws IPCProtocolError when the message is too large. */
    emit(type: string, data: unknown): boolean
  }
  interface IPCModule {
    readonly of: Record<string, IPCClient | undefined>
    connectTo(id: string, path: string, callback: () => void): void
    disconnect(id: string): void
  }
}
