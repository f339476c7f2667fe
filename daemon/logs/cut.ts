// What a pipe brings, cut into lines, each with its head: for the store and for the console.
import type { Native } from '../runtime/native.ts'
import type { UnitName } from '../units/unit.ts'
import { jsonLine } from './console-line.ts'
import { type Filter, suppressed } from './filter.ts'
import { createFrame, NO_LEVEL, NOWHERE } from './frame.ts'
import { head, LINE_MAX, NEWLINE, PARTIAL, stamp } from './line.ts'
import type { RunLog } from './logs.ts'

/** A stream as far as its lines are concerned. */
export type Source = {
  name: 'out' | 'err'
  run: {
    log: RunLog
    pid: number | null
    /** What stands before its lines on the console; null: they don't go there. */
    label: Buffer | null
    /** null: every line is kept. */
    filter: Filter | null
  }
  /** The line that is not whole yet. */
  carry: Buffer | null
  carried: number
  /** The priority of the part before, when the carried bytes go on with a line that was too long; -1 otherwise. */
  continues: number
}

export interface Cutter {
  /** Splits input[0, length) into lines behind the carried bytes; what has no newline yet is carried on, if not `atEnd`. */
  take(source: Source, length: number, atEnd: boolean): void
  /** Adds input[0, length) to the carried bytes if it fits there and has no newline: a line written byte by byte must not
   * be copied for each of them. */
  extend(source: Source, length: number): boolean
  /** Says how many lines the rate limit has cost, at the end of the run. */
  tellMissed(source: Source): void
}

export type CutterParts = {
  native: Pick<Native, 'frameLines'>
  input: Buffer
  nowUsec: () => number
  /** Takes whole lines with their heads; the bytes are used again afterwards. */
  store: (unit: UnitName, lines: Uint8Array) => void
  /** Takes so many lines for the daemon's stdout; the bytes are used again afterwards. */
  console: (lines: Uint8Array, count: number) => void
}

/** What stands before each line of a turn. */
type LineHead = { bytes: Buffer; priority: number; priorityAt: number; nowUsec: number }

const OUTPUT = 256 * 1024
const HEAD_MAX = 1024
const DEFAULT_PRIORITY = 6
const EMPTY = Buffer.alloc(0)
const LESS = 0x3c
const GREATER = 0x3e
const ZERO = 0x30

