// Everything that `ctl status` shows of a unit.
import { err, ok } from 'neverthrow'
import type { ServiceFacts, Stamp, UnitState } from '../engine/state.ts'
import type { Unit, UnitName } from '../units/unit.ts'
import type { Backend, ProcessTree } from './backend.ts'
import { CANCELLED, type Call, type Handler } from './call.ts'
import { lastLines, logUnitOf } from './log-lines.ts'
import { failedUnits, managerStatus } from './manager.ts'
import { problemsOf } from './problems.ts'
import { findPresentUnit, resolveUnits } from './resolve.ts'
import { commandLine, commandOf, commandStatus, outcomeOf, refusedCall } from './runs.ts'
import type { ControlError, UnitStatus } from './schema.ts'
import { socketStatus } from './sockets.ts'
import { nextElapseUsec } from './timers.ts'

const LINES = 10

export const status: Handler<'status'> = async (call, params) => {
  const { backend, signal } = call
  const patterns = params.units ?? []
  const asked = patterns.length > 0
  const errors: ControlError[] = []
  const { units, unmatched } = asked
    ? resolveUnits(backend, unitsOfProcesses(backend, patterns, errors))
    : { units: failedUnits(backend), unmatched: [] }
  errors.push(...unmatched)
  const told: UnitStatus[] = []
  for (const name of units) {
    const found = findPresentUnit(backend, name)
    if (found.isErr()) errors.push(found.error)
    else told.push(await unitStatus(call, found.value, params.lines ?? LINES))
    if (signal.aborted) break
  }
  return signal.aborted
    ? err(CANCELLED)
    : ok({ manager: asked ? null : managerStatus(call), units: told, errors })
}

const PID = /^[1-9]\d*$/

/** A number is a process, and means its unit (systemctl(1), status). */
const unitsOfProcesses = (
  backend: Backend,
  patterns: readonly string[],
  errors: ControlError[],
): string[] =>
  patterns.flatMap(pattern => {
    if (!PID.test(pattern)) return pattern
    const unit = backend.unitOf(Number(pattern))
    if (unit !== null) return unit
    const message = `cannot find the unit of process ${pattern}: it belongs to none, or there is none of that number`
    errors.push({ code: 'unit-not-found', message, unit: pattern })
    return []
  })

async function unitStatus(call: Call, unit: Unit, lines: number): Promise<UnitStatus> {
  const { backend } = call
  const name = unit.id
  const state = backend.state.units.get(name) ?? null
  const facts = state?.service ?? null
  const now = call.now()
  const processes = backend.processes(name)
  // As systemctl: what it said since it was last down, not what it said weeks ago.
  const log = await lastLines(
    backend,
    {
      units: [logUnitOf(backend, name)],
      lines,
      sinceUsec: state?.inactiveExit.realtimeUsec || null,
      ...(state?.connection && { invocationId: state.invocationId }),
    },
    call.signal,
  )
  return {
    unit: name,
    description: unit.unit.description,
    loadState: unit.loadState,
    loadError: unit.loadError,
    fragmentPath: unit.fragmentPath,
    dropInPaths: [...unit.dropInPaths],
    unitFileState: unit.unitFileState,
    needDaemonReload: backend.needsReload(name),
    activeState: backend.activeState(name),
    subState: backend.subState(name),
    result: backend.result(name),
    sinceUsec: state === null ? 0 : since(backend, state),
    nowUsec: now.realtimeUsec,
    durationUsec: state === null ? null : duration(backend, state),
    job: jobOf(backend, state),
    nextElapseUsec: state?.timer ? nextElapseUsec(state.timer, now) : null,
    triggeredBy: withState(backend, [
      ...backend.related(name, 'triggeredBy'),
      ...(state?.connection ? [state.connection.socket] : []),
    ]),
    triggers: withState(backend, backend.related(name, 'triggers')),
    docs: [...unit.unit.documentation],
    condition: conditionOf(state),
    listen: [],
    connections: null,
    ...(facts === null ? NO_SERVICE : serviceStatus(unit, facts, processes)),
    ...(unit.type === 'socket' && socketStatus(backend, unit)),
    restartAtUsec:
      facts?.sub === 'auto-restart' && facts.deadlineUsec !== null
        ? facts.deadlineUsec - now.monotonicUsec + now.realtimeUsec
        : null,
    ...resourcesOf(backend, name),
    processes,
    problems: problemsOf(unit),
    log,
  }
}

