// The properties of a unit, with systemd's names and values (systemctl(1), show).
import { ok } from 'neverthrow'
import { RELATIONS, relationProperty } from '../engine/graph.ts'
import { NEVER } from '../engine/initial.ts'
import { machineOf } from '../engine/machines.ts'
import type { Stamp, UnitState } from '../engine/state.ts'
import { yesNo } from '../units/print.ts'
import { sliceOf } from '../units/resources.ts'
import { settingsProperties } from '../units/show.ts'
import type { Unit } from '../units/unit.ts'
import { type Call, type Handler, orAborted } from './call.ts'
import { systemState } from './manager.ts'
import { pathProperties } from './paths.ts'
import { findUnit, resolveUnits } from './resolve.ts'
import { execProperties, exitCode, exitStatus } from './runs.ts'
import type { ControlError } from './schema.ts'
import { socketProperties } from './sockets.ts'
import { timerProperties } from './timers.ts'
import { timestampText } from './times.ts'

/** What is asked for properties: by whom, of which daemon, and when. */
type Question = Pick<Call, 'backend' | 'role' | 'now'>

type Property = readonly [name: string, value: string]

const NOT_SET = '[not set]'

/** Units between two breaths: the loop is let turn, so that a show of a thousand units holds nobody up. */
const AT_ONCE = 20

export const show: Handler<'show'> = async (call, params) => {
  const wanted =
    params.properties && new Set(params.properties.map(property => property.toLowerCase()))
  const choose = (properties: readonly Property[]) =>
    wanted ? properties.filter(([name]) => wanted.has(name.toLowerCase())) : properties
  if (params.units === undefined || params.units.length === 0) {
    return ok({ units: [{ unit: '', properties: choose(managerProperties(call)) }], errors: [] })
  }
  const { units, unmatched } = resolveUnits(call.backend, params.units)
  const shown: { unit: string; properties: readonly Property[] }[] = []
  const errors: ControlError[] = [...unmatched]
  for (const [index, name] of units.entries()) {
    if (index % AT_ONCE === AT_ONCE - 1) await orAborted(breath(), call.signal)
    findUnit(call.backend, name).match(
      unit => shown.push({ unit: unit.id, properties: choose(unitProperties(call, unit)) }),
      error => errors.push(error),
    )
  }
  return ok({ units: shown, errors })
}

const breath = () => new Promise<void>(resolve => setImmediate(resolve))

/** All properties of a unit; those that readers may not see are left out for them. */
export function unitProperties(call: Question, unit: Unit): readonly Property[] {
  const state = call.backend.state.units.get(unit.id) ?? null
  const live = [
    ...(unit.type === 'service' ? serviceProperties(call, unit, state) : []),
    ...(unit.type === 'socket' ? socketProperties(call.backend, unit) : []),
    ...(unit.type === 'timer' ? timerProperties(call.backend, unit, state) : []),
    ...(unit.type === 'path' ? pathProperties(call.backend, unit) : []),
    ...(unit.type === 'service' || unit.type === 'slice' ? resourceProperties(call, unit) : []),
    ...genericProperties(call, unit, state),
  ]
  const told = new Set(live.map(([name]) => name))
  const settings = settingsProperties(unit).filter(([name]) => !told.has(name))
  const all = [...settings, ...live]
  return call.role === 'admin' ? all : all.filter(([name]) => !SECRETS.has(name))
}

const SECRETS: ReadonlySet<string> = new Set(['Environment', 'PassEnvironment'])

/** A moment on both clocks, by the two properties that systemd has for it. */
const stamp = (name: string, { realtimeUsec, monotonicUsec }: Stamp): Property[] => [
  [name, timestampText(realtimeUsec)],
  [`${name}Monotonic`, `${monotonicUsec}`],
]

/** The realtime of a run as a stamp: what the clocks differ by now is taken to have been so then. */
function stampOf(call: Question, realtimeUsec: number | null): Stamp {
  if (realtimeUsec === null) return NEVER
  const now = call.now()
  const monotonicUsec = realtimeUsec - now.realtimeUsec + now.monotonicUsec
  return { realtimeUsec, monotonicUsec: Math.max(0, monotonicUsec) }
}

function serviceProperties(call: Question, unit: Unit, state: UnitState | null): Property[] {
  const facts = state?.service ?? null
  const main = facts?.main ?? null
  return [
    ['MainPID', `${facts?.mainPid ?? 0}`],
    ['ControlPID', `${facts?.controlPid ?? 0}`],
    ['StatusText', facts?.statusText ?? ''],
    ['StatusErrno', `${facts?.statusErrno ?? 0}`],
    ['Result', call.backend.result(unit.id)],
    ['ReloadResult', facts?.reloadResult ?? 'success'],
    ['NRestarts', `${facts?.nRestarts ?? 0}`],
    ['NFileDescriptorStore', `${call.backend.storedDescriptors(unit.id)}`],
    ...stamp('ExecMainStartTimestamp', stampOf(call, main?.startedUsec ?? null)),
    ...stamp('ExecMainExitTimestamp', stampOf(call, main?.endedUsec ?? null)),
    ['ExecMainPID', `${main?.pid ?? 0}`],
    ['ExecMainCode', `${exitCode(main?.exit ?? null)}`],
    ['ExecMainStatus', `${exitStatus(main?.exit ?? null)}`],
    ...execProperties(unit, facts?.runs ?? []),
  ]
}

