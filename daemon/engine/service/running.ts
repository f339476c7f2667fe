// Being up: what a service enters when its start, or a reload, is over.
import type { ServiceResult } from '../state.ts'
import { enterSignal, enterStop } from './stop.ts'
import { arm, hasMain, inUsec, set, setResult, setSub, type Turn } from './turn.ts'

/** The start is done, or a reload, or the main process has ended: up, `exited`, or on the way down. `empty`: the unit has
 * no process left. */
export function enterRunning(turn: Turn, result: ServiceResult, empty = false): void {
  setResult(turn, result)
  set(turn, { controlPid: null, command: null })
  if (turn.facts.result !== 'success') {
    enterSignal(turn, 'stop-sigterm', result)
  } else if (isUp(turn, empty)) {
    // What it told before we were ready to hear it counts now.
    if (turn.facts.notifyState === 'reloading') enterReloadByNotify(turn)
    else if (turn.facts.notifyState === 'stopping') enterStopByNotify(turn)
    else run(turn)
  } else if (turn.service.remainAfterExit) {
    setSub(turn, 'exited')
  } else {
    enterStop(turn, 'success')
  }
}

/** The service reloads of its own accord (RELOADING=1). */
export function enterReloadByNotify(turn: Turn): void {
  keepRuntime(turn)
  setSub(turn, 'reload-notify')
  arm(turn, turn.service.timeoutStartUsec)
  turn.requests.push({ type: 'propagate-reload' })
}

/** The service ends of its own accord (STOPPING=1): as if the signal had been sent. */
export function enterStopByNotify(turn: Turn): void {
  setSub(turn, 'stop-sigterm')
  arm(turn, turn.service.timeoutStopUsec)
}

/** `emptied` is the only news to come of a service whose main process is not known, or is not what counts. */
export function awaitEmpty(turn: Turn): void {
  turn.effects.push({ type: 'await-empty', unit: turn.name })
}

function run(turn: Turn): void {
  keepRuntime(turn)
  setSub(turn, 'running')
  if (!hasMain(turn)) awaitEmpty(turn)
}

function isUp(turn: Turn, empty: boolean): boolean {
  if (turn.service.type === 'dbus' && turn.facts.hasBusName === false) return false
  if (hasMain(turn)) return true
  if (empty) return false
  if (turn.facts.mainPidKnown) return turn.service.exitType === 'cgroup'
  // Not known: a daemon that forked away may have left several processes and no PID file. Other types have a main process
  // or, without ExecStart=, nothing that runs.
  return turn.service.type === 'forking'
}

/** RuntimeMaxSec= counts from the moment the service was up first, over reloads. */
function keepRuntime(turn: Turn): void {
  const { service, facts, invocationId } = turn
  if (facts.runtimeDeadlineUsec !== null) return
  const extraUsec = service.runtimeRandomizedExtraUsec * fraction(invocationId ?? '')
  const runtimeDeadlineUsec = inUsec(turn, service.runtimeMaxUsec + Math.trunc(extraUsec))
  set(turn, { runtimeDeadlineUsec })
}

/** A number in [0, 1) that is as good as random and the same for the whole run: the engine draws none of its own. */
const fraction = (invocationId: string): number =>
  (Number.parseInt(invocationId.slice(0, 8), 16) || 0) / 2 ** 32
