// The daemon's own log: pino to stderr, written at once, since PID 1 may be gone the next moment.
import pino, { type Logger } from 'pino'
import type { LogLevel } from './control/schema.ts'
import { createConsole } from './logs/console.ts'
import type { KeptPart } from './runtime/keep.ts'
import type { Native } from './runtime/native.ts'

export type DaemonLog = Logger

/**
 * Opens the log. Pretty lines come from pino-pretty, which is loaded only then; JSON has pino's form, with `level` as a
 * word. The daemon never waits for its log's reader: what that does not take is kept up to a bound, then left out and counted.
 */
export async function openLog(
  native: Pick<Native, 'writeNow' | 'isTerminal'>,
  format: 'pretty' | 'json',
  level: LogLevel,
): Promise<DaemonLog> {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  const prettily = format === 'pretty' ? await prettyLines(native.isTerminal(2)) : null
  const lineOf = (record: string) => Buffer.from(prettily ? prettily(record) : record)
  const output = createConsole({
    native,
    fd: 2,
    waitMs: 0,
    lost(lines) {
      const msg = `${lines} lines are missing here: standard error was blocked`
      const time = new Date().toISOString()
      return lineOf(`${JSON.stringify({ level: 'warn', time, msg })}\n`)
    },
    hold() {},
    resume() {},
  })
  process.once('exit', output.end)
  const write = (record: string) => {
    output.add(lineOf(record), 1)
    output.flush()
  }
  return pino(prettily ? { ...options, formatters: {} } : options, { write })
}

export type AdjustableLevel = { get: () => LogLevel; set: (level: LogLevel) => void }

/** The level, which outlives the daemon's image once it was set. */
export function keepLevel(log: DaemonLog, kept: KeptPart): AdjustableLevel {
  const known = kept.entries.get('level')?.data
  if (known !== undefined) log.level = known as LogLevel
  return {
    get: () => log.level as LogLevel,
    set(level) {
      log.level = level
      kept.put('level', level)
    },
  }
}

/** Makes a line for people of one of JSON. */
async function prettyLines(isTerminal: boolean): Promise<(record: string) => string> {
  const { prettyFactory } = await import('pino-pretty')
  return prettyFactory({
    colorize: isTerminal && process.env.NO_COLOR === undefined,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
    // The words of the message say them.
    ignore: 'unit,job,type,result',
    messageFormat: (record, key) =>
      typeof record.unit === 'string' ? `${record.unit}: ${record[key]}` : String(record[key]),
  })
}
