// The state machine of services: systemd's, with the effects of each move answered by events. Every input has its switch
// over the sub-states, in a file of service/; the stages of a life are there as functions `enter...`.
import type { Machine, MachineInput, MachineStep } from './machine.ts'
import {
  emptied,
  killed,
  mainGuessed,
  pidFileRead,
  spawned,
  spawnFailed,
} from './service/answers.ts'
import { busNameTold } from './service/bus-name.ts'
import { commands } from './service/commands.ts'
import { deadlineCame, nextDeadlineUsec } from './service/deadline.ts'
import { controlExited, isMainLost, mainEnded, mainExited } from './service/exited.ts'
import { notified } from './service/notify.ts'
import { oomKilled } from './service/oom.ts'
import { enterReload } from './service/reload.ts'
import { killSettings, serviceSettings } from './service/settings.ts'
import { begin, othersDone } from './service/start.ts'
import { enterDead, enterSignal, enterStop } from './service/stop.ts'
import { log, set, setSub, type Turn } from './service/turn.ts'
import type { ActiveState, ServiceFacts, ServiceSub, UnitState } from './state.ts'
import { defect, unreachable } from './unreachable.ts'

export const serviceMachine: Machine = {
  step(context, state, input): MachineStep {
    const before = factsOf(state)
    const turn: Turn = {
      context,
      name: state.name,
      service: serviceSettings(context.unit),
      kill: killSettings(context.unit),
      facts: before,
      invocationId: state.invocationId,
      conditionResult: state.conditionResult,
      effects: [],
      requests: [],
    }
    // The main process has ended and the PID file is being asked for its heir: what comes first instead finds none.
    if (isMainLost(before) && input.type !== 'pid-file') {
      set(turn, { awaiting: null, token: 0 })
      mainEnded(turn)
    }
    take(turn, input)
    const { facts, invocationId, conditionResult, effects, requests } = turn
    const isSame = facts === before && conditionResult === state.conditionResult
    return {
      state: isSame ? state : { ...state, service: facts, invocationId, conditionResult },
      effects,
      requests,
    }
  },
  activeState: state => {
    const { sub, idle } = factsOf(state)
    return idle && STARTING.includes(sub) ? 'active' : ACTIVE_STATES[sub]
  },
  subState: state => factsOf(state).sub,
  result: state => factsOf(state).result,
  pids(state) {
    const { mainPid, controlPid } = factsOf(state)
    return [mainPid, controlPid].filter(pid => pid !== null)
  },
  deadlineUsec: state => nextDeadlineUsec(factsOf(state)),
  canReload(unit) {
    const service = serviceSettings(unit)
    return commands(service, 'reload').length > 0 || service.type === 'notify-reload'
  },
}

const ACTIVE_STATES: Record<ServiceSub, ActiveState> = {
  dead: 'inactive',
  condition: 'activating',
  'start-pre': 'activating',
  start: 'activating',
  'start-post': 'activating',
  running: 'active',
  exited: 'active',
  reload: 'reloading',
  'reload-signal': 'reloading',
  'reload-notify': 'reloading',
  stop: 'deactivating',
  'stop-watchdog': 'deactivating',
  'stop-sigterm': 'deactivating',
  'stop-sigkill': 'deactivating',
  'stop-post': 'deactivating',
  'final-watchdog': 'deactivating',
  'final-sigterm': 'deactivating',
  'final-sigkill': 'deactivating',
  failed: 'failed',
  'auto-restart': 'activating',
}
// With Type=idle these count as active, so that what is ordered after it does not wait.
const STARTING: readonly ServiceSub[] = ['condition', 'start-pre', 'start', 'start-post']

const factsOf = (state: UnitState): ServiceFacts =>
  state.service ?? defect(`${state.name} has no state of a service`)

