// The directory of a unit's credentials: in memory where something can be mounted, read-only, for the unit's user alone, gone
// with the unit (systemd.exec(5), CREDENTIALS).
import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { err, ok, type Result } from 'neverthrow'
import type { ExecSettings, UnitName } from '../units/unit.ts'
import type { Answers } from './credential-sockets.ts'
import { collectCredentials, hasCredentials } from './credential-sources.ts'
import { EXIT, errnoOf, inWords, type SpawnFailure } from './failure.ts'
import { makeDirectory } from './make-directory.ts'
import type { Native } from './native.ts'
import type { Identity } from './users.ts'

const MS_RDONLY = 1
const MS_NOSUID = 2
const MS_NODEV = 4
const MS_NOEXEC = 8
const MS_REMOUNT = 32
const MS_BIND = 4096
const SAFE = MS_NOSUID | MS_NODEV | MS_NOEXEC
const MNT_DETACH = 2
const UMOUNT_NOFOLLOW = 8
/** Mounts that lie on one another: what daemons before us have left. */
const MOST_LAYERS = 8

export type CredentialParts = {
  native: Pick<Native, 'mount' | 'umount'>
  /** Holds a directory for each unit. */
  root: string
  /** The daemon's own credentials. */
  received: string | null
  canMount: () => boolean
  warn: (unit: UnitName, message: string) => void
}

export interface Credentials {
  /** Makes the unit's directory, in place of an earlier one, and gives its path; null: the unit has no credentials. */
  provide(
    unit: UnitName,
    exec: ExecSettings,
    owner: Pick<Identity, 'uid' | 'gid'>,
  ): Result<string | null, SpawnFailure>
  /** What sockets have given, for the next `provide`. */
  give(unit: UnitName, answers: Answers): void
  /** The directory that the unit has now. */
  of(unit: UnitName): string | null
  remove(unit: UnitName): void
}

export function createCredentials(parts: CredentialParts): Credentials {
  const { native } = parts
  const given = new Map<UnitName, Answers>()
  const pathOf = (unit: UnitName) => `${parts.root}/${unit}`

  const remove = (path: string) => {
    if (!existsSync(path)) return
    for (let i = 0; i < MOST_LAYERS; i++)
      if (native.umount(path, MNT_DETACH | UMOUNT_NOFOLLOW) !== null) break
    chmodSync(path, 0o700)
    rmSync(path, { recursive: true, force: true })
  }

  const fill = (
    path: string,
    credentials: ReadonlyMap<string, Uint8Array>,
    owner: Pick<Identity, 'uid' | 'gid'>,
  ) => {
    remove(path)
    makeDirectory(parts.root, 0o755)
    mkdirSync(path, { mode: 0o700 })
    // Memory that is never swapped out.
    const isMounted =
      parts.canMount() && native.mount('ramfs', path, 'ramfs', SAFE, 'mode=0700') === null
    const give = (file: string, mode: number) => {
      if (owner.uid !== null || owner.gid !== null) chownSync(file, owner.uid ?? 0, owner.gid ?? 0)
      chmodSync(file, mode)
    }
    for (const [name, data] of credentials) {
      writeFileSync(`${path}/${name}`, data, { mode: 0o600 })
      give(`${path}/${name}`, 0o400)
    }
    give(path, 0o500)
    if (isMounted) native.mount('', path, '', MS_REMOUNT | MS_BIND | MS_RDONLY | SAFE, '')
  }

  return {
    provide(unit, exec, owner) {
      if (!hasCredentials(exec)) return ok(null)
      const collected = collectCredentials(exec, parts.received, given.get(unit))
      given.delete(unit)
      if (collected.isErr()) return err(collected.error)
      const { credentials, warnings } = collected.value
      for (const warning of warnings) parts.warn(unit, warning)
      const path = pathOf(unit)
      try {
        fill(path, credentials, owner)
        return ok(path)
      } catch (error) {
        const errno = errnoOf(error)
        const message = `cannot make the directory of credentials ${path}: ${inWords(errno)}`
        return err({ step: 'CREDENTIALS', exitStatus: EXIT.credentials, errno, message })
      }
    },
    give: (unit, answers) => void given.set(unit, answers),
    of: unit => (existsSync(pathOf(unit)) ? pathOf(unit) : null),
    remove(unit) {
      try {
        remove(pathOf(unit))
      } catch (error) {
        parts.warn(
          unit,
          `cannot remove the credentials ${pathOf(unit)}: ${inWords(errnoOf(error))}`,
        )
      }
    },
  }
}
