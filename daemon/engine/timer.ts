// The state machine of timers: they wait for a moment, trigger their unit, and wait on once it is down again
// (systemd.timer(5); timer.c).
import { TIMER_DEFAULTS } from '../units/defaults.ts'
import { INITIAL_TIMER, NEVER } from './initial.ts'
import { isDown } from './job.ts'
import type { Machine, MachineInput } from './machine.ts'
import type { ActiveState, TimerFacts, TimerSub, TriggerResult, UnitState } from './state.ts'
import { mayGoOn, reckon, toMonotonic } from './timer/elapse.ts'
import { isUp, type Triggering, takeCommon, toTrigger } from './triggering.ts'
import { log, set, stepOf, type Turn as TurnOf } from './turn.ts'
import { unreachable } from './unreachable.ts'

type Turn = TurnOf<TimerFacts>

const ACTIVE_STATES: Record<TimerSub, ActiveState> = {
  dead: 'inactive',
  waiting: 'active',
  running: 'active',
  elapsed: 'active',
  failed: 'failed',
}

const factsOf = (state: UnitState): TimerFacts => state.timer ?? INITIAL_TIMER

export const timerMachine: Machine = {
  step: stepOf('timer', factsOf, take),
  activeState: state => ACTIVE_STATES[factsOf(state).sub],
  subState: state => factsOf(state).sub,
  result: state => factsOf(state).result,
  pids: () => [],
  deadlineUsec: state => factsOf(state).deadlineUsec,
  canReload: () => false,
}

const settingsOf = ({ context }: Turn) => context.unit.timer ?? TIMER_DEFAULTS

function take(turn: Turn, input: MachineInput): void {
  switch (input.type) {
    case 'start':
    case 'stop':
    case 'reset-failed':
    case 'start-limit-hit':
    case 'trigger-refused':
      takeCommon(turn, input, TIMER)
      return
    case 'timer-stamp':
      stampRead(turn, input.token, input.realtimeUsec)
      return
    case 'deadline':
      elapse(turn)
      return
    case 'clock-changed':
      if (turn.facts.sub === 'waiting') clockChanged(turn, input.what)
      return
    case 'reloaded':
      if (isUp(turn) && turn.facts.sub !== 'running' && turn.facts.token === 0) enterWaiting(turn)
      return
    case 'triggered-changed':
      triggeredChanged(turn, input.active)
      return
    case 'idle': // it never asks for it
    case 'reload': // never offered: canReload
    case 'exited': // it has no process, so nothing below is meant for it either
    case 'spawned':
    case 'spawn-failed':
    case 'killed':
    case 'emptied':
    case 'oom-killed':
    case 'pid-file':
    case 'main-pid-guessed':
    case 'bus-name':
    case 'notify':
    case 'presence':
    case 'sockets-opened': // these are for sockets
    case 'socket-ready':
    case 'socket-broken':
    case 'connection':
    case 'path-triggered':
    case 'path-failed':
      return
    default:
      unreachable(input)
  }
}

const TIMER: Triggering<TimerFacts> = { purpose: 'cannot start the timer', begin, enterDown }

function begin(turn: Turn): void {
  const { context, facts, state } = turn
  const { spans, persistent } = settingsOf(turn)
  set(turn, {
    lastTrigger: NEVER,
    result: 'success',
    // The others count from what has not been anew.
    over: facts.over.filter(place => spans[place] && spans[place].base !== 'active'),
  })
  if (!persistent) {
    turn.effects.push({ type: 'timer-begins', unit: state.name, token: null })
    enterWaiting(turn)
    return
  }
  const token = context.token()
  turn.effects.push({ type: 'timer-begins', unit: state.name, token })
  set(turn, { sub: 'waiting', token })
}

/** What was missed while the timer was down is caught up with; a stamp of the future is not believed. */
function stampRead(turn: Turn, token: number, realtimeUsec: number | null): void {
  const { facts, context } = turn
  if (token !== facts.token || token === 0 || facts.sub !== 'waiting') return
  set(turn, { token: 0 })
  if (realtimeUsec !== null && realtimeUsec < context.now.realtimeUsec) {
    set(turn, { lastTrigger: { realtimeUsec, monotonicUsec: 0 } })
  } else if (realtimeUsec !== null) {
    log(turn, 'warn', 'Its stamp is of the future, and left out of account')
  }
  enterWaiting(turn)
}

