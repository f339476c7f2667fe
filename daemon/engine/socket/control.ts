// The commands of a socket: their spawning, their end, their time.

import type { ProcessExit } from '../event.ts'
import { execDirective } from '../exec-lists.ts'
import { describeExit, exitResult } from '../exit-status.ts'
import type { MachineInput } from '../machine.ts'
import type { SocketResult } from '../state.ts'
import { unreachable } from '../unreachable.ts'
import { enterListening, enterOpen } from './start.ts'
import {
  enterDead,
  enterSignal,
  enterStopPost,
  enterStopPre,
  isKillSub,
  nobodyLeft,
  sendSignal,
} from './stop.ts'
import { commands, log, recordRun, set, setResult, spawnControl, type Turn } from './turn.ts'

type Input<Type> = Extract<MachineInput, { type: Type }>

const NO_STATUSES = { statuses: [], signals: [] }

export function spawned(turn: Turn, { token, pid }: Input<'spawned'>): void {
  const { awaiting, sub, command } = turn.facts
  if (awaiting !== 'control' || token !== turn.facts.token) return
  set(turn, { awaiting: null, token: 0, controlPid: pid })
  const startedUsec = turn.context.now.realtimeUsec
  if (command) recordRun(turn, { ...command, pid, startedUsec, endedUsec: null, exit: null })
  // A stop was asked for between the spawn and this answer.
  if (isKillSub(sub)) sendSignal(turn, sub)
}

export function spawnFailed(turn: Turn, input: Input<'spawn-failed'>): void {
  const { awaiting, sub, command } = turn.facts
  if (awaiting !== 'control' || input.token !== turn.facts.token) return
  const exec = command?.exec ?? 'start-pre'
  log(turn, 'error', `Failed to run ${execDirective('socket', exec)}=: ${input.message}`, {
    ERRNO: input.errno,
  })
  set(turn, { awaiting: null, token: 0, spawnError: input.message })
  const usec = turn.context.now.realtimeUsec
  // No status: it failed before there was a child.
  const exit: ProcessExit | null =
    input.exitStatus === 0 ? null : { kind: 'exited', status: input.exitStatus }
  if (command && exit) {
    recordRun(turn, { ...command, pid: 0, startedUsec: usec, endedUsec: usec, exit })
  }
  if (isKillSub(sub)) sendSignal(turn, sub)
  else ended(turn, exit)
}

/** The control process has ended. */
export function exited(turn: Turn, exit: ProcessExit): void {
  const { command, runs } = turn.facts
  const run = runs.find(one => one.exec === command?.exec && one.index === command.index)
  if (run) recordRun(turn, { ...run, endedUsec: turn.context.now.realtimeUsec, exit })
  set(turn, { controlPid: null })
  ended(turn, exit)
}

/** What follows from the end of a command; `exit` null: it could not be run for want of something. */
function ended(turn: Turn, exit: ProcessExit | null): void {
  const { command, sub } = turn.facts
  const written = command && commands(turn, command.exec)[command.index]
  const result: SocketResult =
    exit === null
      ? 'resources'
      : written?.ignoreFailure
        ? 'success'
        : (exitResult(exit, 'command', NO_STATUSES) as SocketResult)
  if (exit) {
    log(
      turn,
      result === 'success' ? 'debug' : 'warn',
      `Control process exited, ${describeExit(exit)}`,
    )
  }
  setResult(turn, result)
  const isNext = command !== null && result === 'success' && stageOf(command.exec) === sub
  if (isNext && commands(turn, command.exec)[command.index + 1]) {
    spawnControl(turn, command.exec, command.index + 1)
    return
  }
  set(turn, { command: null })
  after(turn, result)
}

const stageOf = (exec: string) => (exec === 'stop' ? 'stop-pre' : exec)

