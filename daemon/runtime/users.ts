// User=, Group=, SupplementaryGroups= and DynamicUser=: whom a unit's processes run as (systemd.exec(5), CREDENTIALS).
import { statSync } from 'node:fs'
import { err, ok, type Result } from 'neverthrow'
import type { ExecSettings, Unit, UnitName } from '../units/unit.ts'
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

/** systemd's range of dynamic users (systemd.exec(5), DynamicUser=). */
const DYNAMIC_FIRST = 61184
const DYNAMIC_LAST = 65519

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

/** `own`: the daemon's user and group; only root can become another. */
export function createUsers(native: Native, own: { uid: number; gid: number }): Users {
  let known = new WeakMap<Unit, Identity>()
  const dynamic = new Map<string, number>()
  let stamp = ''

  /** Names are looked up anew when the databases have changed: a package may bring its user while we run. */
  const databases = () => {
    const of = (path: string) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
    return `${of('/etc/passwd')} ${of('/etc/group')}`
  }

  const dynamicUid = (name: string): number => {
    const given = dynamic.get(name)
    if (given !== undefined) return given
    const size = DYNAMIC_LAST - DYNAMIC_FIRST + 1
    let uid = DYNAMIC_FIRST + (hash(name) % size)
    const taken = new Set(dynamic.values())
    // Where the name of an earlier unit or a real user has the number, the next is tried: files keep their owner as
    // long as the units stay the same.
    for (let tries = 0; tries < size && (taken.has(uid) || native.user(String(uid))); tries++) {
      uid = uid === DYNAMIC_LAST ? DYNAMIC_FIRST : uid + 1
    }
    dynamic.set(name, uid)
    return uid
  }

  const resolve = (unit: UnitName, exec: ExecSettings): Result<Identity, SpawnFailure> => {
    let identity: Identity = OWN_IDENTITY
    const dynamicName = exec.dynamicUser ? (exec.user ?? dynamicNameOf(unit)) : null
    if (dynamicName !== null && !native.user(dynamicName)) {
      const uid = dynamicUid(dynamicName)
      identity = { uid, gid: uid, groups: [uid], name: dynamicName, home: null, shell: null }
    } else {
      const wanted = dynamicName ?? exec.user
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
      const gid = groupId(exec.group)
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

/** A dynamic user without User= has the unit's name, as far as that can be a user's. */
const dynamicNameOf = (unit: UnitName) => {
  const name = unit.replace(/\.[^.]*$/, '')
  return /^[a-z_][\w-]{0,30}$/.test(name) ? name : `_du${hash(name).toString(16)}`
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0
  }
  return value
}

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
