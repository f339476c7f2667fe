// The pipes of the services: read in turns, cut into lines, each with its head, handed on as whole lines.
import * as fs from 'node:fs'
import type { CaptureMemory, Ledger } from '../runtime/native.ts'
import type { UnitName } from '../units/unit.ts'
import { jsonLine, labelOf } from './console-line.ts'
import { createFilter, type Filter, suppressed } from './filter.ts'
import { head, NEWLINE, PARTIAL, stamp } from './line.ts'
import type { RunLog } from './logs.ts'
import { createRecall } from './recall.ts'

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

export type CaptureParts = {
  /** Where bytes are until they are stored; what an earlier worker has left there is taken up. */
  memory: CaptureMemory
  carryLedger: Ledger
  /** Cuts the unit's log back to where it ended before the turn that is done again. */
  cutBack: (unit: UnitName, inode: number, size: number) => void
  watch: (fd: number, key: number) => void
  unwatch: (fd: number) => void
  nowUsec: () => number
  /** Takes whole lines with their heads; the bytes are used again afterwards. */
  store: (unit: UnitName, lines: Uint8Array) => void
  /** Takes one line, its newline included, for the daemon's stdout. */
  console: (label: Uint8Array, message: Uint8Array) => void
  /** Takes a sentence for the daemon's log. */
  warn: (message: string) => void
  /** A run has ended: its last stream is at its end. */
  ended: (unit: UnitName) => void
}

type Run = {
  log: RunLog
  pid: number | null
  /** `name | ` or nothing, when the lines go to the console too. */
  label: Buffer | null
  /** null: every line is kept. */
  filter: Filter | null
  open: number
}
type Stream = {
  fd: number
  key: number
  name: 'out' | 'err'
  run: Run
  /** The line that is not whole yet. */
  carry: Buffer | null
  carried: number
  /** The priority of the part before, when the carried bytes go on with a line that was too long; -1 otherwise. */
  continues: number
  held: boolean
}

/** A line longer than this is split, as by journald (journald.conf(5), LineMax=). */
const LINE_MAX = 48 * 1024
/** Lines up to here are copied byte by byte, longer ones by a call: the next is mostly as long as the last. */
const LONG = 64
const DRAIN_TURNS = 64
const OUTPUT = 256 * 1024
const HEAD_MAX = 1024
const EMPTY = Buffer.alloc(0)
const DEFAULT_PRIORITY = 6
const LESS = 0x3c
const GREATER = 0x3e
const ZERO = 0x30

