// Filtering a unit's system calls: what the child is given, and NoNewPrivileges= where the kernel asks for it.
import { err, ok, type Result } from 'neverthrow'
import type { Abilities } from '../../units/directives/need.ts'
import { noNewPrivilegesCall } from '../capabilities.ts'
import { EXIT, type SpawnFailure } from '../failure.ts'
import type { ChildCall } from '../native.ts'
import { sharedFilter } from './filter.ts'
import { restrictingDirectives, restrictionsOf, type Settings } from './restrictions.ts'

export type Seccomp = {
  /** For SpawnRequest.filter. */
  program: Uint8Array | null
  /** After the change of user. */
  calls: readonly ChildCall[]
}

const NOTHING: Seccomp = { program: null, calls: [] }

/**
 * What the unit's restrictions of system calls come to. `isAdmin`: its processes are to have CAP_SYS_ADMIN when they start;
 * without it the kernel takes a filter only from a process that gains no new privileges (systemd.exec(5),
 * NoNewPrivileges=). Fails when under the filter no process could be started.
 */
export function seccompOf(
  settings: Settings,
  isAdmin: boolean,
  abilities: Abilities,
): Result<Seccomp, SpawnFailure> {
  const directives = restrictingDirectives(settings)
  if (directives.length === 0) return ok(NOTHING)
  const calls = isAdmin ? [] : [noNewPrivilegesCall()]
  // What that leaves out is told by the guard.
  if (abilities.seccomp !== null) return ok({ program: null, calls })
  const { program, hindrance } = sharedFilter(restrictionsOf(settings.exec, directives))
  return hindrance === null ? ok({ program, calls }) : err(refused(hindrance))
}

const refused = (call: string): SpawnFailure => ({
  step: 'SECCOMP',
  exitStatus: EXIT.seccomp,
  errno: 'EPERM',
  message: `cannot start anything under SystemCallFilter=: it refuses ${call}, which starting and ending take; allow ${call}`,
})
