// LogPipe=: a process that is given a unit's output, by a pipe that is kept over the restarts of either. What is in the pipe
// while it is gone waits, and when that is full, the service. It ends when the unit is down and it has read the rest.
import { readlinkSync } from 'node:fs'
import { ok, type Result } from 'neverthrow'
import type { Unit, UnitName } from '../units/unit.ts'
import type { SpawnFailure } from './failure.ts'
import type { KeptPart } from './keep.ts'
import type { Native } from './native.ts'
import { readOwnChildren } from './procfs.ts'
import type { Readiness } from './readiness.ts'

export interface Loggers {
  /** The write end of the unit's pipe, its logger running; the first one that cannot be started is an error. */
  open(unit: Unit, invocationId: string): Result<number, SpawnFailure>
  /** The unit is down: its logger reads the rest and ends. */
  release(unit: UnitName): void
  /** A child has ended. */
  ended(pid: number): void
  /** Resolves when none is left. */
  finished(): Promise<void>
}

export type LoggerParts = {
  native: Pick<Native, 'pipe' | 'close' | 'kill' | 'track' | 'bytesIn' | 'setNonblock'>
  readiness: Readiness
  /** Starts the command of the unit's LogPipe= with that standard input; gives its pid. */
  start: (unit: UnitName, invocationId: string, input: number) => Result<number, SpawnFailure>
  /** How long it may take to end when there is nothing more to read, microseconds. */
  timeoutUsec: (unit: UnitName) => number
  warn: (unit: UnitName, message: string) => void
}

type Logger = {
  key: string
  unit: UnitName
  /** Of the run that it was started in. */
  invocationId: string
  read: number
  /** Null: the unit is down. */
  write: number | null
  pid: number | null
  startedMs: number
  /** The next pause. */
  pauseMs: number
  /** How often in a row it has failed, since the unit is down, and read nothing. */
  failures: number
  /** How much there was to read when it was started, bytes. */
  left: number
  timer: NodeJS.Timeout | null
  /** Nobody writes any more. */
  isOver: boolean
}
type KeptLogger = { unit: UnitName; invocationId: string; pid: number | null; isOpen: boolean }

/** As s6-supervise, which starts once a second at most; then longer. */
const PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 10_000
/** One that has lived so long may be started at once. */
const LIVED_MS = 1000
/** So often it is tried again when the unit is down, for what is left in the pipe. */
const MOST_FAILURES = 5
const SIGTERM = 15
const SIGKILL = 9
const KILL_MS = 5000

