// The method `history`: how the runs of services have ended.
import { ok } from 'neverthrow'
import type { Handler } from './call.ts'
import { logUnitOf, resolveLogUnits } from './log-lines.ts'
import { findUnit, notFound } from './resolve.ts'
import type { ControlError, RunHistory } from './schema.ts'

export const history: Handler<'history'> = async ({ backend }, { units: asked, lines = null }) => {
  const { units: names, unmatched } = await resolveLogUnits(backend, asked)
  const units: RunHistory[] = []
  const errors: ControlError[] = [...unmatched]
  for (const name of names) {
    const runs = await backend.history(logUnitOf(backend, name))
    const unit = findUnit(backend, name).unwrapOr(null)
    // A unit whose file is gone may still have a history.
    if (runs.length === 0 && (unit === null || unit.loadState === 'not-found'))
      errors.push(notFound(backend, name))
    else
      units.push({ unit: name, runs: lines === null ? runs : lines > 0 ? runs.slice(-lines) : [] })
  }
  return ok({ units, errors })
}
