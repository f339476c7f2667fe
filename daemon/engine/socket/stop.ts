// The way down: ExecStopPre=, the descriptors, ExecStopPost=, signals to what is left.
import type { SocketResult, SocketSub } from '../state.ts'
import {
  arm,
  awaitAnswer,
  commands,
  log,
  set,
  setResult,
  setSub,
  spawnControl,
  type Turn,
} from './turn.ts'

/** The stages that send a signal, then wait for processes to end. */
export type KillSub = 'stop-pre-sigterm' | 'stop-pre-sigkill' | 'final-sigterm' | 'final-sigkill'

export const isKillSub = (sub: SocketSub): sub is KillSub =>
  sub.endsWith('-sigterm') || sub.endsWith('-sigkill')

/** Stops a socket that is up: its own commands first, while it can still be connected to. */
export function enterStopPre(turn: Turn, result: SocketResult): void {
  setResult(turn, result)
  if (commands(turn, 'stop').length === 0) {
    enterStopPost(turn, 'success')
    return
  }
  setSub(turn, 'stop-pre')
  spawnControl(turn, 'stop', 0)
}

/** From here on nobody listens. */
export function enterStopPost(turn: Turn, result: SocketResult): void {
  setResult(turn, result)
  if (commands(turn, 'stop-post').length === 0) {
    enterSignal(turn, 'final-sigterm', 'success')
    return
  }
  setSub(turn, 'stop-post')
  spawnControl(turn, 'stop-post', 0)
}

/** Goes to `sub` and sends its signal; where there is nobody to send it to, on to the next stage. */
export function enterSignal(turn: Turn, sub: KillSub, result: SocketResult): void {
  setResult(turn, result)
  const { awaiting, token } = turn.facts
  setSub(turn, sub)
  arm(turn)
  // A process that is being spawned has no pid yet: the signal follows when the spawn is answered.
  if (awaiting === 'control') set(turn, { awaiting, token })
  else sendSignal(turn, sub)
}

/** Sends the signal of the stage the socket is in. */
export function sendSignal(turn: Turn, sub: KillSub): void {
  const { facts, kill, name: unit } = turn
  const others =
    // Without a command there is nobody.
    facts.runs.length > 0 &&
    (kill.killMode === 'control-group' || (kill.killMode === 'mixed' && sub.endsWith('-sigkill')))
  const control = kill.killMode === 'none' ? null : facts.controlPid
  if (!others && control === null) {
    nobodyLeft(turn, sub, facts.runs.length === 0)
    return
  }
  turn.effects.push({
    type: 'kill',
    unit,
    token: awaitAnswer(turn, 'kill'),
    signal: sub.endsWith('-sigterm') ? kill.killSignal : kill.finalKillSignal,
    main: null,
    control,
    others,
    sighup: kill.sendSighup && sub.endsWith('-sigterm'),
  })
}

/** `empty`: every process of the unit was looked for and there is none. */
export function nobodyLeft(turn: Turn, sub: KillSub, empty: boolean): void {
  const kills = turn.kill.sendSigkill && !empty
  switch (sub) {
    case 'stop-pre-sigterm':
      if (kills) enterSignal(turn, 'stop-pre-sigkill', 'success')
      else enterStopPost(turn, 'success')
      return
    case 'stop-pre-sigkill':
      enterStopPost(turn, 'success')
      return
    case 'final-sigterm':
      if (kills) enterSignal(turn, 'final-sigkill', 'success')
      else enterDead(turn, 'success')
      return
    case 'final-sigkill':
      enterDead(turn, 'success')
      return
  }
}

/** All is over: dead, or failed. */
export function enterDead(turn: Turn, result: SocketResult): void {
  setResult(turn, result)
  const { facts, name: unit, invocationId } = turn
  const isRun = facts.sub !== 'dead' && facts.sub !== 'failed'
  const isClean = facts.result === 'success'
  if (!isClean)
    log(turn, 'warn', `Failed with result '${facts.result}'.`, { UNIT_RESULT: facts.result })
  setSub(turn, isClean ? 'dead' : 'failed')
  if (isRun && invocationId !== null) {
    const restarting = turn.context.restartPending ?? false
    turn.effects.push({ type: 'run-ends', unit, invocationId, restarting })
  }
}