export function createLoggers(parts: LoggerParts, kept: KeptPart): Loggers {
  const { native, readiness, warn } = parts
  const all = new Map<string, Logger>()
  const byUnit = new Map<UnitName, Logger>()
  const byPid = new Map<number, Logger>()
  const waiting = new Set<() => void>()
  let last = 0

  const save = ({ key, unit, invocationId, pid, read, write }: Logger) => {
    const data = { unit, invocationId, pid, isOpen: write !== null } satisfies KeptLogger
    kept.put(key, data, write === null ? [read] : [read, write])
  }

  const took = (logger: Logger, pid: number) => {
    logger.pid = pid
    logger.startedMs = performance.now()
    logger.left = native.bytesIn(logger.read)
    byPid.set(pid, logger)
    save(logger)
    if (logger.isOver) endInTime(logger)
  }

  const start = (logger: Logger): Result<number, SpawnFailure> =>
    parts.start(logger.unit, logger.invocationId, logger.read).map(pid => {
      took(logger, pid)
      return pid
    })

  const later = (logger: Logger, ms: number, act: () => void) => {
    if (logger.timer) clearTimeout(logger.timer)
    logger.timer = setTimeout(() => {
      logger.timer = null
      act()
    }, ms)
  }

  const forget = (logger: Logger) => {
    if (logger.timer) clearTimeout(logger.timer)
    if (logger.write === null && !logger.isOver) readiness.remove(logger.read)
    all.delete(logger.key)
    kept.drop(logger.key)
    native.close(logger.read)
    if (all.size > 0) return
    for (const told of waiting) told()
    waiting.clear()
  }

  /** Whether there is nothing to read, and never will be. */
  const isDone = ({ isOver, read }: Logger) => isOver && native.bytesIn(read) === 0

  const restart = (logger: Logger, why: string) => {
    if (isDone(logger)) return forget(logger)
    const isDown = logger.write === null
    const left = native.bytesIn(logger.read)
    if (left < logger.left) logger.failures = 0
    if (isDown && ++logger.failures > MOST_FAILURES) {
      warn(logger.unit, `${left} bytes of its output are lost: its LogPipe= ${why} again and again`)
      return forget(logger)
    }
    const hasLived = performance.now() - logger.startedMs > LIVED_MS
    if (hasLived) logger.pauseMs = PAUSE_MS
    const pauseMs = hasLived || isDown ? 0 : logger.pauseMs
    logger.pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * logger.pauseMs)
    save(logger)
    const when = pauseMs === 0 ? 'at once' : `in ${pauseMs / 1000} s`
    warn(logger.unit, `its LogPipe= ${why}: it is started again ${when}; output waits meanwhile`)
    later(logger, pauseMs, () => startAgain(logger))
  }

  const startAgain = (logger: Logger) => {
    if (isDone(logger)) return forget(logger)
    const started = start(logger)
    if (started.isErr()) restart(logger, `cannot be started (${started.error.message})`)
  }

  /** It has nothing more to read, and is to notice. */
  const endInTime = (logger: Logger) => {
    const ms = parts.timeoutUsec(logger.unit) / 1000
    if (!Number.isFinite(ms)) return
    const send = (signal: number) => logger.pid !== null && native.kill(logger.pid, signal)
    later(logger, ms, () => {
      warn(logger.unit, 'its LogPipe= does not end, though there is nothing more to read')
      send(SIGTERM)
      later(logger, KILL_MS, () => send(SIGKILL))
    })
  }

  /** Waits for those to end that the unit has left running, and hold the pipe. */
  const awaitEnd = (logger: Logger) => {
    readiness.add(
      logger.read,
      () => {
        readiness.remove(logger.read)
        logger.isOver = true
        if (logger.pid !== null) endInTime(logger)
        else if (isDone(logger)) forget(logger)
      },
      true,
    )
  }

  /** One that was started by an earlier image, which did not come to write that down: who reads the pipe. */
  const find = (read: number, children: readonly number[]): number | null => {
    const pipe = linkOf(`/proc/self/fd/${read}`)
    return children.find(pid => linkOf(`/proc/${pid}/fd/0`) === pipe) ?? null
  }

  const restore = () => {
    const children = kept.entries.size > 0 ? (readOwnChildren() ?? []) : []
    for (const [key, { data, fds }] of [...kept.entries]) {
      const { unit, invocationId, pid, isOpen } = data as KeptLogger
      const [read, write = null] = fds
      if (read === undefined) continue
      last = Math.max(last, Number(key))
      const fresh = { startedMs: performance.now(), pauseMs: PAUSE_MS, failures: 0, left: 0 }
      const open = { write: isOpen ? write : null, pid: null, timer: null, isOver: false }
      const logger: Logger = { key, unit, invocationId, read, ...open, ...fresh }
      all.set(key, logger)
      if (isOpen) byUnit.set(unit, logger)
      else awaitEnd(logger)
      const isOurs = pid !== null && children.includes(pid)
      const running = isOurs ? pid : find(read, children)
      if (running === null) restart(logger, 'has ended')
      else {
        // Also one that has ended: that is told when it is collected.
        native.track(running)
        took(logger, running)
      }
    }
  }
  restore()

  return {
    open(unit, invocationId) {
      const known = byUnit.get(unit.id)
      if (known?.write != null) {
        known.invocationId = invocationId
        return ok(known.write)
      }
      const { read, write } = native.pipe()
      // Others read it than we, who wait for no descriptor.
      native.setNonblock(read, false)
      const logger: Logger = {
        key: `${++last}`,
        unit: unit.id,
        invocationId,
        read,
        write,
        pid: null,
        startedMs: 0,
        pauseMs: PAUSE_MS,
        failures: 0,
        left: 0,
        timer: null,
        isOver: false,
      }
      const started = start(logger)
      if (started.isErr()) {
        native.close(read)
        native.close(write)
        return started
      }
      all.set(logger.key, logger)
      byUnit.set(unit.id, logger)
      return ok(write)
    },
    release(unit) {
      const logger = byUnit.get(unit)
      if (!logger || logger.write === null) return
      byUnit.delete(unit)
      const { write } = logger
      logger.write = null
      save(logger)
      native.close(write)
      awaitEnd(logger)
      // Nobody waits for a pause any more.
      if (logger.timer) later(logger, 0, () => startAgain(logger))
    },
    ended(pid) {
      const logger = byPid.get(pid)
      if (!logger) return
      byPid.delete(pid)
      logger.pid = null
      restart(logger, 'has ended')
    },
    finished: () =>
      all.size === 0 ? Promise.resolve() : new Promise(resolve => waiting.add(() => resolve())),
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
