// logs: what units have written, in journalctl's formats.
import { hostname } from 'node:os'
import type { ControlError, LogLine, Methods } from '../../daemon/control/schema.ts'
import { readMoment } from '../analyze/moment.ts'
import type { Command, Context } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { formatLogLine, isLogFormat, type LogFormat, type LogStyle } from '../format/log-line.ts'
import { LOG_FORMATS } from '../options.ts'
import { drained, write } from '../output.ts'
import { complainAll, failed } from './answer.ts'
import { readLines } from './lines.ts'

const FOLLOWED_LINES = 10
/** journalctl(1), -e. */
const END_LINES = 1000
const PRIORITIES = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug']

export const run: Command = async context => {
  const query = readQuery(context)
  const format = readFormat(context)
  if ('code' in query) return refuse(context, query)
  if (typeof format !== 'string') return refuse(context, format)
  const style: LogStyle = {
    host: hostname().split('.', 1)[0] ?? '',
    paint: context.paint,
    terminal: context.terminal,
  }
  const { directory } = context.options
  if (directory !== null) return readFiles(context, directory, query, format, style)
  let some = false
  const seen = createSeen()
  const answer = await context.ask('logs', query, {
    onPart: ({ lines }) => {
      const fresh = seen.fresh(lines)
      some ||= fresh.length > 0
      printLines(fresh, format, style)
      return drained(1)
    },
    again: () => seen.again(query),
  })
  if (answer.isErr()) {
    const isDown = answer.error.type === 'not-running' && context.options.socket === null
    return isDown && !some && !query.follow
      ? readFiles(context, null, query, format, style)
      : failed(context, answer.error)
  }
  const { errors } = answer.value
  if (!some && errors.length === 0) noteNoEntries(context, format)
  return complainAll(context, errors)
}

const noteNoEntries = (context: Context, format: LogFormat) => {
  if (format !== 'json' && format !== 'cat' && format !== 'raw') context.note('-- No entries --')
}

/** Tells what the files hold; null: those of the daemon that is not running. */
async function readFiles(
  context: Context,
  directory: string | null,
  query: Methods['logs']['params'],
  format: LogFormat,
  style: LogStyle,
): Promise<number> {
  if (query.follow)
    return refuse(context, {
      code: 'bad-request',
      message: 'cannot follow the files of a directory: only a daemon tells what comes',
      hint: 'leave out --follow or --directory',
    })
  const { defaultLogDirectory, readLogFiles } = await import('../analyze/logs.ts')
  const place = directory ?? defaultLogDirectory()
  const found = readLogFiles(place, query)
  if (found.isErr()) return refuse(context, found.error)
  if (directory === null) context.note(`hearth is not running: these are the files in ${place}`)
  let some = false
  for (const lines of found.value) {
    some = true
    printLines(lines, format, style)
    await drained(1)
  }
  if (!some) noteNoEntries(context, format)
  return SUCCESS
}

/** What was told already, should the daemon be executed anew on the way. */
function createSeen() {
  /** By unit: the time of its last line, and how many of its lines have that. */
  const last = new Map<string, { timeUsec: number; count: number }>()
  let skips: Map<string, { timeUsec: number; count: number }> | null = null
  let latest = 0
  let earliest = Number.POSITIVE_INFINITY

  const isTold = ({ unit, timeUsec }: LogLine): boolean => {
    const skip = skips?.get(unit)
    if (!skip || timeUsec > skip.timeUsec) return false
    return timeUsec < skip.timeUsec || skip.count-- > 0
  }

  return {
    fresh(lines: readonly LogLine[]): readonly LogLine[] {
      const fresh = skips ? lines.filter(line => !isTold(line)) : lines
      for (const { unit, timeUsec } of fresh) {
        const before = last.get(unit)
        last.set(unit, { timeUsec, count: before?.timeUsec === timeUsec ? before.count + 1 : 1 })
        latest = Math.max(latest, timeUsec)
        earliest = Math.min(earliest, timeUsec)
      }
      return fresh
    },
    again(query: Methods['logs']['params']): Methods['logs']['params'] {
      if (latest === 0) return query
      if (query.reverse) return { ...query, untilUsec: earliest - 1 }
      skips = new Map([...last].map(([unit, told]) => [unit, { ...told }]))
      const sinceUsec = Math.max(query.sinceUsec ?? 0, latest - OVERLAP_USEC)
      return { ...query, lines: null, sinceUsec }
    },
  }
}

