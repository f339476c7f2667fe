// The door to a unit's state machine: an input goes in, the new state, effects and requests are taken out.
import type { UnitName } from '../units/unit.ts'
import { afterChange } from './change.ts'
import { collect } from './collect.ts'
import { describeTransactionError } from './describe-error.ts'
import { type Draft, unitTypeOf } from './draft.ts'
import type { Effect } from './effect.ts'
import { isRecovering } from './hold.ts'
import { isActive, isDown } from './job.ts'
import { addJob, addOwnJob, finishJob } from './jobs.ts'
import type { MachineInput, MachineRequest } from './machine.ts'
import { allTriggeredBy, triggeredBy } from './trigger.ts'
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
      isShutdown: draft.manager.phase === 'stopping',
      random: draft.random,
      host: draft.host,
      started: draft.manager.started,
      zone: draft.manager.zone,
      triggered: () => triggeredBy(draft, name),
      allTriggered: () => allTriggeredBy(draft, name),
    },
    before,
    input,
  )
  for (const effect of step.effects) {
    draft.effects.push(withDescriptors(draft, name, withCause(effect, before.cause)))
  }
  if (step.state !== before) draft.setUnit(step.state)
  const from = machine.activeState(before)
  const to = machine.activeState(step.state)
  const fromSub = machine.subState(before)
  const toSub = machine.subState(step.state)
  // A start that is over at once (a oneshot without commands, a start that fails on the spot) was under way for a moment.
  const isRefused = step.requests.some(request => request.type === 'start-refused')
  const flashed = input.type === 'start' && step.state !== before && isDown(to) && !isRefused
  if (from !== to || fromSub !== toSub || flashed) {
    afterChange(draft, {
      name,
      from: flashed ? 'activating' : from,
      to,
      fromSub,
      toSub,
      wasRecovering,
      isRecovering: isRecovering(draft, name),
      refused: isRefused,
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
    case 'await-idle':
      draft.idle.add(name)
      return
    case 'skipped': // looked at with the change of state
      return
    case 'trigger':
      trigger(draft, name, request)
      return
    case 'start-uncounted': {
      const state = draft.unit(name)
      draft.setUnit({ ...state, starts: state.starts.slice(0, -1) })
      return
    }
    case 'start-refused': {
      const job = draft.jobOf(name)
      if (job) finishJob(draft, job, 'failed')
      return
    }
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

function trigger(
  draft: Draft,
  name: UnitName,
  { unit, environment, connection }: Extract<MachineRequest, { type: 'trigger' }>,
): void {
  const { id } = draft.graph.unit(unit)
  if (connection !== undefined) {
    draft.setUnit({ ...draft.unit(id), connection: { socket: name, id: connection } })
  }
  const added = addJob(draft, { type: 'start', unit: id, mode: 'replace', by: name }, environment)
  if ('refused' in added) {
    feed(draft, name, { type: 'trigger-refused', unit: id, error: added.refused })
    if (connection !== undefined) collect(draft, id)
  }
}

/** The descriptors that a service's process is handed, if it is one that gets any: the runtime has them by these names. */
function withDescriptors(draft: Draft, name: UnitName, effect: Effect): Effect {
  if (effect.type !== 'spawn') return effect
  const { connection } = draft.unit(name)
  if (connection) return { ...effect, connection: connection.id }
  const sockets = draft.graph
    .related(name, 'triggeredBy')
    .filter(other => unitTypeOf(other) === 'socket')
  return sockets.length > 0 ? { ...effect, sockets } : effect
}

/** What a reload job would have pulled in (transaction.c, transaction_add_propagate_reload_jobs). */
function propagateReload(draft: Draft, name: UnitName): void {
  for (const other of draft.graph.related(name, 'propagatesReloadTo')) {
    if (!isActive(draft.activeState(other)) || !draft.canReload(draft.graph.unit(other))) continue
    const why = `Cannot reload it though ${name} does`
    addOwnJob(draft, { type: 'try-reload', unit: other, mode: 'fail' }, why)
  }
}

/** What was started for another unit's sake knows of it: by $TRIGGER_… in all its commands, by $MONITOR_… (OnFailure=,
 * OnSuccess=) in ExecStartPre= and ExecStart=. */
function withCause(effect: Effect, cause: readonly string[] | undefined): Effect {
  if (!cause || effect.type !== 'spawn') return effect
  const isStart = effect.exec === 'start' || effect.exec === 'start-pre'
  const told = isStart ? cause : cause.filter(assignment => assignment.startsWith('TRIGGER_'))
  return told.length === 0 ? effect : { ...effect, environment: [...effect.environment, ...told] }
}
