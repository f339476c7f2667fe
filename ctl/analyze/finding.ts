// What verify finds, and where.
import { describePlace } from '../../daemon/units/errors.ts'
import type { LoadedUnits } from '../../daemon/units/load.ts'
import type { Unit } from '../../daemon/units/unit.ts'

export type Finding = { severity: 'error' | 'warning'; place: string; message: string }

export const describeFinding = ({ severity, place, message }: Finding) =>
  `${place}: ${severity}: ${message}`

/** Where the unit's files assign a value with that word in it; the unit's name where none does. */
export function placeOfValue(
  units: LoadedUnits,
  unit: Unit,
  directives: readonly string[],
  word: string,
): string {
  const found = units
    .assignments(unit.id)
    .find(({ directive, value }) => directives.includes(directive) && value.includes(word))
  return found === undefined ? unit.id : describePlace(found.place)
}
