// The services' output as the rest of the daemon sees it.
import type { MessagePort } from 'node:worker_threads'
import type { UnitName } from '../units/unit.ts'
import type { ConsoleFormat } from './console-line.ts'
import type { RunEnd } from './history.ts'
import type { DatagramKind } from './intake.ts'
import type { LogQuery, LogRecord } from './record.ts'

/** What of a unit's output is kept; what is not given is no limit (systemd.exec(5)). */
export type LogLimits = {
  /** LogLevelMax=, as of syslog(3): the least urgent lines that are kept. */
  maxPriority?: number
  /** LogRateLimitIntervalSec= and LogRateLimitBurst=; 0: no limit. */
  rateIntervalUsec?: number
  rateBurst?: number
  /** LogFilterPatterns=: regular expressions, with `~` before those of what is turned away. */
  patterns?: readonly string[]
}

export type RunLog = {
  unit: UnitName
  invocationId: string
  /** SyslogIdentifier=, or the program's name. */
  identifier: string
  /** Forward each line to the daemon's stdout. */
  console: boolean
  /** How it looks there; `prefix` when it is not given. */
  consoleFormat?: ConsoleFormat
  /** SyslogLevel= as of syslog(3); info when it is not given. */
  priority?: number
  /** SyslogLevelPrefix=: whether a line may begin with `<N>`, its priority. On when it is not given. */
  levelPrefix?: boolean
  limits?: LogLimits
  /** The main process, where it is known; see `setPid`. */
  pid?: number
}

/** Sockets that take datagrams, with what is spoken there. */
export type LogSockets = readonly { kind: DatagramKind; fd: number }[]

/** Which run a process is of that has logged to a socket, or whose lines are those of no unit. `marker`: its mark, if it could
 * be read (marker.ts). */
export type SenderOf = (pid: number, marker: number | null) => RunLog

export interface Logs {
  /** Opens the pipes of a run; the write ends go to its processes. Gives those of an open run again. Throws an errno
   * error when there is no descriptor left. */
  open(run: RunLog): { out: number; err: number }
  /** The runs that are open here, with their write ends: those that an earlier image has left, at first. */
  opened(): readonly { run: RunLog; write: { out: number; err: number } }[]
  /** The read ends of all runs, as far as they are not at their end. */
  readEnds(): readonly number[]
  /** From now on these sockets are read; they stay the caller's. */
  listen(sockets: LogSockets, sender: SenderOf): void
  /** Takes a connected stream that a program writes its output to, not close-on-exec, as one of the run. False, and nothing is
   * taken, when there are too many. */
  connection(fd: number, run: RunLog): boolean
  /** Names the run's main process, for its lines from now on. */
  setPid(unit: UnitName, invocationId: string, pid: number): void
  /** Closes our write ends: the stream ends when the last process of the run lets go. */
  close(unit: UnitName, invocationId: string): void
  /** Keeps the end of a run, with its last lines. */
  runEnded(unit: UnitName, end: Omit<RunEnd, 'lines'>): void
  /** Has another thread ask, which speaks `ToReader` at the other end (messages.ts). */
  reader(port: MessagePort): void
  /** Every unit that has a log. */
  units(): Promise<readonly UnitName[]>
  /** The ends of the unit's runs, oldest first, as far as they are kept. */
  history(unit: UnitName): Promise<readonly RunEnd[]>
  /** Batches of records, in the order of time. Throws an Error whose message begins with "cannot" for a `grep` that is no regular
   * expression, and when the logs cannot be read now. */
  query(query: LogQuery, signal: AbortSignal): AsyncIterable<readonly LogRecord[]>
  /** The last `n` lines of a unit (of one run of it), those included that are still in its pipes. */
  lastLines(unit: UnitName, invocationId: string | null, n: number): Promise<readonly LogRecord[]>
  /** Reads every pipe to its present end, writes everything out, ends the worker. */
  finish(timeoutMs: number): Promise<void>
}
