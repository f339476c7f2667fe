// What a run of a unit has beside its processes: directories, credentials, the state of its terminal, IPC objects. Made before
// its first command, taken away when the unit is down.
import { ok, type Result } from 'neverthrow'
import type { ExecKind } from '../engine/state.ts'
import type { ExecSettings, Unit, UnitName } from '../units/unit.ts'
import { hasCredentials } from './credential-sources.ts'
import type { Credentials } from './credentials.ts'
import type { Directory } from './directories.ts'
import type { SpawnFailure } from './failure.ts'
import { removeIpc } from './ipc.ts'
import { makeDirectories } from './make-directories.ts'
import type { Native } from './native.ts'
import { goesWithTheUnit, removeRuntimeDirectories } from './remove-directories.ts'
import type { Run } from './runs.ts'
import { prepareTerminal } from './terminal.ts'
import type { Identity, Users } from './users.ts'

export type RunResourceParts = {
  native: Native
  users: Users
  credentials: Credentials
  directoriesOf: (exec: ExecSettings) => readonly Directory[]
  /** The same of a run that ends, when it may not be possible to tell what the machine allows. */
  leftDirectoriesOf: (exec: ExecSettings) => readonly Directory[]
  warn: (unit: UnitName, message: string) => void
}

export interface RunResources {
  /** Sees to what a command of `kind` has to find there; the path of the unit's credentials, if it has any. */
  prepare(
    unit: UnitName,
    exec: ExecSettings,
    run: Run,
    kind: ExecKind,
    identity: Identity,
  ): Result<string | null, SpawnFailure>
  /** The unit is down; `restarting`: it comes up again by itself. */
  release(unit: Unit, restarting: boolean): void
}

/** The first commands of a run; the others find what these have made, also when an earlier image of the daemon did it. */
export const BEGINS: ReadonlySet<ExecKind> = new Set(['condition', 'start-pre', 'start'])

export function createRunResources(parts: RunResourceParts): RunResources {
  const { native, users, credentials } = parts

  const credentialsOf = (
    unit: UnitName,
    exec: ExecSettings,
    run: Run,
    kind: ExecKind,
    identity: Identity,
  ): Result<string | null, SpawnFailure> => {
    if (!hasCredentials(exec)) return ok(null)
    const there = run.hasCredentials || !BEGINS.has(kind) ? credentials.of(unit) : null
    if (there !== null) return ok(there)
    return credentials.provide(unit, exec, identity).map(path => {
      run.hasCredentials = true
      return path
    })
  }

  return {
    prepare(unit, exec, run, kind, identity) {
      if (!run.hasDirectories) {
        if (BEGINS.has(kind)) prepareTerminal(exec, native)
        const made = makeDirectories(parts.directoriesOf(exec), identity)
        run.hasDirectories = made.isOk()
        if (made.isErr()) return made.map(() => null)
      }
      return credentialsOf(unit, exec, run, kind, identity)
    },
    release(unit, restarting) {
      const { id, exec } = unit
      if (!exec) return
      prepareTerminal(exec, native)
      if (hasCredentials(exec)) credentials.remove(id)
      if (exec.directories.runtime && goesWithTheUnit(exec, restarting)) {
        const problems = removeRuntimeDirectories(parts.leftDirectoriesOf(exec))
        for (const problem of problems) parts.warn(id, problem)
      }
      if (exec.removeIpc && !restarting) {
        users.identity(unit, exec).map(identity => removeIpc(native, identity))
      }
    },
  }
}
