// An event or an effect that the daemon has died of twice is not taken a third time.
import type { Effect } from './engine/effect.ts'
import type { EngineEvent } from './engine/event.ts'
import { dueAt, failedSafely, unitOfPid, withoutDeadlines } from './engine/safe.ts'
import type { EngineState } from './engine/state.ts'
import type { KeptPart } from './runtime/keep.ts'
import type { Native } from './runtime/native.ts'
import type { Leftover } from './runtime/persist.ts'

const MOST_DEATHS = 2
const KEY = 'culprit'

/** How often the daemon has died of what it was at, this time included. */
export function countDeaths(kept: KeptPart, culprit: string | null): number {
  const before = kept.entries.get(KEY)?.data as { culprit: string; count: number } | undefined
  if (culprit === null) return 0
  const count = before?.culprit === culprit ? before.count + 1 : 1
  kept.put(KEY, { culprit, count })
  return count
}

/** What is left without what was in hand, and a sentence about it; null when it is not to be set aside yet. */
export function setAside(
  leftover: Leftover,
  deaths: number,
  native: Pick<Native, 'reap' | 'monotonicUsec'>,
): { leftover: Leftover; message: string } | null {
  const { culprit } = leftover
  if (culprit === null || deaths < MOST_DEATHS) return null
  const message = (what: string) => `hearth died ${deaths} times of ${what}, which was set aside`
  const [effect] = leftover.effects
  if (effect && JSON.stringify(effect) === culprit)
    return {
      message: message(`the effect ${effect.type}${unitOf(effect)}`),
      leftover: {
        ...leftover,
        effects: leftover.effects.slice(1),
        events: [...leftover.events, ...answerTo(effect)],
      },
    }
  let event: EngineEvent
  try {
    event = JSON.parse(culprit)
  } catch {
    // It was longer than the note: then it is of a client, and gone with that.
    return null
  }
  const isPosted = JSON.stringify(leftover.events[0]) === culprit
  const { state, ended } = stateWithout(leftover.state, event, native)
  return {
    message: message(`the event ${event.type}${unitOf(event)}`),
    leftover: {
      ...leftover,
      events: isPosted ? leftover.events.slice(1) : leftover.events,
      effects: [...leftover.effects, ...ended],
      state,
    },
  }
}

const unitOf = (of: EngineEvent | Effect) => ('unit' in of && of.unit ? ` of ${of.unit}` : '')

/** What the engine waits for when the effect is not carried out. */
function answerTo(effect: Effect): EngineEvent[] {
  switch (effect.type) {
    case 'spawn':
      return [
        {
          type: 'spawn-failed',
          unit: effect.unit,
          token: effect.token,
          step: 'FORK',
          exitStatus: 0,
          errno: 'ECANCELED',
          message: 'cannot run the command: hearth itself fails at it',
        },
      ]
    case 'check-conditions': {
      const { unit, token } = effect
      const failed = 'Assert (hearth itself fails at it)'
      return [{ type: 'conditions-checked', unit, token, condition: true, assert: false, failed }]
    }
    case 'kill':
      return [{ type: 'killed', unit: effect.unit, token: effect.token, waiting: true }]
    case 'read-pid-file': {
      const problem = 'cannot read the PID file: hearth itself fails at it'
      return [{ type: 'pid-file', unit: effect.unit, token: effect.token, pid: null, problem }]
    }
    case 'guess-main-pid':
      return [{ type: 'main-pid-guessed', unit: effect.unit, token: effect.token, pid: null }]
    case 'watch-bus-name': {
      const problem = 'hearth itself fails at it'
      return [{ type: 'bus-name', unit: effect.unit, isOwned: false, problem }]
    }
    case 'open-sockets': {
      const problem = 'cannot open its sockets: hearth itself fails at it'
      return [{ type: 'sockets-opened', unit: effect.unit, token: effect.token, problem }]
    }
    case 'watch-sockets': {
      const problem = 'cannot wait for what comes in: hearth itself fails at it'
      return effect.watch ? [{ type: 'socket-broken', unit: effect.unit, problem }] : []
    }
    case 'check-presence': {
      const { unit, token } = effect
      const problem = 'cannot look for it: hearth itself fails at it'
      return [{ type: 'presence', unit, token, isThere: false, problem }]
    }
    case 'watch-paths': {
      const problem = 'cannot watch its paths: hearth itself fails at it'
      return [{ type: 'path-failed', unit: effect.unit, token: effect.token, problem }]
    }
    case 'timer-begins': {
      const { unit, token } = effect
      return token === null ? [] : [{ type: 'timer-stamp', unit, token, realtimeUsec: null }]
    }
    default:
      return []
  }
}

/** What a unit waits for: without it, it would wait for ever, or until its time-out. */
const AWAITED: ReadonlySet<EngineEvent['type']> = new Set([
  'conditions-checked',
  'spawned',
  'spawn-failed',
  'exited',
  'killed',
  'emptied',
  'pid-file',
  'main-pid-guessed',
  'sockets-opened',
  'timer-stamp',
  'presence',
  'path-triggered',
  'path-failed',
])

/** `ended`: what those are told who have asked for what does not come about. */
function stateWithout(
  state: EngineState,
  event: EngineEvent,
  native: Pick<Native, 'reap' | 'monotonicUsec'>,
): { state: EngineState; ended: Effect[] } {
  const units = new Map(state.units)
  const jobs = new Map(state.jobs)
  const ended: Effect[] = []
  const endedPid = event.type === 'exited' ? event.pid : null
  if (endedPid !== null) native.reap(endedPid)
  const isNews = event.type === 'presence' && event.token === 0
  if (AWAITED.has(event.type) && !isNews) {
    const named = 'unit' in event ? event.unit : null
    const name = endedPid === null ? named : unitOfPid(state, endedPid)
    const unit = name === null ? undefined : units.get(name)
    const job = unit?.job == null ? undefined : jobs.get(unit.job)
    if (unit) units.set(unit.name, { ...failedSafely(unit, endedPid), job: null })
    if (job) {
      jobs.delete(job.id)
      const { id, type, unit } = job
      ended.push({ type: 'job-finished', job: id, jobType: type, unit, result: 'failed' })
    }
  }
  if (event.type === 'job-requested') {
    const { request, unit, job } = event
    ended.push({ type: 'job-refused', request, error: { type: 'set-aside', unit, job } })
  }
  if (event.type === 'wakeup') {
    const due = dueAt(state, native.monotonicUsec())
    for (const unit of due.units) units.set(unit.name, withoutDeadlines(unit))
    for (const job of due.jobs) jobs.set(job.id, { ...job, deadlineUsec: null })
  }
  return { state: { manager: state.manager, units, jobs }, ended }
}
