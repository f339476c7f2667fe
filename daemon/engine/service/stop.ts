// The way down: ExecStop=, signals, ExecStopPost=, the last signals, and what is left when all is over.
import { SIGKILL } from '../exit-status.ts'
import { restartDelayUsec, restarts } from '../restart.ts'
import { SHORTAGE_PAUSE_USEC } from '../shortage.ts'
import type { ServiceResult, ServiceSub } from '../state.ts'
import { commands, spawnControl } from './commands.ts'
import {
  arm,
  awaitAnswer,
  hasControl,
  hasMain,
  isSpawning,
  log,
  set,
  setResult,
  setSub,
  type Turn,
} from './turn.ts'

/** The stages that send a signal, then wait for processes to end. */
export type KillSub =
  | 'stop-watchdog'
  | 'stop-sigterm'
  | 'stop-sigkill'
  | 'final-watchdog'
  | 'final-sigterm'
  | 'final-sigkill'

const KILL_SUBS: readonly ServiceSub[] = [
  'stop-watchdog',
  'stop-sigterm',
  'stop-sigkill',
  'final-watchdog',
  'final-sigterm',
  'final-sigkill',
] satisfies KillSub[]

export const isKillSub = (sub: ServiceSub): sub is KillSub => KILL_SUBS.includes(sub)

/** Stops a service that is up: by its own ExecStop= first. */
export function enterStop(turn: Turn, result: ServiceResult): void {
  setResult(turn, result)
  if (commands(turn.service, 'stop').length === 0) {
    enterSignal(turn, 'stop-sigterm', 'success')
    return
  }
  setSub(turn, 'stop')
  spawnControl(turn, 'stop', 0, turn.service.timeoutStopUsec)
}

/** Goes to `sub` and sends its signal; where there is nobody to send it to, on to the next stage. */
export function enterSignal(turn: Turn, sub: KillSub, result: ServiceResult): void {
  setResult(turn, result)
  const { awaiting, token } = turn.facts
  const spawning = isSpawning(turn)
  setSub(turn, sub)
  arm(turn, sub.endsWith('-watchdog') ? abortUsec(turn) : turn.service.timeoutStopUsec)
  if (spawning) {
    // The process has no pid yet, so nothing could be sent to it: the signal follows when the spawn is answered.
    set(turn, { awaiting, token })
    return
  }
  sendSignal(turn, sub)
}

/** Sends the signal of the stage the service is in. */
export function sendSignal(turn: Turn, sub: KillSub): void {
  const { facts, kill } = turn
  const others = reachesOthers(turn, sub)
  const main = kill.killMode === 'none' ? null : facts.mainPid
  const control = kill.killMode === 'none' ? null : facts.controlPid
  if (!others && main === null && control === null) {
    nobodyLeft(turn, sub, false)
    return
  }
  turn.effects.push({
    type: 'kill',
    unit: turn.name,
    token: awaitAnswer(turn, 'kill'),
    signal: signalOf(turn, sub),
    main,
    control,
    others,
    sighup: kill.sendSighup && sub.endsWith('-sigterm'),
  })
}

/** The runtime found nobody to wait for. */
export function signalSent(turn: Turn, sub: KillSub): void {
  nobodyLeft(turn, sub, reachesOthers(turn, sub))
}

/**
 * The main or control process has ended by the last signals. systemd takes the service for dead with that; here the other
 * processes that got the signal are waited for (`emptied` tells): without a cgroup to find them in, they would be lost.
 */
export function finalEnded(turn: Turn, sub: KillSub, result: ServiceResult): void {
  setResult(turn, result)
  if (!reachesOthers(turn, sub)) nobodyLeft(turn, sub, false)
}

/** `empty`: every process of the unit was looked for and there is none, so that later signals would find none either. */
function nobodyLeft(turn: Turn, sub: KillSub, empty: boolean): void {
  const kills = turn.kill.sendSigkill && !empty
  switch (sub) {
    case 'stop-watchdog':
    case 'stop-sigterm':
      if (kills) enterSignal(turn, 'stop-sigkill', 'success')
      else enterStopPost(turn, 'success', empty)
      return
    case 'stop-sigkill':
      enterStopPost(turn, 'success', empty)
      return
    case 'final-watchdog':
    case 'final-sigterm':
      if (kills) enterSignal(turn, 'final-sigkill', 'success')
      else enterDead(turn, 'success', true)
      return
    case 'final-sigkill':
      enterDead(turn, 'success', true)
      return
  }
}

