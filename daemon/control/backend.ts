// What the control server may ask of the daemon. The loop implements it; tests give a fake.

import type { TransactionError } from '../engine/effect.ts'
import type { Relation } from '../engine/graph.ts'
import type { ActiveState, EngineState, JobResult, JobType, ShutdownKind } from '../engine/state.ts'
import type { RunEnd } from '../logs/history.ts'
import type { LogQuery, LogRecord } from '../logs/record.ts'
import type { Recording } from '../record.ts'
import type { Abilities } from '../units/directives/need.ts'
import type { LoadedUnits } from '../units/load.ts'
import type { Presets } from '../units/preset.ts'
import type { DirectoryKind, JobMode, UnitFileState, UnitName } from '../units/unit.ts'
import type { ImageInfo, LogLevel, MethodName } from './schema.ts'

export type JobAccepted = { job: number; finished: Promise<JobResult> }
export type ProcessTree = { pid: number; command: string; children: readonly ProcessTree[] }
/** Null: not known, or there is nobody. `controlGroup` is '' for none. */
export type UnitResources = {
  memoryBytes: number | null
  memoryPeakBytes: number | null
  cpuUsec: number | null
  tasks: number | null
  io: { readBytes: number; writtenBytes: number; reads: number; writes: number } | null
  /** The limits in force, shares turned into numbers; Infinity: none. */
  tasksMax: number
  memoryMin: number
  memoryLow: number
  memoryHigh: number
  memoryMax: number
  memorySwapMax: number
  controlGroup: string
}
export type UnitFileChange = { action: 'symlink' | 'unlink'; path: string; target: string | null }
/** `notes`: what the user should hear though nothing is wrong. */
export type UnitFileChanges = { changes: readonly UnitFileChange[]; notes: readonly string[] }

export interface Backend {
  readonly version: string
  readonly image: ImageInfo
  /** What went wrong in the daemon itself, in sentences. */
  defects(): readonly string[]
  /** Takes down what a request of that method has thrown, or the connection itself (null). */
  defect(error: unknown, method: MethodName | null): void
  readonly units: Pick<
    LoadedUnits,
    'get' | 'loaded' | 'fileNames' | 'fileState' | 'assignments' | 'notEnforced'
  >
  /** What the machine allows. */
  readonly abilities: Abilities
  readonly state: EngineState
  /** What a loaded unit is now; `inactive`, `dead` and `success` of one that the engine has no state for. */
  activeState(unit: UnitName): ActiveState
  subState(unit: UnitName): string
  /** `Result=`. */
  result(unit: UnitName): string
  /** Whom a unit stands in that relation to, the ways round that no file states among them (the engine's graph). */
  related(unit: UnitName, relation: Relation): readonly UnitName[]
  /** Whether a file of the unit has changed since it was read: only daemon-reload takes it in. */
  needsReload(unit: UnitName): boolean
  /** Names of all unit files in the unit directories, loaded or not, with their state. */
  unitFiles(): readonly {
    name: UnitName
    state: UnitFileState
    path: string
    /** What the preset files say; null where that means nothing. */
    preset: 'enabled' | 'disabled' | null
  }[]
  /** What the preset files make of these units. */
  presets(names: readonly UnitName[]): Presets
  /** The directories of unit files, in order. */
  unitPaths(): readonly string[]
  /** `by`: who asks, in words. With a `key` that was given before, the answer to that request. */
  requestJob(
    job: JobType,
    unit: UnitName,
    mode: JobMode,
    by: string,
    key?: string,
  ): Promise<JobAccepted | TransactionError>
  cancelJob(job: number): boolean
  resetFailed(unit: UnitName | null): void
  /** Sends a signal to the unit's processes; `whom` as in systemctl kill --kill-whom=. The answer is how many got it. */
  kill(unit: UnitName, whom: 'main' | 'control' | 'all', signal: number): number
  /** Removes the unit's directories of these kinds; what could not be removed, in words. */
  clean(unit: UnitName, kinds: readonly DirectoryKind[]): Promise<readonly string[]>
  /** Reads all units anew; the answer is what is wrong with them, in words. */
  reload(): Promise<readonly string[]>
  /** Whether the version that is installed can take over; why not, in words, or null. */
  checkReexec(): Promise<string | null>
  reexec(): void
  processes(unit: UnitName): readonly ProcessTree[]
  /** The unit that a living process belongs to, or null. */
  unitOf(pid: number): UnitName | null
  resources(unit: UnitName): UnitResources
  /** How many descriptors the unit has stored (FDSTORE=1). */
  storedDescriptors(unit: UnitName): number
  /** The changes to unit files throw an `Error` with a `code` (errno) or a message that begins with "cannot" when they
   * are refused; nothing has been changed then. They are in force (units read anew) when the call returns. */
  enable(names: readonly UnitName[], how: { runtime: boolean; force: boolean }): UnitFileChanges
  disable(names: readonly UnitName[], how: { runtime: boolean }): UnitFileChanges
  mask(names: readonly UnitName[], how: { runtime: boolean }): UnitFileChanges
  unmask(names: readonly UnitName[], how: { runtime: boolean }): UnitFileChanges
  /** Of the daemon's own log. */
  logLevel(): LogLevel
  setLogLevel(level: LogLevel): void
  setEnvironment(set: readonly string[], unset: readonly string[]): void
  shutdown(kind: ShutdownKind, exitStatus: number | null): void
  /** Calls back with the name of each unit whose state has changed, after each step; the answer ends that. */
  onChange(listener: (unit: UnitName) => void): () => void
  /** Ends when `signal` aborts, or (without follow) when all is told. */
  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<readonly LogRecord[]>
  /** The ends of the runs that are kept under that name, oldest first. */
  /** Every unit that has a log, loaded or not. */
  logUnits(): Promise<readonly UnitName[]>
  history(unit: UnitName): Promise<readonly RunEnd[]>
  /** The engine's latest steps, with all that is needed to go through them again. */
  recording(): Recording
}
