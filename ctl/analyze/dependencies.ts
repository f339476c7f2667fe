// Whether the units can be started with what they need, and in which order: asked of the same code that starts them.
import { describeTransactionError } from '../../daemon/engine/describe-error.ts'
import { createGraph } from '../../daemon/engine/graph.ts'
import { buildTransaction, type TransactionView } from '../../daemon/engine/transaction.ts'
import type { LoadedUnits } from '../../daemon/units/load.ts'
import type { DependencyKind, Unit, UnitName, Units } from '../../daemon/units/unit.ts'
import { unitType } from '../../daemon/units/values/unit-name.ts'
import { type Finding, placeOfValue } from './finding.ts'

const NEEDS = {
  requires: 'Requires',
  requisite: 'Requisite',
  bindsTo: 'BindsTo',
} as const satisfies Partial<Record<DependencyKind, string>>

/** Units without a file of their own: the kernel, or a running program, has them. */
const FILELESS = ['device', 'scope', 'slice']

/** What `given` need and have not, and the cycles in the order of all of them together. */
export function dependencyFindings(
  loaded: LoadedUnits,
  units: Units,
  given: readonly Unit[],
): Finding[] {
  const startable = given.filter(({ loadState }) => loadState === 'loaded')
  return [
    ...given.flatMap(unit => missingOf(loaded, units, unit)),
    ...refusals(units, startable),
    ...cycles(units, startable),
  ]
}

function missingOf(loaded: LoadedUnits, units: Units, unit: Unit): Finding[] {
  return Object.entries(NEEDS).flatMap(([kind, name]) =>
    (unit.dependencies[kind as keyof typeof NEEDS] ?? [])
      .filter(other => !FILELESS.includes(unitType(other) ?? ''))
      .filter(other => units.get(other).loadState === 'not-found')
      .map(other => ({
        severity: 'error' as const,
        place: placeOfValue(loaded, unit, [`Unit.${name}`], other),
        message: `Unit.${name}: Unit ${other} not found`,
      })),
  )
}

/** All is down, and nothing is to be done yet. */
const asleep = (units: Units): TransactionView => ({
  graph: createGraph(units),
  activeState: () => 'inactive',
  jobOf: () => null,
  canReload: () => false,
  live: () => [],
})

/** Why a start of the unit would be refused, other than for what is missing or for the order. */
function refusals(units: Units, given: readonly Unit[]): Finding[] {
  const view = asleep(units)
  return given.flatMap(({ id }) => {
    const built = buildTransaction(view, { type: 'start', unit: id, mode: 'replace' })
    if (built.isOk()) return []
    const { error } = built
    if (error.type === 'ordering-cycle') return [cycleFinding(error.path)]
    if (error.type === 'unit-not-found') return []
    return [{ severity: 'error' as const, place: id, message: describeTransactionError(error) }]
  })
}

const ALL = 'ctl-analyze.target'

/** The cycles of a start of all of them, whether or not they want each other. */
function cycles(units: Units, given: readonly Unit[]): Finding[] {
  const first = given[0]
  if (first === undefined) return []
  const all: Unit = {
    ...first,
    id: ALL,
    names: [ALL],
    type: 'target',
    dependencies: { wants: given.map(({ id }) => id) },
  }
  const view = asleep({
    get: name => (name === ALL ? all : units.get(name)),
    loaded: () => units.loaded(),
  })
  const built = buildTransaction(view, { type: 'start', unit: ALL, mode: 'replace' })
  if (built.isErr())
    return built.error.type === 'ordering-cycle' ? [cycleFinding(built.error.path)] : []
  return built.value.notes.flatMap(({ cycle }) =>
    cycle === undefined ? [] : [cycleFinding(cycle)],
  )
}

/** In systemd's words, from the first unit by name, so that the same cycle is told once. */
function cycleFinding(path: readonly UnitName[]): Finding {
  const head = [...path].sort()[0] ?? ''
  const at = path.indexOf(head)
  // Each waits for the next one.
  const waited = [...path.slice(at), ...path.slice(0, at)].reverse()
  const found = waited.map((unit, step) =>
    step === 0 ? `Found ordering cycle on ${unit}/start` : `Found dependency on ${unit}/start`,
  )
  return { severity: 'error', place: head, message: found.join(', ') }
}
