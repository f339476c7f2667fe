// The state machine of path units: they wait for something at a path, trigger their unit, and watch on once it is down again
// (systemd.path(5); path.c). What is at the paths the runtime sees.
import { PATH_DEFAULTS } from '../units/defaults.ts'
import { describeTransactionError } from './describe-error.ts'
import type { Effect } from './effect.ts'
import { INITIAL_PATH } from './initial.ts'
import { isDown } from './job.ts'
import type {
  Machine,
  MachineContext,
  MachineInput,
  MachineRequest,
  MachineStep,
  Triggered,
} from './machine.ts'
import type { ActiveState, PathFacts, PathSub, TriggerResult, UnitState } from './state.ts'
import { unreachable } from './unreachable.ts'

/** One move of a path unit, in the making. */
type Turn = {
  context: MachineContext
  /** As it was before. */
  state: UnitState
  facts: PathFacts
  invocationId: string | null
  effects: Effect[]
  requests: MachineRequest[]
}

const ACTIVE_STATES: Record<PathSub, ActiveState> = {
  dead: 'inactive',
  waiting: 'active',
  running: 'active',
  failed: 'failed',
}

const factsOf = (state: UnitState): PathFacts => state.path ?? INITIAL_PATH

export const pathMachine: Machine = {
  step(context, state, input): MachineStep {
    const before = factsOf(state)
    const { invocationId } = state
    const turn: Turn = { context, state, facts: before, invocationId, effects: [], requests: [] }
    take(turn, input)
    const { facts, effects, requests } = turn
    const isSame = facts === before && turn.invocationId === invocationId
    return {
      state: isSame ? state : { ...state, path: facts, invocationId: turn.invocationId },
      effects,
      requests,
    }
  },
  activeState: state => ACTIVE_STATES[factsOf(state).sub],
  subState: state => factsOf(state).sub,
  result: state => factsOf(state).result,
  pids: () => [],
  deadlineUsec: () => null,
  canReload: () => false,
}

const set = (turn: Turn, change: Partial<PathFacts>) => {
  turn.facts = { ...turn.facts, ...change }
}
const isUp = ({ facts }: Turn) => facts.sub !== 'dead' && facts.sub !== 'failed'
const log = (turn: Turn, level: 'info' | 'warn', message: string) =>
  turn.effects.push({ type: 'log', level, unit: turn.state.name, message })

function take(turn: Turn, input: MachineInput): void {
  switch (input.type) {
    case 'start':
      start(turn)
      return
    case 'stop':
      if (isUp(turn)) enterDown(turn, 'dead', 'success')
      return
    case 'reset-failed':
      if (turn.facts.sub === 'failed') set(turn, { sub: 'dead', result: 'success' })
      return
    case 'start-limit-hit':
      if (!isUp(turn)) set(turn, { sub: 'failed', result: 'start-limit-hit' })
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
    case 'trigger-refused':
      if (turn.facts.sub !== 'running') return
      log(turn, 'warn', `Cannot trigger ${input.unit}: ${describeTransactionError(input.error)}`)
      enterDown(turn, 'failed', 'resources')
      return
    case 'reload': // never offered: canReload
    case 'deadline': // it arms none
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
    case 'notify':
      return
    default:
      unreachable(input)
  }
}

const isAwaited = ({ facts }: Turn, token: number) =>
  facts.sub === 'waiting' && facts.token === token

function start(turn: Turn): void {
  if (isUp(turn)) return
  const triggered = turn.context.triggered()
  if (triggered?.loadState !== 'loaded') {
    const unit = triggered?.unit ?? 'the unit to trigger'
    log(turn, 'warn', `cannot watch its paths: ${unit} is not loaded (${triggered?.loadState})`)
    set(turn, { sub: 'failed', result: 'resources' })
    return
  }
  turn.invocationId = turn.context.invocationId()
  set(turn, { result: 'success' })
  enterWaiting(turn, 'start')
}

function enterWaiting(turn: Turn, why: 'start' | 'done'): void {
  const { context, state } = turn
  const triggered = context.triggered()
  // While its unit is up nothing need be watched.
  if (triggered && !isDown(triggered.active)) {
    stopWatching(turn)
    set(turn, { sub: 'running' })
    return
  }
  const token = context.token()
  set(turn, { sub: 'waiting', token })
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
  const triggered = context.triggered()
  if (triggered === null) {
    log(turn, 'warn', 'There is no unit to trigger any more')
    enterDown(turn, 'failed', 'resources')
    return
  }
  if (!takeTrigger(turn)) {
    log(turn, 'warn', 'It has triggered too often (TriggerLimitBurst=), and watches no longer')
    enterDown(turn, 'failed', 'trigger-limit-hit')
    return
  }
  stopWatching(turn)
  set(turn, { sub: 'running' })
  const environment = [`TRIGGER_UNIT=${state.name}`, `TRIGGER_PATH=${path}`]
  turn.requests.push({ type: 'trigger', unit: triggered.unit, environment })
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

function triggeredChanged(turn: Turn, { active, hasJob, failedByStartLimit }: Triggered): void {
  const { sub } = turn.facts
  if (sub !== 'waiting' && sub !== 'running') return
  if (failedByStartLimit) {
    enterDown(turn, 'failed', 'unit-start-limit-hit')
    return
  }
  if (hasJob) return
  if (isDown(active) === (sub === 'running')) enterWaiting(turn, 'done')
}

function enterDown(turn: Turn, sub: 'dead' | 'failed', result: TriggerResult): void {
  stopWatching(turn)
  set(turn, { sub, result })
}
