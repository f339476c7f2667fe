// What there is to keep of a run that ends, out of the engine's state and the counters of its control group.

import type { Effect } from './engine/effect.ts'
import { describeExit } from './engine/exit-status.ts'
import type { UnitState } from './engine/state.ts'
import type { RunEnd } from './logs/history.ts'
import type { UnitName } from './units/unit.ts'
import { templateOf } from './units/values/unit-name.ts'

type Usage = { cpuUsec: number | null; memoryPeakBytes: number | null }

export type RunEnds = Extract<Effect, { type: 'run-ends' }>

/** `state`: the unit's before the step that ends the run. The end of a service's run without its lines; null for a unit of another type. */
export function runEnd(
  state: UnitState,
  { invocationId, restarting, facts: service }: RunEnds,
  usage: () => Usage,
  nowUsec: number,
): Omit<RunEnd, 'lines'> | null {
  if (!service) return null
  const { main, runs, result, spawnError } = service
  const { cpuUsec, memoryPeakBytes } = usage()
  const exit = main?.exit ?? null
  return {
    invocationId,
    startedUsec: runs[0]?.startedUsec ?? state.inactiveExit.realtimeUsec,
    endedUsec: nowUsec,
    startedBy: startedBy(state),
    result,
    outcome: exit === null ? null : describeExit(exit),
    mainPid: main?.pid ?? null,
    error: spawnError,
    restarting,
    cpuUsec,
    memoryPeakBytes,
  }
}

/** Under which name a unit's lines are kept: those of a connection's service under its template's. */
export const logNameOf = (state: UnitState): UnitName =>
  state.connection ? (templateOf(state.name) ?? state.name) : state.name

function startedBy({ service, cause, connection, startedBy }: UnitState): string {
  if (connection) return `a connection to ${connection.socket}`
  if (service && service.nRestarts > 0) return 'an automatic restart'
  const by = cause?.map(each => /^(?:TRIGGER|MONITOR)_UNIT=(.*)$/.exec(each)?.[1]).find(Boolean)
  return startedBy ?? by ?? 'a job'
}
