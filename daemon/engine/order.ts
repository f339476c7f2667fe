// The order of jobs: cycles are found and, where the anchor of a transaction can do without one of the jobs, broken.
import type { UnitName } from '../units/unit.ts'
import type { TransactionError } from './effect.ts'
import type { Graph } from './graph.ts'
import { mergeJobTypes, type Ordered, stopsFirst, waitsFor } from './job.ts'
import type { Note, Plan, Planned } from './plan.ts'
import type { Job } from './state.ts'

export type OrderView = { graph: Graph; jobOf(unit: UnitName): Job | null }

/** The job that a unit will have: of the plan, merged into the pending one, or the pending one alone. */
type Step = { unit: UnitName; job: Ordered; planned: Planned | null }

/** The jobs of one ordering cycle that can be reached from those of `roots`, each before the next and the last before
 * the first; null: there is none. */
export function findCycle(
  view: OrderView,
  plan: Plan,
  roots: Iterable<UnitName>,
): readonly Step[] | null {
  let hasRestart = false
  const lookUp = (isSecond: boolean) => {
    const steps = new Map<UnitName, Step | null>()
    return (unit: UnitName): Step | null => {
      let step = steps.get(unit)
      if (step === undefined) {
        step = findStep(view, plan, unit)
        if (step?.job.type === 'restart') {
          hasRestart = true
          const { ignoreOrder } = step.job
          if (isSecond) step.job = { type: 'start', ignoreOrder }
        }
        steps.set(unit, step)
      }
      return step
    }
  }
  const starts = [...roots]
  // A restart stops first, in the order of stops. Then it is a start, and starts must not wait for each other either.
  const cycle = walk(view.graph, lookUp(false), starts)
  return cycle ?? (hasRestart ? walk(view.graph, lookUp(true), starts) : null)
}

function findStep(view: OrderView, plan: Plan, unit: UnitName): Step | null {
  const planned = plan.of(unit).at(-1) ?? null
  const pending = view.jobOf(unit)
  if (!planned) return pending && { unit, job: pending, planned }
  const merged = pending && mergeJobTypes(pending.type, planned.type)
  if (!pending || merged === null) return { unit, job: planned, planned }
  const ignoreOrder = planned.ignoreOrder || pending.ignoreOrder
  return { unit, job: { type: merged, ignoreOrder }, planned }
}

function walk(
  graph: Graph,
  stepOf: (unit: UnitName) => Step | null,
  roots: readonly UnitName[],
): readonly Step[] | null {
  const followers = ({ unit, job }: Step): Step[] => {
    const found: Step[] = []
    for (const name of graph.related(unit, 'before')) {
      const other = stepOf(name)
      if (other && waitsFor(other.job, job, 'after')) found.push(other)
    }
    if (!stopsFirst(job)) return found
    for (const name of graph.related(unit, 'after')) {
      const other = stepOf(name)
      if (other && waitsFor(other.job, job, 'before')) found.push(other)
    }
    return found
  }

  // An explicit stack: a chain of ordered units may be longer than the program's stack is deep.
  const state = new Map<Step, 'on-path' | 'done'>()
  for (const root of roots) {
    const first = stepOf(root)
    if (!first || state.has(first)) continue
    const path: { step: Step; left: Step[] }[] = []
    const enter = (step: Step) => {
      state.set(step, 'on-path')
      path.push({ step, left: followers(step) })
    }
    enter(first)
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const next = top.left.pop()
      if (!next) {
        state.set(top.step, 'done')
        path.pop()
        continue
      }
      const seen = state.get(next)
      if (seen === undefined) enter(next)
      else if (seen === 'on-path') {
        const start = path.findIndex(entry => entry.step === next)
        return path.slice(start).map(entry => entry.step)
      }
    }
  }
  return null
}

/** `a -> b -> a`. */
export function describeCycle(cycle: readonly Step[]): string {
  const path = cycle.map(step => step.unit)
  return [...path, path[0]].join(' -> ')
}

/** Breaks every cycle by dropping a job that the anchor can do without, with a note; or says which one cannot be broken. */
export function breakCycles(
  view: OrderView,
  plan: Plan,
  notes: Note[],
  collectGarbage: () => void,
): Extract<TransactionError, { type: 'ordering-cycle' }> | null {
  for (;;) {
    const cycle = findCycle(view, plan, plan.units())
    if (!cycle) return null
    const dropped = cycle.findLast(
      ({ unit, planned }) => planned && !plan.of(unit).some(one => one.matters),
    )?.planned
    if (!dropped) return { type: 'ordering-cycle', path: cycle.map(step => step.unit) }
    const { type, unit } = dropped
    notes.push({
      level: 'warn',
      unit,
      message: `Ordering cycle ${describeCycle(cycle)}: the ${type} job of ${unit} is dropped to break it`,
      cycle: cycle.map(step => step.unit),
    })
    plan.deleteUnit(unit)
    collectGarbage()
  }
}
