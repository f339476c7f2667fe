// What a reader of a unit should know: mistakes in its files, and what of them is not enforced.
import { ok } from 'neverthrow'
import type { Unit } from '../units/unit.ts'
import type { Handler } from './call.ts'
import { findPresentUnit, resolveUnits } from './resolve.ts'
import type { ControlError, ProblemInfo } from './schema.ts'
import { unenforcedDirectives } from './settings.ts'

/** The unit's problems in the order of its files, then what it sets in vain. */
export function problemsOf(unit: Unit): ProblemInfo[] {
  return [
    ...unit.problems.map(({ severity, place, directive, message }) => ({
      severity,
      file: place.file,
      line: place.line,
      directive: directive ?? null,
      message,
    })),
    ...unenforcedDirectives(unit).map(({ directive, note }) => ({
      severity: 'note' as const,
      file: unit.fragmentPath,
      line: null,
      directive,
      message: `${directive}= is not enforced yet${note === null ? '' : `: ${note}`}`,
    })),
  ]
}

export const verify: Handler<'verify'> = ({ backend }, params) => {
  const errors: ControlError[] = []
  const units: Unit[] = []
  if (params.units === undefined || params.units.length === 0) {
    for (const unit of backend.units.loaded()) if (unit.loadState !== 'not-found') units.push(unit)
  } else {
    const { units: names, unmatched } = resolveUnits(backend, params.units, { files: true })
    errors.push(...unmatched)
    for (const name of names) {
      findPresentUnit(backend, name).match(
        unit => units.push(unit),
        error => errors.push(error),
      )
    }
  }
  return ok({
    units: units.map(unit => ({
      unit: unit.id,
      loadState: unit.loadState,
      problems: problemsOf(unit),
    })),
    errors,
  })
}
