// The state machine of targets: a target has nothing of its own to do, it is up or not.
import type { Machine, MachineInput, MachineStep } from './machine.ts'
import type { TargetSub } from './state.ts'
import { unreachable } from './unreachable.ts'

/** The target's sub-state after `input`. */
function next(sub: TargetSub, input: MachineInput): TargetSub {
  switch (input.type) {
    case 'start':
      return 'active'
    case 'stop':
      return 'dead'
    case 'reload': // never offered: canReload
    case 'reset-failed': // a target does not fail
    case 'start-limit-hit': // refused: it stays down
    case 'deadline': // it arms none
    case 'triggered-changed': // it triggers none
    case 'trigger-refused':
    case 'timer-stamp':
    case 'presence':
    case 'path-triggered':
    case 'path-failed':
    case 'idle':
    case 'clock-changed':
    case 'reloaded': // its settings are looked up when they are needed
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
    case 'sockets-opened':
    case 'socket-ready':
    case 'socket-broken':
    case 'connection':
      return sub
    default:
      return unreachable(input)
  }
}

const NOTHING: readonly never[] = Object.freeze([])

export const targetMachine: Machine = {
  step(context, state, input): MachineStep {
    const before = state.target ?? 'dead'
    const after = next(before, input)
    if (after === before) return { state, effects: NOTHING, requests: NOTHING }
    const invocationId = after === 'active' ? context.invocationId() : state.invocationId
    return {
      state: { ...state, target: after, invocationId },
      effects: NOTHING,
      requests: NOTHING,
    }
  },
  activeState: state => (state.target === 'active' ? 'active' : 'inactive'),
  subState: state => state.target ?? 'dead',
  result: () => 'success',
  pids: () => NOTHING,
  deadlineUsec: () => null,
  canReload: () => false,
}
