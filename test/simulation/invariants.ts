// What is true after every step, whatever happened. A breach throws, with the event that led to it.
import type { Effect } from '../../daemon/engine/effect.ts'
import type { Engine } from '../../daemon/engine/engine.ts'
import type { EngineEvent, Now } from '../../daemon/engine/event.ts'
import { machineOf } from '../../daemon/engine/machines.ts'
import type { Changes, Job } from '../../daemon/engine/state.ts'
import type { UnitName, UnitType } from '../../daemon/units/unit.ts'
import { SECOND } from '../../simulation/behaviour.ts'
import { whyNotPlain } from './plain.ts'

/** A scenario has 30 commands at most, for eleven units: more within a second of the world's goes on without end. */
const MOST_STEPS_PER_SECOND = 800

export interface Checker {
  step(
    engine: Engine,
    event: EngineEvent,
    result: { changes: Changes; effects: readonly Effect[] },
    now: Now,
  ): void
  committed(engine: Engine, changes: Changes): void
}

const typeOf = (name: UnitName) => name.slice(name.lastIndexOf('.') + 1) as UnitType
const mayIgnoreOrder = (event: EngineEvent) =>
  event.type === 'units-reloaded' ||
  (event.type === 'job-requested' && event.mode === 'ignore-dependencies')
const stopsFirst = (job: Job) => job.type === 'stop' || job.type === 'restart'

export function createChecker(): Checker {
  let last: { event: EngineEvent; now: Now } | null = null
  /** Steps in the second of the world's that began then. */
  let second = { sinceUsec: 0, steps: 0 }
  /** When each job began to run. */
  const since = new Map<number, number>()

  const breach = (what: string): never => {
    throw new Error(`${what}; after ${JSON.stringify(last?.event)}`)
  }

  /** Parts that have been looked at: what is new in a state is little. They are replaced, never edited. */
  const plain = new WeakSet<object>()
  const expectPlain = (value: unknown) => {
    const why = whyNotPlain(value, plain)
    if (why !== null) breach(`the state cannot be written down as JSON: ${why}`)
  }

  /** A job that stood in the queue before the step and does so after it. */
  const standing = (engine: Engine, changes: Changes, unit: UnitName): Job | null => {
    const id = engine.state.units.get(unit)?.job ?? null
    if (id === null) return null
    const before = engine.state.jobs.get(id) ?? null
    const after = changes.jobs.get(id)
    return after === undefined ? before : after
  }

  const jobBefore = (engine: Engine, unit: UnitName): Job | null =>
    engine.state.jobs.get(engine.state.units.get(unit)?.job ?? 0) ?? null

  const jobAfter = (engine: Engine, changes: Changes, unit: UnitName): Job | null => {
    const state = changes.units.get(unit) ?? engine.state.units.get(unit)
    if (!state || state.job === null) return null
    return changes.jobs.get(state.job) ?? engine.state.jobs.get(state.job) ?? null
  }

  return {
    step(engine, event, { changes, effects }, now) {
      last = { event, now }
      if (now.monotonicUsec - second.sinceUsec >= SECOND)
        second = { sinceUsec: now.monotonicUsec, steps: 0 }
      if (++second.steps > MOST_STEPS_PER_SECOND) breach('the daemon spins')
      for (const [id, job] of changes.jobs) {
        if (job?.state !== 'running') since.delete(id)
        else if (engine.state.jobs.get(id)?.state !== 'running') {
          since.set(id, now.monotonicUsec)
          if (!stopsFirst(job) || job.ignoreOrder) continue
          // Stops go against the order: what is ordered after it has stopped.
          for (const later of engine.graph.related(job.unit, 'before')) {
            const other = standing(engine, changes, later)
            if (other && stopsFirst(other) && !other.ignoreOrder) {
              breach(`${job.unit} stops before ${later}, which is ordered after it`)
            }
          }
        }
      }
      for (const effect of effects) {
        if (effect.type !== 'run-begins') continue
        // A job that runs already (it waited for its conditions) is past its place in the order.
        const before = jobBefore(engine, effect.unit)
        if (before?.state === 'running' && before.type === 'start') continue
        // So is a mount that is starting: its stop may have to wait while it goes on.
        if (engine.state.units.get(effect.unit)?.mount?.stage === 'starting') continue
        const job = jobAfter(engine, changes, effect.unit) ?? before
        // A job that came and went within the step is not to be seen: those that may have ignored the order are let pass.
        if (job?.ignoreOrder || mayIgnoreOrder(event)) continue
        for (const earlier of engine.graph.related(effect.unit, 'after')) {
          const other = standing(engine, changes, earlier)
          if (other && !other.ignoreOrder && engine.state.jobs.has(other.id)) {
            breach(`${effect.unit} starts before the ${other.type} job of ${earlier} is done`)
          }
        }
      }
      for (const [id, began] of since) {
        const job = changes.jobs.get(id) ?? engine.state.jobs.get(id)
        if (job?.type !== 'stop') continue
        const { service, mount, socket } = engine.graph.unit(job.unit)
        const stopUsec = service?.timeoutStopUsec ?? mount?.timeoutUsec ?? socket?.timeoutUsec ?? 0
        // ExecStop=, SIGTERM, SIGKILL, ExecStopPost=, SIGTERM, SIGKILL: each has the time-out once.
        if (now.monotonicUsec - began > 6 * stopUsec + 1) {
          breach(`the stop of ${job.unit} takes longer than its time-outs`)
        }
      }
    },
    committed(engine, changes) {
      const { units, jobs, manager } = engine.state
      expectPlain(manager)
      for (const unit of changes.units.values()) expectPlain(unit)
      for (const job of changes.jobs.values()) expectPlain(job)
      for (const [id, job] of changes.jobs) {
        if (job && units.get(job.unit)?.job !== id) breach(`job ${id} is not known to ${job.unit}`)
        if (!job && jobs.has(id)) breach(`job ${id} is still there`)
      }
      for (const [name, unit] of changes.units) {
        if (unit && unit.job !== null && jobs.get(unit.job)?.unit !== name) {
          breach(`${name} has the job ${unit.job} that is not in the queue`)
        }
        const facts = unit?.service
        if (facts?.sub === 'running' && engine.graph.unit(name).service?.type !== 'forking') {
          if (facts.mainPid === null) breach(`${name} is running without a main process`)
        }
        for (const pid of unit ? machineOf(typeOf(name)).pids(unit) : []) {
          if (engine.unitOfPid(pid) !== name) breach(`pid ${pid} is not known as that of ${name}`)
        }
      }
    },
  }
}
