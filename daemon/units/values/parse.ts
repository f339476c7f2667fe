// What a parser of values is: text in, the value out, or what was expected in its place.
import { err, ok, type Result } from 'neverthrow'
import type { Clock } from './zone.ts'

/** What a parser may ask about the unit that the value belongs to. */
export type ValueContext = {
  /** The text with its specifiers replaced (systemd.unit(5), SPECIFIERS); an unknown one is an error that names it. */
  expand: (text: string) => Result<string, string>
  /** The clocks of the machine's zone by their abbreviations; absent: none is known. */
  clocks?: () => readonly Clock[]
  /** Something that is read, but hardly meant. */
  warn: (message: string) => void
}

/** The error says what was expected, so that it can stand behind "cannot read TimeoutSec=x: ". */
export type Parse<T> = (text: string, context: ValueContext) => Result<T, string>

/** One of a few words, as written in the manual. */
export const oneOf =
  <T extends string>(...words: readonly T[]): Parse<T> =>
  text => {
    const word = words.find(word => word === text)
    return word === undefined ? err(`expected ${listed(words)}`) : ok(word)
  }

/** "a, b or c". */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

/** The text with its specifiers replaced. */
export const expanded: Parse<string> = (text, context) => context.expand(text)
