// The pipes of the services, read in turns.
import * as fs from 'node:fs'
import type { CaptureMemory, Ledger } from '../runtime/native.ts'
import type { UnitName } from '../units/unit.ts'
import { type CutterParts, createCutter, type Source } from './cut.ts'
import type { Filters } from './filters.ts'
import type { RunLog } from './logs.ts'
import { type Carried, createRecall } from './recall.ts'

/** Who reads them: told of runs, and of the descriptors that are ready. */
export interface Capture {
  /** Told before the first bytes are written that a turn has brought; see Recall. */
  storing(inode: number, size: number): void
  /** Takes the read ends of a run, which become ours to close (-1: one is at its end already); `key` and `key + 1` are theirs from now on. */
  open(run: RunLog, key: number, fds: { out: number; err: number }): void
  /** The main process of the run that was opened with `key`, for the lines from now on. */
  setPid(key: number, pid: number): void
  /** One turn for each of the streams that are readable. */
  read(keys: readonly number[]): void
  /** Reads what the pipes of these units (null: all) hold now, up to a bound. */
  drain(units: readonly UnitName[] | null): void
  /** Leaves streams of the console alone until `resume`: its reader is slow. */
  hold(): void
  resume(): void
  /** Ends all lines that are not whole yet. */
  end(): void
}

export type CaptureParts = Omit<CutterParts, 'input'> & {
  /** Where bytes are until they are stored; what an earlier worker has left there is taken up. */
  memory: CaptureMemory
  carryLedger: Ledger
  /** Cuts the unit's log back to where it ended before the turn that is done again. */
  cutBack: (unit: UnitName, inode: number, size: number) => void
  watch: (fd: number, key: number) => void
  unwatch: (fd: number) => void
  /** What stands before each line on the console. */
  labelOf: (run: RunLog) => Buffer
  filters: Filters
  /** A run has ended: its last stream is at its end. */
  ended: (unit: UnitName) => void
}

type Run = Source['run'] & {
  /** How many of its streams are not at their end. */
  open: number
}
type Stream = Source & { fd: number; key: number; run: Run; held: boolean }

const DRAIN_TURNS = 64
const EMPTY = Buffer.alloc(0)

export function createCapture(parts: CaptureParts): Capture {
  const { native, nowUsec, store, filters } = parts
  const streams = new Map<number, Stream>()
  const held = new Set<Stream>()
  let holding = false
  let hasTakenUp = false
  const isCarrying = ({ carried, continues }: Source) => carried > 0 || continues !== -1
  const recall = createRecall(parts.memory, parts.carryLedger, function* () {
    for (const stream of streams.values())
      if (isCarrying(stream)) yield [stream.key, carriedBy(stream)]
  })
  const { input } = recall
  const cutter = createCutter({ native, input, nowUsec, store, console: parts.console })

  const take = (stream: Stream, length: number, atEnd: boolean) => {
    const wasCarrying = isCarrying(stream)
    cutter.take(stream, length, atEnd)
    if (wasCarrying || isCarrying(stream)) recall.carry(stream.key, carriedBy(stream), false)
  }

  const extend = (stream: Stream, length: number) => {
    if (!cutter.extend(stream, length)) return false
    const { key, continues } = stream
    recall.carry(key, { continues, bytes: input.subarray(0, length) }, true)
    return true
  }

  const close = (stream: Stream) => {
    const { run } = stream
    const { unit } = run.log
    recall.end(stream.key)
    take(stream, 0, true)
    recall.done()
    streams.delete(stream.key)
    if (stream.held) held.delete(stream)
    else parts.unwatch(stream.fd)
    fs.closeSync(stream.fd)
    run.open--
    if (run.open > 0) return
    if (run.filter) {
      cutter.tellMissed(stream)
      filters.release(unit, run.filter)
    }
    parts.ended(unit)
  }

  /** One turn; how many bytes it brought. */
  const turn = (stream: Stream): number => {
    const length = recall.read(stream.fd, stream.key)
    if (length < 0) return 0
    if (length === 0) close(stream)
    else {
      if (!extend(stream, length)) take(stream, length, false)
      recall.done()
    }
    return length
  }

  /** Takes up what an earlier worker has left of the stream. */
  const takeUp = (stream: Stream) => {
    const left = recall.carried.get(stream.key)
    if (left) {
      stream.continues = left.continues
      stream.carry = left.bytes.length > 0 ? left.bytes : null
      stream.carried = left.bytes.length
    }
    const turn = recall.interrupted
    if (turn?.key !== stream.key || hasTakenUp) return
    hasTakenUp = true
    if (turn.inode !== 0) parts.cutBack(stream.run.log.unit, turn.inode, turn.size)
    take(stream, turn.length ?? 0, turn.length === null)
    recall.done()
  }

  const letGo = (stream: Stream) => {
    parts.unwatch(stream.fd)
    stream.held = true
    held.add(stream)
  }

  return {
    storing: recall.storing,
    open(log, first, fds) {
      const label = log.console ? parts.labelOf(log) : null
      const filter = filters.take(log)
      const run: Run = { log, pid: log.pid ?? null, label, filter, open: 0 }
      for (const name of ['out', 'err'] as const) {
        const key = name === 'out' ? first : first + 1
        const fd = fds[name]
        if (fd < 0) continue
        run.open++
        const fresh = { carry: null, carried: 0, continues: -1, held: false }
        const stream = { fd, key, name, run, ...fresh }
        streams.set(key, stream)
        takeUp(stream)
        parts.watch(fd, key)
      }
    },
    setPid(key, pid) {
      // Standard output may be at its end before standard error.
      const stream = streams.get(key) ?? streams.get(key + 1)
      if (stream) stream.run.pid = pid
    },
    read(keys) {
      for (const key of keys) {
        const stream = streams.get(key)
        if (!stream || stream.held) continue
        if (holding && stream.run.label) letGo(stream)
        else turn(stream)
      }
    },
    drain(units) {
      const wanted = units && new Set(units)
      for (const stream of streams.values()) {
        if (wanted && !wanted.has(stream.run.log.unit)) continue
        for (let turns = 0; turns < DRAIN_TURNS && turn(stream) > 0; turns++);
      }
    },
    hold() {
      holding = true
    },
    resume() {
      holding = false
      for (const stream of held) {
        stream.held = false
        parts.watch(stream.fd, stream.key)
      }
      held.clear()
    },
    end() {
      for (const stream of [...streams.values()]) close(stream)
    },
  }
}

const carriedBy = ({ continues, carry, carried }: Source): Carried => ({
  continues,
  bytes: carry?.subarray(0, carried) ?? EMPTY,
})
