// The state machine of what is there or not whoever brought it about: mounts, swaps and devices (systemd.mount(5),
// systemd.swap(5), systemd.device(5)). Mounts and swaps are brought about by a command when they are not there, and taken away
// by another; a device is waited for where one may come: in a container none does.
import { KILL_DEFAULTS } from '../units/defaults.ts'
import { mountCommand } from '../units/mounts.ts'
import type { UnitType } from '../units/unit.ts'
import { unitTypeOf } from './draft.ts'
import type { ProcessExit } from './event.ts'
import { describeExit, exitResult } from './exit-status.ts'
import { INITIAL_MOUNT } from './initial.ts'
import type { Machine, MachineInput } from './machine.ts'
import type {
  ActiveState,
  CommandRun,
  MountFacts,
  MountStage,
  ServiceResult,
  UnitState,
} from './state.ts'
import { log, set, stepOf, type Turn as TurnOf } from './turn.ts'
import { unreachable } from './unreachable.ts'

type Turn = TurnOf<MountFacts>

const ACTIVE_STATES: Record<MountStage, ActiveState> = {
  dead: 'inactive',
  starting: 'activating',
  up: 'active',
  stopping: 'deactivating',
  'stopping-sigterm': 'deactivating',
  'stopping-sigkill': 'deactivating',
  failed: 'failed',
}

/** systemd's words, where the type has its own. */
const SUBS: Partial<Record<UnitType, Partial<Record<MountStage, string>>>> = {
  mount: {
    starting: 'mounting',
    up: 'mounted',
    stopping: 'unmounting',
    'stopping-sigterm': 'unmounting-sigterm',
    'stopping-sigkill': 'unmounting-sigkill',
  },
  swap: {
    starting: 'activating',
    up: 'active',
    stopping: 'deactivating',
    'stopping-sigterm': 'deactivating-sigterm',
    'stopping-sigkill': 'deactivating-sigkill',
  },
  device: { starting: 'tentative', up: 'plugged' },
}

/** The root is mounted as long as there is a system. */
const ROOT = '-.mount'
const factsOf = (state: UnitState): MountFacts =>
  state.mount ?? (state.name === ROOT ? { ...INITIAL_MOUNT, stage: 'up' } : INITIAL_MOUNT)

export const mountMachine: Machine = {
  step: stepOf('mount', factsOf, take),
  activeState: state => ACTIVE_STATES[factsOf(state).stage],
  subState(state) {
    const { stage } = factsOf(state)
    return SUBS[unitTypeOf(state.name)]?.[stage] ?? stage
  },
  result: state => factsOf(state).result,
  pids(state) {
    const { controlPid } = factsOf(state)
    return controlPid === null ? [] : [controlPid]
  },
  deadlineUsec: state => factsOf(state).deadlineUsec,
  canReload: () => false,
}

const isDevice = ({ state }: Turn) => unitTypeOf(state.name) === 'device'

function take(turn: Turn, input: MachineInput): void {
  const { facts } = turn
  switch (input.type) {
    case 'start':
      if (facts.stage === 'dead' || facts.stage === 'failed') begin(turn)
      return
    case 'stop':
      stop(turn)
      return
    case 'reset-failed':
      if (facts.stage === 'failed') set(turn, { stage: 'dead', result: 'success' })
      return
    case 'start-limit-hit':
      if (facts.stage === 'dead' || facts.stage === 'failed') {
        set(turn, { stage: 'failed', result: 'start-limit-hit' })
      }
      return
    case 'presence':
      presence(turn, input)
      return
    case 'spawned':
      if (input.token !== facts.token || facts.token === 0) return
      commandBegan(turn, input.pid)
      // A stop was asked for between the spawn and this answer.
      if (facts.stage === 'stopping-sigterm') signal(turn, 'stopping-sigterm')
      return
    case 'spawn-failed':
      if (input.token !== facts.token || facts.token === 0) return
      log(turn, 'warn', `Cannot run ${commandName(turn)}: ${input.message}`)
      set(turn, { token: 0, problem: input.message })
      commandEnded(turn, 'resources')
      return
    case 'exited':
      if (input.pid === facts.controlPid) exited(turn, input.exit)
      return
    case 'deadline':
      timedOut(turn)
      return
    case 'reload': // never offered: canReload
    case 'killed': // the command's end tells
    case 'emptied':
    case 'pid-file': // it asks for none of these
    case 'main-pid-guessed':
    case 'bus-name':
    case 'notify':
    case 'oom-killed':
    case 'idle':
    case 'timer-stamp':
    case 'path-triggered':
    case 'path-failed':
    case 'sockets-opened':
    case 'socket-ready':
    case 'socket-broken':
    case 'connection':
    case 'triggered-changed': // it triggers none
    case 'trigger-refused':
    case 'clock-changed':
    case 'reloaded': // its settings are looked up when they are needed
      return
    default:
      unreachable(input)
  }
}

