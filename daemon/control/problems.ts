// What a reader of a unit should know: mistakes in its files, and what of them is not enforced.
import { ok } from 'neverthrow'
import type { Problem, Unit } from '../units/unit.ts'
import type { Backend } from './backend.ts'
import type { Handler } from './call.ts'
import { findPresentUnit, resolveUnits } from './resolve.ts'
import type { ControlError, ProblemInfo } from './schema.ts'

/** A problem as it is told. Line 0 stands for a file as a whole. */
const toProblemInfo = (
  { place, directive, message }: Problem,
  severity: ProblemInfo['severity'],
): ProblemInfo => ({
  severity,
  file: place.file,
  line: place.line === 0 ? null : place.line,
  directive: directive ?? null,
  message,
})

/** The unit's problems in the order of its files. */
export const problemsOf = (unit: Unit): ProblemInfo[] =>
  unit.problems.map(problem => toProblemInfo(problem, problem.severity))

/** The same, then what its files set in vain: they are read again for that. */
const allProblemsOf = (backend: Backend, unit: Unit): ProblemInfo[] => [
  ...problemsOf(unit),
  ...backend.units.notEnforced(unit.id).map(problem => toProblemInfo(problem, 'note')),
]

/** The units that are asked about: all that are loaded when none is named. */
export function unitsOf(
  backend: Backend,
  patterns: readonly string[] = [],
): { units: Unit[]; errors: ControlError[] } {
  if (patterns.length === 0) {
    const loaded = [...backend.units.loaded()]
    return { units: loaded.filter(({ loadState }) => loadState !== 'not-found'), errors: [] }
  }
  const { units: names, unmatched } = resolveUnits(backend, patterns, { files: true })
  const errors: ControlError[] = [...unmatched]
  const units: Unit[] = []
  for (const name of names) {
    findPresentUnit(backend, name).match(
      unit => units.push(unit),
      error => errors.push(error),
    )
  }
  return { units, errors }
}

export const verify: Handler<'verify'> = ({ backend }, params) => {
  const { units, errors } = unitsOf(backend, params.units)
  return ok({
    units: units.map(unit => ({
      unit: unit.id,
      loadState: unit.loadState,
      problems: allProblemsOf(backend, unit),
    })),
    errors,
  })
}
