// A client of a message bus (the D-Bus specification, version 1 of the protocol): as much of it as takes to ask the bus itself
// about names. Messages have strings and 32-bit numbers alone.
import { createConnection, type Socket } from 'node:net'

/** What comes from the bus: an answer (`replyTo`), or a signal. `strings` are those at the beginning of its body. */
export type BusMessage = {
  type: 'return' | 'error' | 'signal'
  replyTo: number
  member: string
  sender: string
  strings: readonly string[]
}

export const BUS_NAME = 'org.freedesktop.DBus'
const BUS_PATH = '/org/freedesktop/DBus'

const CALL = 1
const TYPES: readonly (BusMessage['type'] | null)[] = [null, null, 'return', 'error', 'signal']
/** The fields of a header that matter, by their codes. */
const PATH = 1
const INTERFACE = 2
const MEMBER = 3
const REPLY_SERIAL = 5
const DESTINATION = 6
const SENDER = 7
const SIGNATURE = 8
/** What the bus itself says is short; somebody else's message of that size is none for us. */
const MOST_BYTES = 1 << 20
const FIXED_BYTES = 16

const padded = (length: number, to: number) => Math.ceil(length / to) * to

/** A call of one of the bus's own methods; its arguments are strings and, behind them, numbers. */
export function encodeCall(
  serial: number,
  member: string,
  args: readonly (string | number)[],
): Buffer {
  const body = new Writer()
  for (const arg of args) {
    if (typeof arg === 'string') body.string(arg)
    else body.number(arg)
  }
  const signature = args.map(arg => (typeof arg === 'string' ? 's' : 'u')).join('')
  const fields = new Writer()
  const field = (code: number, type: string, value: string) => {
    fields.align(8)
    fields.bytes([code])
    fields.signature(type)
    if (type === 'g') fields.signature(value)
    else fields.string(value)
  }
  field(PATH, 'o', BUS_PATH)
  field(INTERFACE, 's', BUS_NAME)
  field(MEMBER, 's', member)
  field(DESTINATION, 's', BUS_NAME)
  if (signature !== '') field(SIGNATURE, 'g', signature)
  const message = new Writer()
  message.bytes([0x6c, CALL, 0, 1]) // little-endian
  message.number(body.length)
  message.number(serial)
  message.number(fields.length)
  message.bytes([...fields.all()])
  message.align(8)
  message.bytes([...body.all()])
  return message.all()
}

class Writer {
  readonly #bytes: number[] = []

  get length() {
    return this.#bytes.length
  }
  align(to: number) {
    while (this.#bytes.length % to !== 0) this.#bytes.push(0)
  }
  bytes(bytes: readonly number[]) {
    this.#bytes.push(...bytes)
  }
  number(value: number) {
    this.align(4)
    for (let shift = 0; shift < 32; shift += 8) this.#bytes.push((value >>> shift) & 0xff)
  }
  string(text: string) {
    const bytes = Buffer.from(text)
    this.number(bytes.length)
    this.bytes([...bytes, 0])
  }
  signature(text: string) {
    this.bytes([text.length, ...Buffer.from(text), 0])
  }
  all = () => Buffer.from(this.#bytes)
}

/** The first message in `bytes` and its length; null: it is not whole yet. Throws for what is none. */
export function decode(bytes: Buffer): { message: BusMessage | null; length: number } | null {
  if (bytes.length < FIXED_BYTES) return null
  const isLittle = bytes[0] === 0x6c
  if (!isLittle && bytes[0] !== 0x42) throw new Error('neither byte order')
  const number = (at: number) => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at))
  const bodyBytes = number(4)
  const fieldsEnd = FIXED_BYTES + number(12)
  const bodyAt = padded(fieldsEnd, 8)
  const length = bodyAt + bodyBytes
  if (length > MOST_BYTES) throw new Error('a message that is too long')
  if (bytes.length < length) return null
  const string = (at: number, end: number): [text: string, next: number] => {
    const next = at + 4 + number(at) + 1
    if (next > end) throw new Error('a string that is cut off')
    return [bytes.toString('utf8', at + 4, next - 1), next]
  }
  const found = { replyTo: 0, member: '', sender: '', signature: '' }
  let at = FIXED_BYTES
  while (at < fieldsEnd) {
    at = padded(at, 8)
    const code = bytes[at]
    const type = String.fromCharCode(bytes[at + 2] ?? 0)
    if (bytes[at + 1] !== 1) throw new Error('a field of several values')
    const valueAt = at + 4
    if (type === 'u') {
      if (code === REPLY_SERIAL) found.replyTo = number(valueAt)
      at = valueAt + 4
    } else if (type === 'g') {
      const size = bytes[valueAt] ?? 0
      if (code === SIGNATURE)
        found.signature = bytes.toString('latin1', valueAt + 1, valueAt + 1 + size)
      at = valueAt + size + 2
    } else {
      const [text, next] = string(valueAt, fieldsEnd)
      if (code === MEMBER) found.member = text
      if (code === SENDER) found.sender = text
      at = next
    }
  }
  const strings: string[] = []
  at = bodyAt
  for (const type of found.signature) {
    if (type !== 's') break
    const [text, next] = string(padded(at, 4), length)
    strings.push(text)
    at = next
  }
  const type = TYPES[bytes[1] ?? 0] ?? null
  const { replyTo, member, sender } = found
  return { message: type && { type, replyTo, member, sender, strings }, length }
}

