// Plain data: what JSON gives back as it was. Looked at after every step of a simulation, so without writing it down.
import { deepStrictEqual } from 'node:assert'
import { isSame } from '../../simulation/same.ts'

/** Why the value does not come back from JSON as it is, or null. What is in `seen` is taken as looked at, and what is plain is
 * added to it. */
export function whyNotPlain(value: unknown, seen: WeakSet<object>, path = ''): string | null {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return null
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? null : `${path} is ${value}`
    case 'object':
      break
    default:
      return `${path} is ${typeof value}`
  }
  if (value === null || seen.has(value)) return null
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) {
      const why = whyNotPlain(value[at], seen, `${path}[${at}]`)
      if (why !== null) return why
    }
  } else {
    const prototype = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) return `${path} is of a class`
    for (const key of Object.keys(value)) {
      const why = whyNotPlain((value as Record<string, unknown>)[key], seen, `${path}.${key}`)
      if (why !== null) return why
    }
  }
  seen.add(value)
  return null
}

/** Throws, with the difference, unless both are the same plain data (maps of it, too). */
export function expectSame(actual: unknown, expected: unknown): void {
  if (!isSame(actual, expected)) deepStrictEqual(actual, expected)
}
