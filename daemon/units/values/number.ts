// Whole numbers, file modes and sizes.
import { err, ok, type Result } from 'neverthrow'
import type { Parse } from './parse.ts'

/** A whole number from `least` to `most`. */
export const integer =
  (least: number, most: number): Parse<number> =>
  text => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return ok(value)
    return err(
      most >= Number.MAX_SAFE_INTEGER
        ? `expected a whole number not below ${least}`
        : `expected a whole number from ${least} to ${most}`,
    )
  }

const BASES = { '0x': 16, '0o': 8, '0b': 2 } as const

/** A whole number from 0 as C writes it: decimal, `0x1f`, `0o17`, `017`, `0b11`; null if it is none. */
export function readUnsigned(text: string): number | null {
  if (/^\+?(?:0|[1-9]\d*)$/.test(text)) return Number(text)
  if (/^0[0-7]+$/.test(text)) return Number.parseInt(text, 8)
  const base = BASES[text.slice(0, 2).toLowerCase() as keyof typeof BASES]
  if (base === undefined || !/^[0-9a-f]+$/i.test(text.slice(2))) return null
  const number = Number(text)
  return Number.isNaN(number) ? null : number
}

/** A file mode in octal, up to 07777. */
export const mode: Parse<number> = text => {
  const value = /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN
  return value <= 0o7777 ? ok(value) : err('expected an octal mode, such as 0755')
}

const FACTORS = ['E', 'P', 'T', 'G', 'M', 'K', 'B', ''] as const
const SIZE = /^\s*(\d+)(?:\.(\d*))?\s*([EPTGMKB]?)/

/** Bytes with the suffixes B, K, M, G, T, P, E to the base 1024 or another: `64K`, `1.5G`, `1G 500M` with falling suffixes. */
export function readSize(text: string, factor = 1024): Result<number, string> {
  let rest = text
  let total = 0
  let least = -1
  while (rest.trim() !== '') {
    const match = SIZE.exec(rest)
    const suffix = match?.[3] as (typeof FACTORS)[number] | undefined
    const rank = suffix === undefined ? -1 : FACTORS.indexOf(suffix)
    if (!match || rank <= least) return err('expected a size in bytes, such as 512, 64K or 1.5G')
    least = rank
    total += Math.floor(Number(`${match[1]}.${match[2] || 0}`) * factor ** Math.max(0, 6 - rank))
    rest = rest.slice(match[0].length)
  }
  if (least === -1 || total >= 2 ** 64)
    return err('expected a size in bytes, such as 512, 64K or 1.5G')
  return ok(total)
}
