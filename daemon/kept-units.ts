// Units that are up and whose files are gone or broken: what they were loaded from is nowhere any more, so that they
// themselves are kept over a re-execution.
import type { KeptPart } from './runtime/keep.ts'
import type { Unit, UnitName } from './units/unit.ts'

const BYTES = '$bytes'

/** A unit as JSON, which knows neither Infinity nor bytes. */
const encode = (unit: Unit): string =>
  JSON.stringify(unit, (_, value) =>
    value === Number.POSITIVE_INFINITY
      ? { [BYTES]: null }
      : value instanceof Uint8Array
        ? { [BYTES]: Buffer.from(value).toString('base64') }
        : value,
  )

const decode = (text: string): Unit =>
  JSON.parse(text, (_, value) => {
    if (typeof value !== 'object' || value === null || !(BYTES in value)) return value
    return value[BYTES] === null ? Number.POSITIVE_INFINITY : Buffer.from(value[BYTES], 'base64')
  })

export const readKeptUnits = (part: KeptPart): Map<UnitName, Unit> =>
  new Map([...part.entries].map(([name, { data }]) => [name, decode(String(data))]))

/** Keeps these and no others. */
export function keepUnits(part: KeptPart, units: ReadonlyMap<UnitName, Unit>): void {
  for (const name of [...part.entries.keys()]) if (!units.has(name)) part.drop(name)
  for (const [name, unit] of units) part.put(name, encode(unit))
}
