// The syntax of unit files (systemd.syntax(7)): text -> assignments, each with its place.
import type { Place, Problem } from './unit.ts'

/** Its place is told by `placeOf`: there are many, and few are ever asked for it. */
export type Assignment = {
  section: string
  name: string
  value: string
  line: number
  column: number
}
export type UnitFile = {
  path: string
  assignments: readonly Assignment[]
  /** Each section's header, once, where it first stands. */
  sections: readonly { name: string; place: Place }[]
  problems: readonly Problem[]
}

export const placeOf = (file: UnitFile, { line, column }: Assignment): Place => ({
  file: file.path,
  line,
  column,
})

/** systemd's LONG_LINE_MAX: a line, with its continuations, is no longer. */
const LONGEST_LINE = 1024 * 1024

/**
 * Reads a unit file. Nothing here stops the unit but a broken section header or an endless line, which leave open what
 * the rest belongs to: those are errors; any other line that cannot be understood is left out with a warning.
 */
export function readUnitFile(path: string, bytes: Uint8Array): UnitFile {
  const problems: Problem[] = []
  const assignments: Assignment[] = []
  const sections: { name: string; place: Place }[] = []
  const report = (severity: Problem['severity'], line: number, message: string, column?: number) =>
    problems.push({
      severity,
      place: column === undefined ? { file: path, line } : { file: path, line, column },
      message,
    })

  const { text, invalid } = decode(bytes)
  const hasNul = text.includes('\0')
  let section: string | null = null
  let continued = ''
  let continuedFrom = 0

  /** A whole line, from its first character that is no space to behind its last. False: the file cannot be read on. */
  const take = (text: string, from: number, to: number, line: number, indent: number): boolean => {
    if (text[from] === '[') {
      if (text[to - 1] !== ']') {
        report(
          'error',
          line,
          `cannot read the section header ${quoted(text, from, to)}: expected [Name]`,
        )
        return false
      }
      const name = text.slice(from + 1, to - 1)
      section = name
      if (!sections.some(known => known.name === name))
        sections.push({ name, place: { file: path, line } })
      return true
    }
    if (section === null) {
      report('warning', line, `${quoted(text, from, to)} stands before the first section, ignored`)
      return true
    }
    const equals = text.indexOf('=', from)
    if (equals === -1 || equals >= to) {
      report('warning', line, `${quoted(text, from, to)} has no =, ignored; expected Name=value`)
      return true
    }
    const name = text.slice(from, skipBack(text, equals, from))
    if (name === '') {
      report('warning', line, `${quoted(text, from, to)} has no name before its =, ignored`)
      return true
    }
    const start = skip(text, equals + 1, to)
    const value = detached(text.slice(start, to))
    assignments.push({ section, name, value, line, column: start - indent + 1 })
    return true
  }

  let number = 0
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf('\n', from)
    const end = newline === -1 ? text.length : newline
    const begin = from
    from = end + 1
    number++
    if (end - begin + continued.length > LONGEST_LINE) {
      report('error', number, 'cannot read a line of more than 1 MiB')
      return { path, assignments, sections, problems }
    }
    const start = skip(text, begin, end)
    // A comment between continued lines is left out and the line goes on behind it.
    if (start < end && isComment(text.charCodeAt(start))) continue
    if (invalid?.has(number) || (hasNul && text.slice(begin, end).includes('\0'))) {
      const what = invalid?.has(number) ? 'bytes that are not UTF-8' : 'a NUL byte'
      report('warning', number, `the line holds ${what}, ignored`)
      continued = ''
      continue
    }
    if (endsInBackslash(text, begin, end)) {
      if (continued === '') continuedFrom = number
      continued += `${text.slice(begin, end - 1)} `
      continue
    }
    if (continued === '') {
      if (start < end && !take(text, start, skipBack(text, end, start), number, begin)) break
      continue
    }
    const whole = continued + text.slice(begin, end)
    continued = ''
    if (!takeWhole(whole, continuedFrom)) break
  }
  if (continued !== '') takeWhole(continued, continuedFrom)
  return { path, assignments, sections, problems }

  function takeWhole(whole: string, line: number): boolean {
    const start = skip(whole, 0, whole.length)
    return (
      start === whole.length || take(whole, start, skipBack(whole, whole.length, start), line, 0)
    )
  }
}

/** Space, tab and carriage return: what systemd's strstrip() takes off within a line. */
const isSpace = (code: number) => code === 0x20 || code === 0x09 || code === 0x0d
const isComment = (code: number) => code === 0x23 || code === 0x3b

/** The first position from `from` on that is no space, at most `to`. */
function skip(text: string, from: number, to: number): number {
  let at = from
  while (at < to && isSpace(text.charCodeAt(at))) at++
  return at
}

/** The position behind the last character before `to` that is no space, at least `from`. */
function skipBack(text: string, to: number, from: number): number {
  let at = to
  while (at > from && isSpace(text.charCodeAt(at - 1))) at--
  return at
}

/** Whether the last backslash is not itself escaped. */
function endsInBackslash(text: string, from: number, to: number): boolean {
  let count = 0
  for (let i = to - 1; i >= from && text.charCodeAt(i) === 0x5c; i--) count++
  return count % 2 === 1
}

/** A copy that does not keep the whole file alive, as a part of its text would. */
const detached = (text: string) => (text.length < 13 ? text : `${text} `.slice(0, -1))

const quoted = (text: string, from: number, to: number) =>
  `"${text.slice(from, Math.min(to, from + 60))}${to - from > 60 ? '…' : ''}"`

const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** The text with one kind of line end and no byte order mark, and the numbers of the lines that are not UTF-8. */
function decode(bytes: Uint8Array): { text: string; invalid: ReadonlySet<number> | null } {
  try {
    const text = UTF8.decode(bytes)
    return { text: text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text, invalid: null }
  } catch {
    const text = new TextDecoder('utf-8').decode(bytes).replace(/\r\n?/g, '\n')
    const invalid = new Set<number>()
    let line = 1
    let from = 0
    for (let i = 0; i <= bytes.length; i++) {
      const ends = i === bytes.length || bytes[i] === 0x0a || bytes[i] === 0x0d
      if (!ends) continue
      try {
        UTF8.decode(bytes.subarray(from, i))
      } catch {
        invalid.add(line)
      }
      if (bytes[i] === 0x0d && bytes[i + 1] === 0x0a) i++
      from = i + 1
      line++
    }
    return { text, invalid }
  }
}
