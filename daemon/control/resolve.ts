// From what people write to unit names: `web` is web.service, globs match what is there.
import { err, ok, type Result } from 'neverthrow'
import { matchesGlob } from '../units/glob.ts'
import type { Unit, UnitName } from '../units/unit.ts'
import { isGlob, mangleName, nameKind } from '../units/values/unit-name.ts'
import type { Backend } from './backend.ts'
import { nearestNames } from './nearest.ts'
import type { ControlError } from './schema.ts'

const isTemplate = (name: UnitName) => nameKind(name) === 'template'

/** The full name, or the glob, for what was written: `web` is web.service. What cannot be a name is left as it is. */
export const unitNameOf = (written: string): UnitName => mangleName(written).unwrapOr(written)

export const hasGlob = (patterns: readonly string[]) =>
  patterns.some(pattern => isGlob(unitNameOf(pattern)))

export type Resolved = {
  /** In the order of the patterns, none twice. */
  units: readonly UnitName[]
  /** Globs that match nothing. */
  unmatched: readonly ControlError[]
}

/**
 * The units that the patterns mean. A name stands for itself, there or not; a glob for the loaded units that match it and,
 * with `files`, for the unit files too, and for those of `others`.
 */
export function resolveUnits(
  backend: Backend,
  patterns: readonly string[],
  { files = false, others = [] }: { files?: boolean; others?: readonly UnitName[] } = {},
): Resolved {
  const units = new Set<UnitName>()
  const unmatched: ControlError[] = []
  for (const pattern of patterns) {
    const name = unitNameOf(pattern)
    if (!isGlob(name)) {
      units.add(name)
      continue
    }
    let matched = false
    const take = (unit: UnitName) => {
      matched = true
      units.add(unit)
    }
    for (const unit of backend.units.loaded()) {
      if (isHere(backend, unit) && unit.names.some(one => matchesGlob(name, one))) take(unit.id)
    }
    for (const file of files ? backend.unitFiles() : []) {
      if (!isTemplate(file.name) && matchesGlob(name, file.name)) take(file.name)
    }
    for (const other of others) if (matchesGlob(name, other)) take(other)
    if (!matched) {
      unmatched.push({
        code: 'unit-not-found',
        message: `cannot find a unit that matches ${pattern}`,
        hint: "list the units with 'ctl list-units --all'",
        unit: pattern,
      })
    }
  }
  return { units: [...units], unmatched }
}

/** Whether a unit is more than a name that others mention. */
const isHere = (backend: Backend, unit: Unit) =>
  unit.loadState !== 'not-found' || backend.activeState(unit.id) !== 'inactive'

/** The unit of that name, loaded now if need be, or what is wrong with the name. */
export function findUnit(backend: Backend, name: UnitName): Result<Unit, ControlError> {
  const kind = nameKind(name)
  if (kind === null) {
    return err({
      code: 'unit-not-found',
      message: `cannot find ${name.slice(0, 255)}: it is no valid unit name`,
      unit: name.slice(0, 255),
    })
  }
  if (kind === 'template') {
    return err({
      code: 'unit-not-loaded',
      message: `cannot use ${name}: it is a template`,
      hint: `name an instance of it, as in ${name.replace('@.', '@1.')}`,
      unit: name,
    })
  }
  return ok(backend.units.get(name))
}

/** The same, but a unit without a file is an error unless something of it still runs. */
export function findPresentUnit(backend: Backend, name: UnitName): Result<Unit, ControlError> {
  return findUnit(backend, name).andThen(unit =>
    isHere(backend, unit) ? ok(unit) : err(notFound(backend, name)),
  )
}

/** The unit-not-found error, with the nearest names that there are. */
export function notFound(backend: Backend, name: UnitName): ControlError {
  const near = nearestNames(name, namesThere(backend))
  return {
    code: 'unit-not-found',
    message: `cannot find the unit ${name}: no unit directory has a file for it`,
    hint:
      near.length > 0
        ? `did you mean ${listOr(near)}?`
        : "list what there is with 'ctl list-unit-files'; after adding a file run 'ctl daemon-reload'",
    unit: name,
    near,
  }
}

function* namesThere(backend: Backend): Iterable<UnitName> {
  yield* backend.units.fileNames()
  for (const unit of backend.units.loaded()) if (isHere(backend, unit)) yield* unit.names
}

const listOr = (names: readonly string[]) =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`

/** Whether `name` matches one of the patterns, or there are none. For lists: `web` means web.service, `web.*` anything. */
export function matchesAny(patterns: readonly string[] | undefined, names: readonly UnitName[]) {
  if (patterns === undefined || patterns.length === 0) return true
  return patterns.some(pattern => {
    const wanted = unitNameOf(pattern)
    return names.some(name => (isGlob(wanted) ? matchesGlob(wanted, name) : wanted === name))
  })
}
