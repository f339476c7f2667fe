// Forwarding to one destination: what is in the log files behind the cursor, and what comes, for as long as it takes. The files
// are the queue: while a server is slow or away nothing is held here but one batch.
import { setTimeout as pause } from 'node:timers/promises'
import type { UnitName } from '../../units/unit.ts'
import { ALL, type LogRecord } from '../record.ts'
import { advance, type Cursor, createSkip } from './cursor.ts'
import type { Sender } from './senders.ts'
import type { Source } from './source.ts'

export interface Shipper {
  /** Which units are meant has changed. */
  changed(): void
  /** Sends what is there now, as far as it comes until `signal` aborts, and ends. */
  finish(signal: AbortSignal): Promise<void>
  /** Up to where everything has been sent, and is not in doubt. */
  cursor(): Cursor
}

export type ShipperParts = {
  url: string
  source: Source
  sender: Sender
  cursor: Cursor
  /** Whether lines of that unit go there. */
  wants: (unit: UnitName) => boolean
  /** The units that are meant; null: all. */
  units: () => readonly UnitName[] | null
  moved: () => void
  warn: (message: string) => void
}

const PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 30_000
const WARN_EVERY_MS = 10_000

export function createShipper(parts: ShipperParts): Shipper {
  const { url, source, sender, warn } = parts
  let { cursor } = parts
  let settled = cursor
  let reading = new AbortController()
  const ending = new AbortController()
  let isEnding = false
  let isAway = false
  const tellRefused = occasionally(
    count => `${count} lines were turned away by ${url}, and are left out there`,
    warn,
  )
  const tellMissed = occasionally(
    count => `${count} bytes of logs were removed before they could be sent to ${url}`,
    warn,
  )
  /** Sent over the present connection, not long ago. */
  let doubtful: { records: readonly LogRecord[]; atMs: number; cursor: Cursor }[] = []
  /** One batch after the other, those that are sent again too. */
  let order = Promise.resolve()
  let timer: NodeJS.Timeout | null = null

  const settle = () => {
    timer = null
    const until = performance.now() - sender.doubtMs
    while (doubtful[0] && doubtful[0].atMs <= until) {
      settled = doubtful[0].cursor
      doubtful.shift()
      parts.moved()
    }
    const [next] = doubtful
    if (next) timer = setTimeout(settle, Math.max(1, next.atMs - until))
  }

  const sent = (records: readonly LogRecord[], reached: Cursor) => {
    if (sender.doubtMs === 0) {
      settled = reached
      parts.moved()
      return
    }
    doubtful.push({ records, atMs: performance.now(), cursor: reached })
    timer ??= setTimeout(settle, sender.doubtMs)
  }

  /** Resolves when they have been taken, or the end has come. */
  const deliver = async (records: readonly LogRecord[], reached: Cursor) => {
    let from = 0
    for (let pauseMs = PAUSE_MS; !ending.signal.aborted; ) {
      try {
        if (from < records.length) tellRefused(await sender.send(records.slice(from)))
        if (isAway) warn(`logs are forwarded to ${url} again`)
        isAway = false
        return sent(records, reached)
      } catch (error) {
        const {
          message,
          sent: some = 0,
          retryMs,
        } = error as Error & {
          sent?: number
          retryMs?: number
        }
        from += some
        if (!isAway)
          warn(`cannot forward logs to ${url}: ${message}; they wait in the log files meanwhile`)
        isAway = true
        if (isEnding) return
        await pause(retryMs ?? pauseMs, undefined, { signal: ending.signal }).catch(() => {})
        pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs)
      }
    }
  }

  const inOrder = (records: readonly LogRecord[], reached: Cursor) => {
    order = order.then(() => deliver(records, reached))
    return order
  }

  sender.broken = () => {
    const again = doubtful
    doubtful = []
    for (const { records, cursor: reached } of again) void inOrder(records, reached)
  }

  const ship = async (follow: boolean, signal: AbortSignal) => {
    const skip = createSkip(cursor)
    const after = new Map([...cursor.units].map(([unit, { timeUsec }]) => [unit, timeUsec]))
    const units = parts.units()
    const query = { ...ALL, units: units ?? [], follow, sinceUsec: cursor.begunUsec, after }
    for await (const { records, missedBytes } of source.read(query, signal)) {
      tellMissed(missedBytes)
      const fresh = records.filter(record => !skip(record))
      const reached = advance(cursor, fresh)
      const wanted = fresh.filter(({ unit }) => parts.wants(unit))
      await inOrder(wanted, reached)
      cursor = reached
      if (signal.aborted) return
    }
  }

  const run = async () => {
    while (!isEnding) {
      await source.connected()
      const { signal } = reading
      if (parts.units()?.length !== 0) await ship(true, signal).catch(fail)
      else await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
      if (signal.aborted) reading = new AbortController()
      // The log worker is gone, and another comes; or it has refused, which it will again.
      else await pause(PAUSE_MS)
    }
  }
  const fail = (error: unknown) => warn(`cannot forward logs to ${url}: ${error}`)
  const running = run()

  return {
    changed: () => reading.abort(),
    async finish(signal) {
      isEnding = true
      reading.abort()
      signal.addEventListener('abort', () => ending.abort())
      await Promise.race([
        running.then(async () => {
          if (!isAway && parts.units()?.length !== 0) await ship(false, signal)
        }),
        new Promise<void>(resolve => signal.addEventListener('abort', () => resolve())),
      ])
      if (timer) clearTimeout(timer)
      if (!isAway) settled = cursor
      sender.close()
    },
    cursor: () => settled,
  }
}

/** Tells a sum at once, and what comes to it later with the next after a while. */
function occasionally(sentence: (count: number) => string, warn: (message: string) => void) {
  let sum = 0
  let toldMs = Number.NEGATIVE_INFINITY
  return (count: number) => {
    sum += count
    if (sum === 0 || performance.now() - toldMs < WARN_EVERY_MS) return
    toldMs = performance.now()
    warn(sentence(sum))
    sum = 0
  }
}
