// The syntax of unit files (systemd.syntax(7)): text -> assignments, each with its place.
import type { Place, Problem } from './unit.ts'

export type Assignment = { section: string; name: string; value: string; place: Place }
export type UnitFile = {
  path: string
  assignments: readonly Assignment[]
  /** Each section's header, once, where it first stands. */
  sections: readonly { name: string; place: Place }[]
  problems: readonly Problem[]
}

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
  let section: string | null = null
  let continued = ''
  let continuedFrom = 0
  let number = 0

  /** A whole line, continuations joined. False: the file cannot be read on. */
  const take = (line: string, at: number): boolean => {
    const trimmed = trim(line)
    if (trimmed === '') return true
    if (trimmed[0] === '[') {
      if (!trimmed.endsWith(']')) {
        report('error', at, `cannot read the section header ${quoted(trimmed)}: expected [Name]`)
        return false
      }
      const name = trimmed.slice(1, -1)
      section = name
      if (!sections.some(known => known.name === name))
        sections.push({ name, place: { file: path, line: at } })
      return true
    }
    if (section === null) {
      report('warning', at, `${quoted(trimmed)} stands before the first section, ignored`)
      return true
    }
    const equals = trimmed.indexOf('=')
    if (equals === -1) {
      report('warning', at, `${quoted(trimmed)} has no =, ignored; expected Name=value`)
      return true
    }
    const name = trim(trimmed.slice(0, equals))
    if (name === '') {
      report('warning', at, `${quoted(trimmed)} has no name before its =, ignored`)
      return true
    }
    const rest = trimmed.slice(equals + 1)
    const value = trim(rest)
    const column = line.indexOf('=') + 2 + (value === '' ? 0 : rest.indexOf(value))
    assignments.push({ section, name, value, place: { file: path, line: at, column } })
    return true
  }

  for (let from = 0; from <= text.length; ) {
    const newline = text.indexOf('\n', from)
    const end = newline === -1 ? text.length : newline
    const line = text.slice(from, end)
    from = end + 1
    number++
    if (line.length > LONGEST_LINE || line.length + continued.length > LONGEST_LINE) {
      report('error', number, 'cannot read a line of more than 1 MiB')
      return { path, assignments, sections, problems }
    }
    const start = firstOf(line)
    // A comment between continued lines is left out and the line goes on behind it.
    if (start === '#' || start === ';') continue
    if (invalid?.has(number) || line.includes('\0')) {
      report(
        'warning',
        number,
        `the line holds ${invalid?.has(number) ? 'bytes that are not UTF-8' : 'a NUL byte'}, ignored`,
      )
      continued = ''
      continue
    }
    if (endsInBackslash(line)) {
      if (continued === '') continuedFrom = number
      continued += `${line.slice(0, -1)} `
      continue
    }
    const whole = continued === '' ? line : continued + line
    const at = continued === '' ? number : continuedFrom
    continued = ''
    if (start !== '' || whole !== line) if (!take(whole, at)) break
  }
  if (continued !== '') take(continued, continuedFrom)
  return { path, assignments, sections, problems }
}

const SPACES = new Set([' ', '\t', '\r'])

/** systemd's strstrip(): String.prototype.trim would take more than these. */
function trim(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && SPACES.has(text[from] as string)) from++
  while (to > from && SPACES.has(text[to - 1] as string)) to--
  return from === 0 && to === text.length ? text : text.slice(from, to)
}

/** The first character that is no space, or ''. */
function firstOf(line: string): string {
  for (let i = 0; i < line.length; i++) if (!SPACES.has(line[i] as string)) return line[i] as string
  return ''
}

/** Whether the last backslash is not itself escaped. */
function endsInBackslash(line: string): boolean {
  let count = 0
  for (let i = line.length - 1; i >= 0 && line[i] === '\\'; i--) count++
  return count % 2 === 1
}

const quoted = (line: string) => `"${line.length > 60 ? `${line.slice(0, 60)}…` : line}"`

/** The text with one kind of line end and no byte order mark, and the numbers of the lines that are not UTF-8. */
function decode(bytes: Uint8Array): { text: string; invalid: ReadonlySet<number> | null } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return { text: text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text, invalid: null }
  } catch {
    const text = new TextDecoder('utf-8').decode(bytes).replace(/\r\n?/g, '\n')
    const invalid = new Set<number>()
    const strict = new TextDecoder('utf-8', { fatal: true })
    let line = 1
    let from = 0
    for (let i = 0; i <= bytes.length; i++) {
      const ends = i === bytes.length || bytes[i] === 0x0a || bytes[i] === 0x0d
      if (!ends) continue
      try {
        strict.decode(bytes.subarray(from, i))
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