/** The service is down but for clearing up: ExecStopPost=, then whoever is left over. `empty`: nobody is. */
export function enterStopPost(turn: Turn, result: ServiceResult, empty = false): void {
  setResult(turn, result)
  if (commands(turn.service, 'stop-post').length > 0) {
    setSub(turn, 'stop-post')
    spawnControl(turn, 'stop-post', 0, turn.service.timeoutStopUsec)
  } else if (empty && !hasMain(turn) && !hasControl(turn)) {
    enterDead(turn, 'success', true)
  } else {
    // What a main process leaves behind can hold its port, its lock, its socket: it ends before anything starts anew.
    enterSignal(turn, 'final-sigterm', 'success')
  }
}

/** All is over: dead, failed, or waiting for the automatic restart (systemd.service(5), Restart=). */
export function enterDead(turn: Turn, result: ServiceResult, mayRestart: boolean): void {
  setResult(turn, result)
  const { facts, service, context } = turn
  const isRun = facts.sub !== 'dead' && facts.sub !== 'failed' && facts.sub !== 'auto-restart'
  const restarting =
    mayRestart &&
    !context.stopPending &&
    !facts.forbidRestart &&
    restarts(service, facts.result, facts.main?.exit ?? null)
  logEnd(turn)
  setSub(turn, restarting ? 'auto-restart' : endSub(facts.result))
  // Kept readable until the next start that is no automatic restart.
  set(turn, { flushRestarts: true, forbidRestart: false })
  if (isRun && turn.invocationId !== null) {
    turn.effects.push({
      type: 'run-ends',
      unit: turn.name,
      invocationId: turn.invocationId,
      restarting: restarting || (context.restartPending ?? false),
      facts: turn.facts,
    })
    if (service.pidFile !== null) turn.effects.push({ type: 'remove-pid-file', unit: turn.name })
  }
  if (facts.result === 'exec-condition') turn.requests.push({ type: 'skipped' })
  if (!restarting) return
  const pauseUsec = restartDelayUsec(service, facts.nRestarts + 1)
  const delayUsec = facts.isShort ? Math.max(pauseUsec, SHORTAGE_PAUSE_USEC) : pauseUsec
  if (delayUsec === 0) requestRestart(turn)
  else arm(turn, delayUsec)
}

/** The pause is over: asks for the restart job. Its stop half finds the service waiting, its start half starts it. */
export function requestRestart(turn: Turn): void {
  const nRestarts = turn.facts.nRestarts + 1
  set(turn, { nRestarts, flushRestarts: false, deadlineUsec: null })
  turn.requests.push({ type: 'restart' })
  log(turn, 'info', `Scheduled restart job, restart counter is at ${nRestarts}.`, {
    N_RESTARTS: nRestarts,
  })
}

/** Ends the control process of a reload that takes too long; nobody waits for it any more. */
export function killControl(turn: Turn): void {
  const { controlPid } = turn.facts
  if (controlPid === null) return
  turn.effects.push({
    type: 'kill',
    unit: turn.name,
    token: turn.context.token(),
    signal: SIGKILL,
    main: null,
    control: controlPid,
    others: false,
    sighup: false,
  })
}

function logEnd(turn: Turn): void {
  const { result, forbidRestart } = turn.facts
  if (result === 'success') {
    // Told at once when nobody asked for the end; what was asked for is told by its job.
    log(turn, forbidRestart ? 'debug' : 'info', 'Deactivated successfully.')
  } else if (result === 'exec-condition') log(turn, 'info', "Skipped due to 'exec-condition'.")
  else log(turn, 'warn', `Failed with result '${result}'.`, { UNIT_RESULT: result })
}

const endSub = (result: ServiceResult): ServiceSub =>
  result === 'success' || result === 'exec-condition' ? 'dead' : 'failed'

/** Whether the stage's signal goes to all processes of the unit (systemd.kill(5), KillMode=). */
function reachesOthers({ kill }: Turn, sub: KillSub): boolean {
  return (
    kill.killMode === 'control-group' || (kill.killMode === 'mixed' && sub.endsWith('-sigkill'))
  )
}

function signalOf({ kill, context }: Turn, sub: KillSub): number {
  switch (sub) {
    case 'stop-watchdog':
    case 'final-watchdog':
      return kill.watchdogSignal
    case 'stop-sigterm':
      return context.restartPending ? (kill.restartKillSignal ?? kill.killSignal) : kill.killSignal
    case 'final-sigterm':
      return kill.killSignal
    case 'stop-sigkill':
    case 'final-sigkill':
      return kill.finalKillSignal
  }
}

const abortUsec = ({ service }: Turn): number => service.timeoutAbortUsec ?? service.timeoutStopUsec
