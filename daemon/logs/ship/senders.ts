// Ways to a server of logs, one batch after the other.
import type { Socket as DatagramSocket } from 'node:dgram'
import * as fs from 'node:fs'
import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Native } from '../../runtime/native.ts'
import type { LogDestination } from '../../units/values/log-destination.ts'
import type { LogRecord } from '../record.ts'
import { formatOtlp, rejectedBy } from './otlp.ts'
import { formatSyslog, frameSyslog } from './syslog.ts'

export interface Sender {
  /** Sends them in order; how many the server has turned away for good. Rejects when it cannot be reached: they are to be sent
   * again, but for the first `sent` of them where the error says so, after `retryMs` if it says that. */
  send(records: readonly LogRecord[]): Promise<number>
  /** How long a batch counts as on its way, milliseconds: what may be lost with a connection is to be sent again. */
  readonly doubtMs: number
  /** Called when a connection is gone that something was sent over. */
  broken: (() => void) | null
  close(): void
}

export type SenderParts = {
  host: string
  version: string
  native: Pick<Native, 'connectUnix' | 'setNonblock' | 'socketKind'>
  /** OTEL_EXPORTER_OTLP_HEADERS (opentelemetry.io). */
  headers: string | undefined
}

const TIMEOUT_MS = 10_000
/** TCP tells late, or never, that the other side has gone. */
const DOUBT_MS = 1000
/** Of a datagram socket that is full. */
const FULL_MS = 20

export function createSender(to: LogDestination, parts: SenderParts): Sender {
  switch (to.kind) {
    case 'udp':
      return udp(to, parts)
    case 'tcp':
      return stream({ host: to.host, port: to.port }, parts)
    case 'unix':
      return unix(to.path, parts)
    case 'otlp':
      return otlp(to.url, parts)
    default:
      return to satisfies never
  }
}

function udp({ host, port }: { host: string; port: number }, parts: SenderParts): Sender {
  let socket: DatagramSocket | null = null
  const open = async (): Promise<DatagramSocket> => {
    if (socket) return socket
    const { createSocket } = await import('node:dgram')
    const { lookup } = await import('node:dns/promises')
    const { address, family } = await lookup(host)
    const opened = createSocket(family === 6 ? 'udp6' : 'udp4')
    await new Promise<void>((resolve, reject) => {
      opened.once('error', reject)
      opened.connect(port, address, () => resolve())
    })
    opened.on('error', close)
    opened.unref()
    socket = opened
    return opened
  }
  const close = () => {
    socket?.removeAllListeners('error').on('error', () => {})
    socket?.close()
    socket = null
  }
  return {
    doubtMs: 0,
    broken: null,
    async send(records) {
      const to = await open()
      for (const [sent, record] of records.entries()) {
        await new Promise<void>((resolve, reject) => {
          to.send(formatSyslog(record, parts.host), error => (error ? reject(error) : resolve()))
        }).catch(error => {
          // It would never be taken.
          if ((error as NodeJS.ErrnoException).code === 'EMSGSIZE') return
          close()
          throw Object.assign(error as Error, { sent })
        })
      }
      return 0
    },
    close,
  }
}

/** A stream of framed messages. */
function stream(to: { host: string; port: number } | { path: string }, parts: SenderParts): Sender {
  let socket: Socket | null = null
  const open = async (): Promise<Socket> => {
    if (socket) return socket
    const { connect } = await import('node:net')
    const opened = connect(to)
    await new Promise<void>((resolve, reject) => {
      opened.once('connect', resolve)
      opened.once('error', reject)
      opened.setTimeout(TIMEOUT_MS, () => opened.destroy(new Error('no connection came about')))
    })
    opened.setTimeout(0)
    opened.setKeepAlive(true, 30_000)
    opened.on('error', () => {})
    // A server says nothing; what it says is not for us, and its end is one.
    opened.resume()
    opened.once('end', () => opened.destroy())
    opened.once('close', () => {
      if (socket !== opened) return
      socket = null
      sender.broken?.()
    })
    opened.unref()
    socket = opened
    return opened
  }
  const sender: Sender = {
    doubtMs: DOUBT_MS,
    broken: null,
    async send(records) {
      const opened = await open()
      const bytes = Buffer.concat(records.map(each => frameSyslog(formatSyslog(each, parts.host))))
      await new Promise<void>((resolve, reject) => {
        const closed = () => reject(new Error('the connection was closed'))
        opened.once('close', closed)
        opened.write(bytes, error => {
          opened.off('close', closed)
          if (error) reject(error)
          else resolve()
        })
      })
      return 0
    },
    close() {
      const closing = socket
      socket = null
      closing?.end()
    },
  }
  return sender
}

