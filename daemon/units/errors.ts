// Problems in words, and the nearest name for one that is unknown.
import type { Place, Problem } from './unit.ts'

/** `file:line:column`, as far as it is known; a file as a whole has line 0. */
export function describePlace({ file, line, column }: Place): string {
  if (line === 0) return file
  return column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`
}

/** One line for people: where, and what. */
export const describeProblem = (problem: Problem) =>
  `${describePlace(problem.place)}: ${problem.message}`

/** What a file says, as much of it as a message can hold. */
export const shortened = (value: string) => (value.length > 80 ? `${value.slice(0, 80)}…` : value)

/**
 * The candidate that differs least from `word` (letters changed, added, left out or swapped; case counts little), or
 * null when none is near enough to be meant.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  const limit = Math.max(1, Math.floor(word.length / 3))
  let best: string | null = null
  let least = limit + 1
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= least) continue
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), least)
    if (distance < least) {
      least = distance
      best = candidate
    }
  }
  return best
}

/** "; did you mean X?", or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const name = nearest(word, candidates)
  return name === null ? '' : `; did you mean ${name}?`
}

/** Damerau's distance (optimal string alignment); `limit` or more is given as `limit`. */
export function editDistance(a: string, b: string, limit: number): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    let least = i
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1)
      row.push(cost)
      least = Math.min(least, cost)
    }
    if (least >= limit) return limit
    before = last
    last = row
  }
  return Math.min(limit, last[b.length] ?? limit)
}
