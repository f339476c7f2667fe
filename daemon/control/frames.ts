// The frames of the protocol: node-ipc's guarded parser with an allow-list of events and room for large replies.
import { type Config, GuardedParser, IPCProtocolError, type Message } from 'node-ipc'
import { CANCEL_EVENT, MAX_REPLY_BYTES, REQUEST_EVENT } from './schema.ts'

/** Takes the place of a frame that could not be read. No client can send it: it is not on the list. */
export const BROKEN_EVENT = 'broken'
export type Broken = { code: string; message: string }

const INCOMING: ReadonlySet<unknown> = new Set([REQUEST_EVENT, CANCEL_EVENT])

/**
 * The guarded parser, but for three things: only events of the protocol are let in; the limit of incoming messages is
 * not that of replies; and what is wrong with a frame is handed over as a message, since node-ipc destroys a connection
 * whose parser throws before anybody can tell the client why.
 */
export class ControlParser extends GuardedParser {
  constructor(config: Config) {
    super(config)
  }

  override encode(type: string, data: unknown): string {
    const frame = JSON.stringify({ type, data }) + this.delimiter
    if (frame.length > MAX_REPLY_BYTES || Buffer.byteLength(frame) > MAX_REPLY_BYTES) {
      throw new IPCProtocolError('ERR_IPC_FRAME_TOO_LARGE', 'the reply is too large')
    }
    return frame
  }

  override read(buffer: string, data: string, receive: (message: Message) => void): string {
    try {
      return super.read(buffer, data, receive)
    } catch (error) {
      if (!(error instanceof IPCProtocolError)) throw error
      const broken: Broken = { code: error.code, message: error.message }
      receive({ type: BROKEN_EVENT, data: broken })
      return ''
    }
  }

  override validateType(type: unknown): void {
    super.validateType(type)
    if (!INCOMING.has(type)) {
      throw new IPCProtocolError('ERR_IPC_EVENT_NOT_ALLOWED', `no event of the protocol: ${type}`)
    }
  }
}
