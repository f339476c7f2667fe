// The state machine of sockets: systemd's. While it listens, what comes in starts its service; the descriptors are the
// service's then, and are looked at again when it is down. With Accept=yes it listens all the time, and each connection
// has a service of its own.
import type { Machine, MachineInput, MachineStep } from './machine.ts'
import { emptied, exited, killed, spawned, spawnFailed, timedOut } from './socket/control.ts'
import { connected, ready, serviceChanged, triggerRefused } from './socket/incoming.ts'
import { begin, opened } from './socket/start.ts'
import { enterDead, enterSignal, enterStopPre } from './socket/stop.ts'
import {
  INITIAL_SOCKET_FACTS,
  killSettings,
  log,
  set,
  setSub,
  socketSettings,
  type Turn,
} from './socket/turn.ts'
import type { ActiveState, SocketFacts, SocketSub, UnitState } from './state.ts'
import { unreachable } from './unreachable.ts'

export const socketFacts = (state: UnitState): SocketFacts => state.socket ?? INITIAL_SOCKET_FACTS

export const socketMachine: Machine = {
  step(context, state, input): MachineStep {
    const before = socketFacts(state)
    const turn: Turn = {
      context,
      name: state.name,
      socket: socketSettings(context.unit),
      kill: killSettings(context.unit),
      facts: before,
      invocationId: state.invocationId,
      effects: [],
      requests: [],
    }
    take(turn, input)
    const { facts, invocationId, effects, requests } = turn
    return {
      state: facts === before ? state : { ...state, socket: facts, invocationId },
      effects,
      requests,
    }
  },
  activeState: state => ACTIVE_STATES[socketFacts(state).sub],
  subState: state => socketFacts(state).sub,
  result: state => socketFacts(state).result,
  pids(state) {
    const { controlPid } = socketFacts(state)
    return controlPid === null ? [] : [controlPid]
  },
  deadlineUsec: state => socketFacts(state).deadlineUsec,
  canReload: () => false,
}

const ACTIVE_STATES: Record<SocketSub, ActiveState> = {
  dead: 'inactive',
  'start-pre': 'activating',
  'start-chown': 'activating',
  'start-post': 'activating',
  listening: 'active',
  running: 'active',
  'stop-pre': 'deactivating',
  'stop-pre-sigterm': 'deactivating',
  'stop-pre-sigkill': 'deactivating',
  'stop-post': 'deactivating',
  'final-sigterm': 'deactivating',
  'final-sigkill': 'deactivating',
  failed: 'failed',
}

function take(turn: Turn, input: MachineInput): void {
  const { sub } = turn.facts
  switch (input.type) {
    case 'start':
      if (sub === 'dead' || sub === 'failed') begin(turn)
      return
    case 'stop':
      stop(turn)
      return
    case 'reset-failed':
      if (sub === 'failed') setSub(turn, 'dead')
      if (turn.facts.result !== 'success') set(turn, { result: 'success' })
      return
    case 'start-limit-hit':
      if (sub !== 'dead' && sub !== 'failed') return
      log(turn, 'warn', 'Start request repeated too quickly.')
      enterDead(turn, 'start-limit-hit')
      return
    case 'deadline':
      timedOut(turn)
      return
    case 'triggered-changed':
      serviceChanged(turn, input)
      return
    case 'trigger-refused':
      triggerRefused(turn, input)
      return
    case 'exited':
      if (input.pid === turn.facts.controlPid) exited(turn, input.exit)
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
    case 'oom-killed':
      emptied(turn)
      return
    case 'sockets-opened':
      opened(turn, input)
      return
    case 'socket-ready':
      ready(turn)
      return
    case 'socket-broken':
      broken(turn, input.problem)
      return
    case 'connection':
      connected(turn, input)
      return
    case 'reload': // never offered: canReload
    case 'pid-file': // a socket asks for none
    case 'main-pid-guessed':
    case 'bus-name':
    case 'timer-stamp':
    case 'presence':
    case 'path-triggered':
    case 'path-failed':
    case 'idle':
    case 'clock-changed':
    case 'reloaded': // what is open stays open; the new settings count from the next start
    case 'notify': // its commands have nothing to tell
      return
    default:
      unreachable(input)
  }
}

function stop(turn: Turn): void {
  const { sub } = turn.facts
  switch (sub) {
    case 'start-pre':
    case 'start-chown':
    case 'start-post':
      enterSignal(turn, 'stop-pre-sigterm', 'success')
      return
    case 'listening':
    case 'running':
      enterStopPre(turn, 'success')
      return
    case 'dead':
    case 'failed':
    case 'stop-pre': // on its way already
    case 'stop-pre-sigterm':
    case 'stop-pre-sigkill':
    case 'stop-post':
    case 'final-sigterm':
    case 'final-sigkill':
      return
    default:
      unreachable(sub)
  }
}

/** What was to be watched cannot be: nothing would come of it any more. */
function broken(turn: Turn, problem: string): void {
  if (turn.facts.sub !== 'listening') return
  log(turn, 'warn', problem)
  set(turn, { spawnError: problem })
  enterStopPre(turn, 'resources')
}
