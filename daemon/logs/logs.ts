// The main thread's side of the log worker: pipes are handed over, questions are asked; no line passes here.
import type { UnitName } from '../units/unit.ts'
import type { LogQuery, LogRecord } from './record.ts'

export type RunLog = {
  unit: UnitName
  invocationId: string
  identifier: string
  /** Forward each line to the daemon's stdout as `name | line`. */
  console: boolean
}

export interface Logs {
  /** Opens the pipes of a run; the write ends go to its processes. Throws an errno error when there is no descriptor left. */
  open(run: RunLog): { out: number; err: number }
  /** Closes our write ends: the stream ends when the last process of the run lets go. */
  close(unit: UnitName, invocationId: string): void
  query(query: LogQuery, signal: AbortSignal): AsyncIterable<readonly LogRecord[]>
  lastLines(unit: UnitName, invocationId: string | null, n: number): Promise<readonly LogRecord[]>
  /** Reads every pipe to its present end, writes everything out, ends the worker. */
  finish(timeoutMs: number): Promise<void>
}
