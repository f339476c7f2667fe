// A record as a line of a log file, and back: `TIME RUN STREAM PRIORITY IDENTIFIER[PID]: MESSAGE`.
import { isUtf8 } from 'node:buffer'
import type { UnitName } from '../units/unit.ts'
import type { LogRecord, StreamName } from './record.ts'

export const NEWLINE = 10
/** A line longer than this is split, as by journald (journald.conf(5), LineMax=). */
export const LINE_MAX = 48 * 1024
/** Where a head's parts stand, counted from the start of the stream's name; the mark is the last byte but one. */
const PRIORITY_AFTER = 4
const STAMP_LENGTH = 27
const WHOLE = 0x3a // ':'
/** Stands for the colon when the line was longer than the limit and goes on in the next record. */
export const PARTIAL = 0x2b // '+'
/** Stands there when fields follow the message: a tab, and a JSON object that has none in it. */
const FIELDS = 0x3d // '='
/** Printable, and nothing that JSON escapes: V8 takes an escaped name for another that it has seen at that place before. */
export const FIELD_NAME = /^[!#-[\]-~]{1,128}$/
const FIELDS_BEGIN = Buffer.from('\t{')

const STREAMS: Readonly<Record<string, StreamName>> = {
  'out ': 'out',
  'err ': 'err',
  'log ': 'log',
}

/** What is the same in every line of a stream: all of a line's head but the time. */
export type Head = { text: string; priorityAt: number }

/** `2026-11-25T21:23:32.123456Z`, from microseconds of CLOCK_REALTIME. */
export function stamp(timeUsec: number): string {
  const milliseconds = Math.floor(timeUsec / 1000)
  const rest = timeUsec - milliseconds * 1000
  return `${new Date(milliseconds).toISOString().slice(0, 23)}${String(rest).padStart(3, '0')}Z`
}

// Date.parse takes a great deal else for a time.
const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/

/** The time of a line that begins with a stamp; NaN when it does not. */
export const parseStamp = (text: string): number =>
  STAMP.test(text)
    ? Date.parse(`${text.slice(0, 23)}Z`) * 1000 + Number(text.slice(23, 26))
    : Number.NaN

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
  return formatBytes(record, bytes)
}

/** The same with the message as bytes, which hold no newline. A part of a line has no fields. */
export function formatBytes(
  record: Omit<LogRecord, 'unit' | 'message' | 'binary'>,
  message: Buffer,
): Buffer {
  const start = Buffer.from(stamp(record.timeUsec) + head(record).text, 'latin1')
  const { fields } = record
  if (record.partial) start[start.length - 2] = PARTIAL
  else if (fields) start[start.length - 2] = FIELDS
  const told = fields && !record.partial ? `\t${JSON.stringify(fields)}\n` : '\n'
  return Buffer.concat([start, message, Buffer.from(told)])
}

/** The fields that stand behind a message, and where that ends; null: there are none (a damaged file). */
function readFields(bytes: Buffer, from: number, to: number) {
  const end = bytes.subarray(from, to).lastIndexOf(FIELDS_BEGIN)
  if (end === -1) return null
  try {
    const told = JSON.parse(bytes.toString('utf8', from + end + 1, to)) as object
    const fields = Object.entries(told).map(([name, value]) => [name, String(value)])
    if (!fields.every(([name = '']) => FIELD_NAME.test(name))) return null
    return { fields: Object.fromEntries(fields) as Record<string, string>, end: from + end }
  } catch {
    return null
  }
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
  const name = STREAMS[stream]
  if (name === undefined || priority < 0 || priority > 7) return null
  if (mark !== WHOLE && mark !== PARTIAL && mark !== FIELDS) return null
  const run = bytes.toString('latin1', runAt, streamAt - 1)
  const word = bytes.toString('latin1', identifierAt, end - 1)
  const bracket = /\[\d{1,10}\]$/.test(word) ? word.lastIndexOf('[') : -1
  const told = mark === FIELDS ? readFields(bytes, end + 1, to) : null
  const message = bytes.subarray(end + 1, told?.end ?? to)
  const binary = !isUtf8(message)
  return {
    timeUsec,
    unit,
    identifier: unescapeWord(bracket === -1 ? word : word.slice(0, bracket)),
    pid: bracket === -1 ? null : Number(word.slice(bracket + 1, -1)),
    stream: name,
    priority,
    invocationId: run === '-' ? '' : unescapeWord(run),
    message: message.toString(binary ? 'latin1' : 'utf8'),
    ...(binary ? { binary } : {}),
    ...(mark === PARTIAL ? { partial: true } : {}),
    ...(told === null ? {} : { fields: told.fields }),
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
