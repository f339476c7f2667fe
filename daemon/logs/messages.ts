// What the main thread and the log worker say to each other.

import type { MessagePort } from 'node:worker_threads'
import type { UnitName } from '../units/unit.ts'
import type { ConsoleFormat } from './console-line.ts'
import type { RunEnd } from './history.ts'
import type { DatagramKind } from './intake.ts'
import type { RunLog } from './logs.ts'
import type { LogQuery, LogRecord } from './record.ts'
import type { Retention } from './retention.ts'

export type WorkerSettings = {
  /** null: in memory only. */
  directory: string | null
  /** A file that would grow beyond this is full. */
  rotateBytes: number
  /** How many full files stay beside the current one. */
  keep: number
  /** A file whose first line is older than this is full too, microseconds; 0 or not given: by its size alone. */
  rotateUsec?: number
  /** What of all units' files is kept; not given: all of them. */
  retention?: Retention
  /** Whether full files are compressed. */
  compress?: boolean
  /** Where the lines of runs with `console` go; the daemon's standard output when it is not given. */
  consoleFd?: number
  /** How long services that write there wait for its reader before lines are left out there: milliseconds, 5 s when it is not
   * given; 0: not at all, Infinity: as long as it takes. */
  consoleWaitMs?: number
  /** How what hearth itself says there looks; `prefix` when it is not given. */
  consoleFormat?: ConsoleFormat
}

/** What the worker is started with. */
export type WorkerData = WorkerSettings & {
  /** Descriptors of the memory that outlives it (recall.ts). */
  memoryFd: number
  carryFd: number
  /** Where the worker puts the number of the last end of a run that it has written down. */
  writtenEnd: Int32Array
}

/** To the worker; several are sent together. A run has the keys `key` and `key + 1`. */
export type ToWorker =
  | { type: 'open'; key: number; run: RunLog; out: number; err: number }
  | { type: 'pid'; key: number; pid: number }
  /** Sockets to be read, which stay the main thread's. */
  | { type: 'listen'; sockets: readonly { kind: DatagramKind; fd: number }[] }
  /** The answer to `whose`. */
  | { type: 'sender'; pid: number; marker: number | null; run: RunLog }
  | { type: 'query'; id: number; query: LogQuery }
  /** The reader of an answer wants its next records. */
  | { type: 'more'; id: number }
  | { type: 'cancel'; id: number }
  /** They come by their numbers. `isAgain`: it may be written down already. */
  | { type: 'run-ended'; id: number; unit: UnitName; end: Omit<RunEnd, 'lines'>; isAgain: boolean }
  | { type: 'history'; id: number; unit: UnitName }
  | { type: 'units'; id: number }
  /** Another thread that reads, and speaks `ToReader` there. */
  | { type: 'reader'; port: MessagePort }
  | { type: 'finish' }

/** What a reader may say. */
export type ToReader = Extract<ToWorker, { type: 'query' | 'more' | 'cancel' }>

export type FromWorker =
  | {
      type: 'records'
      id: number
      records: readonly LogRecord[]
      done: boolean
      /** What of the logs was removed before it could be told, bytes. */
      missedBytes?: number
    }
  | { type: 'refused'; id: number; message: string }
  | { type: 'warning'; message: string }
  /** Which run that process is of, whose mark was read (marker.ts). */
  | { type: 'whose'; pid: number; marker: number | null }
  | { type: 'history'; id: number; ends: readonly RunEnd[] }
  | { type: 'units'; id: number; units: readonly UnitName[] }
  | { type: 'finished' }

/** What the worker that forwards logs is started with. */
export type ShipperData = {
  role: 'shipper'
  /** Where the log files are, and how far they have been forwarded; null: in memory only. */
  directory: string | null
  /** Where the lines of all units go. */
  urls: readonly string[]
  /** To a destination that is new, lines from then on are sent, CLOCK_REALTIME in microseconds. */
  sinceUsec: number
  version: string
}

export type ToShipper =
  | { type: 'port'; port: MessagePort }
  | { type: 'unit'; unit: UnitName; forward: readonly string[] | null; sinceUsec: number }
  | { type: 'finish'; timeoutMs: number }

export type FromShipper =
  | { type: 'warning'; message: string }
  /** The log worker is gone: another port is wanted. */
  | { type: 'connect' }
  | { type: 'finished' }
