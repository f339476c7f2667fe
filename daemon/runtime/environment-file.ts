// EnvironmentFile=: assignments in a file, in systemd's own syntax (systemd.exec(5)), which is not quite the shell's.
import { readFileSync } from 'node:fs'
import { err, ok, type Result } from 'neverthrow'
import { errnoOf, inWords, NO_PROCESS, type SpawnFailure } from './failure.ts'
import { expandGlob, isPattern } from './glob.ts'

export type Assignment = readonly [name: string, value: string]

const NAME = /^[A-Za-z_]\w*$/
const isSpace = (c: string) => c === ' ' || c === '\t' || c === '\n' || c === '\r'
const isNewline = (c: string) => c === '\n' || c === '\r'

type Position =
  | 'before-name'
  | 'name'
  | 'before-value'
  | 'value'
  | 'value-escape'
  | 'single'
  | 'double'
  | 'double-escape'
  | 'comment'
  | 'comment-escape'

/** The assignments in order; lines that are none, and names that no environment can have, are left out. */
export function parseEnvironmentFile(text: string): Assignment[] {
  const found: Assignment[] = []
  let position: Position = 'before-name'
  let name = ''
  let value = ''
  /** Length of `value` up to its last character that may not be trimmed. */
  let kept = 0

  const finish = () => {
    const trimmed = name.trimEnd()
    const content = position === 'value' ? value.slice(0, kept) : value
    if (NAME.test(trimmed) && !content.includes('\0')) found.push([trimmed, content])
    name = ''
    value = ''
    kept = 0
    position = 'before-name'
  }
  const add = (text: string) => {
    value += text
    kept = value.length
  }

  for (const c of text) {
    switch (position) {
      case 'before-name':
        if (c === '#' || c === ';') position = 'comment'
        else if (!isSpace(c)) {
          position = 'name'
          name = c
        }
        break
      case 'name':
        if (isNewline(c)) {
          position = 'before-name'
          name = ''
        } else if (c === '=') position = 'before-value'
        else name += c
        break
      case 'before-value':
        if (isNewline(c)) finish()
        else if (c === "'") position = 'single'
        else if (c === '"') position = 'double'
        else if (c === '\\') position = 'value-escape'
        else if (!isSpace(c)) {
          position = 'value'
          add(c)
        }
        break
      case 'value':
        if (isNewline(c)) finish()
        else if (c === '\\') {
          position = 'value-escape'
          kept = value.length
        } else if (isSpace(c)) value += c
        else add(c)
        break
      case 'value-escape':
        position = 'value'
        if (!isNewline(c)) add(c)
        break
      case 'single':
        if (c === "'") position = 'before-value'
        else add(c)
        break
      case 'double':
        if (c === '"') position = 'before-value'
        else if (c === '\\') position = 'double-escape'
        else add(c)
        break
      case 'double-escape':
        position = 'double'
        if ('"\\`$'.includes(c)) add(c)
        else if (c !== '\n') add(`\\${c}`)
        break
      case 'comment':
        if (c === '\\') position = 'comment-escape'
        else if (isNewline(c)) position = 'before-name'
        break
      case 'comment-escape':
        // A comment goes on where its newline is escaped, up to systemd 253.
        position = 'comment'
        break
      default:
        position satisfies never
    }
  }
  if (!['before-name', 'name', 'comment', 'comment-escape'].includes(position)) finish()
  return found
}

/** Reads the files in order, patterns expanded; one that is missing fails unless it is marked with `-`. */
export function readEnvironmentFiles(
  files: readonly { path: string; missingOk: boolean }[],
): Result<Assignment[], SpawnFailure> {
  const found: Assignment[] = []
  for (const { path, missingOk } of files) {
    const paths = isPattern(path) ? expandGlob(path) : [path]
    if (paths.length === 0 && !missingOk) return err(unreadable(path, 'ENOENT'))
    for (const each of paths) {
      try {
        for (const assignment of parseEnvironmentFile(readFileSync(each, 'utf8')))
          found.push(assignment)
      } catch (error) {
        const errno = errnoOf(error)
        if (!missingOk) return err(unreadable(each, errno))
      }
    }
  }
  return ok(found)
}

const unreadable = (path: string, errno: string): SpawnFailure => ({
  step: 'ENVIRONMENT_FILE',
  exitStatus: NO_PROCESS,
  errno,
  message: `cannot read EnvironmentFile=${path}: ${inWords(errno)}; write EnvironmentFile=-${path} if it may be missing`,
})
