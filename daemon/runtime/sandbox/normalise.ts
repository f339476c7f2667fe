// Entries put in order: links resolved, each path once, nothing below what is inaccessible.
import { err, ok, type Result } from 'neverthrow'
import { isOfSystemd } from '../../units/sandbox.ts'
import { type Content, type Entry, isContent, isWithin } from './entry.ts'
import { type Look, type Node, type Place, resolve, View } from './view.ts'

/** What cannot be done, and for which setting. */
export type SandboxProblem = { errno: string; directive: string; path: string }

/** One path with all that is asked for there. */
export type Spot = {
  path: string
  /** What lies there: `inaccessible`, content, or what lay there before. */
  what: Content | 'inaccessible' | 'same'
  /** Null: as around it. */
  readOnly: boolean | null
  noExec: boolean | null
  node: Node | null
  directive: string
  unlessMounted: boolean
  /** It may be gone, or not be there in a /proc with options: then there is nothing to restrict. */
  missingOk: boolean
}

export type Normalised = { spots: readonly Spot[]; view: View; warnings: readonly string[] }

const MOST_ROUNDS = 40

/** `root`: a directory of the host that is the unit's `/`, free of links. */
export function normalise(
  entries: readonly Entry[],
  root: string,
  look: Look,
): Result<Normalised, SandboxProblem> {
  const warnings: string[] = []
  const found: Entry[] = []
  for (const entry of entries) {
    const sourced = withSource(entry, look, warnings)
    if (sourced.isErr()) return err(sourced.error)
    if (sourced.value) found.push(sourced.value)
  }

  let current = found
  // A link may lead to where other content lies, with links of its own: until nothing changes any more.
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const sorted = current.toSorted(byPath)
    const view = new View(placesOf(sorted, root), look)
    // Where content makes its mount point, a rule finds something.
    const present = new Set(
      sorted.filter(({ what, missingOk }) => isContent(what) && !missingOk).map(({ path }) => path),
    )
    const nodes = new Map<Entry, Node | null>()
    for (const entry of sorted) {
      const resolved = view.resolve(entry.path)
      if (resolved === null)
        return err({ errno: 'ELOOP', directive: entry.directive, path: entry.path })
      const { path, node } = resolved
      nodes.set(path === entry.path ? entry : { ...entry, path }, node)
      if (node !== null) present.add(path)
    }
    current = [...nodes.keys()]
    // What is missing may be there when what has moved lies in its place.
    if (current.some((entry, i) => entry !== sorted[i])) continue
    const kept = current.filter(({ path, missingOk }) => !missingOk || present.has(path))
    if (kept.filter(isContentEntry).length < current.filter(isContentEntry).length) {
      current = kept
      continue
    }
    const spots = withoutHidden(merge(kept, nodes))
    const shown = new Set(spots.map(({ path }) => path))
    const missing = kept.find(
      ({ path, what }) => !isContent(what) && !present.has(path) && shown.has(path),
    )
    if (missing) return err({ errno: 'ENOENT', directive: missing.directive, path: missing.path })
    return ok({ spots, view, warnings })
  }
  const last = current[0]
  return err({ errno: 'ELOOP', directive: last?.directive ?? '', path: last?.path ?? '/' })
}

/** The source of a bind mount without links; null: the entry is passed over. */
function withSource(
  entry: Entry,
  look: Look,
  warnings: string[],
): Result<Entry | null, SandboxProblem> {
  const { what, directive } = entry
  if (!isContent(what) || what.kind !== 'bind') return ok(entry)
  const source = resolve(what.source, look)
  if (source === null) return err({ errno: 'ELOOP', directive, path: what.source })
  if (source.node !== null) return ok({ ...entry, what: { ...what, source: source.path } })
  if (what.missingOk) return ok(null)
  if (!isOfSystemd(what.source)) return err({ errno: 'ENOENT', directive, path: what.source })
  warnings.push(
    `passes over ${directive}: nobody listens at ${what.source} here; on a machine with systemd its journal does`,
  )
  return ok(null)
}

const isContentEntry = ({ what }: Entry) => isContent(what)

const placesOf = (sorted: readonly Entry[], root: string): Place[] => {
  const places: Place[] = [
    {
      path: '/',
      what: { kind: 'bind', source: root, recursive: true, readOnly: false, missingOk: false },
    },
  ]
  // Of several contents of one path the first counts.
  let last: string | null = null
  for (const { path, what } of sorted) {
    if (!isContent(what) || path === last) continue
    last = path
    if (path === '/') places[0] = { path, what }
    else places.push({ path, what })
  }
  return places
}

/** Those above first; of one path the content first, in the order in which it was asked for. */
const byPath = (a: Entry, b: Entry) => {
  const first = key(a.path)
  const second = key(b.path)
  if (first !== second) return first < second ? -1 : 1
  return rank(a) - rank(b)
}
const key = (path: string) => (path === '/' ? '' : path.replaceAll('/', '\0'))
const rank = ({ what, unlessMounted }: Entry) => {
  if (what === 'inaccessible') return 0
  if (!isContent(what)) return 3
  return unlessMounted ? 2 : 1
}

/** One spot for each path. What restricts more wins: read-only over read-write, no-exec over exec. */
function merge(sorted: readonly Entry[], nodes: ReadonlyMap<Entry, Node | null>): Spot[] {
  const spots: Spot[] = []
  for (const entry of sorted) {
    const { path, what, directive } = entry
    let spot = spots.at(-1)
    if (spot?.path !== path) {
      spot = {
        path,
        what: isContent(what) || what === 'inaccessible' ? what : 'same',
        readOnly: null,
        noExec: null,
        node: nodes.get(entry) ?? null,
        directive,
        unlessMounted: entry.unlessMounted ?? false,
        missingOk: !isContent(what),
      }
      spots.push(spot)
    }
    spot.missingOk &&= entry.missingOk
    if (what === 'read-only') spot.readOnly = true
    else if (what === 'read-write') spot.readOnly ??= false
    else if (what === 'no-exec') spot.noExec = true
    else if (what === 'exec') spot.noExec ??= false
  }
  for (const spot of spots) {
    if (spot.what === 'inaccessible') {
      spot.readOnly = true
      spot.noExec = true
    } else if (spot.what !== 'same') {
      spot.readOnly = (spot.readOnly ?? false) || isReadOnly(spot.what)
    }
  }
  return spots
}

const isReadOnly = (what: Content) =>
  what.kind === 'devices' || ((what.kind === 'bind' || what.kind === 'tmpfs') && what.readOnly)

/** Below something inaccessible nothing is to be found, and nothing needs protection. */
function withoutHidden(spots: readonly Spot[]): Spot[] {
  const kept: Spot[] = []
  let hidden: string | null = null
  for (const spot of spots) {
    if (hidden !== null && isWithin(spot.path, hidden)) continue
    hidden = spot.what === 'inaccessible' ? spot.path : null
    kept.push(spot)
  }
  return kept
}