/** First of all, it may be there. */
function begin(turn: Turn): void {
  const token = turn.context.token()
  set(turn, { ...INITIAL_MOUNT, stage: 'starting', token })
  turn.effects.push({ type: 'check-presence', unit: turn.state.name, token })
}

function presence(
  turn: Turn,
  { token, isThere, problem }: Extract<MachineInput, { type: 'presence' }>,
): void {
  const { facts } = turn
  if (token !== 0) {
    if (token !== facts.token || facts.stage !== 'starting') return
    set(turn, { token: 0 })
    if (isThere) set(turn, { stage: 'up' })
    else if (problem === null && isDevice(turn)) awaitDevice(turn)
    else if (problem === null && mountCommand(turn.context.unit, 'start')) spawn(turn, 'start')
    else refuse(turn, problem ?? 'it is not there, and nothing says how to bring it about')
    return
  }
  // Somebody else has brought it about, or taken it away.
  const isAwaited = facts.stage === 'starting' && isDevice(turn)
  if (isThere && (facts.stage === 'dead' || facts.stage === 'failed' || isAwaited)) {
    // What comes while everything goes is not ours to take away again.
    if (turn.context.isShutdown) return
    set(turn, { stage: 'up', result: 'success', isOwn: false, token: 0, deadlineUsec: null })
  } else if (!isThere && facts.stage === 'up') enterDown(turn, 'dead')
}

function refuse(turn: Turn, why: string): void {
  log(turn, 'warn', `Cannot start it: ${why}`)
  set(turn, { stage: 'dead', problem: why, token: 0, deadlineUsec: null })
  turn.requests.push({ type: 'start-refused' })
}

/** As long as systemd's (systemd-system.conf(5), DefaultDeviceTimeoutSec=). */
const DEVICE_TIMEOUT_USEC = 90_000_000

function awaitDevice(turn: Turn): void {
  log(turn, 'info', 'It is not there yet: waiting for it.')
  set(turn, { deadlineUsec: turn.context.now.monotonicUsec + DEVICE_TIMEOUT_USEC })
}

const commandName = ({ context, facts }: Turn) =>
  mountCommand(context.unit, facts.stage === 'starting' ? 'start' : 'stop')?.path ?? 'its command'

function spawn(turn: Turn, exec: 'start' | 'stop'): void {
  const { context, state } = turn
  const unit = state.name
  // Of what was there before us no run has begun: the command that takes it away is one of its own.
  if (exec === 'start' || turn.invocationId === null) turn.invocationId = context.invocationId()
  if (exec === 'start') {
    turn.effects.push({ type: 'run-begins', unit, invocationId: turn.invocationId })
  }
  const token = context.token()
  set(turn, { token, deadlineUsec: deadline(turn) })
  const { invocationId } = turn
  turn.effects.push({ type: 'spawn', unit, token, exec, index: 0, invocationId, environment: [] })
}

function deadline({ context }: Turn): number | null {
  const { mount, swap } = context.unit
  const usec = mount?.timeoutUsec ?? swap?.timeoutUsec ?? Infinity
  return usec === Infinity || usec <= 0 ? null : context.now.monotonicUsec + usec
}

function commandBegan(turn: Turn, pid: number): void {
  const { stage } = turn.facts
  const command: CommandRun = {
    exec: stage === 'starting' ? 'start' : 'stop',
    index: 0,
    pid,
    startedUsec: turn.context.now.realtimeUsec,
    endedUsec: null,
    exit: null,
  }
  set(turn, { token: 0, controlPid: pid, command })
}

