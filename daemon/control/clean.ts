// clean: what a unit has kept in its directories goes (systemctl(1)).
import { ok } from 'neverthrow'
import type { DirectoryKind, Unit } from '../units/unit.ts'
import type { Backend } from './backend.ts'
import type { Handler } from './call.ts'
import { findPresentUnit, resolveUnits } from './resolve.ts'
import type { ControlError } from './schema.ts'

/** What can be made again at the next start. */
const BY_DEFAULT: readonly DirectoryKind[] = ['runtime', 'cache']

export const clean: Handler<'clean'> = async ({ backend }, params) => {
  const kinds = params.what ?? BY_DEFAULT
  const { units, unmatched } = resolveUnits(backend, params.units)
  const cleaned: string[] = []
  const errors: ControlError[] = [...unmatched]
  for (const name of units) {
    const found = findPresentUnit(backend, name)
    if (found.isErr()) {
      errors.push(found.error)
      continue
    }
    const unit = found.value
    const refusal = refusalOf(backend, unit, kinds)
    if (refusal !== null) {
      errors.push({ ...refusal, unit: unit.id })
      continue
    }
    const problems = await backend.clean(unit.id, kinds)
    for (const message of problems) errors.push({ code: 'failed', message, unit: unit.id })
    if (problems.length === 0) cleaned.push(unit.id)
  }
  return ok({ cleaned, errors })
}

function refusalOf(
  backend: Backend,
  unit: Unit,
  kinds: readonly DirectoryKind[],
): ControlError | null {
  const state = backend.activeState(unit.id)
  if (state !== 'inactive' && state !== 'failed')
    return {
      code: 'failed',
      message: `cannot clean ${unit.id}: it is ${state}`,
      hint: `run 'ctl stop ${unit.id}' first`,
    }
  const has =
    kinds.some(kind => (unit.exec?.directories[kind]?.paths.length ?? 0) > 0) ||
    (unit.type === 'timer' && kinds.includes('state'))
  if (has) return null
  return {
    code: 'failed',
    message: `cannot clean ${unit.id}: it has nothing of the kind ${kinds.join(', ')}`,
    hint: 'choose with --what=; its unit file names what there is (RuntimeDirectory= and its like)',
  }
}
