// Which lines of a unit are kept: LogLevelMax=, LogFilterPatterns= and the rate limit (systemd.exec(5), LOGGING AND STANDARD
// INPUT/OUTPUT), in journald's order.
import { NEWLINE } from './line.ts'
import type { LogLimits } from './logs.ts'
import { exactPattern } from './pattern.ts'

export interface Filter {
  /** Whether a line is kept; `message` without its newline. It counts towards the rate limit at `nowUsec`. */
  keeps(priority: number, message: Buffer, nowUsec: number): boolean
  /** How many lines the rate limit has turned away in intervals that are over at `nowUsec` (null: in all), since the last
   * question. */
  missed(nowUsec: number | null): number
  /** Whether nothing is counted at `nowUsec`: then a new one does as well. */
  isIdle(nowUsec: number): boolean
}

type Pool = { beganUsec: number; count: number; missed: number }

/** As journald, which counts apart what is urgent: a flood of debugging does not cost an error. */
const POOL_OF_PRIORITY = [0, 0, 0, 1, 2, 3, 3, 4] as const
/** journald.conf(5), RateLimitIntervalSec= and RateLimitBurst=: what the one is when a unit sets the other alone. */
const DEFAULT_INTERVAL_USEC = 30_000_000
const DEFAULT_BURST = 10_000

/** The filter of a unit. A pattern that cannot be matched in linear time is left out, and `warn` is told in a sentence. */
export function createFilter(limits: LogLimits, warn: (message: string) => void): Filter {
  const { maxPriority = 7, rateIntervalUsec, rateBurst } = limits
  const { allow, deny } = compile(limits.patterns ?? [], warn)
  const intervalUsec = rateIntervalUsec ?? DEFAULT_INTERVAL_USEC
  const burst = rateBurst ?? DEFAULT_BURST
  const isLimited =
    (rateIntervalUsec !== undefined || rateBurst !== undefined) && intervalUsec > 0 && burst > 0
  const pools: Pool[] = []

  // A clock that was set back must not make an interval longer.
  const isOver = ({ beganUsec }: Pool, nowUsec: number) =>
    nowUsec < beganUsec || nowUsec >= beganUsec + intervalUsec

  const passes = (message: Buffer) => {
    if (allow.length === 0 && deny.length === 0) return true
    const text = message.toString()
    if (deny.some(matches => matches(text))) return false
    return allow.length === 0 || allow.some(matches => matches(text))
  }

  return {
    keeps(priority, message, nowUsec) {
      if (priority > maxPriority || !passes(message)) return false
      if (!isLimited) return true
      const at = POOL_OF_PRIORITY[priority] ?? 0
      const pool = pools[at]
      if (pool === undefined || isOver(pool, nowUsec)) {
        pools[at] = { beganUsec: nowUsec, count: 1, missed: pool?.missed ?? 0 }
        return true
      }
      if (pool.count < burst) {
        pool.count++
        return true
      }
      pool.missed++
      return false
    },
    missed(nowUsec) {
      let missed = 0
      for (const pool of pools) {
        if (pool === undefined || (nowUsec !== null && !isOver(pool, nowUsec))) continue
        missed += pool.missed
        pool.missed = 0
      }
      return missed
    },
    isIdle: nowUsec => pools.every(pool => pool === undefined || isOver(pool, nowUsec)),
  }
}

/** The line that says how many are missing, in journald's words. */
export const suppressed = (missed: number, unit: string): Buffer =>
  Buffer.from(`Suppressed ${missed} messages from ${unit}${String.fromCharCode(NEWLINE)}`)

function compile(patterns: readonly string[], warn: (message: string) => void) {
  const allow: ((text: string) => boolean)[] = []
  const deny: ((text: string) => boolean)[] = []
  for (const pattern of patterns) {
    const isDeny = pattern.startsWith('~')
    try {
      const matches = exactPattern(isDeny ? pattern.slice(1) : pattern)
      if (isDeny) deny.push(matches)
      else allow.push(matches)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      warn(`LogFilterPatterns=${pattern} is left out: cannot search for it: ${error.message}`)
    }
  }
  return { allow, deny }
}
