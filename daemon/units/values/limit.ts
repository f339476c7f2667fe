// Resource limits: `LimitNOFILE=1024:infinity`, each resource in its own measure (systemd.exec(5), PROCESS PROPERTIES).
import { err, ok, type Result } from 'neverthrow'
import type { ResourceLimit } from '../unit.ts'
import { readSize, readUnsigned } from './number.ts'
import type { Parse } from './parse.ts'
import { readTimespan } from './timespan.ts'

export type LimitMeasure = 'count' | 'bytes' | 'seconds' | 'usec' | 'nice'

/** The resources of setrlimit(2) and what their numbers count. */
export const LIMITS = {
  cpu: 'seconds',
  fsize: 'bytes',
  data: 'bytes',
  stack: 'bytes',
  core: 'bytes',
  rss: 'bytes',
  nofile: 'count',
  as: 'bytes',
  nproc: 'count',
  memlock: 'bytes',
  locks: 'count',
  sigpending: 'count',
  msgqueue: 'bytes',
  nice: 'nice',
  rtprio: 'count',
  rttime: 'usec',
} as const satisfies Record<string, LimitMeasure>
export type LimitName = keyof typeof LIMITS

const EXPECTED: Record<LimitMeasure, string> = {
  count: 'a number or infinity',
  bytes: 'a size, such as 64M, or infinity',
  seconds: 'a time span, such as 10min, or infinity',
  usec: 'a time span in microseconds, such as 500ms, or infinity',
  nice: 'a nice level from -20 to +19 with its sign, or a number from 0 to 40',
}

const READ: Record<LimitMeasure, (text: string) => number | null> = {
  count: readUnsigned,
  bytes: text => readSize(text).unwrapOr(null),
  seconds: text => {
    const span = readTimespan(text)
    if (span === 'infinity' || span === null) return span === null ? null : Number.POSITIVE_INFINITY
    // The kernel counts whole seconds: a started one is granted.
    return Number((span + 999_999n) / 1_000_000n)
  },
  usec: text => {
    const span = readTimespan(text, 1n)
    if (span === 'infinity' || span === null) return span === null ? null : Number.POSITIVE_INFINITY
    return Number(span)
  },
  nice: text => {
    if (!/^[+-]?\d+$/.test(text)) return null
    const number = Number(text)
    if (/^[+-]/.test(text)) return number >= -20 && number <= 19 ? 20 - number : null
    return number <= 40 ? number : null
  },
}

/** `soft:hard`, or one value for both. */
export const limit =
  (measure: LimitMeasure): Parse<ResourceLimit> =>
  text => {
    const parts = text.split(':')
    const read = (part: string): Result<number, string> => {
      const word = part.trim()
      const isInfinite = word === 'infinity' && measure !== 'nice'
      const value = isInfinite ? Number.POSITIVE_INFINITY : READ[measure](word)
      return value === null ? err(`expected ${EXPECTED[measure]}, once or as soft:hard`) : ok(value)
    }
    if (parts.length > 2) return err(`expected ${EXPECTED[measure]}, once or as soft:hard`)
    return read(parts[0] ?? '').andThen(soft =>
      read(parts[1] ?? parts[0] ?? '').andThen(hard =>
        soft > hard ? err('expected a soft limit not above the hard one') : ok({ soft, hard }),
      ),
    )
  }
