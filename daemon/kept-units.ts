// Units that are up and whose files are gone or broken: what they were loaded from is nowhere any more, so that they
// themselves are kept over a re-execution.
import type { KeptPart } from './runtime/keep.ts'
import { decodeUnit, encodeUnit } from './unit-json.ts'
import type { Unit, UnitName } from './units/unit.ts'

export const readKeptUnits = (part: KeptPart): Map<UnitName, Unit> =>
  new Map([...part.entries].map(([name, { data }]) => [name, decodeUnit(String(data))]))

/** Keeps these and no others. */
export function keepUnits(part: KeptPart, units: ReadonlyMap<UnitName, Unit>): void {
  for (const name of [...part.entries.keys()]) if (!units.has(name)) part.drop(name)
  for (const [name, unit] of units) part.put(name, encodeUnit(unit))
}