export function createCapture(parts: CaptureParts): Capture {
  const streams = new Map<number, Stream>()
  const held = new Set<Stream>()
  /** By unit, so that a restart does not begin the counting anew. */
  const filters = new Map<UnitName, { limits: string; filter: Filter; runs: number }>()
  let holding = false
  let hasTakenUp = false
  const recall = createRecall(parts.memory, parts.carryLedger, function* () {
    for (const { key, carry, carried, continues } of streams.values())
      if (carried > 0 || continues !== -1)
        yield [key, { continues, bytes: carry?.subarray(0, carried) ?? EMPTY }]
  })
  // One buffer for all that is read, one for all that is written: a quiet stream costs neither.
  const { input } = recall
  const output = Buffer.allocUnsafeSlow(OUTPUT)
  let at = 0

  const flush = (unit: UnitName) => {
    if (at > 0) parts.store(unit, output.subarray(0, at))
    at = 0
  }

  /** Splits input[0, length) into lines behind the stream's carried bytes; what has no newline yet is carried on. */
  const take = (stream: Stream, length: number, atEnd: boolean) => {
    const { log, label, pid, filter } = stream.run
    const { unit, invocationId, identifier } = log
    const levelPrefix = log.levelPrefix ?? true
    const priority = log.priority ?? DEFAULT_PRIORITY
    const fixed = head({ invocationId, identifier, pid, stream: stream.name, priority })
    const nowUsec = parts.nowUsec()
    const start = stamp(nowUsec) + fixed.text
    const startLength = start.length
    if (startLength > HEAD_MAX) throw new Error(`the head of ${unit}'s lines is too long`)
    // The head stands once at the buffer's end and is copied from there.
    const startAt = OUTPUT - startLength
    output.write(start, startAt, 'latin1')
    const full = startAt - startLength - LINE_MAX - 1
    const isCarrying = stream.carried > 0 || stream.continues !== -1

    if (filter) tellMissed(stream, nowUsec)
    let i = 0
    let isLong = true
    while (i < length || (atEnd && stream.carried > 0)) {
      if (at > full) flush(unit)
      const lineAt = at
      output.copyWithin(lineAt, startAt, OUTPUT)
      const messageAt = lineAt + startLength
      let to = messageAt
      if (stream.carry) {
        stream.carry.copy(output, to, 0, stream.carried)
        to += stream.carried
      }
      const from = i
      const bound = Math.min(length, i + messageAt + LINE_MAX - to)
      if (isLong) {
        const newline = input.indexOf(NEWLINE, i)
        i = newline === -1 || newline > bound ? bound : newline
        input.copy(output, to, from, i)
        to += i - from
      } else {
        for (let byte: number; i < bound; i++) {
          byte = input[i] as number
          if (byte === NEWLINE) break
          output[to++] = byte
        }
      }
      isLong = i - from > LONG
      let isPartial = false
      if (i < bound) i++
      else if (to - messageAt === LINE_MAX && (i < length ? input[i] !== NEWLINE : !atEnd)) {
        // Whether a newline follows is known with the next byte only.
        if (i === length) {
          carry(stream, messageAt, to)
          break
        }
        isPartial = true
        // Not within a character of UTF-8, so that both parts stay text.
        let back = 0
        while (back < 3 && back < i - from && ((input[i - back] as number) & 0xc0) === 0x80) back++
        if (((input[i - back] as number) & 0xc0) !== 0x80) {
          i -= back
          to -= back
        }
      } else if (i < length) i++
      else if (!atEnd) {
        carry(stream, messageAt, to)
        break
      }
      stream.carry = null
      stream.carried = 0

      let given = stream.continues
      if (given === -1) {
        given = priority
        const digit = (output[messageAt + 1] as number) - ZERO
        if (
          levelPrefix &&
          to - messageAt >= 3 &&
          output[messageAt] === LESS &&
          output[messageAt + 2] === GREATER &&
          digit >= 0 &&
          digit <= 7
        ) {
          given = digit
          output.copyWithin(messageAt, messageAt + 3, to)
          to -= 3
        }
      }
      if (given !== priority) output[lineAt + fixed.priorityAt] = ZERO + given
      if (isPartial) output[messageAt - 2] = PARTIAL
      stream.continues = isPartial ? given : -1
      if (filter && !filter.keeps(given, output.subarray(messageAt, to), nowUsec)) continue
      output[to++] = NEWLINE
      at = to
      if (label) tellConsole(stream, output.subarray(messageAt, to), given, isPartial, nowUsec)
    }
    flush(unit)
    if (isCarrying || stream.carried > 0 || stream.continues !== -1)
      recall.carry(
        stream.key,
        stream.continues,
        stream.carry?.subarray(0, stream.carried) ?? EMPTY,
        false,
      )
  }

  /** `message` with its newline. */
  const tellConsole = (
    { name, run }: Pick<Stream, 'name' | 'run'>,
    message: Buffer,
    priority: number,
    partial: boolean,
    timeUsec: number,
  ) => {
    const { unit, consoleFormat } = run.log
    const isJson = consoleFormat === 'json'
    const record = { timeUsec, unit, stream: name, priority, partial }
    const told = isJson
      ? jsonLine(record, message.toString('utf8', 0, message.length - 1))
      : message
    parts.console(run.label ?? EMPTY, told)
  }

  /** Says how many lines the rate limit has cost, when it is known; null: at the end of the run. */
  const tellMissed = ({ name, run }: Pick<Stream, 'name' | 'run'>, nowUsec: number | null) => {
    const missed = run.filter?.missed(nowUsec) ?? 0
    if (missed === 0) return
    const { unit, invocationId } = run.log
    const said = head({ invocationId, identifier: 'hearth', pid: null, stream: name, priority: 4 })
    const from = at + output.write(stamp(parts.nowUsec()) + said.text, at, 'latin1')
    const message = suppressed(missed, unit)
    at = from + message.copy(output, from)
    if (run.label) tellConsole({ name, run }, message, 4, false, parts.nowUsec())
  }

  const filterOf = ({ unit, limits }: RunLog): Filter | null => {
    if (!limits) return null
    const nowUsec = parts.nowUsec()
    for (const [of, { filter, runs }] of filters)
      if (runs === 0 && filter.isIdle(nowUsec)) filters.delete(of)
    const written = JSON.stringify(limits)
    const known = filters.get(unit)
    if (known?.limits === written) {
      known.runs++
      return known.filter
    }
    const filter = createFilter(limits, message => parts.warn(`${unit}: ${message}`))
    filters.set(unit, { limits: written, filter, runs: 1 })
    return filter
  }

  const carry = (stream: Stream, from: number, to: number) => {
    const length = to - from
    if (!stream.carry || stream.carry.length < length)
      stream.carry = Buffer.allocUnsafeSlow(Math.min(LINE_MAX, Math.max(64, 2 * length)))
    output.copy(stream.carry, 0, from, to)
    stream.carried = length
  }

  /** Adds a short read to the carried bytes at once: a line written byte by byte must not be copied for each of them. */
  const extend = (stream: Stream, length: number): boolean => {
    const { carry } = stream
    if (!carry || stream.carried + length > carry.length) return false
    const newline = input.indexOf(NEWLINE)
    if (newline !== -1 && newline < length) return false
    input.copy(carry, stream.carried, 0, length)
    stream.carried += length
    recall.carry(stream.key, stream.continues, input.subarray(0, length), true)
    return true
  }

  const close = (stream: Stream) => {
    recall.end(stream.key)
    take(stream, 0, true)
    recall.done()
    streams.delete(stream.key)
    if (stream.held) held.delete(stream)
    else parts.unwatch(stream.fd)
    fs.closeSync(stream.fd)
    stream.run.open--
    if (stream.run.open === 0 && stream.run.filter) {
      const { unit } = stream.run.log
      tellMissed(stream, null)
      flush(unit)
      const known = filters.get(unit)
      if (known?.filter === stream.run.filter) known.runs--
    }
    if (stream.run.open === 0) parts.ended(stream.run.log.unit)
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
      const label = log.console ? labelOf(log.unit, log.consoleFormat ?? 'prefix') : null
      const run: Run = { log, pid: log.pid ?? null, label, filter: filterOf(log), open: 0 }
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
