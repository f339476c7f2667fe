// What a unit is left as when the engine itself fails at an event of it: nothing of it waits for anything any more.
import type { UnitName } from '../units/unit.ts'
import { unitTypeOf } from './draft.ts'
import { machineOf } from './machines.ts'
import type { EngineState, Job, UnitState } from './state.ts'

/** The unit as failed, without the process that has ended. Its other processes run on. */
export function failedSafely(unit: UnitState, endedPid: number): UnitState {
  const { service, ...rest } = withoutDeadlines(unit)
  if (!service) return unit
  const { mainPid, controlPid } = service
  return {
    ...rest,
    service: {
      ...service,
      sub: 'failed',
      result: 'resources',
      mainPid: mainPid === endedPid ? null : mainPid,
      controlPid: controlPid === endedPid ? null : controlPid,
      command: null,
      awaiting: null,
      token: 0,
      pidFileWatched: false,
    },
  }
}

/** The unit with none of its time-outs armed. */
export function withoutDeadlines(unit: UnitState): UnitState {
  const { recheckUsec: _, ...rest } = unit
  const { service, socket, mount, timer, path } = rest
  const none = { deadlineUsec: null }
  return {
    ...rest,
    ...(service && {
      service: { ...service, ...none, watchdogDeadlineUsec: null, runtimeDeadlineUsec: null },
    }),
    ...(socket && { socket: { ...socket, ...none } }),
    ...(mount && { mount: { ...mount, ...none } }),
    ...(timer && { timer: { ...timer, ...none } }),
    ...(path && { path: { ...path, ...none } }),
  }
}

/** The units and jobs whose time-out has come by then. */
export function dueAt(state: EngineState, nowUsec: number): { units: UnitState[]; jobs: Job[] } {
  const isDue = (unit: UnitState) => {
    const { name, recheckUsec } = unit
    const deadlineUsec = machineOf(unitTypeOf(name)).deadlineUsec(unit)
    return (
      (deadlineUsec !== null && deadlineUsec <= nowUsec) ||
      (recheckUsec !== undefined && recheckUsec <= nowUsec)
    )
  }
  return {
    units: [...state.units.values()].filter(isDue),
    jobs: [...state.jobs.values()].filter(
      ({ deadlineUsec }) => deadlineUsec !== null && deadlineUsec <= nowUsec,
    ),
  }
}

/** The unit whose process that is. */
export function unitOfPid(state: EngineState, pid: number): UnitName | null {
  for (const unit of state.units.values())
    if (machineOf(unitTypeOf(unit.name)).pids(unit).includes(pid)) return unit.name
  return null
}