export function createCutter(parts: CutterParts): Cutter {
  const { input, nowUsec } = parts
  const frame = createFrame(parts.native, input, LINE_MAX)
  // One buffer for all that is written: a quiet stream costs nothing.
  const output = Buffer.allocUnsafeSlow(OUTPUT)
  const heads = Buffer.allocUnsafeSlow(HEAD_MAX)
  let at = 0

  const flush = (unit: UnitName) => {
    if (at > 0) parts.store(unit, output.subarray(0, at))
    at = 0
  }

  const headOf = ({ name, run }: Source): LineHead => {
    const { unit, invocationId, identifier, priority = DEFAULT_PRIORITY } = run.log
    const { text, priorityAt } = head({
      invocationId,
      identifier,
      pid: run.pid,
      stream: name,
      priority,
    })
    const now = nowUsec()
    const written = stamp(now) + text
    if (written.length > HEAD_MAX) throw new Error(`the head of ${unit}'s lines is too long`)
    const bytes = heads.subarray(0, heads.write(written, 'latin1'))
    return { bytes, priority, priorityAt, nowUsec: now }
  }

  /** Takes whole lines from input[from, to), as many as there is room for; where it came to. */
  const takeMany = ({ run }: Source, head: LineHead, from: number, to: number): number => {
    const { unit, levelPrefix = true } = run.log
    const priorityAt = levelPrefix ? head.priorityAt : NO_LEVEL
    frame.put({ from, to, head: head.bytes, priorityAt }, output, at)
    at = frame.at
    const end = frame.from
    if (!run.label || end === from) return end
    flush(unit)
    const told = { to: end, head: run.label, priorityAt: levelPrefix ? NOWHERE : NO_LEVEL }
    for (let i = from; i < end; i = frame.from) {
      const count = frame.put({ ...told, from: i }, output, 0)
      parts.console(output.subarray(0, frame.at), count)
    }
    return end
  }

  /** Takes one line behind the carried bytes, or as much of it as a line may have; what has no end is carried on. Where it
   * came to. */
  const takeOne = (
    source: Source,
    head: LineHead,
    from: number,
    length: number,
    atEnd: boolean,
  ): number => {
    const { log, label, filter } = source.run
    const lineAt = at
    const messageAt = lineAt + head.bytes.length
    let to = messageAt
    output.set(head.bytes, lineAt)
    if (source.carry) to += source.carry.copy(output, to, 0, source.carried)
    const bound = Math.min(length, from + messageAt + LINE_MAX - to)
    const newline = input.indexOf(NEWLINE, from)
    let i = newline === -1 || newline > bound ? bound : newline
    to += input.copy(output, to, from, i)
    let isPartial = false
    if (i < bound) i++
    else if (to - messageAt === LINE_MAX && (i < length ? input[i] !== NEWLINE : !atEnd)) {
      // Whether a newline follows is known with the next byte only.
      if (i === length) return carry(source, messageAt, to, i)
      isPartial = true
      // Not within a character of UTF-8, so that both parts stay text.
      let back = 0
      while (back < 3 && back < i - from && ((input[i - back] as number) & 0xc0) === 0x80) back++
      if (((input[i - back] as number) & 0xc0) !== 0x80) {
        i -= back
        to -= back
      }
    } else if (i < length) i++
    else if (!atEnd) return carry(source, messageAt, to, i)
    source.carry = null
    source.carried = 0

    let given = source.continues
    if (given === -1) {
      given = (log.levelPrefix ?? true) ? levelOf(messageAt, to) : -1
      if (given !== -1) {
        output.copyWithin(messageAt, messageAt + 3, to)
        to -= 3
      } else given = head.priority
    }
    if (given !== head.priority) output[lineAt + head.priorityAt] = ZERO + given
    if (isPartial) output[messageAt - 2] = PARTIAL
    source.continues = isPartial ? given : -1
    if (filter && !filter.keeps(given, output.subarray(messageAt, to), head.nowUsec)) return i
    output[to++] = NEWLINE
    at = to
    if (label) tellConsole(source, output.subarray(messageAt, to), given, isPartial, head.nowUsec)
    return i
  }

  /** The N of `<N>` at the start of a line in the output; -1: there is none. */
  const levelOf = (from: number, to: number) => {
    const digit = (output[from + 1] as number) - ZERO
    const isLevel = to - from >= 3 && output[from] === LESS && output[from + 2] === GREATER
    return isLevel && digit >= 0 && digit <= 7 ? digit : -1
  }

  const carry = (source: Source, from: number, to: number, came: number) => {
    const length = to - from
    if (!source.carry || source.carry.length < length)
      source.carry = Buffer.allocUnsafeSlow(Math.min(LINE_MAX, Math.max(64, 2 * length)))
    output.copy(source.carry, 0, from, to)
    source.carried = length
    return came
  }

  /** `message` with its newline. */
  const tellConsole = (
    { name, run }: Source,
    message: Buffer,
    priority: number,
    partial: boolean,
    timeUsec: number,
  ) => {
    const { unit, consoleFormat } = run.log
    const record = { timeUsec, unit, stream: name, priority, partial }
    const told =
      consoleFormat === 'json'
        ? jsonLine(record, message.toString('utf8', 0, message.length - 1))
        : Buffer.concat([run.label ?? EMPTY, message])
    parts.console(told, 1)
  }

  /** Says how many lines the rate limit has cost in intervals that are over; null: in all. */
  const tellMissed = (source: Source, overUsec: number | null) => {
    const { log, label, filter } = source.run
    const missed = filter?.missed(overUsec) ?? 0
    if (missed === 0) return
    const { unit, invocationId } = log
    const now = nowUsec()
    const of = { invocationId, identifier: 'hearth', pid: null, stream: source.name, priority: 4 }
    const from = at + output.write(stamp(now) + head(of).text, at, 'latin1')
    const message = suppressed(missed, unit)
    at = from + message.copy(output, from)
    if (label) tellConsole(source, message, 4, false, now)
  }

  return {
    take(source, length, atEnd) {
      const { log, label, filter } = source.run
      const head = headOf(source)
      const full = OUTPUT - head.bytes.length - LINE_MAX - 1
      const isPlain = !filter && (!label || log.consoleFormat !== 'json')
      if (filter) tellMissed(source, head.nowUsec)
      for (let i = 0; i < length || (atEnd && source.carried > 0); ) {
        if (at > full) flush(log.unit)
        const isAtStart = source.carried === 0 && source.continues === -1
        const next = isPlain && isAtStart ? takeMany(source, head, i, length) : i
        i = next > i ? next : takeOne(source, head, i, length, atEnd)
      }
      flush(log.unit)
    },
    extend(source, length) {
      const { carry } = source
      if (!carry || source.carried + length > carry.length) return false
      const newline = input.indexOf(NEWLINE)
      if (newline !== -1 && newline < length) return false
      input.copy(carry, source.carried, 0, length)
      source.carried += length
      return true
    },
    tellMissed(source) {
      tellMissed(source, null)
      flush(source.run.log.unit)
    },
  }
}
