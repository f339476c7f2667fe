// Booleans as systemd reads them (systemd.syntax(7)).
import { err, ok } from 'neverthrow'
import type { Parse } from './parse.ts'

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