function after(turn: Turn, result: SocketResult): void {
  const { sub } = turn.facts
  const isClean = result === 'success'
  switch (sub) {
    case 'start-pre':
      if (isClean) enterOpen(turn)
      else enterSignal(turn, 'final-sigterm', result)
      return
    case 'start-post':
      if (isClean) enterListening(turn)
      else enterStopPre(turn, result)
      return
    case 'stop-pre':
    case 'stop-pre-sigterm':
    case 'stop-pre-sigkill':
      enterStopPost(turn, result)
      return
    case 'stop-post':
      enterSignal(turn, 'final-sigterm', result)
      return
    case 'final-sigterm':
    case 'final-sigkill':
      // The others that got the signal are waited for: `emptied` tells.
      if (turn.kill.killMode !== 'control-group') enterDead(turn, result)
      return
    case 'dead': // no control process is kept in these
    case 'start-chown':
    case 'listening':
    case 'running':
    case 'failed':
      return
    default:
      unreachable(sub)
  }
}

export function killed(turn: Turn, { token, waiting }: Input<'killed'>): void {
  const { awaiting, sub } = turn.facts
  if (awaiting !== 'kill' || token !== turn.facts.token || !isKillSub(sub)) return
  set(turn, { awaiting: null, token: 0 })
  if (!waiting) nobodyLeft(turn, sub, true)
}

/** No process of the unit is left. Where an exit is still to come it tells more, so that is waited for. */
export function emptied(turn: Turn): void {
  const { controlPid, awaiting, sub } = turn.facts
  if (controlPid !== null || awaiting === 'control' || !isKillSub(sub)) return
  nobodyLeft(turn, sub, true)
}

/** TimeoutSec= is over. */
export function timedOut(turn: Turn): void {
  const { sub, deadlineUsec } = turn.facts
  if (deadlineUsec === null || deadlineUsec > turn.context.now.monotonicUsec) return
  set(turn, { deadlineUsec: null })
  const { sendSigkill } = turn.kill
  switch (sub) {
    case 'start-pre':
      log(turn, 'warn', 'Starting timed out. Terminating.')
      enterSignal(turn, 'final-sigterm', 'timeout')
      return
    case 'start-chown':
    case 'start-post':
      log(turn, 'warn', 'Starting timed out. Stopping.')
      // systemd runs ExecStopPre= beside the command that hangs; here that one ends first, and nothing is run for a start
      // that has not come about.
      enterSignal(turn, 'stop-pre-sigterm', 'timeout')
      return
    case 'stop-pre':
      log(turn, 'warn', 'Stopping timed out. Terminating.')
      enterSignal(turn, 'stop-pre-sigterm', 'timeout')
      return
    case 'stop-pre-sigterm':
      if (sendSigkill) {
        log(turn, 'warn', 'Stopping timed out. Killing.')
        enterSignal(turn, 'stop-pre-sigkill', 'timeout')
      } else {
        log(turn, 'warn', 'Stopping timed out. Skipping SIGKILL. Ignoring.')
        enterStopPost(turn, 'timeout')
      }
      return
    case 'stop-pre-sigkill':
      log(turn, 'warn', 'Processes still around after SIGKILL. Ignoring.')
      enterStopPost(turn, 'timeout')
      return
    case 'stop-post':
      log(turn, 'warn', 'Stopping timed out (2). Terminating.')
      enterSignal(turn, 'final-sigterm', 'timeout')
      return
    case 'final-sigterm':
      if (sendSigkill) {
        log(turn, 'warn', 'Stopping timed out (2). Killing.')
        enterSignal(turn, 'final-sigkill', 'timeout')
      } else {
        log(turn, 'warn', 'Stopping timed out (2). Skipping SIGKILL. Ignoring.')
        enterDead(turn, 'timeout')
      }
      return
    case 'final-sigkill':
      log(turn, 'warn', 'Still around after SIGKILL (2). Entering failed mode.')
      enterDead(turn, 'timeout')
      return
    case 'running': // its service could not be started for want of what all share (incoming.ts)
      enterListening(turn)
      return
    case 'dead': // no timer is kept in these
    case 'listening':
    case 'failed':
      return
    default:
      unreachable(sub)
  }
}
