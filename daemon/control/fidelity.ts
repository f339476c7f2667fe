// How the directives of units are carried out on this machine.
import { ok } from 'neverthrow'
import { isDemand, verdictOf } from '../units/fidelity.ts'
import type { Unit } from '../units/unit.ts'
import type { Backend } from './backend.ts'
import type { Handler } from './call.ts'
import { unitsOf } from './problems.ts'
import type { DirectiveFidelity } from './schema.ts'

export const fidelity: Handler<'fidelity'> = ({ backend }, params) => {
  const { units, errors } = unitsOf(backend, params.units)
  return ok({
    units: units
      .filter(unit => unit.fragmentPath !== null || unit.dropInPaths.length > 0)
      .map(unit => ({
        unit: unit.id,
        strict: unit.hearth.strict,
        directives: directivesOf(backend, unit),
      })),
    errors,
  })
}

/** Each assignment that counts, with the verdict on its directive: what an empty one takes back does not. */
function directivesOf({ units, abilities }: Backend, unit: Unit): DirectiveFidelity[] {
  const byDirective = Map.groupBy(units.assignments(unit.id), ({ directive }) => directive)
  const inForce = [...byDirective.values()].flatMap(all => {
    const own = all.slice(all.findLastIndex(({ value }) => value === '') + 1)
    const last = own.at(-1)
    if (last === undefined) return []
    const finding = verdictOf(last.row, last.value, unit, abilities)
    return own.map(({ directive, value, place, row }) => ({
      directive,
      value,
      ...finding,
      depends: isDemand(row),
      file: place.file,
      line: place.line,
    }))
  })
  const order = new Map(
    [unit.fragmentPath, ...unit.dropInPaths].map((file, index) => [file, index]),
  )
  const rank = ({ file }: DirectiveFidelity) => order.get(file) ?? 0
  return inForce.sort((a, b) => rank(a) - rank(b) || a.line - b.line)
}
