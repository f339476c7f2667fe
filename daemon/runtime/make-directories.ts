// Makes a unit's directories before its first process, with their owner and mode (systemd.exec(5), RuntimeDirectory=).
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import { dirname, relative } from 'node:path'
import { err, ok, type Result } from 'neverthrow'
import { type Directory, KINDS, PRIVATE } from './directories.ts'
import { errnoOf, inWords, type SpawnFailure } from './failure.ts'
import { makeDirectory } from './make-directory.ts'

type Owner = { uid: number | null; gid: number | null }

/** Makes the unit's directories, or gives those that exist to the unit's user. */
export function makeDirectories(
  directories: readonly Directory[],
  owner: Owner,
): Result<void, SpawnFailure> {
  for (const directory of directories) {
    const { kind, path, root, full, symlinks, mode, isPrivate } = directory
    try {
      makeDirectory(root, 0o755)
      if (isPrivate) makePrivate(directory)
      else if (kind !== 'configuration') bringBack(directory)
      makeOne(isPrivate ? `${root}/${PRIVATE}` : root, path, mode, ownerOf(kind, owner))
      if (isPrivate) makeLink(root, path, full)
      for (const link of symlinks) makeLink(root, link, full)
    } catch (error) {
      const { directive, step, exitStatus } = KINDS[kind]
      const errno = errnoOf(error)
      return err({
        step,
        exitStatus,
        errno,
        message: `cannot make ${directive}=${path} at ${full}: ${inWords(errno)}`,
      })
    }
  }
  return ok(undefined)
}

const ownerOf = (kind: Directory['kind'], owner: Owner) => (kind === 'configuration' ? null : owner)

/** The place that root alone may enter; what the unit has had outside of it, before DynamicUser= was set, moves there. */
function makePrivate({ root, path, full }: Directory): void {
  makeDirectory(`${root}/${PRIVATE}`, 0o700)
  chmodSync(`${root}/${PRIVATE}`, 0o700)
  const open = `${root}/${path}`
  if (isRealDirectory(open) && !exists(full)) {
    makeDirectory(dirname(full), 0o755)
    renameSync(open, full)
  }
}

/** The other way round: the link that led into the private place gives way to what it led to. */
function bringBack({ root, path, full }: Directory): void {
  const hidden = `${root}/${PRIVATE}/${path}`
  if (!isLinkTo(full, hidden) || !isRealDirectory(hidden)) return
  unlinkSync(full)
  renameSync(hidden, full)
}

const lookAt = (path: string) => lstatSync(path, { throwIfNoEntry: false })
const exists = (path: string) => lookAt(path) !== undefined
const isRealDirectory = (path: string) => lookAt(path)?.isDirectory() ?? false
const isLinkTo = (path: string, target: string) =>
  (lookAt(path)?.isSymbolicLink() ?? false) &&
  readlinkSync(path) === relative(dirname(path), target)

/** `owner` null: a directory that exists is left as it is, and a new one is root's (ConfigurationDirectory=). */
function makeOne(
  root: string,
  path: string,
  mode: number,
  owner: { uid: number | null; gid: number | null } | null,
): void {
  const parts = path.split('/').filter(part => part !== '' && part !== '.')
  let at = root
  let made = false
  for (const [i, part] of parts.entries()) {
    at += `/${part}`
    const innermost = i === parts.length - 1
    try {
      mkdirSync(at, innermost ? mode : 0o755)
      if (!innermost) chmodSync(at, 0o755)
      made = true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      refuseForeignLink(at)
      made = false
    }
  }
  const fd = openSync(at, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    if (!made && owner === null) return
    if (owner) giveTree(fd, owner)
    // After the change of owner, which takes set-id bits away; and the umask has no say.
    if ((fstatSync(fd).mode & 0o7777) !== mode) fchmodSync(fd, mode)
  } finally {
    closeSync(fd)
  }
}

/** A link that root (or the daemon's own user) has put there is followed, as administrators move directories that way;
 * one that a service has put in its own directory might lead anywhere. */
function refuseForeignLink(path: string): void {
  const stat = lstatSync(path)
  if (!stat.isSymbolicLink() || stat.uid === 0 || stat.uid === process.geteuid?.()) return
  throw Object.assign(new Error(`ELOOP: ${path}`), { code: 'ELOOP' })
}

/** Gives the directory and, if it was somebody else's, all that is in it to the owner. Entries are reached through
 * /proc/self/fd, so that one which is swapped for a link meanwhile leads nowhere else. */
function giveTree(fd: number, owner: { uid: number | null; gid: number | null }): void {
  const stat = fstatSync(fd)
  const uid = owner.uid ?? stat.uid
  const gid = owner.gid ?? stat.gid
  if (stat.uid === uid && stat.gid === gid) return
  giveEntries(fd, uid, gid)
  fchownSync(fd, uid, gid)
}

function giveEntries(fd: number, uid: number, gid: number): void {
  const here = `/proc/self/fd/${fd}`
  for (const entry of readdirSync(here, { withFileTypes: true })) {
    const path = `${here}/${entry.name}`
    if (!entry.isDirectory()) {
      lchownSync(path, uid, gid)
      continue
    }
    let inner: number
    try {
      inner = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOENT' || errno === 'ENOTDIR' || errno === 'ELOOP') continue
      throw error
    }
    try {
      giveEntries(inner, uid, gid)
      chownSync(`/proc/self/fd/${inner}`, uid, gid)
    } finally {
      closeSync(inner)
    }
  }
}

/** `RuntimeDirectory=name:link`: the link stands beside the directory and points to it. */
function makeLink(root: string, link: string, target: string): void {
  const path = `${root}/${link}`
  mkdirSync(dirname(path), { recursive: true })
  const wanted = relative(dirname(path), target)
  try {
    symlinkSync(wanted, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (!lstatSync(path).isSymbolicLink()) throw error
    if (readlinkSync(path) === wanted) return
    unlinkSync(path)
    symlinkSync(wanted, path)
  }
}
