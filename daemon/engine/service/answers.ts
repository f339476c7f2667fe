// What the runtime answers: a process was spawned or not, a signal has gone out, nobody is left, who the main process is.
import type { MachineInput } from '../machine.ts'
import { SHORTAGES } from '../shortage.ts'
import type { ServiceSub } from '../state.ts'
import { unreachable } from '../unreachable.ts'
import { command, DIRECTIVES } from './commands.ts'
import { controlExited, isMainLost, mainEnded } from './exited.ts'
import { finishReload, reloadFailed } from './reload.ts'
import { enterRunning } from './running.ts'
import { enterStartPost, mainFound, mainStarted, pidFileMissing } from './start.ts'
import {
  enterDead,
  enterSignal,
  enterStop,
  enterStopPost,
  isKillSub,
  sendSignal,
  signalSent,
} from './stop.ts'
import {
  hasControl,
  hasMain,
  isSpawning,
  log,
  recordRun,
  set,
  setMain,
  setResult,
  type Turn,
} from './turn.ts'

type Input<Type> = Extract<MachineInput, { type: Type }>

/** While these last no start was made that could count once more. (systemd counts one that was not run, too: after a shortage of
 * seconds every service that restarts would stay down by its start limit.) */
const STARTING: ReadonlySet<ServiceSub> = new Set(['condition', 'start-pre', 'start', 'start-post'])

export function spawned(turn: Turn, { token, pid }: Input<'spawned'>): void {
  const { awaiting, sub } = turn.facts
  if (!isSpawning(turn) || token !== turn.facts.token) return
  begun(turn, pid)
  // That ExecStopPost= can be run does not take back that the start could not: it is not to be tried again at once.
  if (turn.facts.isShort && STARTING.has(sub)) set(turn, { isShort: false })
  // A stop was asked for between the spawn and this answer: its signal was held back until now.
  if (isKillSub(sub)) sendSignal(turn, sub)
  else if (awaiting === 'main' && sub === 'start') mainStarted(turn)
}

export function spawnFailed(turn: Turn, input: Input<'spawn-failed'>): void {
  const { awaiting, sub, command: controlled, mainIndex } = turn.facts
  if (!isSpawning(turn) || input.token !== turn.facts.token) return
  const isMain = awaiting === 'main'
  const exec = isMain ? 'start' : (controlled?.exec ?? 'start')
  const index = isMain ? (mainIndex ?? 0) : (controlled?.index ?? 0)
  // systemd's child would have been there and ended with the step's status; so does ours, but for its pid.
  const exit = { kind: 'exited', status: input.exitStatus } as const
  const endedUsec = turn.context.now.realtimeUsec
  // No status: it failed before there was a child, for want of a process, a descriptor, a file.
  const isResource = input.exitStatus === 0
  const path = command(turn, exec, index)?.path ?? DIRECTIVES[exec]
  const what = isResource
    ? `Failed to run '${exec}' task`
    : `Failed at step ${input.step.toUpperCase()} spawning ${path}`
  log(turn, 'error', `${what}: ${input.message}`, {
    COMMAND: DIRECTIVES[exec].slice(0, -1),
    ERRNO: input.errno,
  })
  const isShort = SHORTAGES.has(input.errno)
  set(turn, { spawnError: input.message, isShort })
  if (isShort && STARTING.has(sub)) turn.requests.push({ type: 'start-uncounted' })
  if (input.isFinal) set(turn, { forbidRestart: true })
  if (isResource) set(turn, { awaiting: null, token: 0 })
  else begun(turn, 0)
  set(turn, isMain ? { mainPid: null } : { controlPid: null })

  if (isKillSub(sub)) {
    setResult(turn, isResource ? 'resources' : 'success')
    sendSignal(turn, sub)
  } else if (isResource) {
    outOfResources(turn)
  } else if (isMain) {
    const { main } = turn.facts
    if (main !== null) {
      set(turn, { main: { ...main, endedUsec, exit } })
      recordRun(turn, { ...main, endedUsec, exit })
    }
    mainEnded(turn)
  } else controlExited(turn, exit)
}

/** The spawn is answered: `pid` runs (0: it would, had it come so far). */
function begun(turn: Turn, pid: number): void {
  const { awaiting, mainIndex, command: controlled } = turn.facts
  set(turn, { awaiting: null, token: 0 })
  if (awaiting === 'main') {
    setMain(turn, pid, mainIndex ?? 0)
    if (turn.facts.main) recordRun(turn, turn.facts.main)
  } else if (controlled) {
    set(turn, { controlPid: pid })
    const startedUsec = turn.context.now.realtimeUsec
    recordRun(turn, { ...controlled, pid, startedUsec, endedUsec: null, exit: null })
  }
}

