// A record as a line of a log file, and back: `TIME RUN STREAM PRIORITY IDENTIFIER[PID]: MESSAGE`.
import { isUtf8 } from 'node:buffer'
import type { UnitName } from '../units/unit.ts'
import type { LogRecord } from './record.ts'

export const NEWLINE = 10
/** Where a head's parts stand, counted from the start of the stream's name; the mark is the last byte but one. */
const PRIORITY_AFTER = 4
const STAMP_LENGTH = 27
const WHOLE = 0x3a // ':'
/** Stands for the colon when the line was longer than the limit and goes on in the next record. */
export const PARTIAL = 0x2b // '+'

/** What is the same in every line of a stream: all of a line's head but the time. */
export type Head = { text: string; priorityAt: number }

/** `2026-11-25T21:23:32.123456Z`, from microseconds of CLOCK_REALTIME. */
export function stamp(timeUsec: number): string {
  const milliseconds = Math.floor(timeUsec / 1000)
  const rest = timeUsec - milliseconds * 1000
  return `${new Date(milliseconds).toISOString().slice(0, 23)}${String(rest).padStart(3, '0')}Z`
}

/** The time of a line that begins with a stamp; NaN when it does not. */
export function parseStamp(text: string): number {
  if (text.length !== STAMP_LENGTH || text.charCodeAt(26) !== 0x5a) return Number.NaN
  const rest = text.slice(23, 26)
  return /^\d{3}$/.test(rest)
    ? Date.parse(`${text.slice(0, 23)}Z`) * 1000 + Number(rest)
    : Number.NaN
}

/** The head of a stream's lines, from the space after the time to the one before the message. */
export function head(
  of: Pick<LogRecord, 'invocationId' | 'stream' | 'priority' | 'identifier' | 'pid'>,
): Head {
  const run = ` ${escapeWord(of.invocationId) || '-'} `
  const pid = of.pid === null ? '' : `[${of.pid}]`
  return {
    text: `${run}${of.stream} ${of.priority} ${escapeWord(of.identifier)}${pid}: `,
    priorityAt: STAMP_LENGTH + run.length + PRIORITY_AFTER,
  }
}

/** A record as its line, the newline included. */
export function formatLine(record: LogRecord): Buffer {
  const bytes = Buffer.from(record.message, record.binary ? 'latin1' : 'utf8')
  const start = Buffer.from(stamp(record.timeUsec) + head(record).text, 'latin1')
  if (record.partial) start[start.length - 2] = PARTIAL
  return Buffer.concat([start, bytes, Buffer.of(NEWLINE)])
}

/** The record in `bytes[from, to)`, a line without its newline; null when it is none (a damaged file). */
export function parseLine(
  unit: UnitName,
  bytes: Buffer,
  from: number,
  to: number,
): LogRecord | null {
  const timeUsec = parseStamp(bytes.toString('latin1', from, from + STAMP_LENGTH))
  if (Number.isNaN(timeUsec) || bytes[from + STAMP_LENGTH] !== 0x20) return null
  const runAt = from + STAMP_LENGTH + 1
  const streamAt = bytes.indexOf(0x20, runAt) + 1
  const identifierAt = streamAt + PRIORITY_AFTER + 2
  if (streamAt === 0 || identifierAt >= to) return null
  const end = bytes.indexOf(0x20, identifierAt)
  if (end === -1 || end >= to) return null
  const stream = bytes.toString('latin1', streamAt, streamAt + 4)
  const priority = (bytes[streamAt + PRIORITY_AFTER] ?? 0) - 0x30
  const mark = bytes[end - 1]
  if (stream !== 'out ' && stream !== 'err ') return null
  if (priority < 0 || priority > 7 || (mark !== WHOLE && mark !== PARTIAL)) return null
  const run = bytes.toString('latin1', runAt, streamAt - 1)
  const word = bytes.toString('latin1', identifierAt, end - 1)
  const bracket = /\[\d{1,10}\]$/.test(word) ? word.lastIndexOf('[') : -1
  const message = bytes.subarray(end + 1, to)
  const binary = !isUtf8(message)
  return {
    timeUsec,
    unit,
    identifier: unescapeWord(bracket === -1 ? word : word.slice(0, bracket)),
    pid: bracket === -1 ? null : Number(word.slice(bracket + 1, -1)),
    stream: stream === 'out ' ? 'out' : 'err',
    priority,
    invocationId: run === '-' ? '' : unescapeWord(run),
    message: message.toString(binary ? 'latin1' : 'utf8'),
    ...(binary ? { binary } : {}),
    ...(mark === PARTIAL ? { partial: true } : {}),
  }
}

/** The name of a unit's directory. Unit names need no escape; what is none cannot lead out of the log directory. */
export const directoryName = (unit: UnitName) => escapeWord(unit).replace(/^\./, '\\x2e')
export const unitOfDirectory = (name: string): UnitName => unescapeWord(name)

/** A word of printable ASCII, so that blanks and brackets end it: other bytes become `\xNN` as in systemd-escape(1). */
function escapeWord(word: string): string {
  if (/^[\w:.@-][\w:.@+-]*$/.test(word)) return word
  let escaped = ''
  for (const byte of Buffer.from(word)) {
    const character = String.fromCharCode(byte)
    escaped += /[\w:.@+-]/.test(character) ? character : `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return escaped
}

function unescapeWord(word: string): string {
  if (!word.includes('\\')) return word
  const bytes = word.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
