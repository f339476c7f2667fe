// Booleans as systemd reads them (systemd.syntax(7)).
import { err, ok } from 'neverthrow'
import { listed, type Parse } from './parse.ts'

const TRUE = new Set(['1', 'yes', 'y', 'true', 't', 'on'])
const FALSE = new Set(['0', 'no', 'n', 'false', 'f', 'off'])

/** `yes`, `true`, `on`, `1` and their opposites, in any case; null for anything else. */
export function readBoolean(text: string): boolean | null {
  const word = text.toLowerCase()
  if (TRUE.has(word)) return true
  return FALSE.has(word) ? false : null
}

/** systemd.syntax(7): boolean arguments. */
export const boolean: Parse<boolean> = text => {
  const value = readBoolean(text)
  return value === null ? err('expected yes or no') : ok(value)
}

/** A boolean, as `yes` or `no`, or one of a few words that say more. */
export const booleanOr =
  <T extends string>(...others: readonly T[]): Parse<'yes' | 'no' | T> =>
  text => {
    const other = others.find(word => word === text)
    if (other !== undefined) return ok(other)
    const value = readBoolean(text)
    if (value === null) return err(`expected ${listed(['yes', 'no', ...others])}`)
    return ok(value ? 'yes' : 'no')
  }
