// What the control server asks of the daemon, answered from the engine's state and the rooms that act.
import { statSync } from 'node:fs'
import type { Backend } from './control/backend.ts'
import type { ImageInfo } from './control/schema.ts'
import type { Defects } from './defects.ts'
import type { Engine } from './engine/engine.ts'
import type { EngineEvent } from './engine/event.ts'
import { initialUnitState } from './engine/initial.ts'
import { machineOf } from './engine/machines.ts'
import type { UnitState } from './engine/state.ts'
import type { AdjustableLevel } from './log.ts'
import type { Logs } from './logs/logs.ts'
import type { Recording } from './record.ts'
import type { Reexec } from './reexec.ts'
import type { Requests } from './requests.ts'
import type { Native } from './runtime/native.ts'
import type { Processes } from './runtime/processes.ts'
import { processTrees, type UnitUsage } from './runtime/resources.ts'
import type { Descriptors } from './runtime/unit-descriptors.ts'
import type { UnitFileActions } from './runtime/unit-files.ts'
import type { Abilities } from './units/directives/need.ts'
import type { LoadedUnits } from './units/load.ts'
import type { Unit, UnitName } from './units/unit.ts'

export type BackendParts = {
  version: string
  image: ImageInfo
  defects: Defects
  /** Told what a request threw. */
  defect: Backend['defect']
  reexec: Reexec
  /** Told why it did not come about. */
  reexecFailed: (why: string) => void
  logLevel: AdjustableLevel
  engine: Engine
  recording: () => Recording
  units: LoadedUnits
  unitFiles: UnitFileActions
  requests: Requests
  processes: Processes
  usage: (unit: UnitName) => UnitUsage
  abilities: Abilities
  clean: Backend['clean']
  descriptors: Descriptors
  logs: Logs
  native: Native
  post: (event: EngineEvent) => void
  /** Reads all units anew and tells the engine; gives what is wrong with them, in words. */
  reload: () => readonly string[]
  /** When the unit was read, milliseconds of CLOCK_REALTIME. */
  readAtMs: (unit: Unit) => number
  changed: {
    add(listener: (unit: UnitName) => void): void
    delete(listener: (unit: UnitName) => void): void
  }
}

export function createBackend(parts: BackendParts): Backend {
  const { engine, units, requests, processes, native, post, unitFiles } = parts

  const stateOf = (name: UnitName): UnitState =>
    engine.state.units.get(name) ?? initialUnitState(name, units.get(name).type)
  const ask = <T>(name: UnitName, question: 'activeState' | 'subState' | 'result'): T =>
    machineOf(units.get(name).type)[question](stateOf(name)) as T

  /** The changes are made, then units are read anew, as systemctl does. */
  const changeFiles =
    <How>(
      change: (names: readonly UnitName[], how: How) => ReturnType<UnitFileActions['enable']>,
    ) =>
    (names: readonly UnitName[], how: How) => {
      const changed = change(names, how)
      if (changed.changes.length > 0) parts.reload()
      return changed
    }

  return {
    version: parts.version,
    image: parts.image,
    defects: parts.defects.list,
    defect: parts.defect,
    checkReexec: parts.reexec.check,
    reexec: () => parts.reexecFailed(parts.reexec.become()),
    units,
    abilities: parts.abilities,
    state: engine.state,
    activeState: name => ask(name, 'activeState'),
    subState: name => ask(name, 'subState'),
    result: name => ask(name, 'result'),
    related: (name, relation) => engine.graph.related(name, relation),
    needsReload(name) {
      const unit = units.get(name)
      const files = unit.fragmentPath ? [unit.fragmentPath, ...unit.dropInPaths] : unit.dropInPaths
      const readAt = parts.readAtMs(unit)
      return files.some(path => {
        const found = statSync(path, { throwIfNoEntry: false })
        return found === undefined || found.mtimeMs > readAt
      })
    },
    unitFiles: () => units.unitFiles(),
    presets: names => units.presets(names),
    unitPaths: () => [...units.files.directories.services, ...units.files.directories.vendor],
    requestJob: requests.ask,
    cancelJob(job) {
      const known = engine.state.jobs.has(job)
      if (known) post({ type: 'job-cancelled', job })
      return known
    },
    resetFailed(unit) {
      if (unit === null) parts.defects.clear()
      post({ type: 'reset-failed', unit })
    },
    kill(name, whom, signal) {
      const service = stateOf(name).service
      if (whom === 'all') {
        const main = service?.mainPid ?? null
        const sent = processes.signal(name, [signal], [])
        // Not one of ours by descent (its PID file named it): the process table does not know it.
        const isForeign = main !== null && processes.unitOf(main) !== name
        return sent + (isForeign && native.kill(main, signal) === null ? 1 : 0)
      }
      const pid = whom === 'main' ? service?.mainPid : service?.controlPid
      return pid != null && native.kill(pid, signal) === null ? 1 : 0
    },
    clean: parts.clean,
    reload: async () => parts.reload(),
    processes: name => processTrees(processes.of(name)),
    unitOf: processes.unitOf,
    storedDescriptors: name => parts.descriptors.of(name, 'stored').length,
    resources: parts.usage,
    enable: changeFiles(unitFiles.enable),
    disable: changeFiles(unitFiles.disable),
    mask: changeFiles(unitFiles.mask),
    unmask: changeFiles(unitFiles.unmask),
    logLevel: parts.logLevel.get,
    setLogLevel: parts.logLevel.set,
    setEnvironment: (set, unset) => post({ type: 'environment-changed', set, unset }),
    shutdown: (kind, exitStatus) => post({ type: 'shutdown-requested', kind, exitStatus }),
    onChange(listener) {
      parts.changed.add(listener)
      return () => parts.changed.delete(listener)
    },
    logs: (query, signal) => parts.logs.query(query, signal),
    logUnits: () => parts.logs.units(),
    history: unit => parts.logs.history(unit),
    recording: parts.recording,
  }
}