function stop(turn: Turn): void {
  const { facts, context } = turn
  switch (facts.stage) {
    case 'up':
      // What was there before us stays when we go: a container's volumes are not ours.
      if (isDevice(turn) || (context.isShutdown && !facts.isOwn)) enterDown(turn, 'dead')
      else if (mountCommand(context.unit, 'stop') === null) enterDown(turn, 'dead')
      else {
        set(turn, { stage: 'stopping', result: 'success' })
        spawn(turn, 'stop')
      }
      return
    case 'starting':
      if (isDevice(turn) || (facts.controlPid === null && facts.deadlineUsec === null)) {
        // It is only being looked at, or waited for.
        set(turn, { token: 0 })
        enterDown(turn, 'dead')
      } else signal(turn, 'stopping-sigterm')
      return
    case 'dead':
    case 'failed':
    case 'stopping': // on its way already
    case 'stopping-sigterm':
    case 'stopping-sigkill':
      return
    default:
      unreachable(facts.stage)
  }
}

const SIGNALS = { 'stopping-sigterm': 15, 'stopping-sigkill': 9 } as const

/** Ends the command. */
function signal(turn: Turn, stage: keyof typeof SIGNALS): void {
  const { controlPid: control, token } = turn.facts
  set(turn, { stage, deadlineUsec: deadline(turn) })
  if (control === null) return
  const { killSignal } = turn.context.unit.kill ?? KILL_DEFAULTS
  turn.effects.push({
    type: 'kill',
    unit: turn.state.name,
    token,
    signal: stage === 'stopping-sigterm' ? killSignal : SIGNALS[stage],
    main: null,
    control,
    others: false,
    sighup: false,
  })
}

function timedOut(turn: Turn): void {
  const { stage, deadlineUsec } = turn.facts
  if (deadlineUsec === null || deadlineUsec > turn.context.now.monotonicUsec) return
  if (isDevice(turn)) {
    refuse(turn, `it has not come within ${DEVICE_TIMEOUT_USEC / 1_000_000} s`)
    return
  }
  switch (stage) {
    case 'starting':
    case 'stopping':
      log(turn, 'warn', `${commandName(turn)} timed out. Terminating.`)
      set(turn, { result: 'timeout' })
      signal(turn, 'stopping-sigterm')
      return
    case 'stopping-sigterm':
      log(turn, 'warn', 'It still runs. Killing.')
      signal(turn, 'stopping-sigkill')
      return
    default:
      // In the kernel, waiting for a server that is gone, most likely: go on without it.
      log(turn, 'warn', 'It still runs after SIGKILL. Ignoring.')
      set(turn, { controlPid: null })
      enterDown(turn, 'failed')
  }
}

const NO_STATUSES = { statuses: [], signals: [] }

function exited(turn: Turn, exit: ProcessExit): void {
  const name = commandName(turn)
  const { command } = turn.facts
  const endedUsec = turn.context.now.realtimeUsec
  set(turn, { controlPid: null, command: command && { ...command, endedUsec, exit } })
  const result = exitResult(exit, 'command', NO_STATUSES)
  if (result !== 'success') log(turn, 'warn', `${name} failed: ${describeExit(exit)}`)
  commandEnded(turn, result)
}

function commandEnded(turn: Turn, ended: ServiceResult): void {
  const { stage, result: before } = turn.facts
  const result = before === 'success' ? ended : before
  set(turn, { deadlineUsec: null, result })
  switch (stage) {
    case 'starting':
      if (ended === 'success') set(turn, { stage: 'up', isOwn: true })
      else enterDown(turn, 'failed')
      return
    case 'stopping':
      // What is in use stays mounted; when everything goes it is left behind.
      if (ended === 'success') enterDown(turn, 'dead')
      else if (turn.context.isShutdown) enterDown(turn, 'failed')
      else set(turn, { stage: 'up' })
      return
    case 'stopping-sigterm':
    case 'stopping-sigkill':
      enterDown(turn, before === 'success' ? 'dead' : 'failed')
      if (before === 'success') set(turn, { result: 'success' })
      return
    case 'dead':
    case 'up':
    case 'failed':
      return
    default:
      unreachable(stage)
  }
}

function enterDown(turn: Turn, stage: 'dead' | 'failed'): void {
  const { invocationId, state } = turn
  set(turn, { stage, isOwn: false, token: 0, deadlineUsec: null })
  if (invocationId !== null) {
    turn.effects.push({ type: 'run-ends', unit: state.name, invocationId, restarting: false })
  }
}
