// The sandbox of one start of a command: its plan, and what is to be entered, for the addon (systemd.exec(5), SANDBOXING).
import { openSync } from 'node:fs'
import { err, ok, type Result } from 'neverthrow'
import { SANDBOX_DEFAULTS } from '../../units/defaults.ts'
import type { Abilities, Need } from '../../units/directives/need.ts'
import { needsMountNamespace, showsOtherFiles } from '../../units/sandbox.ts'
import type { ExecSettings, SandboxSettings, Unit, UnitName, Units } from '../../units/unit.ts'
import type { Directory } from '../directories.ts'
import { EXIT, errnoOf, inWords, type SpawnFailure } from '../failure.ts'
import type { KeptPart } from '../keep.ts'
import type { Native, SandboxRequest } from '../native.ts'
import { sandboxEntries } from './entries.ts'
import { MS } from './flags.ts'
import { hasMountSetattr, hostLook, hostMounts, makePlaces, type SandboxPlaces } from './host.ts'
import { encodeOperations, type Operation } from './operation.ts'
import { planMounts } from './plan.ts'
import { makePrivateTmp, type PrivateTmp } from './private-tmp.ts'
import { createShared, type Shared } from './shared.ts'
import { resolve } from './view.ts'

export type SandboxParts = {
  native: Native
  units: Units
  abilities: Abilities
  /** Where the units' credentials are. */
  credentialsRoot: string
  /** Where the daemon has its sockets; sandboxes are put together in a directory of it. */
  runtimeDirectory: string
  keep: KeptPart | null
  log: (level: 'warn', unit: UnitName, message: string) => void
}

export type SandboxStart = {
  unit: Unit
  exec: ExecSettings
  invocationId: string
  /** False for a command with `+`. */
  isConfined: boolean
  /** RootDirectory=, where it holds for the command. */
  root: string | null
  notifySocket: string | null
  /** Who the unit's processes are; null: as the daemon. */
  uid: number | null
  gid: number | null
  /** The unit's RuntimeDirectory= and the like. */
  directories: readonly Directory[]
  /** The directory of the unit's credentials; null: it has none. */
  credentials: string | null
}

export type Prepared = {
  request: SandboxRequest
  /** Whether the root directory is changed by it: no chroot is needed. */
  changesRoot: boolean
  /** A failure of the child in words; null: the sandbox has no part in it. */
  explain: (failure: SpawnFailure, operation: number) => string | null
}

export interface Sandboxes {
  /** Null: the command runs as the daemon does. */
  prepare(start: SandboxStart): Result<Prepared | null, SpawnFailure>
  /** The unit's run has ended: nothing of it is used again. */
  end(unit: UnitName): void
  /** Resolves when the private directories of ended runs are gone. */
  removed(): Promise<void>
}

const CLONE_NEWUTS = 0x04000000

const failure = (
  exitStatus: number,
  step: string,
  errno: string,
  message: string,
): SpawnFailure => ({ exitStatus, step, errno, message })

