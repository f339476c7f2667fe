// Restart policies: which endings of a service call for another start, and after what pause.
import type { RestartPolicy, ServiceSettings } from '../units/unit.ts'
import type { ProcessExit } from './event.ts'
import { inStatusSet } from './exit-status.ts'
import type { ServiceResult } from './state.ts'

/** `exec-condition` never comes here: a start that was skipped is not an ending. */
type Ending = Exclude<ServiceResult, 'exec-condition'>

// The table in systemd.service(5), Restart=.
const RESTARTS: Record<RestartPolicy, (result: Ending) => boolean> = {
  no: () => false,
  always: () => true,
  'on-success': result => result === 'success',
  'on-failure': result => result !== 'success',
  'on-abnormal': result => result !== 'success' && result !== 'exit-code',
  'on-watchdog': result => result === 'watchdog',
  'on-abort': result => result === 'signal' || result === 'core-dump',
}

type RestartSettings = Pick<
  ServiceSettings,
  'restart' | 'restartPreventExitStatus' | 'restartForceExitStatus'
>

/** Whether a service that ended with `result`, its main process with `exit`, is started again by itself. */
export function restarts(
  settings: RestartSettings,
  result: ServiceResult,
  exit: ProcessExit | null,
): boolean {
  if (inStatusSet(settings.restartPreventExitStatus, exit)) return false
  if (inStatusSet(settings.restartForceExitStatus, exit)) return true
  return result !== 'exec-condition' && RESTARTS[settings.restart](result)
}

type DelaySettings = Pick<ServiceSettings, 'restartUsec' | 'restartSteps' | 'restartMaxDelayUsec'>

/**
 * The pause in microseconds before automatic restart number `n` (from 1), Infinity for never: RestartSec= at first, then
 * growing by equal factors to RestartMaxDelaySec= in RestartSteps= steps (systemd.service(5), since 254).
 */
export function restartDelayUsec(settings: DelaySettings, n: number): number {
  const { restartUsec: first, restartSteps: steps, restartMaxDelayUsec: last } = settings
  const grows = steps > 0 && first > 0 && last !== Infinity && first < last
  if (n <= 1 || !grows) return first
  if (n > steps) return last
  return Math.trunc(first * (last / first) ** ((n - 1) / steps))
}
