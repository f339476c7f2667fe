// Command lines of Exec…= (systemd.service(5), COMMAND LINES): prefixes, quoting, several commands on a line.
import { err, ok, type Result } from 'neverthrow'
import type { ExecCommand } from '../unit.ts'
import type { ValueContext } from './parse.ts'
import { simplifyPath } from './unit-name.ts'
import { firstWord, skipSpace, type Word } from './words.ts'

type Prefixes = Pick<ExecCommand, 'ignoreFailure' | 'noExpand' | 'privilege'> & {
  ownArgv0: boolean
  viaShell: boolean
}

/** The prefixes before a path, each at most once, in any order. */
function readPrefixes(word: string): { prefixes: Prefixes; rest: string } {
  const prefixes: Prefixes = {
    ignoreFailure: false,
    noExpand: false,
    privilege: 'none',
    ownArgv0: false,
    viaShell: false,
  }
  let at = 0
  for (; ; at++) {
    const char = word[at]
    if (char === '-' && !prefixes.ignoreFailure) prefixes.ignoreFailure = true
    else if (char === '@' && !prefixes.ownArgv0) prefixes.ownArgv0 = true
    else if (char === ':' && !prefixes.noExpand) prefixes.noExpand = true
    else if (char === '|' && !prefixes.viaShell) prefixes.viaShell = true
    else if (char === '+' && prefixes.privilege === 'none') prefixes.privilege = 'full'
    else if (char === '!' && prefixes.privilege === 'none') prefixes.privilege = 'no-setuid'
    else if (char === '!' && prefixes.privilege === 'no-setuid') prefixes.privilege = 'ambient'
    else return { prefixes, rest: word.slice(at) }
  }
}

const SPACE = /[ \t\n\r]/
const endsWord = (char: string | undefined) => char === undefined || SPACE.test(char)

/** A word of a command; an escape that C does not know is kept as it stands, with a warning, as systemd does. */
function commandWord(
  text: string,
  at: number,
  warn: ValueContext['warn'],
): Result<Word | null, string> {
  const strict = firstWord(text, at, { unquote: true, unescape: true })
  if (strict.isOk()) return strict
  const relaxed = firstWord(text, at, { unquote: true, unescape: true, relaxEscapes: true })
  if (relaxed.isOk()) warn(`${strict.error}, kept as it stands; write \\\\ for a backslash`)
  return relaxed
}

const CONTROL = /\p{Cc}/u

/** What is wrong with the path of a command, or null. */
function pathProblem(path: string): string | null {
  if (path === '') return 'expected a path or the name of a program behind the prefix'
  if (CONTROL.test(path))
    return `the path of the program, ${JSON.stringify(path)}, holds control characters`
  if (path.endsWith('/')) return `${path} is a directory, not a program`
  if (path.startsWith('/')) return null
  if (path.includes('/') || path === '.' || path === '..')
    return `${path} is a relative path: give an absolute one, or a bare name that is looked up in the search path`
  return null
}

/** What `|` means where the unit's user has no shell of his own. */
const SHELL = 'sh'

type One = { command: ExecCommand; next: number }

/** A command line without quotes, escapes, separators and specifiers: splitting it is all there is to do. */
const IS_PLAIN = /^[^"'\\;%]+$/

function readPlainCommand(text: string): Result<ExecCommand[], string> | null {
  if (!IS_PLAIN.test(text)) return null
  const argv = text.split(/[ \t\n\r]+/)
  const { prefixes, rest } = readPrefixes(argv[0] ?? '')
  // What is not as usual is for the one that reads everything.
  if (prefixes.ownArgv0 || prefixes.viaShell || pathProblem(rest) !== null) return null
  argv[0] = rest
  const { ignoreFailure, noExpand, privilege } = prefixes
  const path = rest.startsWith('/') ? simplifyPath(rest) : rest
  return ok([{ path, argv, ignoreFailure, noExpand, privilege }])
}

/** The command that begins at `at`, and where the next one may begin; null: only separators are left. */
function readCommand(
  text: string,
  at: number,
  context: ValueContext,
  onPrefixes: (prefixes: Prefixes) => void,
): Result<One | null, string> {
  const first = commandWord(text, at, context.warn)
  if (first.isErr()) return err(first.error)
  if (first.value === null) return ok(null)
  let next = first.value.next
  const { prefixes, rest } = readPrefixes(first.value.text)
  onPrefixes(prefixes)
  const path = context.expand(rest)
  if (path.isErr()) return err(path.error)
  const { viaShell } = prefixes
  const problem = viaShell ? null : pathProblem(path.value)
  if (problem !== null) return err(problem)
  const argv = viaShell
    ? [prefixes.ownArgv0 ? `-${SHELL}` : SHELL, ...(path.value === '' ? [] : [path.value])]
    : prefixes.ownArgv0
      ? []
      : [path.value]
  while (next < text.length) {
    if (text[next] === ';' && endsWord(text[next + 1])) {
      next = skipSpace(text, next + 1)
      break
    }
    if (text[next] === '\\' && text[next + 1] === ';' && endsWord(text[next + 2])) {
      argv.push(';')
      next = skipSpace(text, next + 2)
      continue
    }
    const word = commandWord(text, next, context.warn)
    if (word.isErr()) return err(word.error)
    if (word.value === null) break
    next = word.value.next
    const argument = context.expand(word.value.text)
    if (argument.isErr()) return err(argument.error)
    argv.push(argument.value)
  }
  if (argv.length === 0 || argv[0] === '')
    return err('expected the name for argv[0] behind the path, since the prefix @ is given')
  const { ignoreFailure, noExpand, privilege } = prefixes
  const kept = { argv, ignoreFailure, noExpand, privilege }
  if (viaShell) return ok({ command: { path: `/bin/${SHELL}`, ...kept, viaShell }, next })
  const full = path.value.startsWith('/') ? simplifyPath(path.value) : path.value
  return ok({ command: { path: full, ...kept }, next })
}

/**
 * The commands of one Exec…= line. One with the prefix `-` that cannot be read is left out with a warning, and so is
 * the rest of its line, as systemd does: it may fail.
 */
export function readCommands(text: string, context: ValueContext): Result<ExecCommand[], string> {
  const plain = readPlainCommand(text)
  if (plain !== null) return plain
  const commands: ExecCommand[] = []
  for (let at = skipSpace(text, 0); at < text.length; ) {
    // A lone ";" divides commands, wherever it stands.
    if (text[at] === ';' && endsWord(text[at + 1])) {
      at = skipSpace(text, at + 1)
      continue
    }
    let mayFail = false
    const read = readCommand(text, at, context, prefixes => {
      mayFail = prefixes.ignoreFailure
    })
    if (read.isErr()) {
      if (!mayFail) return err(read.error)
      context.warn(`${read.error}; the command is left out, since it may fail`)
      return ok(commands)
    }
    if (read.value === null) break
    commands.push(read.value.command)
    at = read.value.next
  }
  return commands.length === 0 ? err('expected a command') : ok(commands)
}
