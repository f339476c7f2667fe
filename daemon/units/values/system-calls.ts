// Values of the directives that restrict system calls (systemd.exec(5), SYSTEM CALL FILTERING and SANDBOXING).
import { err, ok, type Result } from 'neverthrow'
import { didYouMean } from '../errors.ts'
import { addressFamily } from '../system-calls/address-families.ts'
import {
  ARCHITECTURE_NAMES,
  systemCallGroups,
  systemCallNames,
  systemCallsOf,
} from '../system-calls/names.ts'
import type { AddressFamilies, NamespaceType, SystemCallError, SystemCallLine } from '../unit.ts'
import { readBoolean } from './boolean.ts'
import { errnoNumber } from './errno.ts'
import type { Parse, ValueContext } from './parse.ts'
import { words } from './words.ts'

const PLAIN = {}

/** `~`, which turns a list round, and the list itself. */
const inversion = (text: string): [inverted: boolean, list: string] =>
  text.startsWith('~') ? [true, text.slice(1)] : [false, text]

/** `kill`, an errno's name or its number. */
const readError = (text: string): SystemCallError | null =>
  text === 'kill' ? text : errnoNumber(text)

/** SystemCallErrorNumber=. */
export const systemCallError: Parse<SystemCallError> = text => {
  const error = readError(text)
  return error === null || error === 0
    ? err('expected kill, an errno such as EPERM or a number from 1 to 4095')
    : ok(error)
}

/** A line of SystemCallFilter= (`errors`: its `~` lists may name them) or SystemCallLog=. Unknown names are left out. */
export const systemCallLine =
  (errors: boolean): Parse<SystemCallLine[]> =>
  (text, context) => {
    const [inverted, list] = inversion(text)
    return words(list, PLAIN).andThen(items => {
      const calls: SystemCallLine['calls'][number][] = []
      for (const item of items) {
        const read = readItem(item, inverted && errors)
        if (read.isErr()) return err<SystemCallLine[], string>(read.error)
        if (isKnown(read.value.name, context)) calls.push(read.value)
      }
      return ok<SystemCallLine[], string>([{ inverted, calls }])
    })
  }

function readItem(item: string, errors: boolean): Result<SystemCallLine['calls'][number], string> {
  const colon = item.indexOf(':')
  if (colon === -1) return ok({ name: item, error: null })
  const error = readError(item.slice(colon + 1))
  if (!errors)
    return err(
      `an error, as in ${item}, can be given where calls are refused alone: in a list with ~`,
    )
  return error === null
    ? err(`expected an errno, a number from 0 to 4095 or kill in ${item}`)
    : ok({ name: item.slice(0, colon), error })
}

function isKnown(name: string, context: ValueContext): boolean {
  if (systemCallsOf(name) !== null) return true
  const isGroup = name.startsWith('@')
  const hint = didYouMean(name, isGroup ? systemCallGroups() : systemCallNames())
  context.warn(`unknown system call${isGroup ? ' group' : ''} ${name}, ignored${hint}`)
  return false
}

/** SystemCallArchitectures=: those known, unknown ones left out. */
export const systemCallArchitectures: Parse<string[]> = (text, context) =>
  words(text, PLAIN).map(names =>
    names.filter(name => {
      if (ARCHITECTURE_NAMES.includes(name)) return true
      const hint = didYouMean(name, ARCHITECTURE_NAMES)
      context.warn(`unknown architecture ${name}, ignored${hint}`)
      return false
    }),
  )

/** A line of RestrictAddressFamilies=, on top of what those before it have set. */
export function addressFamilies(
  before: AddressFamilies | null,
  text: string,
  context: ValueContext,
): Result<AddressFamilies, string> {
  if (text === 'none') return ok({ allow: true, families: [] })
  const [inverted, list] = inversion(text)
  return words(list, { unquote: true }).map(names => {
    const allow = before?.allow ?? !inverted
    const families = new Set(before?.families)
    for (const name of names) {
      const family = addressFamily(name)
      if (family === null) context.warn(`unknown address family ${name}, ignored`)
      else if (inverted === allow) families.delete(family)
      else families.add(family)
    }
    return { allow, families: [...families].sort() }
  })
}

export const NAMESPACE_TYPES: readonly NamespaceType[] = [
  'cgroup',
  'ipc',
  'net',
  'mnt',
  'pid',
  'user',
  'uts',
  'time',
]

/** A line of RestrictNamespaces=: the types that stay allowed, given those that were (null: nothing was set). */
export function namespaces(
  before: readonly NamespaceType[] | null,
  text: string,
): Result<readonly NamespaceType[], string> {
  const flag = readBoolean(text)
  if (flag !== null) return ok(flag ? [] : NAMESPACE_TYPES)
  const [inverted, list] = inversion(text)
  return words(list, PLAIN).andThen(names => {
    const unknown = names.find(name => !NAMESPACE_TYPES.some(type => type === name))
    if (unknown !== undefined) {
      const hint = didYouMean(unknown, NAMESPACE_TYPES)
      return err(
        `expected yes, no or types of ${NAMESPACE_TYPES.join(', ')}, not ${unknown}${hint}`,
      )
    }
    const allowed = before ?? (inverted ? NAMESPACE_TYPES : [])
    return ok(
      NAMESPACE_TYPES.filter(type => (names.includes(type) ? !inverted : allowed.includes(type))),
    )
  })
}
