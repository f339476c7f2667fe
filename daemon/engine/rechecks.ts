// What units want whatever happened: to be up while another is (Upholds=), down when nobody needs them
// (StopWhenUnneeded=), down when what they are bound to is (BindsTo=). Looked at when all that can run has run.
import type { UnitName } from '../units/unit.ts'
import { collect } from './collect.ts'
import type { Draft, Recheck } from './draft.ts'
import { feed } from './feed.ts'
import type { Relation } from './graph.ts'
import { AUTO_RESTART } from './hold.ts'
import { isActive, isDown } from './job.ts'
import { addOwnJob } from './jobs.ts'
import { mayAct } from './self-acts.ts'
import { triggeredUnit, triggersOf } from './trigger.ts'

/** Looks once at every unit that is to be looked at; true if there was one. */
export function recheck(draft: Draft): boolean {
  if (tellTriggering(draft)) return true
  if (draft.rechecks.length === 0) return tellIdle(draft)
  const waiting = draft.rechecks.splice(0)
  for (const { what, unit } of waiting) CHECKS[what](draft, unit)
  return true
}

/** Tells those who wait for it that no unit has a job any more; true if there was one. */
function tellIdle(draft: Draft): boolean {
  if (draft.idle.size === 0 || draft.jobCount > 0) return false
  const waiting = [...draft.idle]
  draft.idle.clear()
  for (const name of waiting) feed(draft, name, { type: 'idle' })
  return true
}

/** Tells those that trigger a unit of its changes; true if there was one. */
function tellTriggering(draft: Draft): boolean {
  if (draft.triggered.size === 0) return false
  const changed = [...draft.triggered]
  draft.triggered.clear()
  for (const [name, previous] of changed) {
    for (const other of triggersOf(draft, name)) {
      if (!draft.isKnown(other)) continue
      feed(draft, other, { type: 'triggered-changed', previous, ...triggeredUnit(draft, name) })
    }
    collect(draft, name)
  }
  return true
}

const CHECKS: Record<Recheck, (draft: Draft, name: UnitName) => void> = {
  upheld(draft, name) {
    const upholder = upholderOf(draft, name)
    if (!upholder || !mayAct(draft, name, 'later')) return
    draft.log('info', name, `Started again since ${upholder} upholds it`)
    const why = `Cannot start it though ${upholder} upholds it`
    const by = `Upholds= of ${upholder}`
    addOwnJob(draft, { type: 'start', unit: name, mode: 'fail', by }, why)
  },
  bound(draft, name) {
    const missing = missingBinding(draft, name)
    if (!missing || !mayAct(draft, name, 'later')) return
    draft.log('info', name, `Stopped since it is bound to ${missing}, which is down`)
    const why = `Cannot stop it though ${missing} is down`
    addOwnJob(draft, { type: 'stop', unit: name, mode: 'replace' }, why)
  },
  unneeded(draft, name) {
    if (!isUnneeded(draft, name) || !mayAct(draft, name, 'later')) return
    draft.log('info', name, 'Stopped since no unit needs it any more')
    addOwnJob(draft, { type: 'stop', unit: name, mode: 'fail' }, 'Cannot stop it')
  },
  stranded(draft, name) {
    // The pause is over, and the job that was to restart it was canceled or timed out: it would wait for ever, and with it a start
    // that has come since and waits for that restart.
    const job = draft.jobOf(name)
    const isWaiting = job === null || (job.type === 'start' && job.state === 'waiting')
    if (!isWaiting || draft.subState(name) !== AUTO_RESTART) return
    if (draft.machine(name).deadlineUsec(draft.unit(name)) !== null) return
    feed(draft, name, { type: 'stop' })
    if (job) draft.runQueue.add(job.id)
  },
}

function upholderOf(draft: Draft, name: UnitName): UnitName | undefined {
  if (draft.jobOf(name) || !isDown(draft.activeState(name))) return undefined
  return draft.graph
    .related(name, 'upheldBy')
    .find(other => !draft.jobOf(other) && isActive(draft.activeState(other)))
}

function missingBinding(draft: Draft, name: UnitName): UnitName | undefined {
  if (draft.jobOf(name) || !isActive(draft.activeState(name))) return undefined
  return draft.graph
    .related(name, 'bindsTo')
    .find(other => !draft.jobOf(other) && isDown(draft.activeState(other)))
}

const NEEDED_BY: readonly Relation[] = [
  'requiredBy',
  'requisiteOf',
  'wantedBy',
  'boundBy',
  'upheldBy',
]

function isUnneeded(draft: Draft, name: UnitName): boolean {
  if (!draft.graph.unit(name).unit.stopWhenUnneeded) return false
  if (draft.jobOf(name) || draft.activeState(name) !== 'active') return false
  return NEEDED_BY.every(relation =>
    draft.graph
      .related(name, relation)
      .every(other => !draft.jobOf(other) && isDown(draft.activeState(other))),
  )
}

/** The pause after too many acts is over. */
export function recheckLater(draft: Draft, name: UnitName): void {
  const { recheckUsec: _, ...state } = draft.unit(name)
  draft.setUnit(state)
  for (const what of Object.keys(CHECKS) as Recheck[]) draft.recheck(what, name)
}
