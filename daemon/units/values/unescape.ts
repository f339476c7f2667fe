// C escapes in a value that is not split into words: SetCredential=, StandardInputText=.
import { err, ok, type Result } from 'neverthrow'
import { readEscape } from './words.ts'

/** The bytes that the text stands for, NUL among them (systemd's cunescape() with UNESCAPE_ACCEPT_NUL). */
export function unescapeBytes(text: string): Result<Uint8Array, string> {
  const encoder = new TextEncoder()
  if (!text.includes('\\')) return ok(encoder.encode(text))
  const bytes: number[] = []
  for (let at = 0; at < text.length; ) {
    const backslash = text.indexOf('\\', at)
    const end = backslash < 0 ? text.length : backslash
    bytes.push(...encoder.encode(text.slice(at, end)))
    at = end
    if (backslash < 0) break
    if (at + 1 === text.length) return err('a backslash ends the text')
    const meant = readEscape(text, at + 1, true)
    if (meant === null) return err(`unknown escape \\${text[at + 1]}`)
    if ('byte' in meant) bytes.push(meant.byte)
    else bytes.push(...encoder.encode(meant.char))
    at += 1 + meant.length
  }
  return ok(Uint8Array.from(bytes))
}

/** The same as text; bytes that are none are an error. */
export const unescapeText = (text: string): Result<string, string> =>
  unescapeBytes(text).andThen(bytes => {
    try {
      return ok(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    } catch {
      return err('its escapes give bytes that are not UTF-8')
    }
  })
