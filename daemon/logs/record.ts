// One line of a service's output, as it is stored and told.
import type { UnitName } from '../units/unit.ts'

/** Standard output and error, and what was sent to a socket that takes logs. */
export type StreamName = 'out' | 'err' | 'log'

export type LogRecord = {
  /** CLOCK_REALTIME, microseconds: when it was read. */
  timeUsec: number
  unit: UnitName
  identifier: string
  pid: number | null
  stream: StreamName
  /** syslog(3), 0 to 7. */
  priority: number
  invocationId: string
  /** The line without its newline, as bytes in latin1 when it is not valid UTF-8 (`binary`). */
  message: string
  binary?: true
  /** A part of a line that was longer than the limit: more follows. */
  partial?: true
  /** What else its sender has said of it (sd_journal_send(3)). */
  fields?: Readonly<Record<string, string>>
}

export type LogQuery = {
  /** Empty: all units. */
  units: readonly UnitName[]
  /** The last n lines only; null: all. */
  lines: number | null
  follow: boolean
  sinceUsec: number | null
  untilUsec: number | null
  maxPriority: number | null
  stream: StreamName | null
  grep: string | null
  invocationId: string | null
  /** The latest lines first; not with `follow`. */
  reverse?: boolean
  /** Of these units, lines from that time on in place of `sinceUsec`. */
  after?: ReadonlyMap<UnitName, number>
  /** Of each unit one run only: 0 is its last one, -1 the one before; null: all. */
  run?: number | null
  /** The runs that are the last ones of their units even if they have written nothing. */
  lastRuns?: ReadonlyMap<UnitName, string>
}

/** Every line there is. */
export const ALL: LogQuery = {
  units: [],
  lines: null,
  follow: false,
  sinceUsec: null,
  untilUsec: null,
  maxPriority: null,
  stream: null,
  grep: null,
  invocationId: null,
}
