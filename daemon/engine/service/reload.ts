// Reloading: ExecReload=, the signal of Type=notify-reload, and their end.
import type { ServiceResult } from '../state.ts'
import { commands, spawnControl } from './commands.ts'
import { enterRunning } from './running.ts'
import { arm, awaitAnswer, set, setSub, type Turn } from './turn.ts'

/** Reloads a service that is up. */
export function enterReload(turn: Turn): void {
  const { service, facts, context } = turn
  set(turn, { reloadResult: 'success', reloadBeginUsec: context.now.monotonicUsec })
  const signals = service.type === 'notify-reload' && facts.mainPid !== null
  if (signals) {
    turn.effects.push({
      type: 'kill',
      unit: turn.name,
      token: context.token(),
      signal: service.reloadSignal,
      main: facts.mainPid,
      control: null,
      others: false,
      sighup: false,
    })
  }
  if (commands(service, 'reload').length > 0) {
    setSub(turn, 'reload')
    spawnControl(turn, 'reload', 0, service.timeoutStartUsec)
  } else if (signals) {
    setSub(turn, 'reload-signal')
    arm(turn, service.timeoutStartUsec)
  } else {
    enterRunning(turn, 'success')
  }
}

/** The last ExecReload= command has ended. The daemon may run under another pid now. */
export function reloadCommandEnded(turn: Turn, result: ServiceResult): void {
  const { service, facts } = turn
  set(turn, { reloadResult: result, controlPid: null, command: null })
  const mayMove = result === 'success' && (facts.mainPid !== null || !facts.mainPidKnown)
  if (mayMove && service.pidFile !== null) {
    const token = awaitAnswer(turn, 'pid-file')
    turn.effects.push({ type: 'read-pid-file', unit: turn.name, token, watch: false })
  } else if (mayMove && !facts.mainPidKnown && service.guessMainPid) {
    const token = awaitAnswer(turn, 'guess')
    turn.effects.push({ type: 'guess-main-pid', unit: turn.name, token })
  } else finishReload(turn)
}

/** Back to being up, unless the service has told that it is still at it. */
export function finishReload(turn: Turn): void {
  if (turn.facts.notifyState === 'reloading') setSub(turn, 'reload-notify')
  else enterRunning(turn, 'success')
}

/** The reload did not work out. A RELOADING=1 without its READY=1 is not waited for any longer. */
export function reloadFailed(turn: Turn, result: ServiceResult): void {
  set(turn, { reloadResult: result, notifyState: 'unknown' })
  enterRunning(turn, 'success')
}
