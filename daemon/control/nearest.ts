// The names that a misspelt one may have meant.
import { editDistance } from '../units/errors.ts'

/** At most this many are offered. */
const OFFERED = 3

/** The nearest of `names`, best first: a few letters away, or with `name` in them. */
export function nearestNames(name: string, names: Iterable<string>): string[] {
  const stem = stemOf(name)
  const allowed = Math.max(1, Math.floor(stem.length / 3))
  const found: { name: string; distance: number }[] = []
  for (const other of new Set(names)) {
    const otherStem = stemOf(other)
    let distance = allowed + 1
    if (Math.abs(otherStem.length - stem.length) <= allowed)
      distance = editDistance(stem, otherStem, distance)
    // `sshd` for `ssh`, `nginx` for `nginx-debug`: further away than a typing error.
    if (distance > allowed && isPart(stem, otherStem)) distance = allowed
    // The other type of unit of the same name is nearer than another name.
    if (distance <= allowed)
      found.push({ name: other, distance: sameType(name, other) ? distance : distance + 0.5 })
  }
  found.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
  return found.slice(0, OFFERED).map(one => one.name)
}

const stemOf = (name: string) => {
  const dot = name.lastIndexOf('.')
  return (dot > 0 ? name.slice(0, dot) : name).toLowerCase()
}
const sameType = (a: string, b: string) =>
  a.slice(a.lastIndexOf('.')) === b.slice(b.lastIndexOf('.'))
const isPart = (a: string, b: string) =>
  Math.min(a.length, b.length) >= 3 && (a.includes(b) || b.includes(a))
