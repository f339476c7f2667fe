// The sandbox of one start of a command: its plan, and what is to be entered, for the addon (systemd.exec(5), SANDBOXING).
import { err, ok, type Result } from 'neverthrow'
import { SANDBOX_DEFAULTS } from '../../units/defaults.ts'
import { needsMountNamespace, showsOtherFiles } from '../../units/sandbox.ts'
import type { ExecSettings, SandboxSettings, Unit, UnitName, Units } from '../../units/unit.ts'
import type { Directory } from '../directories.ts'
import { EXIT, errnoOf, inWords, orShortage, type SpawnFailure } from '../failure.ts'
import type { KeptPart } from '../keep.ts'
import type { SandboxRequest } from '../native.ts'
import { sandboxEntries } from './entries.ts'
import { MS } from './flags.ts'
import { hasMountSetattr, hostLook, hostMounts, makePlaces, type SandboxPlaces } from './host.ts'
import { type NamespaceParts, namespacesOf } from './namespaces.ts'
import { encodeOperations } from './operation.ts'
import { type MountPlan, planMounts } from './plan.ts'
import { makePrivateTmp } from './private-tmp.ts'
import { createShared, type Shared } from './shared.ts'
import { resolve } from './view.ts'

export type SandboxParts = NamespaceParts & {
  units: Units
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
  /** Where the daemon finds what the unit finds at a path; null: the unit has no files of its own, and RootDirectory= takes a
   * chroot. */
  locate: MountPlan['locate'] | null
  /** A failure of the child in words; null: the sandbox has no part in it. */
  explain: (failure: SpawnFailure, operation: number) => string | null
}

export interface Sandboxes {
  /** Null: the command runs as the daemon does. */
  prepare(start: SandboxStart): Result<Prepared | null, SpawnFailure>
  /** The namespaces that what the daemon itself makes for the unit is made in, by descriptors; a sentence: why not. */
  namespaces(unit: Unit): readonly number[] | string
  /** The unit's run has ended: nothing of it is used again. */
  end(unit: UnitName): void
  /** Resolves when the private directories of ended runs are gone. */
  removed(): Promise<void>
}

export function createSandboxes(parts: SandboxParts): Sandboxes {
  const { native, abilities } = parts
  const warn = (unit: UnitName, message: string) => parts.log('warn', unit, message)
  const shared = createShared({ ...parts, warn })
  let places: SandboxPlaces | null = null
  let setsFlags: boolean | null = null

  const planFor = (
    start: SandboxStart,
    sandbox: SandboxSettings,
    own: Shared,
  ): Result<MountPlan, SpawnFailure> => {
    let what = `the directory for sandboxes, ${parts.runtimeDirectory}/sandbox`
    try {
      places ??= makePlaces(parts.runtimeDirectory)
      what = 'the directories of PrivateTmp='
      const privateTmp =
        start.isConfined && sandbox.privateTmp === 'yes'
          ? own.tmp(() => makePrivateTmp(start.invocationId, start.unit.id))
          : null
      setsFlags ??= hasMountSetattr(native)
      const look = hostLook()
      const root = start.root === null ? '/' : (resolve(start.root, look)?.path ?? start.root)
      const { credentialsRoot } = parts
      const plan = planMounts({
        entries: sandboxEntries({
          ...{
            ...start,
            sandbox,
            privateTmp,
            credentialsRoot,
            privatePids: hasPids(start, sandbox),
          },
          root: root === '/' ? null : root,
        }),
        ...{ root, ...places, look, mounts: hostMounts(), setsFlags },
      })
      if (plan.isErr()) {
        const { errno, directive, path } = plan.error
        return err(refusal(errno, inSentence(directive, path, errno)))
      }
      for (const warning of plan.value.warnings) warn(start.unit.id, warning)
      return ok(plan.value)
    } catch (error) {
      const errno = errnoOf(error)
      return err(refusal(errno, `cannot make ${what}: ${inWords(errno)}`))
    }
  }

  const hasPids = ({ isConfined }: SandboxStart, { privatePids }: SandboxSettings): boolean =>
    isConfined && privatePids && abilities['pid-namespace'] === null

  const prepare = (
    start: SandboxStart,
    sandbox: SandboxSettings,
  ): Result<Prepared | null, SpawnFailure> => {
    const { unit, exec, isConfined } = start
    const wantsMounts = (isConfined || start.root !== null) && needsMountNamespace(sandbox, exec)
    const reason = abilities['mount-namespace']
    if (wantsMounts && reason !== null && showsOtherFiles(sandbox)) {
      return err(
        refusal(
          'EPERM',
          `cannot give ${unit.id} files of its own: ${reason}; allow mounts (CAP_SYS_ADMIN), or do without BindPaths= and TemporaryFileSystem=`,
        ),
      )
    }
    const hasMounts = wantsMounts && reason === null
    const newPids = hasMounts && hasPids(start, sandbox)
    const own = shared.of(unit)
    const entered = namespacesOf(parts, sandbox, start, own, hasMounts)
    if (entered.isErr()) return err(entered.error)
    const { namespaces, unshare, userNamespace } = entered.value
    if (!hasMounts && namespaces.length === 0 && unshare === 0 && userNamespace < 0) return ok(null)
    const plan = hasMounts ? planFor(start, sandbox, own) : ok(null)
    if (plan.isErr()) return err(plan.error)
    const operations = plan.value?.operations ?? []
    return ok({
      request: {
        ...entered.value,
        newPids,
        mounts:
          hasMounts && places
            ? {
                stage: places.stage,
                operations: encodeOperations(operations),
                propagation: propagation(sandbox),
              }
            : null,
      },
      locate: plan.value?.locate ?? null,
      explain: ({ exitStatus, step, errno }, place) => {
        const operation = operations[place]
        if (operation) return inSentence(operation.directive, operation.path, errno)
        if (exitStatus === EXIT.namespace || step === 'NETWORK')
          return `cannot enter the namespaces of ${unit.id}: ${inWords(errno)}`
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
    namespaces(unit) {
      const { sandbox } = unit
      if (!sandbox || (!sandbox.privateNetwork && sandbox.networkNamespacePath === null)) return []
      const found = orShortage(() => {
        const reason = abilities['network-namespace']
        if (sandbox.privateNetwork && reason !== null)
          warn(
            unit.id,
            `PrivateNetwork= cannot be had (${reason}): its sockets are on the network of all`,
          )
        const asDaemon = { uid: null, gid: null, isConfined: false }
        return namespacesOf(parts, sandbox, asDaemon, shared.of(unit), false)
      })
      return found.match(
        ({ namespaces }) => namespaces.map(({ fd }) => fd),
        ({ message }) => message,
      )
    },
    end: shared.end,
    removed: shared.removed,
  }
}

const refusal = (errno: string, message: string): SpawnFailure => ({
  exitStatus: EXIT.namespace,
  step: 'NAMESPACE',
  errno,
  message,
})

const propagation = ({ mountFlags }: SandboxSettings): number =>
  mountFlags === 'slave' ? 0 : mountFlags === 'private' ? MS.PRIVATE : MS.SHARED

const inSentence = (directive: string, path: string, errno: string) => {
  const where = directive.endsWith(`=${path}`) ? directive : `${directive} (${path})`
  const mend = errno === 'ENOENT' ? '; make it, or write - before the path' : ''
  return `cannot set up ${where}: ${inWords(errno)}${mend}`
}
