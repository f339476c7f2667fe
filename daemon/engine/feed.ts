// The door to a unit's state machine: an input goes in, the new state, effects and requests are taken out.
import type { UnitName } from '../units/unit.ts'
import { afterChange } from './change.ts'
import { describeTransactionError } from './describe-error.ts'
import type { Draft } from './draft.ts'
import type { Effect } from './effect.ts'
import { isRecovering } from './hold.ts'
import { isActive, isDown } from './job.ts'
import { addJob, addOwnJob } from './jobs.ts'
import type { MachineInput, MachineRequest } from './machine.ts'
import { unreachable } from './unreachable.ts'

/** Gives `input` to the unit's machine and draws all consequences. */
export function feed(draft: Draft, name: UnitName, input: MachineInput): void {
  const machine = draft.machine(name)
  const before = draft.unit(name)
  const wasRecovering = isRecovering(draft, name)
  const step = machine.step(
    {
      unit: draft.graph.unit(name),
      now: draft.now,
      stopPending: draft.hasJob(name, 'stop'),
      restartPending: draft.hasJob(name, 'restart'),
      token: draft.token,
      invocationId: draft.invocationId,
    },
    before,
    input,
  )
  for (const effect of step.effects) draft.effects.push(withMonitor(effect, before.monitor))
  if (step.state !== before) draft.setUnit(step.state)
  const from = machine.activeState(before)
  const to = machine.activeState(step.state)
  const fromSub = machine.subState(before)
  const toSub = machine.subState(step.state)
  // A start that is over at once (a oneshot without commands, a start that fails on the spot) was under way for a moment.
  const flashed = input.type === 'start' && step.state !== before && isDown(to)
  if (from !== to || fromSub !== toSub || flashed) {
    afterChange(draft, {
      name,
      from: flashed ? 'activating' : from,
      to,
      fromSub,
      toSub,
      wasRecovering,
      isRecovering: isRecovering(draft, name),
      skipped: step.requests.some(request => request.type === 'skipped'),
    })
  }
  for (const request of step.requests) answerRequest(draft, name, request)
}

function answerRequest(draft: Draft, name: UnitName, request: MachineRequest): void {
  switch (request.type) {
    case 'restart':
      restart(draft, name)
      return
    case 'propagate-reload':
      propagateReload(draft, name)
      return
    case 'skipped': // looked at with the change of state
      return
    default:
      unreachable(request)
  }
}

function restart(draft: Draft, name: UnitName): void {
  // A stop that is queued has the last word.
  if (draft.hasJob(name, 'stop')) return
  const added = addJob(draft, { type: 'restart', unit: name, mode: 'replace' })
  if (!('refused' in added)) return
  const why = describeTransactionError(added.refused)
  draft.log('warn', name, `Cannot restart by itself and stays down: ${why}`)
  feed(draft, name, { type: 'stop' })
}

/** What a reload job would have pulled in (transaction.c, transaction_add_propagate_reload_jobs). */
function propagateReload(draft: Draft, name: UnitName): void {
  for (const other of draft.graph.related(name, 'propagatesReloadTo')) {
    if (!isActive(draft.activeState(other)) || !draft.canReload(draft.graph.unit(other))) continue
    const why = `Cannot reload it though ${name} does`
    addOwnJob(draft, { type: 'try-reload', unit: other, mode: 'fail' }, why)
  }
}

/** What OnFailure= or OnSuccess= started knows of the unit that ended: in ExecStartPre= and ExecStart=. */
function withMonitor(effect: Effect, monitor: readonly string[] | undefined): Effect {
  if (!monitor || effect.type !== 'spawn') return effect
  if (effect.exec !== 'start' && effect.exec !== 'start-pre') return effect
  return { ...effect, environment: [...effect.environment, ...monitor] }
}