/** Lines of several units are told as they come, not by their time. */
const OVERLAP_USEC = 5_000_000

function printLines(lines: readonly LogLine[], format: LogFormat, style: LogStyle): void {
  let text = ''
  for (const line of lines) {
    const formatted = formatLogLine(line, format, style)
    const end = line.partial && (format === 'cat' || format === 'raw') ? '' : '\n'
    if (typeof formatted === 'string') {
      text += formatted + end
      continue
    }
    write(1, text)
    write(1, formatted)
    text = end
  }
  write(1, text)
}

function refuse(context: Context, error: ControlError): number {
  context.complain(error)
  return FAILURE
}

function readFormat({ options }: Context): LogFormat | ControlError {
  if (options.json) return 'json'
  const name = options.output ?? 'short'
  if (isLogFormat(name)) return name
  return {
    code: 'bad-request',
    message: `cannot print logs as '${name}': there is no such format`,
    hint: `the formats are ${LOG_FORMATS.join(', ')}`,
  }
}

function readQuery({ args, options }: Context): Methods['logs']['params'] | ControlError {
  const follow = options.follow || options.force
  const most = options.pagerEnd ? END_LINES : follow ? FOLLOWED_LINES : null
  const lines = readLines(options.lines ?? (most === null ? 'all' : String(most)))
  if (lines.isErr()) return lines.error
  const since = readBound('since', options.since)
  if (typeof since === 'object' && since !== null) return since
  const until = readBound('until', options.until)
  if (typeof until === 'object' && until !== null) return until
  // -p is --property to the reader of the command line.
  const priority = readPriority(options.priority ?? options.property[0] ?? null)
  if (typeof priority === 'object' && priority !== null) return priority
  const run = readRun(options.run)
  if ('code' in run) return run
  const { stream } = options
  if (stream !== null && stream !== 'out' && stream !== 'err' && stream !== 'log') {
    return {
      code: 'bad-request',
      message: `cannot show lines of the stream '${stream}': there is no such stream`,
      hint: 'the streams are out (standard output), err (standard error) and log (syslog and the journal)',
    }
  }
  if (follow && options.reverse) {
    return {
      code: 'bad-request',
      message: 'cannot follow backwards: --reverse and --follow exclude each other',
    }
  }
  return {
    units: [...args, ...options.unit],
    lines: lines.value,
    follow,
    ...(since === null ? {} : { sinceUsec: since }),
    ...(until === null ? {} : { untilUsec: until }),
    ...(priority === null ? {} : { priority }),
    ...(stream === null ? {} : { stream }),
    ...(options.boot ? { boot: true } : {}),
    ...(options.reverse ? { reverse: true } : {}),
    ...run,
    ...(options.grep === null ? {} : { grep: options.grep }),
  }
}

function readBound(option: string, text: string | null): number | null | ControlError {
  if (text === null) return null
  return (
    readMoment(text, Date.now()) ?? {
      code: 'bad-request',
      message: `cannot read the time '${text}' of --${option}=`,
      hint: "write it as '2026-11-25 21:00:00', 21:00, '10min ago', today or yesterday",
    }
  )
}

function readRun(text: string | null): { run?: number; invocationId?: string } | ControlError {
  if (text === null) return {}
  if (/^-?\d{1,9}$/.test(text) && Number(text) <= 0) return { run: -Math.abs(Number(text)) || 0 }
  const id = text.replaceAll('-', '').toLowerCase()
  if (/^[0-9a-f]{32}$/.test(id)) return { invocationId: id }
  return {
    code: 'bad-request',
    message: `cannot show the run '${text}': there is no such run`,
    hint: 'write 0 for the last run, -1 for the one before, or an invocation id',
  }
}

function readPriority(text: string | null): number | null | ControlError {
  if (text === null) return null
  const level = /^[0-7]$/.test(text) ? Number(text) : PRIORITIES.indexOf(text)
  if (level >= 0) return level
  return {
    code: 'bad-request',
    message: `cannot show lines of priority '${text}': there is no such level`,
    hint: `the levels are ${PRIORITIES.join(', ')}`,
  }
}
