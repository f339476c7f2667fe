// The namespaces of a sandbox beside that of mounts: network, IPC, host name, users (systemd.exec(5), SANDBOXING).
import { openSync } from 'node:fs'
import { err, ok, type Result } from 'neverthrow'
import type { Abilities, Need } from '../../units/directives/need.ts'
import type { SandboxSettings } from '../../units/unit.ts'
import { EXIT, errnoOf, inWords, type SpawnFailure } from '../failure.ts'
import type { Native, SandboxRequest } from '../native.ts'
import type { Shared } from './shared.ts'

export type NamespaceRequest = Pick<SandboxRequest, 'namespaces' | 'unshare' | 'userNamespace'>

export type NamespaceParts = {
  native: Native
  abilities: Abilities
  /** An ordinary user: other namespaces can be had inside a user namespace alone. */
  isOrdinary: boolean
}

const CLONE_NEWUTS = 0x04000000

export type NamespaceUser = {
  /** Who the unit's processes are; null: as the daemon. */
  uid: number | null
  gid: number | null
  /** False for a command with `+`: it is in the network of the others, but its user and the host's name are the daemon's. */
  isConfined: boolean
}

/**
 * What a command of the unit enters, kept for the run by `own`. `mounts`: whether it gets a mount namespace besides. What
 * cannot be had here is left out; guard.ts tells. A namespace that is named by its path is not done without: the unit
 * is not to be on the host's network.
 */
export function namespacesOf(
  { native, abilities, isOrdinary }: NamespaceParts,
  sandbox: SandboxSettings,
  user: NamespaceUser,
  own: Shared,
  mounts: boolean,
): Result<NamespaceRequest, SpawnFailure> {
  const can = (need: Need): boolean => abilities[need] === null
  const wanted = kindsOf(sandbox).filter(
    ({ path, need, isWanted }) => path !== null || (isWanted && can(need)),
  )
  const { isConfined } = user
  const unshare = isConfined && sandbox.protectHostname && can('uts-namespace') ? CLONE_NEWUTS : 0
  const hasUsers = isConfined && sandbox.privateUsers !== 'no' && can('user-namespace')
  const usersFirst = isOrdinary && (hasUsers || mounts || unshare !== 0 || wanted.length > 0)
  let current = USERS
  try {
    const users = hasUsers || usersFirst ? userNamespace(native, sandbox, user, own) : -1
    const namespaces = usersFirst ? [{ fd: users, ...USERS }] : []
    for (const { kind, path, ...told } of wanted) {
      current = told
      const make = () =>
        path === null ? native.makeNamespace(kind, usersFirst ? users : -1) : openSync(path, 'r')
      const { name, step, exitStatus } = told
      namespaces.push({ fd: own.namespace(kind, make), name, step, exitStatus })
    }
    return ok({ namespaces, unshare, userNamespace: usersFirst ? -1 : users })
  } catch (error) {
    const errno = errnoOf(error)
    const { name, step, exitStatus } = current
    return err({ exitStatus, step, errno, message: `cannot set up ${name}: ${inWords(errno)}` })
  }
}

const USERS = { name: 'PrivateUsers=', step: 'USER', exitStatus: EXIT.user as number }

function kindsOf({
  privateNetwork,
  networkNamespacePath: net,
  privateIpc,
  ipcNamespacePath: ipc,
}: SandboxSettings) {
  return [
    {
      kind: 'net' as const,
      need: 'network-namespace' as const,
      isWanted: privateNetwork,
      path: net,
      name: net === null ? 'PrivateNetwork=' : `NetworkNamespacePath=${net}`,
      step: 'NETWORK',
      exitStatus: EXIT.network as number,
    },
    {
      kind: 'ipc' as const,
      need: 'ipc-namespace' as const,
      isWanted: privateIpc,
      path: ipc,
      name: ipc === null ? 'PrivateIPC=' : `IPCNamespacePath=${ipc}`,
      step: 'NAMESPACE',
      exitStatus: EXIT.namespace as number,
    },
  ]
}

/** Units that share the rest share this one too where they are the same user. */
function userNamespace(
  native: Native,
  { privateUsers }: SandboxSettings,
  { uid, gid }: NamespaceUser,
  own: Shared,
): number {
  const isRoot = process.geteuid?.() === 0
  const uids = idMap(isRoot, privateUsers, uid ?? process.geteuid?.() ?? 0)
  const gids = idMap(isRoot, privateUsers, gid ?? process.getegid?.() ?? 0)
  return own.namespace(`user ${uids} ${gids}`, () => native.makeUserNamespace(uids, gids, isRoot))
}

/** Root (for those who may map it) and the unit's own id are themselves, all others are nobody. */
function idMap(isRoot: boolean, privateUsers: SandboxSettings['privateUsers'], id: number): string {
  if (!isRoot) return `${id} ${id} 1\n`
  if (privateUsers === 'identity') return '0 0 65536\n'
  return id === 0 ? '0 0 1\n' : `0 0 1\n${id} ${id} 1\n`
}