export interface BusConnection {
  /** The number by which the answer is known. */
  call(member: string, ...args: readonly (string | number)[]): number
  close(): void
}

export type BusEvents = {
  message: (message: BusMessage) => void
  /** It is over, or it never came to be: an error of the system, or what was wrong with what came. */
  closed: (error: Error | null) => void
}

/** Where the bus is, from an address such as `unix:path=/run/dbus/system_bus_socket`; null: not a socket of this machine. */
export function busPath(address: string): string | null {
  for (const one of address.split(';')) {
    const [, kind, value = ''] = /^unix:(?:.*,)?(path|abstract)=([^,]+)/.exec(one) ?? []
    if (kind === undefined) continue
    const path = value.replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 16)),
    )
    return kind === 'abstract' ? `\0${path}` : path
  }
  return null
}

/** Connects as ourselves. Calls may be made at once: they wait until the bus has let us in. */
export function connectBus(path: string, uid: number, events: BusEvents): BusConnection {
  let serial = 0
  let isIn = false
  let isClosed = false
  let received: Buffer = Buffer.alloc(0)
  const waiting: Buffer[] = []
  const socket: Socket = createConnection(path)
  // The daemon is not kept by it.
  socket.unref()

  const over = (error: Error | null) => {
    if (isClosed) return
    isClosed = true
    socket.destroy()
    events.closed(error)
  }
  const send = (message: Buffer) => {
    if (isIn) socket.write(message)
    else waiting.push(message)
  }
  const call: BusConnection['call'] = (member, ...args) => {
    send(encodeCall(++serial, member, args))
    return serial
  }
  const letIn = (): boolean => {
    const end = received.indexOf('\r\n')
    if (end < 0) {
      if (received.length > MOST_BYTES) throw new Error('it does not speak the protocol of a bus')
      return false
    }
    const line = received.toString('latin1', 0, end)
    received = received.subarray(end + 2)
    if (!line.startsWith('OK ')) throw new Error(`it does not let uid ${uid} in: ${line}`)
    isIn = true
    socket.write('BEGIN\r\n')
    for (const message of waiting.splice(0)) socket.write(message)
    return true
  }
  const take = () => {
    if (!isIn && !letIn()) return
    for (;;) {
      const decoded = decode(received)
      if (decoded === null) return
      received = received.subarray(decoded.length)
      if (decoded.message) events.message(decoded.message)
      if (isClosed) return
    }
  }
  socket.on('connect', () => {
    socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(uid)).toString('hex')}\r\n`)
  })
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    try {
      take()
    } catch (error) {
      over(error as Error)
    }
  })
  socket.on('error', over)
  socket.on('close', () => over(null))
  // It has to be the first call.
  call('Hello')
  return {
    call,
    close() {
      isClosed = true
      socket.destroy()
    },
  }
}
