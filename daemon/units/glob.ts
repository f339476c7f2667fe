// Patterns of unit names: fnmatch(3) with FNM_NOESCAPE, as systemctl matches them.

/**
 * Whether `name` matches `pattern` whole: `*`, `?`, `[a-z]`, `[!a-z]`. The time is bounded by the product of both lengths:
 * a regular expression made of the pattern could be made to run for ever by whoever sends it.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  let p = 0
  let n = 0
  // Where to go on when a character does not match: behind the last star, which then takes one character more.
  let star = -1
  let starName = 0
  while (n < name.length) {
    const step = p < pattern.length && pattern[p] !== '*' ? matchOne(pattern, p, name[n] ?? '') : -1
    if (step > 0) {
      p += step
      n++
    } else if (pattern[p] === '*') {
      star = p++
      starName = n
    } else if (star >= 0) {
      p = star + 1
      n = ++starName
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

/** How many characters of the pattern at `p` stand for `char`; -1: they do not. */
function matchOne(pattern: string, p: number, char: string): number {
  if (pattern[p] === '?') return 1
  if (pattern[p] !== '[') return pattern[p] === char ? 1 : -1
  const negated = pattern[p + 1] === '!' || pattern[p + 1] === '^'
  const first = p + (negated ? 2 : 1)
  // A bracket that closes at once is a member.
  const end = pattern.indexOf(']', first + 1)
  if (end < 0) return char === '[' ? 1 : -1
  let found = false
  for (let i = first; i < end; i++) {
    const from = pattern[i] ?? ''
    if (pattern[i + 1] === '-' && i + 2 < end) {
      if (from <= char && char <= (pattern[i + 2] ?? '')) found = true
      i += 2
    } else if (from === char) {
      found = true
    }
  }
  return found === negated ? -1 : end + 1 - p
}
