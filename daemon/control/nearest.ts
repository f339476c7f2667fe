// The names that a misspelt one may have meant.

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
      distance = editDistance(stem, otherStem)
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

/** Insertions, deletions, replacements and swaps of neighbours that make `b` of `a` (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, at(before, j - 2) + 1)
      }
      row.push(best)
    }
    before = last
    last = row
  }
  return at(last, b.length)
}

const at = (row: readonly number[], index: number) => row[index] ?? Number.POSITIVE_INFINITY
