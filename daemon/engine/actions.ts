// FailureAction=, SuccessAction=, StartLimitAction= and JobTimeoutAction=: a unit decides over the whole system.
import type { UnitAction, UnitName } from '../units/unit.ts'
import type { Draft } from './draft.ts'
import { beginShutdown } from './shutdown.ts'
import type { ShutdownKind } from './state.ts'

const ACTIONS: Record<Exclude<UnitAction, 'none'>, { kind: ShutdownKind; force: boolean }> = {
  exit: { kind: 'exit', force: false },
  'exit-force': { kind: 'exit', force: true },
  reboot: { kind: 'reboot', force: false },
  'reboot-force': { kind: 'reboot', force: true },
  'reboot-immediate': { kind: 'reboot', force: true },
  poweroff: { kind: 'poweroff', force: false },
  'poweroff-force': { kind: 'poweroff', force: true },
  'poweroff-immediate': { kind: 'poweroff', force: true },
}

/** Does what the directive says. `exitStatus` is what the daemon exits with if it comes to that. */
export function performAction(
  draft: Draft,
  unit: UnitName,
  action: UnitAction,
  exitStatus: number | null,
  why: string,
): void {
  if (action === 'none') return
  const { kind, force } = ACTIONS[action]
  const { phase, shutdown } = draft.manager
  if (phase === 'stopping' && shutdown) {
    // The way out is taken already; what may still change is what it tells: the first failure.
    if (kind === 'exit' && !shutdown.exitStatus) {
      draft.setManager({ shutdown: { ...shutdown, exitStatus } })
    }
    return
  }
  draft.log('warn', unit, `${why}: ${action}`)
  beginShutdown(draft, { kind, exitStatus, force })
}

/** What a service's main process left behind; null: none has run or is on record. */
function ownExitStatus(draft: Draft, name: UnitName): number | null {
  const exit = draft.unit(name).service?.main?.exit
  if (!exit) return null
  return exit.kind === 'exited' ? exit.status : EXIT_BY_SIGNAL
}

/** systemd's word for a main process that did not exit but was killed. */
const EXIT_BY_SIGNAL = 255

/**
 * The status for FailureAction=exit: FailureActionExitStatus=, else the main process's own. If that is 0 or there is none
 * (the failure was a time-out, ExecStartPre=, the start limit …) it is 255: systemd would say 0, but whoever waits for the
 * container should not be told that all went well.
 */
export const failureExitStatus = (draft: Draft, name: UnitName): number =>
  draft.graph.unit(name).unit.failureActionExitStatus ??
  (ownExitStatus(draft, name) || EXIT_BY_SIGNAL)

/** The status for SuccessAction=exit: SuccessActionExitStatus=, else the main process's own; null: there is none. */
export const successExitStatus = (draft: Draft, name: UnitName): number | null =>
  draft.graph.unit(name).unit.successActionExitStatus ?? ownExitStatus(draft, name)
