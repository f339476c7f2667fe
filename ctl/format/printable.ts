// Text of others on our terminal: only its colours may pass, lest it moves the cursor or worse.
import type { Paint } from './paint.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const CONTROL = /\x1b\[[0-9;:]*m|[\x00-\x08\x0a-\x1f\x7f\x80-\x9f]/g

/** `text` with control characters written as `\x1b`; its colours stay when colours are wanted. */
export function printableText(text: string, paint: Paint): string {
  let coloured = false
  const shown = text.replace(CONTROL, found => {
    if (found.length === 1) return escaped(found)
    coloured = true
    return paint.on ? found : ''
  })
  return coloured && paint.on ? `${shown}\x1b[0m` : shown
}

/** The command line of a process on one line, all that is not text written as escapes. */
export const printableCommand = (command: string) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  command.replace(/[\x00-\x1f\x7f\x80-\x9f]/g, escaped)

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' }

const escaped = (character: string) =>
  NAMED[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
