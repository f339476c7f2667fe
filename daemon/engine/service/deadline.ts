// A service's deadlines: what has taken too long, and what follows.
import type { ServiceSettings } from '../../units/unit.ts'
import { formatTimespan } from '../../units/values/format-timespan.ts'
import type { ServiceFacts, ServiceSub } from '../state.ts'
import { unreachable } from '../unreachable.ts'
import { reloadFailed } from './reload.ts'
import { othersDone } from './start.ts'
import {
  enterDead,
  enterSignal,
  enterStop,
  enterStopPost,
  killControl,
  requestRestart,
} from './stop.ts'
import { log, set, type Turn, watchdogUsec } from './turn.ts'

/** The earliest of the deadlines that count in this stage; null: none. */
export function nextDeadlineUsec(facts: ServiceFacts): number | null {
  const { deadlineUsec, watchdogDeadlineUsec } = facts
  // RuntimeMaxSec= is kept over a reload, but not acted on during one.
  const runtimeDeadlineUsec = facts.sub === 'running' ? facts.runtimeDeadlineUsec : null
  let first = deadlineUsec
  for (const at of [watchdogDeadlineUsec, runtimeDeadlineUsec]) {
    if (at !== null && (first === null || at < first)) first = at
  }
  return first
}

/** Acts on every deadline that has come. */
export function deadlineCame(turn: Turn): void {
  const isDue = (at: number | null) => at !== null && at <= turn.context.now.monotonicUsec
  if (isDue(turn.facts.deadlineUsec)) {
    set(turn, { deadlineUsec: null })
    timedOut(turn)
  }
  if (turn.facts.sub === 'running' && isDue(turn.facts.runtimeDeadlineUsec)) {
    log(turn, 'warn', 'Service reached runtime time limit. Stopping.')
    enterStop(turn, 'timeout')
  }
  // Last: anything else that is a sign of life goes first.
  if (isDue(turn.facts.watchdogDeadlineUsec)) {
    log(turn, 'error', `Watchdog timeout (limit ${formatTimespan(watchdogUsec(turn) ?? 0)})!`)
    enterSignal(turn, 'stop-watchdog', 'watchdog')
  }
}

function timedOut(turn: Turn): void {
  const { service, context, facts } = turn
  const { sub } = facts
  if (sub === 'start' && facts.waitsForOthers) {
    othersDone(turn)
    return
  }
  switch (sub) {
    case 'condition':
    case 'start-pre':
    case 'start':
    case 'start-post':
      giveUp(turn, 'stop', service.timeoutStartFailureMode, `${sub} operation timed out.`)
      return
    case 'reload':
    case 'reload-signal':
    case 'reload-notify':
      log(turn, 'warn', 'Reload operation timed out. Killing reload process.')
      killControl(turn)
      reloadFailed(turn, 'timeout')
      return
    case 'stop':
      giveUp(turn, 'stop', service.timeoutStopFailureMode, 'Stopping timed out.')
      return
    case 'stop-post':
      giveUp(turn, 'final', service.timeoutStopFailureMode, "State 'stop-post' timed out.")
      return
    case 'stop-watchdog':
    case 'final-watchdog':
      giveUp(turn, phaseOf(sub), 'kill', `State '${sub}' timed out.`)
      return
    case 'stop-sigterm':
    case 'final-sigterm': {
      const mode = service.timeoutStopFailureMode === 'abort' ? 'abort' : 'kill'
      giveUp(turn, phaseOf(sub), mode, `State '${sub}' timed out.`)
      return
    }
    case 'stop-sigkill':
      // Something that cannot be killed (in the kernel, or not ours to kill): go on without it.
      log(turn, 'warn', 'Processes still around after SIGKILL. Ignoring.')
      enterStopPost(turn, 'timeout')
      return
    case 'final-sigkill':
      log(turn, 'warn', 'Processes still around after final SIGKILL. Entering failed mode.')
      enterDead(turn, 'timeout', true)
      return
    case 'auto-restart':
      if (context.stopPending) {
        log(turn, 'info', 'Stop job pending for unit, skipping automatic restart.')
      } else requestRestart(turn)
      return
    case 'dead': // no timer is kept in these
    case 'failed':
    case 'running':
    case 'exited':
      return
    default:
      unreachable(sub)
  }
}

const phaseOf = (sub: ServiceSub): 'stop' | 'final' => (sub.startsWith('stop-') ? 'stop' : 'final')

/** The next harder measure (systemd.service(5), TimeoutStartFailureMode=, TimeoutStopFailureMode=). */
function giveUp(
  turn: Turn,
  phase: 'stop' | 'final',
  mode: ServiceSettings['timeoutStopFailureMode'],
  what: string,
): void {
  switch (mode) {
    case 'terminate':
      log(turn, 'warn', `${what} Terminating.`)
      enterSignal(turn, `${phase}-sigterm`, 'timeout')
      return
    case 'abort':
      log(turn, 'warn', `${what} Aborting.`)
      enterSignal(turn, `${phase}-watchdog`, 'timeout')
      return
    case 'kill':
      if (turn.kill.sendSigkill) {
        log(turn, 'warn', `${what} Killing.`)
        enterSignal(turn, `${phase}-sigkill`, 'timeout')
      } else if (phase === 'stop') {
        log(turn, 'warn', `${what} Skipping SIGKILL.`)
        enterStopPost(turn, 'timeout')
      } else {
        log(turn, 'warn', `${what} Skipping SIGKILL. Entering failed mode.`)
        enterDead(turn, 'timeout', false)
      }
      return
    default:
      unreachable(mode)
  }
}
