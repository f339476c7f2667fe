// How far lines have been forwarded: to each destination, of each unit, up to which time, and how many lines of that time.
import * as fs from 'node:fs'
import type { UnitName } from '../../units/unit.ts'
import type { LogRecord } from '../record.ts'

/** `count`: lines with that very time that have been sent. */
export type Reached = { timeUsec: number; count: number }
export type Cursor = {
  /** What is older was not meant to be sent: when the destination was first heard of. */
  begunUsec: number
  units: Map<UnitName, Reached>
}

const FILE = '.forwarded'

/** The cursor once these have been sent, too. */
export function advance(cursor: Cursor, records: readonly LogRecord[]): Cursor {
  const units = new Map(cursor.units)
  for (const { unit, timeUsec } of records) {
    const before = units.get(unit)
    units.set(unit, { timeUsec, count: before?.timeUsec === timeUsec ? before.count + 1 : 1 })
  }
  return { ...cursor, units }
}

/** What comes behind the cursor, of lines in order: those of its very times that it counts are left out. */
export function createSkip(cursor: Cursor): (record: LogRecord) => boolean {
  const left = new Map([...cursor.units].map(([unit, reached]) => [unit, { ...reached }]))
  return ({ unit, timeUsec }) => {
    const reached = left.get(unit)
    if (!reached) return false
    if (timeUsec === reached.timeUsec && reached.count > 0) {
      reached.count--
      return true
    }
    // From here on the unit is behind it.
    left.delete(unit)
    return false
  }
}

/** The cursors that an earlier daemon has left, by destination; what cannot be read is none. */
export function readCursors(directory: string): Map<string, Cursor> {
  const found = new Map<string, Cursor>()
  try {
    const told = JSON.parse(fs.readFileSync(`${directory}/${FILE}`, 'utf8')) as Record<
      string,
      { begunUsec: number; units: Record<UnitName, [number, number]> }
    >
    for (const [url, { begunUsec, units }] of Object.entries(told)) {
      const reached = Object.entries(units).map(
        ([unit, [timeUsec, count]]) => [unit, { timeUsec, count }] as const,
      )
      if (Number.isFinite(begunUsec)) found.set(url, { begunUsec, units: new Map(reached) })
    }
  } catch {
    // There is none yet, or a damaged one: lines from now on are sent.
  }
  return found
}

/** Throws what the system says. */
export function writeCursors(directory: string, cursors: ReadonlyMap<string, Cursor>): void {
  const told = [...cursors].map(([url, { begunUsec, units }]) => {
    const reached = [...units].map(([unit, { timeUsec, count }]) => [unit, [timeUsec, count]])
    return [url, { begunUsec, units: Object.fromEntries(reached) }]
  })
  const path = `${directory}/${FILE}`
  fs.rmSync(`${path}.new`, { force: true })
  fs.writeFileSync(`${path}.new`, JSON.stringify(Object.fromEntries(told)), {
    mode: 0o640,
    flag: 'wx',
  })
  fs.renameSync(`${path}.new`, path)
}
