// What the lines of SystemCallFilter= and SystemCallLog= add up to (systemd.exec(5)).
import type { SystemCallError, SystemCallLine } from '../unit.ts'
import { errnoText } from '../values/errno.ts'
import { systemCallsOf } from './names.ts'

export type SystemCallSet = {
  /** The first line was no `~`: it lists what is allowed (of a log: what is logged). */
  allow: boolean
  /** The calls listed, in the order of their names, each with what it gives where that was said. */
  calls: ReadonlyMap<string, SystemCallError | null>
}

/**
 * The first line tells whether calls are allowed or refused; each line then adds to the list or, when it is of the other
 * kind, takes away from it. A `~` line that names an error keeps its calls in an allow list, refused with that error.
 * `always` are the calls and groups that an allow list begins with. Null: there is no line.
 */
export function mergeLines(
  lines: readonly SystemCallLine[],
  always: readonly string[] = [],
): SystemCallSet | null {
  const [first] = lines
  if (first === undefined) return null
  const allow = !first.inverted
  const calls = new Map<string, SystemCallError | null>()
  if (allow)
    for (const name of always) for (const call of systemCallsOf(name) ?? []) calls.set(call, null)
  for (const { inverted, calls: named } of lines) {
    for (const { name, error } of named) {
      const isAdded = inverted !== allow || error !== null
      for (const call of systemCallsOf(name) ?? []) {
        if (isAdded) calls.set(call, error)
        else calls.delete(call)
      }
    }
  }
  return { allow, calls: new Map([...calls].sort(([a], [b]) => (a < b ? -1 : 1))) }
}

/** The calls that SystemCallFilter= allows; @default is always among them, unless taken out. */
export const mergeFilter = (lines: readonly SystemCallLine[]) => mergeLines(lines, ['@default'])

/** As `systemctl show` prints it: `~` before a deny list (also where there is none), `:` and its error behind a call. */
export function systemCallSetText(set: SystemCallSet | null): string {
  if (set === null) return '~'
  const names = [...set.calls].map(([name, error]) =>
    error === null ? name : `${name}:${error === 'kill' ? error : errnoText(error)}`,
  )
  return `${set.allow ? '' : '~'}${names.join(' ')}`
}
