// What mount, swap and device units come to: the path that they are about, the commands that bring it about
// (systemd.mount(5), systemd.swap(5), systemd.device(5)).
import { shortened } from './errors.ts'
import type { ExecCommand, MountSettings, SwapSettings, Unit, UnitName } from './unit.ts'
import { escapePath, MAX_LENGTH, unescapePath } from './values/unit-name.ts'

/** The path that the name of a mount, swap, device or automount unit stands for; null: it stands for none. */
export const pathOfName = (name: UnitName): string | null =>
  unescapePath(name.slice(0, name.lastIndexOf('.'))).unwrapOr(null)

/** The mount unit of a path; null for one that is too long to have one. */
export const mountUnitOf = (path: string): UnitName | null =>
  escapePath(path).match(
    name => (name.length + '.mount'.length > MAX_LENGTH ? null : `${name}.mount`),
    () => null,
  )

/** `/`, `/a`, `/a/b` of `/a/b`. */
export function pathsAbove(path: string): string[] {
  const parts = path.split('/').filter(part => part !== '')
  return ['/', ...parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)]
}

const NETWORK =
  /^(?:nfs4?|cifs|smb3|smbfs|ncpfs|ncp|afs|9p|ceph|glusterfs|gfs2?|ocfs2|pvfs2|sshfs|fuse\.(?:sshfs|glusterfs|ceph))$/

/** Whether it takes the network (systemd.mount(5), _netdev). */
export const isNetworkMount = ({ type, options }: MountSettings): boolean =>
  (type !== null && NETWORK.test(type)) || /(?:^|,)_netdev(?:,|$)/.test(options ?? '')

const renameTo = (where: string) => {
  const name = mountUnitOf(where)
  return name === null ? 'no unit can have the name of that one' : `rename it to ${name}`
}

/** Why a mount unit of that name cannot be one; null: it can. */
export function mountProblem(name: UnitName, { what, where }: MountSettings): string | null {
  const meant = pathOfName(name)
  if (meant === null)
    return 'cannot make a path of its name: a mount unit is named after its mount point, as systemd-escape --path gives it'
  if (where !== '' && where !== meant)
    return `cannot mount at ${shortened(where)}: a unit of that name is about ${meant}; ${renameTo(where)}`
  return what === null ? 'cannot mount nothing; give it a What=' : null
}

export const swapProblem = ({ what }: SwapSettings): string | null =>
  what === null ? 'cannot swap to nothing; give it a What=' : null

const command = (...argv: readonly string[]): ExecCommand => ({
  path: argv[0] ?? '',
  argv,
  ignoreFailure: false,
  noExpand: true,
  privilege: 'full',
})

/** The command that mounts (`start`) or unmounts (`stop`), or turns swap on or off, as systemd runs it. */
export function mountCommand({ mount, swap }: Unit, exec: 'start' | 'stop'): ExecCommand | null {
  if (mount) return exec === 'start' ? mounting(mount) : unmounting(mount)
  if (!swap || swap.what === null) return null
  if (exec === 'stop') return command('/sbin/swapoff', swap.what)
  const priority = swap.priority === null || swap.priority < 0 ? [] : ['-p', String(swap.priority)]
  const options = swap.options === null ? [] : ['-o', swap.options]
  return command('/sbin/swapon', '--fixpgsz', ...priority, ...options, swap.what)
}

function mounting(mount: MountSettings): ExecCommand | null {
  const { what, where, type, options } = mount
  if (what === null) return null
  return command(
    '/bin/mount',
    what,
    where,
    ...(mount.sloppyOptions ? ['-s'] : []),
    ...(mount.readWriteOnly ? ['-w'] : []),
    ...(type === null ? [] : ['-t', type]),
    ...(options === null ? [] : ['-o', options]),
  )
}

const unmounting = ({ where, lazyUnmount, forceUnmount }: MountSettings): ExecCommand =>
  command(
    '/bin/umount',
    where,
    '-c',
    ...(lazyUnmount ? ['-l'] : []),
    ...(forceUnmount ? ['-f'] : []),
  )
