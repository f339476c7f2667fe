// The daemon's own log: pino to stderr, written at once, since PID 1 may be gone the next moment.
import pino, { type Logger } from 'pino'
import type { LogLevel } from './options.ts'

export type DaemonLog = Logger

/**
 * Opens the log. Pretty lines come from pino-pretty, which is loaded only then; JSON has pino's form, with `level` as a
 * word. A line that cannot be written (stderr is gone or full) is dropped: the daemon never waits for its log's reader.
 */
export async function openLog(format: 'pretty' | 'json', level: LogLevel): Promise<DaemonLog> {
  const destination = pino.destination({ fd: 2, sync: true })
  destination.on('error', () => {})
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  if (format === 'json') return pino(options, destination)
  const { default: pretty } = await import('pino-pretty')
  const stream = pretty({
    colorize: process.stderr.isTTY === true && process.env.NO_COLOR === undefined,
    destination: 2,
    sync: true,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
    // The words of the message say them.
    ignore: 'unit,job,type,result',
    messageFormat: (record, key) =>
      typeof record.unit === 'string' ? `${record.unit}: ${record[key]}` : String(record[key]),
  })
  return pino({ ...options, formatters: {} }, stream)
}
