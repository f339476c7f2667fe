// Command lines: `$` expansion and the look-up of the executable (systemd.service(5), COMMAND LINES).
import { accessSync, constants, statSync } from 'node:fs'

/** systemd's fixed search path of a system whose /bin and /sbin are directories of their own. */
export const DEFAULT_SEARCH_PATH: readonly string[] = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
]

export type Expansion = {
  argv: readonly string[]
  /** Variables that were named and are not set: they count as empty. */
  unset: readonly string[]
}

/** Expands `$NAME` as a word of its own (split at white space, none or several arguments), `${NAME}` anywhere (one
 * argument, as it is) and `$$`. `$NAME` inside of a word stays as it is written. */
export function expandArguments(
  argv: readonly string[],
  value: (name: string) => string | undefined,
): Expansion {
  if (!argv.some(argument => argument.includes('$'))) return { argv, unset: [] }
  const expanded: string[] = []
  const unset = new Set<string>()
  const look = (name: string) => {
    const found = value(name)
    if (found === undefined) unset.add(name)
    return found ?? ''
  }
  for (const argument of argv) {
    const isWord = argument.startsWith('$') && argument[1] !== '{' && argument[1] !== '$'
    if (isWord) for (const word of splitWords(look(argument.slice(1)))) expanded.push(word)
    else expanded.push(replace(argument, look))
  }
  return { argv: expanded, unset: [...unset] }
}

/** An opening brace that is not closed is no variable: the rest stays as it is. */
const replace = (text: string, look: (name: string) => string) =>
  text.replace(/\$\$|\$\{([^}]*)\}/g, (_, name: string | undefined) =>
    name === undefined ? '$' : look(name),
  )

/** Splits at white space; quotes hold words together and are taken off, a backslash takes the next character as it is.
 * A quote that is not closed ends with the text. */
export function splitWords(text: string): string[] {
  const words: string[] = []
  let word: string | null = null
  let quote = ''
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string
    if (c === '\\') {
      if (i + 1 < text.length) word = (word ?? '') + text[++i]
    } else if (quote !== '') {
      if (c === quote) quote = ''
      else word += c
    } else if (c === '"' || c === "'") {
      quote = c
      word ??= ''
    } else if (' \t\n\r'.includes(c)) {
      if (word !== null) words.push(word)
      word = null
    } else word = (word ?? '') + c
  }
  if (word !== null) words.push(word)
  return words
}

/** The absolute path of a bare name; null when no directory of the search path has it as an executable file. `locate`: where
 * the daemon finds what the process would find at a path; null: nowhere. */
export function findExecutable(
  name: string,
  searchPath: readonly string[],
  locate: (path: string) => string | null = path => path,
): string | null {
  for (const directory of searchPath.length > 0 ? searchPath : DEFAULT_SEARCH_PATH) {
    const path = `${directory}/${name}`
    const seen = locate(path)
    if (seen === null) continue
    try {
      accessSync(seen, constants.X_OK)
      if (statSync(seen).isFile()) return path
    } catch {
      // Not here: the next directory is asked.
    }
  }
  return null
}

/**
 * argv of the shell that runs a command line with the prefix `|` (systemd.service(5)): argv[0] tells whether it is a login
 * shell, the others are the command. Without any it is the shell alone.
 */
export function shellArguments(shell: string, argv: readonly string[]): string[] {
  const [own = '', ...words] = argv
  const name = shell.slice(shell.lastIndexOf('/') + 1)
  const zeroth = own.startsWith('-') ? `-${name}` : name
  return words.length === 0 ? [zeroth] : [zeroth, '-c', words.map(quoted).join(' ')]
}

const quoted = (word: string) =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