/** A process could not even be made. */
function outOfResources(turn: Turn): void {
  const { sub } = turn.facts
  switch (sub) {
    case 'condition':
    case 'start-pre':
      set(turn, { command: null })
      // An earlier command may have left processes behind.
      enterSignal(turn, 'final-sigterm', 'resources')
      return
    case 'start':
    case 'stop':
      enterSignal(turn, 'stop-sigterm', 'resources')
      return
    case 'start-post':
      enterStop(turn, 'resources')
      return
    case 'reload':
      reloadFailed(turn, 'resources')
      return
    case 'stop-post':
      enterSignal(turn, 'final-sigterm', 'resources')
      return
    case 'dead': // these spawn nothing
    case 'running':
    case 'exited':
    case 'reload-signal':
    case 'reload-notify':
    case 'failed':
    case 'auto-restart':
    case 'stop-watchdog': // answered above
    case 'stop-sigterm':
    case 'stop-sigkill':
    case 'final-watchdog':
    case 'final-sigterm':
    case 'final-sigkill':
      return
    default:
      unreachable(sub)
  }
}

export function killed(turn: Turn, { token, waiting }: Input<'killed'>): void {
  const { awaiting, sub } = turn.facts
  if (awaiting !== 'kill' || token !== turn.facts.token || !isKillSub(sub)) return
  set(turn, { awaiting: null, token: 0 })
  if (!waiting) signalSent(turn, sub)
}

/** No process of the unit is left. Where an exit is still to come it tells more, so that is waited for. */
export function emptied(turn: Turn): void {
  if (hasMain(turn) || hasControl(turn)) return
  const { sub, awaiting } = turn.facts
  switch (sub) {
    case 'start':
    case 'start-post':
      if (awaiting !== 'guess') emptiedInStart(turn)
      return
    case 'running':
      if (awaiting === null) enterRunning(turn, 'success', true)
      return
    case 'stop-watchdog':
    case 'stop-sigterm':
    case 'stop-sigkill':
      enterStopPost(turn, 'success', true)
      return
    case 'stop-post':
    case 'final-watchdog':
    case 'final-sigterm':
    case 'final-sigkill':
      enterDead(turn, 'success', true)
      return
    case 'dead': // nothing was left to wait for
    case 'exited':
    case 'failed':
    case 'auto-restart':
    case 'condition': // these have a control process, and its exit tells
    case 'start-pre':
    case 'stop':
    case 'reload':
    case 'reload-signal': // asked again when the service is back in `running`
    case 'reload-notify':
      return
    default:
      unreachable(sub)
  }
}

function emptiedInStart(turn: Turn): void {
  const { facts, service } = turn
  const isStart = facts.sub === 'start'
  if (facts.pidFileWatched) {
    log(turn, 'warn', 'Daemon never wrote its PID file. Failing.')
    if (isStart) enterStopPost(turn, 'protocol', true)
    else enterStop(turn, 'protocol')
  } else if (isStart && (service.type === 'notify' || service.type === 'notify-reload')) {
    // Nobody is left who could say READY=1.
    enterStopPost(turn, 'protocol', true)
  } else if (isStart && service.exitType === 'cgroup') {
    enterStartPost(turn)
  }
}

export function pidFileRead(turn: Turn, { token, pid, problem }: Input<'pid-file'>): void {
  const { facts } = turn
  if (facts.awaiting !== 'pid-file' || token !== facts.token) return
  const isLost = isMainLost(facts)
  const heir = pid !== null && isSuitable(turn, pid) && !(isLost && pid === facts.main?.pid)
  if (heir) adopt(turn, pid)
  else if (isLost) {
    set(turn, { awaiting: null, token: 0 })
    mainEnded(turn)
    return
  }
  const { sub } = facts
  if (hasControl(turn)) set(turn, { awaiting: null, token: 0 })
  else if (sub === 'start' || sub === 'start-post') {
    if (heir) mainFound(turn)
    else pidFileMissing(turn, pid === null ? problem : `it names ${pid}`)
  } else if (sub === 'reload') finishReload(turn)
  else set(turn, { awaiting: null, token: 0 })
}

export function mainGuessed(turn: Turn, { token, pid }: Input<'main-pid-guessed'>): void {
  const { awaiting, sub } = turn.facts
  if (awaiting !== 'guess' || token !== turn.facts.token) return
  if (pid !== null && isSuitable(turn, pid)) adopt(turn, pid)
  if (sub === 'reload') finishReload(turn)
  else mainFound(turn)
}

/** Whether `pid` may be a main process at all; whose it is, the runtime has looked at. */
export const isSuitable = ({ facts }: Turn, pid: number): boolean =>
  pid > 1 && pid !== facts.controlPid

/** Takes a process that told of itself, or was found, as main process. */
export function adopt(turn: Turn, pid: number): void {
  if (pid === turn.facts.mainPid) return
  log(turn, 'debug', `Main PID is ${pid}.`)
  setMain(turn, pid, null)
  turn.effects.push({ type: 'watch-process', unit: turn.name, pid })
}
