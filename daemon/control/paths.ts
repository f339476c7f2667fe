// What is told of path units: what they watch (systemctl(1), list-paths).
import { ok } from 'neverthrow'
import type { Unit } from '../units/unit.ts'
import type { Backend } from './backend.ts'
import type { Handler } from './call.ts'
import { matchesAny } from './resolve.ts'
import type { PathListItem } from './schema.ts'

export const listPaths: Handler<'listPaths'> = ({ backend }, { patterns, all = false }) => {
  const paths: PathListItem[] = []
  for (const unit of backend.units.loaded()) {
    if (unit.type !== 'path' || !matchesAny(patterns, unit.names)) continue
    const active = backend.activeState(unit.id)
    if (!all && active === 'inactive') continue
    const activates = backend.related(unit.id, 'triggers')[0] ?? null
    for (const { condition, path } of unit.path?.watched ?? []) {
      paths.push({ unit: unit.id, active, activates, condition, path })
    }
  }
  paths.sort((a, b) => (a.path === b.path ? (a.unit < b.unit ? -1 : 1) : a.path < b.path ? -1 : 1))
  return ok({ paths })
}

/** The properties of a path unit that `systemctl show` prints beside its settings. */
export const pathProperties = (backend: Backend, unit: Unit): [name: string, value: string][] => [
  ['Unit', backend.related(unit.id, 'triggers')[0] ?? ''],
  ['Result', backend.result(unit.id)],
]
