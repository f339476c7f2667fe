// What a unit is left as when the engine itself fails at an event of it: nothing of it waits for anything any more.
import type { UnitName } from '../units/unit.ts'
import { unitTypeOf } from './draft.ts'
import { machineOf } from './machines.ts'
import type { EngineState, Job, UnitState } from './state.ts'

/** The unit as failed, without the process that has ended (null: none has). Its other processes run on. */
export function failedSafely(unit: UnitState, endedPid: number | null): UnitState {
  const { service, socket, mount, timer, path, ...rest } = withoutDeadlines(unit)
  const failed = { sub: 'failed', result: 'resources', token: 0 } as const
  const left = (pid: number | null) => (pid === endedPid ? null : pid)
  return {
    ...rest,
    service: service && {
      ...service,
      ...failed,
      mainPid: left(service.mainPid),
      controlPid: left(service.controlPid),
      command: null,
      awaiting: null,
      pidFileWatched: false,
    },
    ...(socket && {
      socket: {
        ...socket,
        ...failed,
        controlPid: left(socket.controlPid),
        command: null,
        awaiting: null,
      },
    }),
    ...(mount && {
      mount: {
        ...mount,
        stage: 'failed',
        result: 'resources',
        token: 0,
        controlPid: left(mount.controlPid),
      },
    }),
    ...(timer && { timer: { ...timer, ...failed } }),
    ...(path && { path: { ...path, ...failed } }),
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
