// Lines of output as journalctl shows them.
import type { LogLine } from '../../daemon/control/schema.ts'
import { LOG_FORMATS } from '../options.ts'
import type { Paint } from './paint.ts'
import { printableText } from './printable.ts'
import {
  formatShort,
  formatShortIso,
  formatShortIsoPrecise,
  formatShortPrecise,
  formatShortUnix,
  formatTimestamp,
} from './timestamp.ts'

/** journalctl(1), --output=. */
export type LogFormat = (typeof LOG_FORMATS)[number]

export const isLogFormat = (name: string): name is LogFormat =>
  (LOG_FORMATS as readonly string[]).includes(name)

export type LogStyle = {
  /** Stands before the identifier, as in syslog. */
  host: string
  paint: Paint
  /** Whether the text goes to a terminal, which control characters would confuse. */
  terminal: boolean
}

/** One line, without its newline. With `raw`, or `cat` and no terminal, it is what the service wrote, to the byte. */
export function formatLogLine(
  line: LogLine,
  format: LogFormat,
  { host, paint, terminal }: LogStyle,
): string | Uint8Array {
  switch (format) {
    case 'json':
      return JSON.stringify(line)
    case 'cat':
      if (terminal) return printable(line, paint)
      return bytesOf(line)
    case 'raw':
      return bytesOf(line)
    case 'with-unit':
      return `${formatTimestamp(line.timeUsec)} ${host} ${said(line, line.unit, paint)}`
    default:
      return `${STAMPS[format](line.timeUsec)} ${host} ${said(line, line.identifier, paint)}`
  }
}

const bytesOf = ({ binary, message }: LogLine) =>
  binary ? Buffer.from(message, 'latin1') : message

const STAMPS = {
  short: formatShort,
  'short-iso': formatShortIso,
  'short-iso-precise': formatShortIsoPrecise,
  'short-unix': formatShortUnix,
  'short-precise': formatShortPrecise,
  'short-full': formatTimestamp,
} as const

function said(line: LogLine, who: string, paint: Paint): string {
  const pid = line.pid === null ? '' : `[${line.pid}]`
  return `${who}${pid}: ${paintPriority(printable(line, paint), line.priority, paint)}`
}

/** journalctl's colours: red from `err` up, yellow for warnings, bold for notices, grey for debugging. */
function paintPriority(text: string, priority: number, paint: Paint): string {
  if (priority <= 3) return paint.red(text)
  if (priority === 4) return paint.yellow(text)
  if (priority === 5) return paint.bold(text)
  return priority === 7 ? paint.grey(text) : text
}

function printable(line: LogLine, paint: Paint): string {
  return line.binary ? `[${line.message.length}B blob data]` : printableText(line.message, paint)
}
