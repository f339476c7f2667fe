// Methods that list units, unit files and dependencies.
import { ok } from 'neverthrow'
import type { Relation } from '../engine/graph.ts'
import type { UnitName } from '../units/unit.ts'
import { isGlob, nameKind } from '../units/values/unit-name.ts'
import type { Backend } from './backend.ts'
import type { Handler } from './call.ts'
import {
  findPresentUnit,
  findUnit,
  matchesAny,
  notFound,
  resolveUnits,
  unitNameOf,
} from './resolve.ts'
import type { ControlError, DependencyNode, UnitListItem } from './schema.ts'

const typeOf = (name: UnitName) => name.slice(name.lastIndexOf('.') + 1)
const isAnyOf = (wanted: readonly string[] | undefined, ...values: readonly string[]) =>
  wanted === undefined || wanted.length === 0 || values.some(value => wanted.includes(value))
const byName = (a: { unit: string }, b: { unit: string }) => (a.unit < b.unit ? -1 : 1)

export const listUnits: Handler<'listUnits'> = ({ backend }, params) => {
  const { patterns, all = false, states, types } = params
  const units: UnitListItem[] = []
  let total = 0
  const filtered = states !== undefined && states.length > 0
  for (const unit of backend.units.loaded()) {
    if (!matchesAny(patterns, unit.names) || !isAnyOf(types, typeOf(unit.id))) continue
    const active = backend.activeState(unit.id)
    const sub = backend.subState(unit.id)
    if (!isAnyOf(states, unit.loadState, active, sub)) continue
    total++
    const id = backend.state.units.get(unit.id)?.job ?? null
    const job = id === null ? undefined : backend.state.jobs.get(id)
    if (!all && !filtered && active === 'inactive' && job === undefined) continue
    units.push({
      unit: unit.id,
      load: unit.loadState,
      active,
      sub,
      job: job === undefined ? null : { id: job.id, type: job.type },
      description: unit.unit.description === '' ? unit.id : unit.unit.description,
    })
  }
  return ok({ units: units.sort(byName), total })
}

export const listUnitFiles: Handler<'listUnitFiles'> = ({ backend }, params) => {
  const files = backend
    .unitFiles()
    .filter(
      ({ name, state }) =>
        matchesAny(params.patterns, [name]) &&
        isAnyOf(params.types, typeOf(name)) &&
        isAnyOf(params.states, state),
    )
    .map(({ name, state, path, preset }) => ({ unit: name, state, path, preset }))
  return ok({ files: files.sort(byName) })
}

const FORWARD: readonly Relation[] = [
  'requires',
  'requisite',
  'wants',
  'consistsOf',
  'bindsTo',
  'upholds',
]
const REVERSE: readonly Relation[] = [
  'requiredBy',
  'requisiteOf',
  'wantedBy',
  'partOf',
  'boundBy',
  'upheldBy',
]

export const listDependencies: Handler<'listDependencies'> = ({ backend }, params) => {
  const { reverse = false, order, all = false } = params
  const relations = order ? [order] : reverse ? REVERSE : FORWARD
  const asked = params.units?.length ? params.units : ['default.target']
  const { units, unmatched } = resolveUnits(backend, asked)
  const errors: ControlError[] = [...unmatched]
  const trees: DependencyNode[] = []
  for (const name of units) {
    findPresentUnit(backend, name).match(
      unit => trees.push(dependencies(backend, unit.id, relations, all)),
      error => errors.push(error),
    )
  }
  return ok({ trees, errors })
}

/** A unit is opened once only: drawn out in full, the tree of a system can be larger than its memory. */
function dependencies(
  backend: Backend,
  root: UnitName,
  relations: readonly Relation[],
  all: boolean,
): DependencyNode {
  const opened = new Set<UnitName>()
  const open = (unit: UnitName, top: boolean): DependencyNode => {
    const active = backend.activeState(unit)
    const isOpen = top || all || typeOf(unit) === 'target'
    if (!isOpen || opened.has(unit)) return { unit, active, children: [] }
    opened.add(unit)
    const names = new Set(relations.flatMap(relation => backend.related(unit, relation)))
    names.delete(unit)
    const children = [...names].sort(targetsLast).map(name => open(name, false))
    return { unit, active, children }
  }
  return open(root, true)
}

function targetsLast(a: UnitName, b: UnitName): number {
  const targets = Number(typeOf(a) === 'target') - Number(typeOf(b) === 'target')
  return targets || (a < b ? -1 : 1)
}

export const isActive: Handler<'isActive'> = ({ backend }, params) => {
  const { units, unmatched } = resolveUnits(backend, params.units)
  const told = units.map(name =>
    findUnit(backend, name).match(
      unit => ({
        unit: unit.id,
        state: backend.activeState(unit.id) as string,
        load: unit.loadState as string,
      }),
      () => absent(name),
    ),
  )
  return ok({ units: [...told, ...unmatched.map(({ unit }) => absent(unit ?? ''))] })
}

const absent = (unit: string) => ({ unit, state: 'inactive', load: 'not-found' })

export const isEnabled: Handler<'isEnabled'> = ({ backend }, params) => {
  const units: { unit: string; state: string }[] = []
  const errors: ControlError[] = []
  const { units: names, unmatched } = resolveUnits(
    backend,
    params.units.filter(pattern => isGlob(unitNameOf(pattern))),
    { files: true },
  )
  errors.push(...unmatched)
  for (const name of [...params.units.map(unitNameOf).filter(one => !isGlob(one)), ...names]) {
    const state = nameKind(name) === null ? 'not-found' : backend.units.fileState(name)
    units.push({ unit: name, state })
    if (state === 'not-found') errors.push(notFound(backend, name))
  }
  return ok({ units, errors })
}
