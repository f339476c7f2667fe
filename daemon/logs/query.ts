// Questions to the logs: the last lines, from the end of the files backwards; all units' lines in the order of time; and
// what comes from now on.
import type { UnitName } from '../units/unit.ts'
import { NEWLINE, parseLine, parseStamp } from './line.ts'
import { createPattern } from './pattern.ts'
import type { LogQuery, LogRecord } from './record.ts'
import type { Store } from './store.ts'

/** A record and where in its unit's log it stands. */
type Found = { record: LogRecord; at: number; next: number }
/** Found lines, or null after a block without any: a moment to let others work. */
type Walk = Generator<Found | null, void>
type Source = { unit: UnitName; walk: Walk; found: Found }

export type Answer = Generator<LogRecord | null, void>

const BLOCK = 64 * 1024
/** A line with its head is never longer; a block without newline is damaged. */
const LONGEST = 2 * BLOCK

/** A query with its conditions compiled; `missed` is told of what was removed before it could be told. Throws a SyntaxError when `grep` is no pattern (pattern.ts). */
export function createQuery(
  store: Store,
  query: LogQuery,
  missed: (bytes: number) => void = () => {},
) {
  const sinceOf = (unit: UnitName) => query.after?.get(unit) ?? query.sinceUsec
  const { untilUsec, maxPriority, stream, invocationId, run = null } = query
  const isFound = query.grep === null ? null : createPattern(query.grep)

  /** With `run`: which it is of each unit; null: there is none. */
  const runs = new Map<UnitName, string | null>()

  const isLate = ({ unit, timeUsec }: LogRecord) => {
    const sinceUsec = sinceOf(unit)
    return sinceUsec === null || timeUsec >= sinceUsec
  }
  const matches = (record: LogRecord) =>
    (run === null || record.invocationId === runs.get(record.unit)) &&
    isLate(record) &&
    (untilUsec === null || record.timeUsec <= untilUsec) &&
    (maxPriority === null || record.priority <= maxPriority) &&
    (stream === null || record.stream === stream) &&
    (invocationId === null || record.invocationId === invocationId) &&
    (isFound === null || isFound(record.message))

  /** Finds the run that is meant of each of the units, from the end of its log backwards. */
  function* seekRuns(back: number, ends: ReadonlyMap<UnitName, number>): Generator<null, void> {
    for (const [unit, end] of ends) {
      if (runs.get(unit)) continue
      const found = new Set<string>()
      const last = query.lastRuns?.get(unit)
      if (last !== undefined) found.add(last)
      if (found.size <= back) {
        for (const line of backward(store, unit, end, () => true)) {
          if (line === null) yield null
          else if (found.add(line.record.invocationId).size > back) break
        }
      }
      runs.set(unit, [...found][back] ?? null)
    }
  }

  /** The lines of a unit backwards, as far as they are within the times asked for. */
  const backwards = (unit: UnitName, end: number) => {
    const from = untilUsec === null ? end : Math.min(end, seek(store, unit, untilUsec + 1))
    const sinceUsec = sinceOf(unit)
    const least = sinceUsec === null ? 0 : seek(store, unit, sinceUsec)
    return backward(store, unit, from, matches, least)
  }

  /** The last `count` lines, the latest first. */
  function* latest(count: number, ends: ReadonlyMap<UnitName, number>): Answer {
    const sources: Source[] = []
    for (const [unit, end] of ends) yield* advance(sources, unit, backwards(unit, end), later)
    for (let left = count; left > 0; left--) {
      const source = sources.shift()
      if (!source) return
      yield source.found.record
      yield* advance(sources, source.unit, source.walk, later)
    }
  }

  /** How far each unit's lines have been told. */
  const told = new Map<UnitName, number>()

  /** Finds where the answer begins in each unit's log, for the last `count` lines of all before `ends`. */
  function* seekLast(count: number, ends: ReadonlyMap<UnitName, number>): Generator<null, void> {
    const sources: Source[] = []
    for (const [unit, end] of ends) {
      told.set(unit, end)
      yield* advance(sources, unit, backwards(unit, end), later)
    }
    for (let left = count; left > 0; left--) {
      const source = sources.shift()
      if (!source) return
      told.set(source.unit, source.found.at)
      yield* advance(sources, source.unit, source.walk, later)
    }
  }

  const beginning = (unit: UnitName): number => {
    const sinceUsec = sinceOf(unit)
    return sinceUsec === null ? store.extent(unit).start : seek(store, unit, sinceUsec)
  }

  /** Everything that matches behind what has been told, in the order of time, up to `ends`. */
  function* rest(ends: ReadonlyMap<UnitName, number>): Answer {
    const sources: Source[] = []
    for (const [unit, end] of ends) {
      const from = told.get(unit) ?? beginning(unit)
      told.set(unit, end)
      yield* advance(sources, unit, forward(store, unit, from, end, matches, missed), earlier)
    }
    for (let source = sources.shift(); source; source = sources.shift()) {
      yield source.found.record
      yield* advance(sources, source.unit, source.walk, earlier)
    }
  }

  const ends = (units: Iterable<UnitName>) =>
    new Map([...new Set(units)].map(unit => [unit, store.extent(unit).end]))

  return {
    /** What is there now; null in between is a moment to pause. */
    *history(): Answer {
      const present = ends(query.units.length > 0 ? query.units : store.units())
      if (run !== null) yield* seekRuns(-run, present)
      if (query.reverse) return yield* latest(query.lines ?? Number.POSITIVE_INFINITY, present)
      if (query.lines !== null) yield* seekLast(query.lines, present)
      yield* rest(present)
    },
    /** What these units have got since. */
    *fresh(changed: Iterable<UnitName>): Answer {
      const present = ends(changed)
      if (run !== null) yield* seekRuns(-run, present)
      yield* rest(present)
    },
    concerns: (unit: UnitName) => query.units.length === 0 || query.units.includes(unit),
  }
}

