// The orderly end: a stop job for everything that is up, against the order of starting, then the effect `finish`.
import type { Draft } from './draft.ts'
import { installAll } from './jobs.ts'
import { describeCycle, findCycle } from './order.ts'
import { Plan } from './plan.ts'
import type { ShutdownKind } from './state.ts'
import { buildTransaction } from './transaction.ts'

const SHUTDOWN_TARGET = 'shutdown.target'

export type ShutdownRequest = { kind: ShutdownKind; exitStatus: number | null; force: boolean }

/**
 * Begins the shutdown. From now on no job is accepted. One that is under way already takes over the new kind, and the
 * exit status if it had none; with `force` it is over at once: whoever performs `finish` kills what is left.
 */
export function beginShutdown(draft: Draft, { kind, exitStatus, force }: ShutdownRequest): void {
  const { phase, shutdown } = draft.manager
  if (shutdown?.finished && !force) return
  draft.setManager({
    phase: 'stopping',
    shutdown: { ...shutdown, kind, exitStatus: shutdown?.exitStatus || exitStatus },
  })
  if (force) finish(draft, true)
  else if (phase !== 'stopping') {
    draft.log('info', null, `Stopping all units (${kind})`)
    installAll(draft, planShutdown(draft))
  } else draft.log('info', null, `Shutdown is under way already; it ends with: ${kind}`)
}

/** To be called when a step is done: the last job is gone, so is everything. */
export function finishShutdown(draft: Draft): void {
  const { phase, shutdown } = draft.manager
  if (phase === 'stopping' && shutdown && !shutdown.finished && draft.jobCount === 0) {
    finish(draft, false)
  }
}

function finish(draft: Draft, force: boolean): void {
  const { shutdown } = draft.manager
  if (!shutdown) return
  draft.setManager({ shutdown: { ...shutdown, finished: true } })
  const { kind, exitStatus } = shutdown
  draft.effects.push({ type: 'finish', kind, exitStatus, force })
}

/**
 * What `systemctl isolate shutdown.target` would come to, but nothing is exempt: units without DefaultDependencies= and
 * those with IgnoreOnIsolate= are stopped as well, since their processes would be killed next. What shutdown.target itself
 * pulls in is started. Units that are ordered stop the other way round, others all at once.
 */
function planShutdown(draft: Draft) {
  const plan = new Plan(true, false)
  const target = draft.graph.unit(SHUTDOWN_TARGET)
  if (target.loadState === 'loaded') {
    const mode = 'replace-irreversibly'
    const built = buildTransaction(draft, { type: 'start', unit: target.id, mode })
    if (built.isOk()) for (const job of built.value.jobs) plan.add(job.type, job.unit)
  }
  for (const name of draft.live()) if (plan.of(name).length === 0) plan.add('stop', name)
  // Elsewhere a cycle costs a job. Here every unit has to stop, so it costs that job's place in the order.
  for (;;) {
    const cycle = findCycle(draft, plan, plan.units())
    const loosened = cycle?.findLast(step => step.planned !== null)?.planned
    if (!cycle || !loosened) break
    loosened.ignoreOrder = true
    const { unit } = loosened
    const message = `Ordering cycle ${describeCycle(cycle)}: ${unit} stops without waiting for the others`
    draft.log('warn', unit, message)
  }
  return { anchor: null, jobs: plan.jobs(), notes: [] }
}