function take(turn: Turn, input: MachineInput): void {
  switch (input.type) {
    case 'start':
      start(turn)
      return
    case 'stop':
      stop(turn)
      return
    case 'reload':
      if (turn.facts.sub === 'running' || turn.facts.sub === 'exited') enterReload(turn)
      return
    case 'reset-failed':
      resetFailed(turn)
      return
    case 'start-limit-hit':
      startLimitHit(turn)
      return
    case 'deadline':
      deadlineCame(turn)
      return
    case 'idle':
      othersDone(turn)
      return
    case 'exited':
      if (input.pid === turn.facts.mainPid) mainExited(turn, input.exit)
      else if (input.pid === turn.facts.controlPid) controlExited(turn, input.exit)
      return
    case 'spawned':
      spawned(turn, input)
      return
    case 'spawn-failed':
      spawnFailed(turn, input)
      return
    case 'killed':
      killed(turn, input)
      return
    case 'emptied':
      emptied(turn)
      return
    case 'oom-killed':
      oomKilled(turn)
      return
    case 'pid-file':
      pidFileRead(turn, input)
      return
    case 'main-pid-guessed':
      mainGuessed(turn, input)
      return
    case 'bus-name':
      busNameTold(turn, input)
      return
    case 'notify':
      notified(turn, input)
      return
    case 'triggered-changed': // a service triggers none
    case 'trigger-refused':
    case 'timer-stamp':
    case 'presence':
    case 'path-triggered':
    case 'path-failed':
    case 'clock-changed':
    case 'reloaded': // its settings are looked up when they are needed
    case 'sockets-opened': // these are for sockets
    case 'socket-ready':
    case 'socket-broken':
    case 'connection':
      return
    default:
      unreachable(input)
  }
}

function start(turn: Turn): void {
  const { sub } = turn.facts
  switch (sub) {
    case 'dead':
    case 'failed':
      begin(turn)
      return
    case 'condition': // under way already
    case 'start-pre':
    case 'start':
    case 'start-post':
    case 'running':
    case 'exited':
    case 'reload':
    case 'reload-signal':
    case 'reload-notify':
    case 'stop': // the job waits until it is down
    case 'stop-watchdog':
    case 'stop-sigterm':
    case 'stop-sigkill':
    case 'stop-post':
    case 'final-watchdog':
    case 'final-sigterm':
    case 'final-sigkill':
    case 'auto-restart': // the job waits for the restart to come: who cannot wait restarts it by hand
      return
    default:
      unreachable(sub)
  }
}

function stop(turn: Turn): void {
  const { sub, flushRestarts } = turn.facts
  switch (sub) {
    case 'dead':
    case 'failed':
      return
    case 'auto-restart':
      setSub(turn, 'dead')
      // What was preserved for the restart is not needed, unless this is the stop half of a restart.
      if (flushRestarts && !turn.context.restartPending && turn.invocationId !== null) {
        const { invocationId } = turn
        turn.effects.push({ type: 'run-ends', unit: turn.name, invocationId, restarting: false })
      }
      return
    case 'stop': // on its way already
    case 'stop-sigterm':
    case 'stop-sigkill':
    case 'stop-post':
    case 'final-watchdog':
    case 'final-sigterm':
    case 'final-sigkill':
      set(turn, { forbidRestart: true })
      return
    case 'condition':
    case 'start-pre':
    case 'start':
    case 'start-post':
    case 'reload':
    case 'reload-signal':
    case 'reload-notify':
    case 'stop-watchdog':
      set(turn, { forbidRestart: true })
      enterSignal(turn, 'stop-sigterm', 'success')
      return
    case 'running':
    case 'exited':
      set(turn, { forbidRestart: true })
      enterStop(turn, 'success')
      return
    default:
      unreachable(sub)
  }
}

function resetFailed(turn: Turn): void {
  const { sub, result, reloadResult, nRestarts } = turn.facts
  const isClean =
    sub !== 'failed' && result === 'success' && reloadResult === 'success' && nRestarts === 0
  if (isClean) return
  if (sub === 'failed') setSub(turn, 'dead')
  set(turn, { result: 'success', reloadResult: 'success', nRestarts: 0, flushRestarts: false })
}

/** Failed by trying too often. The result of the last try, which tells more, is kept when there is one. */
function startLimitHit(turn: Turn): void {
  const { sub } = turn.facts
  if (sub !== 'dead' && sub !== 'failed' && sub !== 'auto-restart') return
  log(turn, 'warn', 'Start request repeated too quickly.')
  enterDead(turn, 'start-limit-hit', false)
}
