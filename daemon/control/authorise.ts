// Who may do what: decided by the kernel's word about the peer, never by the peer's own.
import type { ControlError, MethodName } from './schema.ts'

/** `admin` may do all, `reader` what changes nothing and tells no secret. */
export type Role = 'admin' | 'reader'
export type Peer = { uid: number; gid: number; groups: readonly number[] }
export type Policy = {
  /** The daemon's own user. */
  uid: number
  /** Members of this group may read (--control-group); null: nobody. */
  groupId: number | null
}

/** What a peer has to be to call a method. */
export const NEEDS: Readonly<Record<MethodName, Role>> = {
  version: 'reader',
  isSystemRunning: 'reader',
  jobs: 'admin',
  waitInactive: 'reader',
  listJobs: 'reader',
  cancel: 'admin',
  kill: 'admin',
  clean: 'admin',
  resetFailed: 'admin',
  status: 'reader',
  show: 'reader',
  cat: 'reader',
  listUnits: 'reader',
  listUnitFiles: 'reader',
  listTimers: 'reader',
  listPaths: 'reader',
  listSockets: 'reader',
  listDependencies: 'reader',
  isActive: 'reader',
  isEnabled: 'reader',
  verify: 'reader',
  fidelity: 'reader',
  enable: 'admin',
  disable: 'admin',
  preset: 'admin',
  mask: 'admin',
  unmask: 'admin',
  reload: 'admin',
  reexec: 'admin',
  logLevel: 'admin',
  // People put secrets into environments.
  getEnvironment: 'admin',
  setEnvironment: 'admin',
  unsetEnvironment: 'admin',
  logs: 'reader',
  history: 'reader',
  // Command lines and messages of services are in it.
  record: 'admin',
  shutdown: 'admin',
}

/** What the peer of a connection may do; null: nothing at all. */
export function authorise(peer: Peer, policy: Policy): Role | null {
  if (peer.uid === 0 || peer.uid === policy.uid) return 'admin'
  if (policy.groupId === null) return null
  return peer.gid === policy.groupId || peer.groups.includes(policy.groupId) ? 'reader' : null
}

/** Whether `role` may call `method`. */
export const permits = (role: Role, method: MethodName): boolean =>
  role === 'admin' || NEEDS[method] === 'reader'

/** The refusal of a peer that may do nothing. */
export const refusePeer = (uid: number, policy: Policy): ControlError => ({
  code: 'not-permitted',
  message: `cannot let user ${uid} control this daemon: it obeys root and user ${policy.uid} alone`,
  hint:
    policy.groupId === null
      ? 'use sudo, or start the daemon with --control-group to let a group read'
      : `use sudo, or join group ${policy.groupId} to read`,
})

/** The refusal of a method to a reader. */
export const refuseMethod = (method: MethodName): ControlError => ({
  code: 'not-permitted',
  message: `cannot let a member of the control group call ${method}: it may only read`,
  hint: 'use sudo',
})
