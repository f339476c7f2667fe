// User=, Group=, SupplementaryGroups= and DynamicUser=: whom a unit's processes run as (systemd.exec(5), CREDENTIALS).
import { statSync } from 'node:fs'
import { err, ok, type Result } from 'neverthrow'
import type { ExecSettings, Unit, UnitName } from '../units/unit.ts'
import { createDynamicUsers, dynamicName } from './dynamic-users.ts'
import { EXIT, type SpawnFailure } from './failure.ts'
import type { Native } from './native.ts'

export type Identity = {
  /** Null: the daemon's own, nothing is changed. */
  uid: number | null
  gid: number | null
  groups: readonly number[] | null
  /** Set with User= only, as the environment variables made of them. */
  name: string | null
  home: string | null
  shell: string | null
}

export const OWN_IDENTITY: Identity = {
  uid: null,
  gid: null,
  groups: null,
  name: null,
  home: null,
  shell: null,
}

const NOLOGIN = '/usr/sbin/nologin'
const NO_LOGIN = new Set(
  ['', '/usr'].flatMap(at => [
    `${at}/bin/nologin`,
    `${at}/sbin/nologin`,
    `${at}/bin/false`,
    `${at}/bin/true`,
  ]),
)

export interface Users {
  /** Whom the unit's processes run as, at this moment. */
  identity(unit: Unit, exec: ExecSettings): Result<Identity, SpawnFailure>
  /** The home directory of the daemon's own user, for `WorkingDirectory=~` without User=. */
  ownHome(): string | null
}

export type UserParts = {
  native: Native
  /** The daemon's user and group; only root can become another. */
  own: { uid: number; gid: number }
  /** Where the numbers of dynamic users are written down; null: nowhere. */
  dynamicDirectory: string | null
  /** Who owns the unit's directories already. */
  ownersOf: (exec: ExecSettings) => readonly number[]
}

export function createUsers({ native, own, dynamicDirectory, ownersOf }: UserParts): Users {
  let known = new WeakMap<Unit, Identity>()
  const dynamic = createDynamicUsers(
    dynamicDirectory,
    id => native.user(String(id)) !== null || native.group(String(id)) !== null,
  )
  let stamp = ''

  /** Names are looked up anew when the databases have changed: a package may bring its user while we run. */
  const databases = () => {
    const of = (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
    return `${of('/etc/passwd')} ${of('/etc/group')}`
  }

  const resolve = (unit: UnitName, exec: ExecSettings): Result<Identity, SpawnFailure> => {
    let identity: Identity = OWN_IDENTITY
    const name = exec.dynamicUser ? (exec.user ?? dynamicName(unit)) : null
    if (name !== null && !native.user(name)) {
      const uid = dynamic.id(name, ownersOf(exec))
      if (uid === null) return err(noneFree(name))
      // What nss-systemd would tell of it to a process that asks for its home.
      identity = { uid, gid: uid, groups: [uid], name, home: '/', shell: NOLOGIN }
    } else {
      const wanted = name ?? exec.user
      if (wanted !== null) {
        const user = native.user(wanted)
        if (user === null && !/^\d+$/.test(wanted)) return err(noUser(wanted))
        const uid = user?.uid ?? Number(wanted)
        const gid = user?.gid ?? uid
        identity = {
          uid,
          gid,
          groups: user ? native.groupsOf(user.name, gid) : [gid],
          name: user?.name ?? wanted,
          home: user && isHome(user.home) ? user.home : null,
          shell: user && isLoginShell(user.shell) ? user.shell : null,
        }
      }
    }
    if (exec.group !== null) {
      const gid = groupId(exec.group) ?? (exec.dynamicUser ? dynamic.id(exec.group, []) : null)
      if (gid === null) return err(noGroup('Group', exec.group))
      // The groups that the user has by its own primary group stay out: Group= takes that one's place.
      const groups =
        identity.uid === null || identity.name === null || identity.gid === gid
          ? [gid]
          : native.user(identity.name)
            ? native.groupsOf(identity.name, gid)
            : [gid]
      identity = { ...identity, gid, groups }
    }
    for (const name of exec.supplementaryGroups) {
      const gid = groupId(name)
      if (gid === null) return err(noGroup('SupplementaryGroups', name))
      const groups = identity.groups ?? [own.gid]
      if (!groups.includes(gid)) identity = { ...identity, groups: [...groups, gid] }
    }
    return own.uid === 0 ? ok(identity) : asOwn(identity)
  }

  /** The daemon's own user by name, for SetLoginEnvironment=yes without User=. */
  const ownLogin = (): Identity => {
    const user = native.user(String(own.uid))
    return {
      ...OWN_IDENTITY,
      name: user?.name ?? null,
      home: user?.home ?? null,
      shell: user?.shell ?? null,
    }
  }

  const groupId = (name: string): number | null =>
    native.group(name)?.gid ?? (/^\d+$/.test(name) ? Number(name) : null)

  /** What an ordinary user can have: itself. */
  const asOwn = (identity: Identity): Result<Identity, SpawnFailure> => {
    if (identity.uid !== null && identity.uid !== own.uid) {
      return err({
        step: 'USER',
        exitStatus: EXIT.user,
        errno: 'EPERM',
        message: `cannot run as User=${identity.name}: the daemon is not root; leave User= out or run hearth as root`,
      })
    }
    if (identity.uid === null && identity.gid !== null && identity.gid !== own.gid) {
      return err({
        step: 'GROUP',
        exitStatus: EXIT.group,
        errno: 'EPERM',
        message: `cannot run with Group= of number ${identity.gid}: the daemon is not root; leave Group= out or run hearth as root`,
      })
    }
    return ok({ ...identity, uid: null, gid: null, groups: null })
  }

  return {
    identity(unit, exec) {
      const plain =
        exec.user === null &&
        exec.group === null &&
        exec.supplementaryGroups.length === 0 &&
        !exec.dynamicUser
      if (plain) return ok(exec.setLoginEnvironment ? ownLogin() : OWN_IDENTITY)
      const now = databases()
      if (now !== stamp) {
        known = new WeakMap()
        stamp = now
      }
      const before = known.get(unit)
      if (before) return ok(before)
      const resolved = resolve(unit.id, exec)
      if (resolved.isOk()) known.set(unit, resolved.value)
      return resolved
    },
    ownHome() {
      // As get_home_dir() of systemd: the variable first.
      const told = process.env.HOME
      return told?.startsWith('/') ? told : (native.user(String(own.uid))?.home ?? null)
    },
  }
}

const isHome = (path: string) => path.startsWith('/') && path !== '/'
const isLoginShell = (path: string) => path !== '' && !NO_LOGIN.has(path)

const noneFree = (name: string): SpawnFailure => ({
  step: 'USER',
  exitStatus: EXIT.user,
  errno: 'EBUSY',
  message: `cannot run as the dynamic user ${name}: all their numbers are taken; give some units a User= of their own`,
})

const noUser = (name: string): SpawnFailure => ({
  step: 'USER',
  exitStatus: EXIT.user,
  errno: 'ESRCH',
  message: `cannot run as User=${name}: there is no such user; create it or correct User=`,
})

const noGroup = (directive: string, name: string): SpawnFailure => ({
  step: 'GROUP',
  exitStatus: EXIT.group,
  errno: 'ESRCH',
  message: `cannot run with ${directive}=${name}: there is no such group; create it or correct ${directive}=`,
})