function enterWaiting(turn: Turn, isClockSet = false): void {
  const { context, state, facts } = turn
  const settings = settingsOf(turn)
  const triggered = context.triggered()
  const { elapses, isOver } = reckon({ context, settings, state, facts, triggered, isClockSet })
  set(turn, elapses)
  if (!isOver) set(turn, { sub: 'waiting' })
  else if (settings.remainAfterElapse || mayGoOn(settings)) set(turn, { sub: 'elapsed' })
  else enterDown(turn, 'dead', 'success')
}

/** The moment has come. */
function elapse(turn: Turn): void {
  const { facts, context } = turn
  set(turn, { deadlineUsec: null })
  if (facts.sub !== 'waiting' || context.stopPending) return
  enterRunning(turn)
}

function enterRunning(turn: Turn): void {
  const { context, state, facts } = turn
  const unit = toTrigger(turn, TIMER)
  if (unit === null) return
  const lastTrigger = { ...context.now }
  // The two clocks are read one after the other: an event that has come by one must not come again by the other.
  const { nextRealtimeUsec } = facts
  const isCalendar =
    nextRealtimeUsec !== null &&
    toMonotonic(context, nextRealtimeUsec) <= context.now.monotonicUsec + CLOCKS_APART_USEC
  if (isCalendar) lastTrigger.realtimeUsec = Math.max(lastTrigger.realtimeUsec, nextRealtimeUsec)
  set(turn, {
    sub: 'running',
    lastTrigger,
    deadlineUsec: null,
    nextMonotonicUsec: null,
    nextRealtimeUsec: null,
  })
  if (settingsOf(turn).persistent) {
    const { realtimeUsec } = lastTrigger
    turn.effects.push({ type: 'write-timer-stamp', unit: state.name, realtimeUsec })
  }
  turn.requests.push({
    type: 'trigger',
    unit,
    environment: [
      `TRIGGER_UNIT=${state.name}`,
      `TRIGGER_TIMER_REALTIME_USEC=${lastTrigger.realtimeUsec}`,
      `TRIGGER_TIMER_MONOTONIC_USEC=${lastTrigger.monotonicUsec}`,
    ],
  })
}

/** More than the clock of the daemon's microseconds is ever off (logs/clock.ts). */
const CLOCKS_APART_USEC = 10_000

function clockChanged(turn: Turn, what: 'clock' | 'zone'): void {
  const { facts, context } = turn
  if (facts.token !== 0) return
  const settings = settingsOf(turn)
  // Set back behind its last trigger, the clock shows once more what has been: it is to elapse again.
  const lastTrigger =
    facts.lastTrigger.realtimeUsec > context.now.realtimeUsec
      ? { ...facts.lastTrigger, realtimeUsec: context.now.realtimeUsec }
      : facts.lastTrigger
  if (what === 'clock') set(turn, { lastTrigger })
  if (what === 'clock' ? settings.onClockChange : settings.onTimezoneChange) enterRunning(turn)
  else enterWaiting(turn, what === 'clock')
}

function triggeredChanged(turn: Turn, active: ActiveState): void {
  const { sub, token } = turn.facts
  switch (sub) {
    case 'waiting':
    case 'elapsed':
      if (token === 0) enterWaiting(turn)
      return
    case 'running':
      if (isDown(active)) enterWaiting(turn)
      return
    case 'dead':
    case 'failed':
      return
    default:
      unreachable(sub)
  }
}

function enterDown(turn: Turn, sub: 'dead' | 'failed', result: TriggerResult): void {
  set(turn, {
    sub,
    result,
    token: 0,
    deadlineUsec: null,
    nextMonotonicUsec: null,
    nextRealtimeUsec: null,
  })
  turn.effects.push({ type: 'timer-ends', unit: turn.state.name })
}
