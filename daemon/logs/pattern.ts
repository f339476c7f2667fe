// What a search of the logs looks for. It runs in the thread that reads the services' output, so no pattern may take long.
import { setFlagsFromString } from 'node:v8'

const SPECIAL = /[\\^$.*+?()[\]{}|]/

/**
 * Whether a message matches `source`, a regular expression; without capitals it finds capitals too, as with journalctl.
 * Throws a SyntaxError when it is none, or none that can be matched in linear time (no lookaround, no back references).
 */
export function createPattern(source: string): (message: string) => boolean {
  // What an escape names (\S, \x41) is meant as it stands.
  const isExact = /[A-Z]|\\[xu]/.test(source.replace(/\\[^xu]/g, ''))
  // The linear engine has no flag `i`.
  const folded = isExact ? source : source.replace(/\\.|[^\\]+/gs, lowerText)
  const matches = exactPattern(folded)
  return isExact ? matches : message => matches(message.toLowerCase())
}

/** As `createPattern`, with capitals told apart everywhere. */
export const exactPattern = (source: string): ((message: string) => boolean) =>
  SPECIAL.test(source) ? matcher(source) : text => text.includes(source)

const lowerText = (part: string) => (part.startsWith('\\') ? part : part.toLowerCase())

function matcher(source: string): (text: string) => boolean {
  // Permits the flag `l`; nothing else changes.
  setFlagsFromString('--enable-experimental-regexp-engine')
  const pattern = new RegExp(source, 'l')
  return text => pattern.test(text)
}