/** No limit is null in JSON. */
function resourcesOf(backend: Backend, name: UnitName) {
  const { memoryBytes, memoryPeakBytes, cpuUsec, tasks, io, controlGroup, ...limits } =
    backend.resources(name)
  const orNull = (limit: number) => (Number.isFinite(limit) ? limit : null)
  return {
    tasks,
    tasksMax: orNull(limits.tasksMax),
    memoryBytes,
    memoryPeakBytes,
    memoryMin: limits.memoryMin,
    memoryLow: limits.memoryLow,
    memoryHigh: orNull(limits.memoryHigh),
    memoryMax: orNull(limits.memoryMax),
    memorySwapMax: orNull(limits.memorySwapMax),
    cpuUsec,
    ioReadBytes: io?.readBytes ?? null,
    ioWrittenBytes: io?.writtenBytes ?? null,
    controlGroup,
  }
}

const NO_SERVICE = {
  main: null,
  control: null,
  commands: [],
  spawnError: null,
  statusText: '',
  nRestarts: 0,
}

function serviceStatus(unit: Unit, facts: ServiceFacts, processes: readonly ProcessTree[]) {
  const { main, controlPid, command } = facts
  // A main process that a PID file or MAINPID= named was not started as a command.
  const mainPid = facts.mainPid ?? main?.pid ?? null
  return {
    main:
      mainPid === null
        ? null
        : {
            pid: mainPid,
            command: shortName(processes, mainPid, main && commandLine(commandOf(unit, main))),
            running: facts.mainPid !== null,
            outcome: main === null || facts.mainPid !== null ? null : outcomeOf(main),
            startedUsec: main?.startedUsec ?? 0,
            endedUsec: main?.endedUsec ?? null,
          },
    control:
      controlPid === null
        ? null
        : {
            pid: controlPid,
            command: shortName(
              processes,
              controlPid,
              command && commandLine(commandOf(unit, command)),
            ),
          },
    commands: facts.runs
      .filter(run => run.exec !== 'start' || run.pid !== main?.pid)
      .map(run => commandStatus(unit, run)),
    spawnError:
      facts.spawnError ?? (facts.mainPid === null ? refusedCall(unit, main?.exit ?? null) : null),
    statusText: facts.statusText,
    nRestarts: facts.nRestarts,
  }
}

/** `nginx` of `nginx: master process …` or of `/usr/sbin/nginx -g …`. */
function shortName(processes: readonly ProcessTree[], pid: number, written: string | null) {
  const running = findProcess(processes, pid)?.command
  const first = (running ?? written ?? '').split(/[\s:]/, 1)[0] ?? ''
  return first.slice(first.lastIndexOf('/') + 1)
}

function findProcess(processes: readonly ProcessTree[], pid: number): ProcessTree | null {
  for (const process of processes) {
    if (process.pid === pid) return process
    const below = findProcess(process.children, pid)
    if (below) return below
  }
  return null
}

/** The moment from which on the unit is what it is. */
function since(backend: Backend, state: UnitState): number {
  const stamps: Readonly<Record<string, Stamp>> = {
    active: state.activeEnter,
    reloading: state.activeEnter,
    inactive: state.inactiveEnter,
    failed: state.inactiveEnter,
    activating: state.inactiveExit,
    deactivating: state.activeExit,
  }
  return (stamps[backend.activeState(state.name)] ?? state.stateChange).realtimeUsec
}

function duration(backend: Backend, state: UnitState): number | null {
  const active = backend.activeState(state.name)
  if (active !== 'inactive' && active !== 'failed') return null
  const began = state.activeEnter.monotonicUsec
  const ended = state.activeExit.monotonicUsec
  return began > 0 && ended >= began ? ended - began : null
}

function jobOf(backend: Backend, state: UnitState | null) {
  const job = state?.job == null ? undefined : backend.state.jobs.get(state.job)
  return job === undefined ? null : { id: job.id, type: job.type }
}

const withState = (backend: Backend, units: readonly UnitName[]) =>
  units.map(unit => ({ unit, active: backend.activeState(unit) }))

const conditionOf = (state: UnitState | null) =>
  state === null || state.conditionResult || state.conditionFailed === null
    ? null
    : {
        text: `${state.conditionFailed} was not met`,
        atUsec: state.conditionStamp.realtimeUsec,
      }
