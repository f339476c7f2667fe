// What the control server may ask of the daemon. The loop implements it; tests give a fake.
import type { TransactionError } from '../engine/effect.ts'
import type { EngineState, JobResult, JobType, ShutdownKind } from '../engine/state.ts'
import type { LogQuery, LogRecord } from '../logs/record.ts'
import type { JobMode, UnitFileState, UnitName, Units } from '../units/unit.ts'

export type JobAccepted = { job: number; finished: Promise<JobResult> }
export type ProcessTree = { pid: number; command: string; children: readonly ProcessTree[] }
export type UnitResources = {
  memoryBytes: number | null
  cpuUsec: number | null
  tasks: number | null
}
export type UnitFileChange = { action: 'symlink' | 'unlink'; path: string; target: string | null }

export interface Backend {
  readonly version: string
  readonly units: Units
  readonly state: EngineState
  /** Names of all unit files in the unit directories, loaded or not, with their state. */
  unitFiles(): readonly { name: UnitName; state: UnitFileState; path: string }[]
  requestJob(job: JobType, unit: UnitName, mode: JobMode): Promise<JobAccepted | TransactionError>
  cancelJob(job: number): boolean
  resetFailed(unit: UnitName | null): void
  /** Sends a signal to the unit's processes; `whom` as in systemctl kill --kill-whom=. Resolves to the number signalled. */
  kill(unit: UnitName, whom: 'main' | 'control' | 'all', signal: number): number
  reload(): Promise<readonly string[]>
  processes(unit: UnitName): readonly ProcessTree[]
  resources(unit: UnitName): UnitResources
  enable(
    names: readonly UnitName[],
    how: { runtime: boolean; force: boolean },
  ): readonly UnitFileChange[]
  disable(names: readonly UnitName[], how: { runtime: boolean }): readonly UnitFileChange[]
  mask(names: readonly UnitName[], how: { runtime: boolean }): readonly UnitFileChange[]
  unmask(names: readonly UnitName[], how: { runtime: boolean }): readonly UnitFileChange[]
  setEnvironment(set: readonly string[], unset: readonly string[]): void
  shutdown(kind: ShutdownKind, exitStatus: number | null): void
  /** Calls back with the name of each unit whose state has changed, after each step; the answer ends that. */
  onChange(listener: (unit: UnitName) => void): () => void
  /** Ends when `signal` aborts, or (without follow) when all is told. */
  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<readonly LogRecord[]>
}