function resourceProperties({ backend }: Question, unit: Unit): Property[] {
  const { memoryBytes, memoryPeakBytes, cpuUsec, tasks, io, controlGroup, ...limits } =
    backend.resources(unit.id)
  const orNotSet = (value: number | null | undefined) => (value == null ? NOT_SET : `${value}`)
  /** A share is told as the number that it comes to, once it holds. */
  const holds = (name: string, value: number): Property[] =>
    Number.isFinite(value) && value > 0 ? [[name, `${value}`]] : []
  return [
    ['Slice', sliceOf(unit) ?? ''],
    ['ControlGroup', controlGroup],
    ['MemoryCurrent', orNotSet(memoryBytes)],
    ['MemoryPeak', orNotSet(memoryPeakBytes)],
    ['CPUUsageNSec', cpuUsec === null ? NOT_SET : `${cpuUsec * 1000}`],
    ['TasksCurrent', orNotSet(tasks)],
    ['IOReadBytes', orNotSet(io?.readBytes)],
    ['IOReadOperations', orNotSet(io?.reads)],
    ['IOWriteBytes', orNotSet(io?.writtenBytes)],
    ['IOWriteOperations', orNotSet(io?.writes)],
    ...holds('TasksMax', limits.tasksMax),
    ...holds('MemoryMin', limits.memoryMin),
    ...holds('MemoryLow', limits.memoryLow),
    ...holds('MemoryHigh', limits.memoryHigh),
    ...holds('MemoryMax', limits.memoryMax),
    ...holds('MemorySwapMax', limits.memorySwapMax),
  ]
}

function genericProperties(call: Question, unit: Unit, state: UnitState | null): Property[] {
  const { backend } = call
  const job = state?.job ?? null
  const isThere = unit.loadState === 'loaded'
  const isTarget = unit.type === 'target'
  return [
    ...RELATIONS.map(
      (relation): Property => [
        relationProperty(relation),
        backend.related(unit.id, relation).join(' '),
      ],
    ),
    ['Description', unit.unit.description === '' ? unit.id : unit.unit.description],
    ['ActiveState', backend.activeState(unit.id)],
    ['SubState', backend.subState(unit.id)],
    ...stamp('StateChangeTimestamp', state?.stateChange ?? NEVER),
    ...stamp('InactiveExitTimestamp', state?.inactiveExit ?? NEVER),
    ...stamp('ActiveEnterTimestamp', state?.activeEnter ?? NEVER),
    ...stamp('ActiveExitTimestamp', state?.activeExit ?? NEVER),
    ...stamp('InactiveEnterTimestamp', state?.inactiveEnter ?? NEVER),
    ['CanStart', yesNo(isThere && !unit.unit.refuseManualStart)],
    ['CanReload', yesNo(isThere && machineOf(unit.type).canReload(unit))],
    ['CanIsolate', yesNo(isThere && unit.unit.allowIsolate)],
    ['Job', job === null ? '' : `${job}`],
    ['NeedDaemonReload', yesNo(backend.needsReload(unit.id))],
    ['ConditionResult', yesNo(state?.conditionResult ?? false)],
    ['AssertResult', yesNo(state?.assertResult ?? false)],
    ...stamp('ConditionTimestamp', state?.conditionStamp ?? NEVER),
    ...stamp('AssertTimestamp', state?.conditionStamp ?? NEVER),
    ['Transient', 'no'],
    // A built-in target has no file and never goes.
    ['Perpetual', yesNo(isTarget && isThere && unit.fragmentPath === null)],
    ['InvocationID', state?.invocationId ?? ''],
  ]
}

function managerProperties({ backend, role }: Call): readonly Property[] {
  const { manager, jobs } = backend.state
  let failed = 0
  let names = 0
  for (const unit of backend.units.loaded()) {
    names += unit.names.length
    if (backend.activeState(unit.id) === 'failed') failed++
  }
  const environment: Property[] =
    role === 'admin' ? [['Environment', manager.environment.join(' ')]] : []
  return [
    ['Version', backend.version],
    ['UnitPath', backend.unitPaths().join(' ')],
    ...stamp('UserspaceTimestamp', manager.started),
    ['NNames', `${names}`],
    ['NFailedUnits', `${failed}`],
    ['NJobs', `${jobs.size}`],
    ...environment,
    ['SystemState', systemState(backend)],
  ]
}
