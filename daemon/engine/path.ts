// The state machine of path units: they wait for something at a path, trigger their unit, and watch on once it is down again
// (systemd.path(5); path.c). What is at the paths the runtime sees.
import { PATH_DEFAULTS } from '../units/defaults.ts'
import { INITIAL_PATH } from './initial.ts'
import { isDown } from './job.ts'
import type { Machine, MachineInput, Triggered } from './machine.ts'
import { SHORTAGE_PAUSE_USEC } from './shortage.ts'
import type { ActiveState, PathFacts, PathSub, TriggerResult, UnitState } from './state.ts'
import { type Triggering, takeCommon, toTrigger } from './triggering.ts'
import { log, set, stepOf, type Turn as TurnOf } from './turn.ts'
import { unreachable } from './unreachable.ts'

type Turn = TurnOf<PathFacts>

const ACTIVE_STATES: Record<PathSub, ActiveState> = {
  dead: 'inactive',
  waiting: 'active',
  running: 'active',
  failed: 'failed',
}

const factsOf = (state: UnitState): PathFacts => state.path ?? INITIAL_PATH

export const pathMachine: Machine = {
  step: stepOf('path', factsOf, take),
  activeState: state => ACTIVE_STATES[factsOf(state).sub],
  subState: state => factsOf(state).sub,
  result: state => factsOf(state).result,
  pids: () => [],
  deadlineUsec: state => factsOf(state).deadlineUsec,
  canReload: () => false,
}

function take(turn: Turn, input: MachineInput): void {
  switch (input.type) {
    case 'start':
    case 'stop':
    case 'reset-failed':
    case 'start-limit-hit':
    case 'trigger-refused':
      takeCommon(turn, input, PATH)
      return
    case 'reloaded':
      if (turn.facts.sub === 'waiting') enterWaiting(turn, 'done')
      return
    case 'path-triggered':
      if (isAwaited(turn, input.token)) enterRunning(turn, input.path)
      return
    case 'path-failed':
      if (!isAwaited(turn, input.token)) return
      log(turn, 'warn', input.problem)
      enterDown(turn, 'failed', 'resources')
      return
    case 'triggered-changed':
      triggeredChanged(turn, input)
      return
    case 'deadline':
      if (isOver(turn)) enterWaiting(turn, 'done')
      return
    case 'reload': // never offered: canReload
    case 'idle': // it never asks for it
    case 'clock-changed': // time is nothing to it
    case 'timer-stamp':
    case 'presence':
    case 'sockets-opened': // nor are sockets
    case 'socket-ready':
    case 'socket-broken':
    case 'connection':
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
      return
    default:
      unreachable(input)
  }
}

const isOver = ({ facts, context }: Turn) =>
  facts.deadlineUsec !== null && facts.deadlineUsec <= context.now.monotonicUsec

const isAwaited = ({ facts }: Turn, token: number) =>
  facts.sub === 'waiting' && facts.token === token

const PATH: Triggering<PathFacts> = {
  purpose: 'cannot watch its paths',
  begin(turn) {
    set(turn, { result: 'success' })
    enterWaiting(turn, 'start')
  },
  enterDown,
}

function enterWaiting(turn: Turn, why: 'start' | 'done'): void {
  const { context, state } = turn
  const triggered = context.triggered()
  // While its unit is up nothing need be watched.
  if (triggered && !isDown(triggered.active)) {
    stopWatching(turn)
    set(turn, { sub: 'running', deadlineUsec: null })
    return
  }
  const token = context.token()
  set(turn, { sub: 'waiting', token, deadlineUsec: null })
  turn.effects.push({ type: 'watch-paths', unit: state.name, token, why })
}

function stopWatching(turn: Turn): void {
  if (turn.facts.token === 0) return
  set(turn, { token: 0 })
  turn.effects.push({ type: 'unwatch-paths', unit: turn.state.name })
}

function enterRunning(turn: Turn, path: string): void {
  const { context, state } = turn
  if (context.stopPending) return
  const unit = toTrigger(turn, PATH)
  if (unit === null) return
  if (!takeTrigger(turn)) {
    log(turn, 'warn', 'It has triggered too often (TriggerLimitBurst=), and watches no longer')
    enterDown(turn, 'failed', 'trigger-limit-hit')
    return
  }
  stopWatching(turn)
  set(turn, { sub: 'running' })
  const environment = [`TRIGGER_UNIT=${state.name}`, `TRIGGER_PATH=${path}`]
  turn.requests.push({ type: 'trigger', unit, environment })
}

/** Counts a trigger; false: there were too many. The interval is counted from its first. */
function takeTrigger(turn: Turn): boolean {
  const { triggerLimitIntervalUsec: interval, triggerLimitBurst: burst } =
    turn.context.unit.path ?? PATH_DEFAULTS
  if (interval <= 0 || burst <= 0) return true
  const now = turn.context.now.monotonicUsec
  const { sinceUsec, count } = turn.facts.triggers
  const isNew = count === 0 || now - sinceUsec > interval
  if (!isNew && count >= burst) return false
  set(turn, { triggers: isNew ? { sinceUsec: now, count: 1 } : { sinceUsec, count: count + 1 } })
  return true
}

function triggeredChanged(turn: Turn, triggered: Triggered): void {
  const { active, hasJob, failedByStartLimit, isShort } = triggered
  const { sub, deadlineUsec } = turn.facts
  if (sub !== 'waiting' && sub !== 'running') return
  if (failedByStartLimit) {
    enterDown(turn, 'failed', 'unit-start-limit-hit')
    return
  }
  if (hasJob) return
  if (isDown(active) !== (sub === 'running')) return
  if (!isDown(active) || !isShort) enterWaiting(turn, 'done')
  else if (deadlineUsec === null) waitForMore(turn)
}

/** What has come about would trigger the unit at once, which could not be started for want of what all share. That one does not
 * count for TriggerLimitBurst=. */
function waitForMore(turn: Turn): void {
  const { sinceUsec, count } = turn.facts.triggers
  set(turn, {
    deadlineUsec: turn.context.now.monotonicUsec + SHORTAGE_PAUSE_USEC,
    triggers: { sinceUsec, count: Math.max(0, count - 1) },
  })
}

function enterDown(turn: Turn, sub: 'dead' | 'failed', result: TriggerResult): void {
  stopWatching(turn)
  set(turn, { sub, result, deadlineUsec: null })
}
