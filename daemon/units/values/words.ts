// Words of a value: splitting at white space, quotes and C escapes (systemd.syntax(7), QUOTING).
import { err, ok, type Result } from 'neverthrow'

export type WordOptions = {
  /** `'` and `"` group words and go away (EXTRACT_UNQUOTE). */
  unquote?: boolean
  /** `\n`, `\x41` … become what they mean (EXTRACT_CUNESCAPE); otherwise `\` keeps the next character as it is. */
  unescape?: boolean
  /** An unknown escape stays as written (EXTRACT_UNESCAPE_RELAX); otherwise it is an error. */
  relaxEscapes?: boolean
  /** `\` is a character like others (EXTRACT_RETAIN_ESCAPE). */
  keepBackslashes?: boolean
}

export type Word = {
  text: string
  /** Where the rest begins: at the next word, or at the end of the text. */
  next: number
}

const isSpace = (char: string | undefined) =>
  char === ' ' || char === '\t' || char === '\n' || char === '\r'

/** Where the first character that is no white space stands, from `at` on. */
export function skipSpace(text: string, at: number): number {
  let i = at
  while (i < text.length && isSpace(text[i])) i++
  return i
}

const UNBALANCED = 'the quotes do not pair up'

/**
 * The first word of `text` from `at` on, or null when only white space is left: systemd's extract_first_word(). An error
 * is an unpaired quote, a lone `\` at the end or, unless they are relaxed, an unknown escape.
 */
export function firstWord(
  text: string,
  at: number,
  options: WordOptions,
): Result<Word | null, string> {
  let i = skipSpace(text, at)
  if (i >= text.length) return ok(null)
  const plain = plainWord(text, i)
  if (plain !== null) return ok(plain)
  let word = ''
  let quote = ''
  let bytes: number[] = []
  const flush = (): boolean => {
    if (bytes.length === 0) return true
    try {
      word += new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
        new Uint8Array(bytes),
      )
    } catch {
      return false
    }
    bytes = []
    return true
  }
  for (; i < text.length; i++) {
    const char = text[i] as string
    if (char === '\\' && !options.keepBackslashes) {
      if (i + 1 >= text.length) {
        if (!options.relaxEscapes || quote !== '') return err('a backslash ends the text')
        word += '\\'
        continue
      }
      if (!options.unescape) {
        word += text[++i]
        continue
      }
      const meant = readEscape(text, i + 1)
      if (meant === null) {
        if (!options.relaxEscapes) return err(`unknown escape \\${text[i + 1]}`)
        if (!flush()) return err(NOT_TEXT)
        word += `\\${text[++i]}`
        continue
      }
      if ('byte' in meant) bytes.push(meant.byte)
      else {
        if (!flush()) return err(NOT_TEXT)
        word += meant.char
      }
      i += meant.length
      continue
    }
    if (bytes.length > 0 && !flush()) return err(NOT_TEXT)
    if (quote !== '') {
      if (char === quote) quote = ''
      else word += char
    } else if (options.unquote && (char === '"' || char === "'")) quote = char
    else if (isSpace(char)) return ok({ text: word, next: skipSpace(text, i) })
    else word += char
  }
  if (quote !== '') return err(UNBALANCED)
  if (!flush()) return err(NOT_TEXT)
  return ok({ text: word, next: text.length })
}

const NOT_TEXT = 'its escapes give bytes that are not UTF-8'
const PLAIN = /[^ \t\n\r"'\\]+/y

/** The word when neither quote nor backslash is in it, which is the common case. */
function plainWord(text: string, at: number): Word | null {
  PLAIN.lastIndex = at
  if (!PLAIN.test(text)) return null
  const end = PLAIN.lastIndex
  if (end < text.length && !isSpace(text[end])) return null
  return { text: text.slice(at, end), next: skipSpace(text, end) }
}

type Escape = { length: number } & ({ byte: number } | { char: string })
const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
  s: ' ',
}

/** The C escape behind a backslash at `at`, as systemd's cunescape_one(); null if it is none. NUL is refused, unless it is
 * bytes that are wanted. */
export function readEscape(text: string, at: number, acceptNul = false): Escape | null {
  const kind = text[at] as string
  const simple = SIMPLE[kind]
  if (simple !== undefined) return { length: 1, char: simple }
  const digits = (count: number, set: RegExp) => {
    const found = text.slice(at + (kind >= '0' && kind <= '7' ? 0 : 1)).slice(0, count)
    return found.length === count && set.test(found) ? found : null
  }
  if (kind === 'x') {
    const hex = digits(2, /^[0-9a-fA-F]+$/)
    if (hex === null || (hex === '00' && !acceptNul)) return null
    return { length: 3, byte: Number.parseInt(hex, 16) }
  }
  if (kind === 'u' || kind === 'U') {
    const hex = digits(kind === 'u' ? 4 : 8, /^[0-9a-fA-F]+$/)
    const code = hex === null ? 0 : Number.parseInt(hex, 16)
    if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return null
    return { length: kind === 'u' ? 5 : 9, char: String.fromCodePoint(code) }
  }
  if (kind >= '0' && kind <= '7') {
    const octal = digits(3, /^[0-7]+$/)
    const byte = octal === null ? 0 : Number.parseInt(octal, 8)
    return octal === null || (byte === 0 && !acceptNul) || byte > 255 ? null : { length: 3, byte }
  }
  return null
}

/** All words of a list, such as `Wants=a.service "b c"`: quotes go, escapes mean what they mean in C. */
export function words(
  text: string,
  options: WordOptions = { unquote: true, unescape: true },
): Result<string[], string> {
  const found: string[] = []
  for (let at = 0; ; ) {
    const word = firstWord(text, at, options)
    if (word.isErr()) return err(word.error)
    if (word.value === null) return ok(found)
    found.push(word.value.text)
    at = word.value.next
  }
}
