// The sockets that programs log to by datagrams, /dev/log and journald's: what comes is put to the unit that sent it, stored,
// and only then taken away, so that nothing is lost if we die at it (a message may then come twice).
import * as fs from 'node:fs'
import { markerOf, readMarker } from '../runtime/marker.ts'
import type { Native, PeekedMessage, Poller } from '../runtime/native.ts'
import type { UnitName } from '../units/unit.ts'
import { jsonLine } from './console-line.ts'
import { suppressed } from './filter.ts'
import type { Filters } from './filters.ts'
import { parseEntries } from './journal-entry.ts'
import { formatBytes, LINE_MAX, NEWLINE } from './line.ts'
import type { RunLog } from './logs.ts'
import type { LogRecord } from './record.ts'
import { parseSyslog } from './syslog.ts'

export type DatagramKind = 'syslog' | 'journal'

export interface Intake {
  /** From now on that socket is read; it is not ours to close. */
  open(kind: DatagramKind, fd: number): void
  /** Processes that bear the mark of this run need not be asked for. */
  know(run: RunLog): void
  /** The answer to `whose`: which run the process is of, or whose lines are those of no unit. */
  told(pid: number, marker: number | null, run: RunLog): void
  /** Reads what is there now, up to a bound; false when it is asked first whose it is. */
  drain(): boolean
  close(): void
}

export type IntakeParts = {
  native: Pick<Native, 'createPoller' | 'peekSocket' | 'takeSocket'>
  nowUsec: () => number
  filters: Filters
  /** Takes whole lines with their heads. */
  store: (unit: UnitName, lines: Uint8Array) => void
  /** What stands before each line on the console. */
  labelOf: (run: RunLog) => Buffer
  /** Takes so many lines for the daemon's stdout. */
  console: (lines: Uint8Array, count: number) => void
  /** A round is over. */
  flushed: () => void
  /** Asks who a process is; until `told` nothing more is read. */
  whose: (pid: number, marker: number | null) => void
  warn: (message: string) => void
}

/** What one message comes to, however it was sent. */
export type Told = Pick<LogRecord, 'priority' | 'fields'> & {
  identifier: string | null
  pid: number | null
  message: Buffer
}

/** So many messages are read before others have their turn. */
const BATCH = 256
/** A number is not given to another process so soon, milliseconds. */
const KNOWN_MS = 1000
const MOST_KNOWN = 4096
/** sd_journal_send(3) puts what is too long for a datagram into memory; more than this, bytes, is left out. */
const MOST_MEMORY = 16 * 1024 * 1024
/** syslog(3): LOG_USER and LOG_DAEMON, which nearly all use, are not worth a field. */
const PLAIN_FACILITIES = new Set([1, 3])
const WARN_EVERY_MS = 10_000

type Socket = { kind: DatagramKind; fd: number }
type Waiting = { pid: number; marker: number | null }