const earlier = (a: Found, b: Found) => a.record.timeUsec <= b.record.timeUsec
const later = (a: Found, b: Found) => a.record.timeUsec > b.record.timeUsec

/** Takes the walk's next line and puts it in its place among `sources`, the first one to be told in front. */
function* advance(
  sources: Source[],
  unit: UnitName,
  walk: Walk,
  isBefore: (a: Found, b: Found) => boolean,
): Generator<null, boolean> {
  for (;;) {
    const step = walk.next()
    if (step.done) return false
    const found = step.value
    if (found === null) {
      yield null
      continue
    }
    // Mostly the same unit goes on: its place is looked for from the front.
    let place = 0
    let most = sources.length
    while (place < most) {
      const middle = (place + most) >> 1
      if (isBefore(found, (sources[middle] as Source).found)) most = middle
      else place = middle + 1
    }
    sources.splice(place, 0, { unit, walk, found })
    return true
  }
}

function* forward(
  store: Store,
  unit: UnitName,
  from: number,
  end: number,
  matches: (record: LogRecord) => boolean,
  missed: (bytes: number) => void = () => {},
): Walk {
  for (let position = from; position < end; ) {
    const block = store.read(unit, position, Math.min(end - position, LONGEST))
    // Where files were removed meanwhile it begins further on, and may reach behind the end.
    const at = Math.min(block?.at ?? end, end)
    if (at > position) missed(at - position)
    if (!block || at === end) return
    const bytes = block.bytes.subarray(0, end - at)
    const whole = bytes.lastIndexOf(NEWLINE) + 1
    for (let start = 0; start < whole; ) {
      const newline = bytes.indexOf(NEWLINE, start)
      const record = parseLine(unit, bytes, start, newline)
      if (record && matches(record)) yield { record, at: at + start, next: at + newline + 1 }
      start = newline + 1
    }
    position = whole > 0 ? at + whole : block.next
    yield null
  }
}

function* backward(
  store: Store,
  unit: UnitName,
  end: number,
  matches: (record: LogRecord) => boolean,
  least = 0,
): Walk {
  for (let position = end; position > least; ) {
    const block = linesBefore(store, unit, position)
    if (!block) return
    const { bytes, at } = block
    for (let to = bytes.length; to > 0; ) {
      const newline = to - 1
      const start = newline === 0 ? 0 : bytes.lastIndexOf(NEWLINE, newline - 1) + 1
      const record = parseLine(unit, bytes, start, newline)
      if (record && matches(record)) yield { record, at: at + start, next: at + to }
      to = start
    }
    position = at
    yield null
  }
}

/** The whole lines that end at or before `position`: a block of them, or one long one. */
function linesBefore(store: Store, unit: UnitName, position: number) {
  for (const most of [BLOCK, LONGEST]) {
    const block = store.readBefore(unit, position, most)
    if (!block) return null
    const { bytes, at } = block
    // A file begins with a line; anywhere else the block begins within one.
    const first = at === block.start ? 0 : bytes.indexOf(NEWLINE) + 1
    // A crash may have left a line without its end.
    const end = bytes.lastIndexOf(NEWLINE) + 1
    if (first < end) return { bytes: bytes.subarray(first, end), at: at + first }
    if (most === LONGEST || at === block.start) return { bytes: bytes.subarray(0, 0), at }
  }
  return null
}

/** The position of the first line that is not earlier than `timeUsec`, by halving: times grow with positions. */
function seek(store: Store, unit: UnitName, timeUsec: number): number {
  let { start: low, end: high } = store.extent(unit)
  while (high - low > LONGEST) {
    const middle = low + Math.floor((high - low) / 2)
    const line = lineFrom(store, unit, middle)
    if (!line || line.at >= high || line.timeUsec >= timeUsec) high = middle
    else low = line.at
  }
  for (const found of forward(store, unit, low, store.extent(unit).end, () => true))
    if (found && found.record.timeUsec >= timeUsec) return found.at
  return store.extent(unit).end
}

/** The first line that begins behind `position`. */
function lineFrom(store: Store, unit: UnitName, position: number) {
  const block = store.read(unit, position, LONGEST)
  if (!block) return null
  const { bytes, at } = block
  for (let start = bytes.indexOf(NEWLINE) + 1; start > 0; ) {
    const timeUsec = parseStamp(bytes.toString('latin1', start, start + 27))
    if (!Number.isNaN(timeUsec)) return { at: at + start, timeUsec }
    start = bytes.indexOf(NEWLINE, start) + 1
  }
  return null
}
