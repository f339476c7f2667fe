// Shell patterns as glob(7) has them: `*`, `?`, `[…]`; a leading dot and a slash are matched by themselves alone.
import { lstatSync, readdirSync } from 'node:fs'

/** fnmatch(3) of one name or string, without FNM_PATHNAME or FNM_PERIOD. */
export function matches(pattern: string, text: string): boolean {
  return new RegExp(`^${translate(pattern)}$`, 's').test(text)
}

/** The paths that exist and match, in byte order. An absolute pattern is expected: a relative one has none. */
export function expandGlob(pattern: string): string[] {
  if (!pattern.startsWith('/')) return []
  let found = ['']
  for (const part of pattern.split('/').slice(1)) {
    if (part === '') continue
    found = isPattern(part)
      ? found.flatMap(at => listMatching(at, part))
      : found.map(at => `${at}/${literal(part)}`)
  }
  return found.filter(exists)
}

export const isPattern = (text: string) => /[*?[]/.test(text)

const literal = (part: string) => part.replace(/\\(.)/gs, '$1')

function listMatching(directory: string, part: string): string[] {
  const expression = new RegExp(`^${translate(part)}$`, 's')
  let names: string[]
  try {
    names = readdirSync(directory === '' ? '/' : directory)
  } catch {
    return []
  }
  return names
    .filter(name => expression.test(name) && (!name.startsWith('.') || part.startsWith('.')))
    .sort()
    .map(name => `${directory}/${name}`)
}

function exists(path: string): boolean {
  try {
    lstatSync(path)
    return true
  } catch {
    return false
  }
}

/** The pattern as a regular expression. A `[` that nothing closes is itself. */
function translate(pattern: string): string {
  let out = ''
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i] as string
    if (c === '*') out += '.*'
    else if (c === '?') out += '.'
    else if (c === '\\' && i + 1 < pattern.length) out += quote(pattern[++i] as string)
    else if (c === '[') {
      const end = pattern.indexOf(']', /[!^]/.test(pattern[i + 1] ?? '') ? i + 3 : i + 2)
      if (end < 0) {
        out += '\\['
        continue
      }
      out += bracket(pattern.slice(i + 1, end))
      i = end
    } else out += quote(c)
  }
  return out
}

const quote = (c: string) => (/[\w\s]/.test(c) || c > '\x7f' ? c : `\\${c}`)

function bracket(inside: string): string {
  const negated = inside.startsWith('!') || inside.startsWith('^')
  const set = (negated ? inside.slice(1) : inside).replace(/[\\\]^[]/g, '\\$&')
  // A range the wrong way round matches nothing, as with fnmatch; to a regular expression it is an error.
  const ordered = set.replace(/(.)-(.)/gs, (range, from: string, to: string) =>
    from <= to ? range : '',
  )
  if (ordered === '') return negated ? '.' : '(?!)'
  return `[${negated ? '^' : ''}${ordered}]`
}
