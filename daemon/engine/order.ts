// The order of a transaction's jobs: cycles are found and, where the anchor can do without one of the jobs, broken.
import type { UnitName } from '../units/unit.ts'
import type { TransactionError } from './effect.ts'
import type { Graph } from './graph.ts'
import { stopsFirst, waitsFor } from './job.ts'
import type { Note, Plan, Planned } from './plan.ts'
import type { Job } from './state.ts'

export type OrderView = { graph: Graph; jobOf(unit: UnitName): Job | null }
/** A job of the plan or, where the plan has none for the unit, the pending one. */
type Step = { job: Planned | Job; planned: Planned | null }

/** The jobs of one ordering cycle, each before the next and the last before the first; null: there is none. */
export function findCycle(view: OrderView, plan: Plan): readonly Step[] | null {
  const { graph } = view
  const steps = new Map<UnitName, Step | null>()
  const findStep = (unit: UnitName): Step | null => {
    const planned = plan.of(unit).at(-1)
    if (planned) return { job: planned, planned }
    const job = view.jobOf(unit)
    return job && { job, planned: null }
  }
  const stepOf = (unit: UnitName): Step | null => {
    let step = steps.get(unit)
    if (step === undefined) {
      step = findStep(unit)
      steps.set(unit, step)
    }
    return step
  }

  const followers = ({ job }: Step): Step[] => {
    const found: Step[] = []
    for (const unit of graph.related(job.unit, 'before')) {
      const other = stepOf(unit)
      if (other && waitsFor(other.job, job, 'after')) found.push(other)
    }
    if (!stopsFirst(job)) return found
    for (const unit of graph.related(job.unit, 'after')) {
      const other = stepOf(unit)
      if (other && waitsFor(other.job, job, 'before')) found.push(other)
    }
    return found
  }

  // An explicit stack: a chain of ordered units may be longer than the program's stack is deep.
  const state = new Map<Step, 'on-path' | 'done'>()
  for (const root of plan.units()) {
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

/** Breaks every cycle by dropping a job that the anchor can do without, with a note; or says which one cannot be broken. */
export function breakCycles(
  view: OrderView,
  plan: Plan,
  notes: Note[],
  collectGarbage: () => void,
): Extract<TransactionError, { type: 'ordering-cycle' }> | null {
  for (;;) {
    const cycle = findCycle(view, plan)
    if (!cycle) return null
    const path = cycle.map(step => step.job.unit)
    const dropped = cycle.findLast(
      ({ job, planned }) => planned && !plan.of(job.unit).some(one => one.matters),
    )
    if (!dropped) return { type: 'ordering-cycle', path }
    const { type, unit } = dropped.job
    notes.push({
      level: 'warn',
      unit,
      message: `Ordering cycle ${[...path, path[0]].join(' -> ')}: the ${type} job of ${unit} is dropped to break it`,
    })
    plan.deleteUnit(unit)
    collectGarbage()
  }
}