export function createIntake(parts: IntakeParts): Intake {
  const { native } = parts
  const sockets = new Map<number, Socket>()
  const byPid = new Map<number, { run: RunLog; untilMs: number }>()
  const byMarker = new Map<number, RunLog>()
  let poller: Poller | null = null
  let waiting: Waiting | null = null
  /** While it is asked whose a message is, none is waited for. */
  let isWatching = true
  let warnedMs = Number.NEGATIVE_INFINITY

  const warn = (message: string) => {
    if (performance.now() - warnedMs < WARN_EVERY_MS) return
    warnedMs = performance.now()
    parts.warn(message)
  }

  const learn = (pid: number, marker: number | null, run: RunLog) => {
    if (byPid.size >= MOST_KNOWN) byPid.clear()
    byPid.set(pid, { run, untilMs: performance.now() + KNOWN_MS })
    if (marker !== null) remember(marker, run)
  }

  const remember = (marker: number, run: RunLog) => {
    if (byMarker.size >= MOST_KNOWN) byMarker.clear()
    byMarker.set(marker, run)
  }

  const watch = (on: boolean) => {
    if (isWatching === on) return
    isWatching = on
    for (const { fd } of sockets.values()) {
      if (on) poller?.add(fd, fd)
      else poller?.remove(fd)
    }
  }

  /** Null: it is being asked. */
  const runOf = (pid: number): RunLog | null => {
    const known = byPid.get(pid)
    if (known && performance.now() < known.untilMs) return known.run
    // At once: a program that logs and ends is gone a moment later.
    const marker = pid > 0 ? readMarker(pid) : null
    const run = marker === null ? undefined : byMarker.get(marker)
    if (run) {
      learn(pid, marker, run)
      return run
    }
    waiting = { pid, marker }
    watch(false)
    parts.whose(pid, marker)
    return null
  }

  const keep = (run: RunLog, told: Told, senderPid: number) => {
    const { unit, invocationId } = run
    const nowUsec = parts.nowUsec()
    const { priority } = told
    const filter = parts.filters.of(run)
    const common = { timeUsec: nowUsec, invocationId, stream: 'log' } as const
    const label = run.console ? parts.labelOf(run) : null
    const write = (of: Omit<LogRecord, 'unit' | 'message' | 'binary'>, line: Buffer) => {
      parts.store(unit, formatBytes(of, line))
      if (!label) return
      const isJson = run.consoleFormat === 'json'
      const shown = isJson
        ? jsonLine({ ...of, unit }, line.toString('utf8'))
        : Buffer.concat([label, line, Buffer.of(NEWLINE)])
      parts.console(shown, 1)
    }
    const missed = filter?.missed(nowUsec) ?? 0
    if (missed > 0) {
      const said = suppressed(missed, unit)
      const of = { ...common, identifier: 'hearth', pid: null, priority: 4 }
      write(of, said.subarray(0, said.length - 1))
    }
    if (filter && !filter.keeps(priority, told.message, nowUsec)) return
    const of = {
      ...common,
      identifier: told.identifier ?? run.identifier,
      pid: senderPid > 0 ? senderPid : told.pid,
      priority,
    }
    for (const { line, isPartial, isLast } of linesOf(told.message))
      write(
        {
          ...of,
          ...(isPartial && { partial: true }),
          ...(isLast && told.fields && { fields: told.fields }),
        },
        line,
      )
  }

  const messagesOf = ({ kind }: Socket, { bytes, fds }: PeekedMessage): Told[] => {
    if (kind === 'syslog') return bytes.length === 0 ? [] : [fromSyslog(bytes)]
    const all = [...(bytes.length > 0 ? [bytes] : [])]
    for (const fd of fds) {
      const memory = readMemory(fd)
      if (memory) all.push(memory)
      else warn('a message to the journal is left out: what came with it is no memory, or too long')
    }
    return all.flatMap(each => {
      const { entries, isDamaged } = parseEntries(each)
      if (isDamaged)
        warn('a message to the journal is not as its protocol has it: a part is left out')
      return entries.map(fromJournal)
    })
  }

  /** Takes the next message; false: there is none, or it cannot be told yet whose it is. */
  const take = (socket: Socket): boolean => {
    const message = native.peekSocket(socket.fd)
    if (message === null) return false
    try {
      // What is forwarded to a socket of our own would come round and round.
      if (message.pid === process.pid) {
        native.takeSocket(socket.fd, 0)
        return true
      }
      const run = runOf(message.pid)
      if (run === null) return false
      for (const told of messagesOf(socket, message)) keep(run, told, message.pid)
    } finally {
      for (const fd of message.fds) fs.closeSync(fd)
    }
    native.takeSocket(socket.fd, 0)
    return true
  }

  const read = (socket: Socket) => {
    for (let n = 0; n < BATCH && !waiting && take(socket); n++);
  }

  return {
    open(kind, fd) {
      if (sockets.has(fd)) return
      sockets.set(fd, { kind, fd })
      poller ??= native.createPoller(fds => {
        for (const each of fds) {
          const socket = sockets.get(each)
          if (socket) read(socket)
        }
        parts.flushed()
      })
      if (isWatching) poller.add(fd, fd)
    },
    know(run) {
      if (run.invocationId !== '') remember(markerOf(run.invocationId), run)
    },
    told(pid, marker, run) {
      learn(pid, marker, run)
      if (waiting?.pid !== pid) return
      waiting = null
      for (const socket of sockets.values()) {
        // A process that sends and ends may be the next one, too.
        read(socket)
        if (waiting) break
      }
      if (!waiting) watch(true)
      parts.flushed()
    },
    drain() {
      for (const socket of sockets.values()) read(socket)
      return waiting === null
    },
    close() {
      watch(false)
      poller?.close()
      poller = null
      sockets.clear()
    },
  }
}

function fromSyslog(bytes: Buffer): Told {
  const { priority, facility, identifier, pid, message, fields } = parseSyslog(bytes)
  const all = {
    ...(!PLAIN_FACILITIES.has(facility) && { SYSLOG_FACILITY: String(facility) }),
    ...fields,
  }
  const hasFields = Object.keys(all).length > 0
  return { priority, identifier, pid, message, ...(hasFields && { fields: all }) }
}

function fromJournal({
  fields,
  ...told
}: ReturnType<typeof parseEntries>['entries'][number]): Told {
  return Object.keys(fields).length > 0 ? { ...told, fields } : told
}

/** The lines of a message; what is longer than a line may be comes in parts. An empty message is an empty line. */
export function* linesOf(
  message: Buffer,
): Generator<{ line: Buffer; isPartial: boolean; isLast: boolean }> {
  let end = message.length
  while (end > 0 && message[end - 1] === NEWLINE) end--
  for (let at = 0; at <= end; ) {
    const newline = message.subarray(0, end).indexOf(NEWLINE, at)
    const to = newline === -1 ? end : newline
    let from = at
    for (; to - from > LINE_MAX; ) {
      let cut = from + LINE_MAX
      // Not within a character of UTF-8.
      for (let back = 0; back < 3 && ((message[cut] as number) & 0xc0) === 0x80; back++) cut--
      if (((message[cut] as number) & 0xc0) === 0x80) cut = from + LINE_MAX
      yield { line: message.subarray(from, cut), isPartial: true, isLast: false }
      from = cut
    }
    yield { line: message.subarray(from, to), isPartial: false, isLast: to === end }
    at = to + 1
  }
}

/** What stands in a memory file; null: it is none, or too long. Nothing else is read: it could make us wait. */
function readMemory(fd: number): Buffer | null {
  try {
    if (!/^\/(memfd:|dev\/shm\/)/.test(fs.readlinkSync(`/proc/self/fd/${fd}`))) return null
    const found = fs.fstatSync(fd)
    if (!found.isFile() || found.size > MOST_MEMORY) return null
    const bytes = Buffer.allocUnsafe(found.size)
    let length = 0
    for (let got = -1; got !== 0 && length < bytes.length; length += got)
      got = fs.readSync(fd, bytes, length, bytes.length - length, length)
    return bytes.subarray(0, length)
  } catch {
    return null
  }
}