/** What is there says whether it takes datagrams or a stream. */
function unix(path: string, parts: SenderParts): Sender {
  const { native } = parts
  let over: Sender | null = null
  let fd = -1
  const close = () => {
    if (fd >= 0) fs.closeSync(fd)
    fd = -1
  }
  const sendDatagrams = async (records: readonly LogRecord[]) => {
    for (const [sent, record] of records.entries()) {
      const message = formatSyslog(record, parts.host)
      for (let tries = 0; ; tries++) {
        try {
          fs.writeSync(fd, message)
          break
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException
          if (code === 'EMSGSIZE') break
          if (code !== 'EAGAIN' && code !== 'ENOBUFS') {
            close()
            throw Object.assign(error as Error, { sent })
          }
          if (tries * FULL_MS > TIMEOUT_MS)
            throw Object.assign(new Error('its queue stays full'), { sent })
          await pause(FULL_MS)
        }
      }
    }
    return 0
  }
  const sender: Sender = {
    doubtMs: DOUBT_MS,
    broken: null,
    async send(records) {
      if (!over && fd < 0) {
        fd = native.connectUnix(path)
        if (native.socketKind(fd) === 'datagram') native.setNonblock(fd, true)
        else {
          close()
          over = stream({ path }, parts)
          over.broken = () => sender.broken?.()
        }
      }
      return over ? over.send(records) : sendDatagrams(records)
    },
    close() {
      over?.close()
      over = null
      close()
    },
  }
  return sender
}

function otlp(url: string, parts: SenderParts): Sender {
  let agent: import('node:http').Agent | null = null
  const headers = headersOf(parts.headers)
  return {
    doubtMs: 0,
    broken: null,
    async send(records) {
      const isSecure = url.startsWith('https:')
      const { Agent, request } = isSecure ? await import('node:https') : await import('node:http')
      agent ??= new Agent({ keepAlive: true, maxSockets: 1 })
      const body = Buffer.from(formatOtlp(records, parts.host, parts.version))
      const answer = await ask(
        request(url, {
          method: 'POST',
          agent,
          timeout: TIMEOUT_MS,
          headers: {
            ...headers,
            'content-type': 'application/json',
            'content-length': body.length,
            'user-agent': `hearth/${parts.version}`,
          },
        }),
        body,
      )
      const { status } = answer
      if (status >= 200 && status < 300) return rejectedBy(answer.text)
      // OTLP: these are to be tried again, others not.
      if (![429, 502, 503, 504].includes(status)) return records.length
      throw Object.assign(new Error(`it answers ${status}`), { retryMs: answer.retryMs })
    },
    close() {
      agent?.destroy()
    },
  }
}

type Answer = { status: number; text: string; retryMs: number | undefined }

function ask(request: ClientRequest, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request.once('error', reject)
    request.once('timeout', () => request.destroy(new Error('no answer came')))
    request.once('response', response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', more => {
        if (text.length < 64 * 1024) text += more
      })
      response.once('error', reject)
      response.once('end', () => {
        const seconds = Number(response.headers['retry-after'])
        const retryMs = seconds > 0 && seconds <= 3600 ? seconds * 1000 : undefined
        resolve({ status: response.statusCode ?? 0, text, retryMs })
      })
    })
    request.end(body)
  })
}

/** `NAME=VALUE,NAME=VALUE`, the values percent-encoded. */
export function headersOf(text: string | undefined): Record<string, string> {
  const headers: [string, string][] = []
  for (const pair of (text ?? '').split(',')) {
    const at = pair.indexOf('=')
    const name = pair.slice(0, at).trim()
    const value = pair.slice(at + 1).trim()
    if (at <= 0 || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) continue
    headers.push([name, decoded(value).replace(/[^\t -~]/g, '')])
  }
  return Object.fromEntries(headers)
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}