export function createSandboxes(parts: SandboxParts): Sandboxes {
  const { native, abilities } = parts
  const shared = createShared({
    ...parts,
    warn: (unit, message) => parts.log('warn', unit, message),
  })
  let places: SandboxPlaces | null = null
  let setsFlags: boolean | null = null

  /** What cannot be had here is left out; guard.ts tells. */
  const can = (need: Need): boolean => abilities[need] === null

  const namespaces = (
    sandbox: SandboxSettings,
    own: Shared,
  ): Result<SandboxRequest['namespaces'], SpawnFailure> => {
    const found: SandboxRequest['namespaces'][number][] = []
    for (const { kind, need, isWanted, path, exitStatus, step } of kinds(sandbox)) {
      const name = path === null ? NAMES[kind] : `${PATH_NAMES[kind]}=${path}`
      // A namespace that is named is not done without: the unit is not to be on the host's network.
      if (path === null && !(isWanted && can(need))) continue
      try {
        const fd = own.namespace(kind, () =>
          path === null ? native.makeNamespace(kind, -1) : openSync(path, 'r'),
        )
        found.push({ fd, step, exitStatus })
      } catch (error) {
        const errno = errnoOf(error)
        return err(failure(exitStatus, step, errno, `cannot set up ${name}: ${inWords(errno)}`))
      }
    }
    return ok(found)
  }

  /** -1: none. */
  const userNamespace = (
    start: SandboxStart,
    { privateUsers }: SandboxSettings,
    own: Shared,
  ): Result<number, SpawnFailure> => {
    if (privateUsers === 'no' || !can('user-namespace')) return ok(-1)
    try {
      const uids = idMap(privateUsers, start.uid ?? process.geteuid?.() ?? 0)
      const gids = idMap(privateUsers, start.gid ?? process.getegid?.() ?? 0)
      const make = () => native.makeUserNamespace(uids, gids, process.geteuid?.() === 0)
      // Units that share the rest share this one too where they are the same user.
      return ok(own.namespace(`user ${uids} ${gids}`, make))
    } catch (error) {
      const errno = errnoOf(error)
      const message = `cannot set up PrivateUsers=: ${inWords(errno)}`
      return err(failure(EXIT.user, 'USER', errno, message))
    }
  }

  const mounts = (
    start: SandboxStart,
    sandbox: SandboxSettings,
    privateTmp: PrivateTmp | null,
  ): Result<{ operations: readonly Operation[]; stage: string }, SpawnFailure> => {
    try {
      places ??= makePlaces(parts.runtimeDirectory)
    } catch (error) {
      const errno = errnoOf(error)
      const where = `${parts.runtimeDirectory}/sandbox`
      return err(
        failure(EXIT.namespace, 'NAMESPACE', errno, `cannot make ${where}: ${inWords(errno)}`),
      )
    }
    setsFlags ??= hasMountSetattr(native)
    const look = hostLook()
    const root = start.root === null ? '/' : (resolve(start.root, look)?.path ?? start.root)
    const plan = planMounts({
      entries: sandboxEntries({
        ...start,
        credentialsRoot: parts.credentialsRoot,
        sandbox,
        privateTmp,
        root: root === '/' ? null : root,
      }),
      root,
      ...places,
      look,
      mounts: hostMounts(),
      setsFlags,
    })
    if (plan.isErr()) {
      const { errno, directive, path } = plan.error
      return err(failure(EXIT.namespace, 'NAMESPACE', errno, inSentence(directive, path, errno)))
    }
    for (const warning of plan.value.warnings) parts.log('warn', start.unit.id, warning)
    return ok({ operations: plan.value.operations, stage: places.stage })
  }

  const prepare = (
    start: SandboxStart,
    sandbox: SandboxSettings,
  ): Result<Prepared | null, SpawnFailure> => {
    const { unit, exec, isConfined } = start
    const own = shared.of(unit)
    const joined = isConfined ? namespaces(sandbox, own) : ok([])
    if (joined.isErr()) return err(joined.error)
    const unshare = isConfined && sandbox.protectHostname && can('uts-namespace') ? CLONE_NEWUTS : 0
    let made: { operations: readonly Operation[]; stage: string } | null = null
    if ((isConfined || start.root !== null) && needsMountNamespace(sandbox, exec)) {
      const refused = abilities['mount-namespace']
      if (refused !== null && showsOtherFiles(sandbox)) {
        return err(
          failure(
            EXIT.namespace,
            'NAMESPACE',
            'EPERM',
            `cannot give ${unit.id} a file system of its own: ${refused}; allow it (CAP_SYS_ADMIN), or do without BindPaths= and TemporaryFileSystem=`,
          ),
        )
      }
      if (can('mount-namespace')) {
        try {
          const privateTmp =
            isConfined && sandbox.privateTmp === 'yes'
              ? own.tmp(() => makePrivateTmp(start.invocationId, unit.id))
              : null
          const planned = mounts(start, sandbox, privateTmp)
          if (planned.isErr()) return err(planned.error)
          made = planned.value
        } catch (error) {
          const errno = errnoOf(error)
          const message = `cannot make the directories of PrivateTmp=: ${inWords(errno)}`
          return err(failure(EXIT.namespace, 'NAMESPACE', errno, message))
        }
      }
    }
    const users = isConfined ? userNamespace(start, sandbox, own) : ok(-1)
    if (users.isErr()) return err(users.error)
    if (joined.value.length === 0 && unshare === 0 && made === null && users.value < 0)
      return ok(null)
    const operations = made?.operations ?? []
    return ok({
      request: {
        namespaces: joined.value,
        unshare,
        mounts: made && {
          stage: made.stage,
          operations: encodeOperations(operations),
          propagation: propagation(sandbox),
        },
        userNamespace: users.value,
      },
      changesRoot: made !== null,
      explain: ({ exitStatus, step, errno }, place) => {
        const operation = operations[place]
        if (operation) return inSentence(operation.directive, operation.path, errno)
        if (exitStatus === EXIT.namespace || step === 'NETWORK')
          return `cannot enter the unit's namespaces: ${inWords(errno)}`
        return null
      },
    })
  }

  return {
    prepare(start) {
      const sandbox = start.unit.sandbox ?? SANDBOX_DEFAULTS
      if (sandbox === SANDBOX_DEFAULTS && start.root === null) return ok(null)
      return prepare(start, sandbox)
    },
    end: shared.end,
    removed: shared.removed,
  }
}

/** Root (for those who may map it) and the unit's own id are themselves, all others are nobody. */
function idMap(privateUsers: SandboxSettings['privateUsers'], id: number): string {
  if (process.geteuid?.() !== 0) return `${id} ${id} 1\n`
  if (privateUsers === 'identity') return '0 0 65536\n'
  return id === 0 ? '0 0 1\n' : `0 0 1\n${id} ${id} 1\n`
}

const NAMES: Readonly<Record<'net' | 'ipc', string>> = {
  net: 'PrivateNetwork=',
  ipc: 'PrivateIPC=',
}
const PATH_NAMES: Readonly<Record<'net' | 'ipc', string>> = {
  net: 'NetworkNamespacePath',
  ipc: 'IPCNamespacePath',
}

const kinds = (sandbox: SandboxSettings) =>
  [
    {
      kind: 'net',
      need: 'network-namespace',
      isWanted: sandbox.privateNetwork,
      path: sandbox.networkNamespacePath,
      step: 'NETWORK',
      exitStatus: EXIT.network,
    },
    {
      kind: 'ipc',
      need: 'ipc-namespace',
      isWanted: sandbox.privateIpc,
      path: sandbox.ipcNamespacePath,
      step: 'NAMESPACE',
      exitStatus: EXIT.namespace,
    },
  ] as const

const propagation = ({ mountFlags }: SandboxSettings): number =>
  mountFlags === 'slave' ? 0 : mountFlags === 'private' ? MS.PRIVATE : MS.SHARED

const inSentence = (directive: string, path: string, errno: string) => {
  const where = directive.endsWith(`=${path}`) ? directive : `${directive} (${path})`
  const mend = errno === 'ENOENT' ? '; make it, or write - before the path' : ''
  return `cannot set up ${where}: ${inWords(errno)}${mend}`
}
