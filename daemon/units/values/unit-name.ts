// Unit names: what is valid, templates and instances, escaping (systemd.unit(5), systemd-escape(1)).
import { err, ok, type Result } from 'neverthrow'
import type { UnitName, UnitType } from '../unit.ts'

const TYPES: readonly UnitType[] = [
  'service',
  'target',
  'socket',
  'timer',
  'path',
  'mount',
  'automount',
  'swap',
  'slice',
  'scope',
  'device',
]
const TYPE_OF = new Map<string, UnitType>(TYPES.map(type => [type, type]))
export const MAX_LENGTH = 255
const NAME = new RegExp(`^[0-9A-Za-z:_.\\\\@-]+\\.(?:${TYPES.join('|')})$`)

/** The type that a name's suffix tells, or null. */
export const unitType = (name: UnitName): UnitType | null =>
  TYPE_OF.get(name.slice(name.lastIndexOf('.') + 1)) ?? null

export type NameKind = 'plain' | 'template' | 'instance'

/** What kind of unit name it is; null if it is none. */
export function nameKind(name: string): NameKind | null {
  if (name.length > MAX_LENGTH || !NAME.test(name)) return null
  const at = name.indexOf('@')
  if (at === -1) return 'plain'
  if (at === 0) return null
  const dot = name.lastIndexOf('.')
  // An @ in the suffix is none that the pattern lets through.
  return at === dot - 1 ? 'template' : 'instance'
}

export const isUnitName = (name: string) => nameKind(name) !== null

/** The part before `@`, or before the suffix where there is none. */
export function prefixOf(name: UnitName): string {
  const at = name.indexOf('@')
  return name.slice(0, at === -1 ? name.lastIndexOf('.') : at)
}

/** The part between `@` and the suffix; null for a plain name, empty for a template. */
export function instanceOf(name: UnitName): string | null {
  const at = name.indexOf('@')
  return at === -1 ? null : name.slice(at + 1, name.lastIndexOf('.'))
}

/** `web@1.service` -> `web@.service`; null when the name is no instance. */
export function templateOf(name: UnitName): UnitName | null {
  const at = name.indexOf('@')
  const dot = name.lastIndexOf('.')
  return at === -1 || at === dot - 1 ? null : `${name.slice(0, at + 1)}${name.slice(dot)}`
}

/** `web@.service` with `1` -> `web@1.service`; any other name stays. */
export function withInstance(name: UnitName, instance: string | null): UnitName {
  const at = name.indexOf('@')
  if (instance === null || at === -1 || name[at + 1] !== '.') return name
  return `${name.slice(0, at + 1)}${instance}${name.slice(at + 1)}`
}

const NEEDS_ESCAPE = /[^0-9A-Za-z:_.]/

const hex = (byte: number) => `\\x${byte.toString(16).padStart(2, '0')}`

/** A string as part of a unit name: `/` becomes `-`, what may not stand there `\xNN` (systemd-escape(1)). */
export function escapeName(text: string): string {
  let escaped = ''
  for (const char of text) {
    if (char === '/') escaped += '-'
    else if (NEEDS_ESCAPE.test(char) || (char === '.' && escaped === ''))
      for (const byte of new TextEncoder().encode(char)) escaped += hex(byte)
    else escaped += char
  }
  return escaped
}

/** The opposite of `escapeName`. */
export function unescapeName(text: string): Result<string, string> {
  if (!/[\\-]/.test(text)) return ok(text)
  const bytes: number[] = []
  const encoder = new TextEncoder()
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string
    if (char === '-') bytes.push(0x2f)
    else if (char === '\\') {
      const code = /^x([0-9a-fA-F]{2})/.exec(text.slice(i + 1))?.[1]
      if (code === undefined)
        return err(`cannot undo the escaping of ${text}: \\ is not followed by xNN`)
      bytes.push(Number.parseInt(code, 16))
      i += 3
    } else for (const byte of encoder.encode(char)) bytes.push(byte)
  }
  try {
    return ok(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes)),
    )
  } catch {
    return err(`cannot undo the escaping of ${text}: it is not UTF-8`)
  }
}

/** No empty part, none that is a dot, no slash at the end. */
const IS_SIMPLE = /^(?:\/?(?!\.?(?:\/|$))[^/]+)(?:\/(?!\.?(?:\/|$))[^/]+)*$/

/** `//a/./b/` -> `/a/b`; the root stays `/`. */
export function simplifyPath(path: string): string {
  if (IS_SIMPLE.test(path)) return path
  const absolute = path.startsWith('/')
  const parts = path.split('/').filter(part => part !== '' && part !== '.')
  return `${absolute ? '/' : ''}${parts.join('/')}` || (absolute ? '/' : '.')
}

const climbs = (path: string) => path.split('/').includes('..')

/** A path as part of a unit name, without its leading slash; `/` becomes `-` (systemd-escape --path). */
export function escapePath(path: string): Result<string, string> {
  const simple = simplifyPath(path).replace(/^\//, '')
  if (path === '' || climbs(path) || simple === '.')
    return err(`cannot escape the path ${path}: it is empty, a dot, or holds ..`)
  return ok(simple === '' ? '-' : escapeName(simple))
}

/** The opposite of `escapePath`: an absolute path. */
export function unescapePath(text: string): Result<string, string> {
  if (text === '') return err('cannot make a path of an empty name')
  if (text === '-') return ok('/')
  return unescapeName(text).andThen(path =>
    path === '.' ||
    path.startsWith('/') ||
    path.endsWith('/') ||
    climbs(path) ||
    simplifyPath(path) !== path
      ? err(`cannot make a path of ${text}: it is not the escaped form of one`)
      : ok(`/${path}`),
  )
}

const IN_NAME = /[0-9A-Za-z:_.\\@-]/
const IN_GLOB = /[0-9A-Za-z:_.\\@*?[\]!-]/

/** Whether it is a pattern (fnmatch(3)) rather than a name. */
export const isGlob = (text: string) => /[*?[]/.test(text)

/**
 * What somebody typed as a unit name, as systemctl completes it: `web` -> `web.service`, `/home` -> `home.mount`,
 * `/dev/sda` -> `dev-sda.device`; a pattern stays, unless it is not to. Characters that no name may hold are escaped.
 */
export function mangleName(
  text: string,
  { suffix = '.service', keepGlobs = true }: { suffix?: string; keepGlobs?: boolean } = {},
): Result<string, string> {
  if (text === '') return err('cannot use an empty unit name')
  if (isUnitName(text)) return ok(text)
  if (keepGlobs && isGlob(text) && /^[0-9A-Za-z:_.\\@*?[\]!-]+$/.test(text)) return ok(text)
  if (text.startsWith('/'))
    return escapePath(text).map(
      name => name + (/^\/(?:dev|sys)\//.test(text) ? '.device' : '.mount'),
    )
  let name = ''
  for (const char of text) {
    if (char === '/') name += '-'
    else if ((keepGlobs ? IN_GLOB : IN_NAME).test(char)) name += char
    else for (const byte of new TextEncoder().encode(char)) name += hex(byte)
  }
  if (!isGlob(name) && unitType(name) === null) name += suffix
  if (isGlob(name) || isUnitName(name)) return ok(name)
  return err(`cannot use ${text} as a unit name`)
}
