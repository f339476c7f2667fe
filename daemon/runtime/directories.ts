// RuntimeDirectory= and its like: made before a unit's first process, with its owner and mode (systemd.exec(5), SANDBOXING).
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
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import { dirname, relative } from 'node:path'
import { err, ok, type Result } from 'neverthrow'
import type { DirectoryKind, ExecSettings } from '../units/unit.ts'
import { EXIT, errnoOf, inWords, type SpawnFailure } from './failure.ts'

/** Where directories of each kind lie. */
export type DirectoryRoots = Readonly<Record<DirectoryKind, string>>

type KindFacts = { directive: string; variable: string; step: string; exitStatus: number }

const KINDS: Readonly<Record<DirectoryKind, KindFacts>> = {
  runtime: facts('RuntimeDirectory', 'RUNTIME_DIRECTORY', EXIT.runtimeDirectory),
  state: facts('StateDirectory', 'STATE_DIRECTORY', EXIT.stateDirectory),
  cache: facts('CacheDirectory', 'CACHE_DIRECTORY', EXIT.cacheDirectory),
  logs: facts('LogsDirectory', 'LOGS_DIRECTORY', EXIT.logsDirectory),
  configuration: facts(
    'ConfigurationDirectory',
    'CONFIGURATION_DIRECTORY',
    EXIT.configurationDirectory,
  ),
}
const ORDER = Object.keys(KINDS) as DirectoryKind[]

function facts(directive: string, variable: string, exitStatus: number): KindFacts {
  return { directive, variable, exitStatus, step: variable }
}

/** The system's places, or a user's own as the XDG base directory specification gives them. */
export function directoryRoots(
  isRoot: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): DirectoryRoots {
  if (isRoot) {
    return {
      runtime: '/run',
      state: '/var/lib',
      cache: '/var/cache',
      logs: '/var/log',
      configuration: '/etc',
    }
  }
  const home = environment.HOME ?? '/'
  const state = environment.XDG_STATE_HOME ?? `${home}/.local/state`
  return {
    runtime: environment.XDG_RUNTIME_DIR ?? `/tmp/hearth-${process.geteuid?.() ?? 0}`,
    state,
    cache: environment.XDG_CACHE_HOME ?? `${home}/.cache`,
    logs: `${state}/log`,
    configuration: environment.XDG_CONFIG_HOME ?? `${home}/.config`,
  }
}

export const hasDirectories = (exec: ExecSettings) => ORDER.some(kind => exec.directories[kind])

/** `RUNTIME_DIRECTORY=/run/a:/run/b` and so on, for the kinds that the unit sets. */
export function directoryVariables(exec: ExecSettings, roots: DirectoryRoots): string[] {
  return ORDER.flatMap(kind => {
    const paths = exec.directories[kind]?.paths ?? []
    if (paths.length === 0) return []
    return [
      `${KINDS[kind].variable}=${paths.map(({ path }) => `${roots[kind]}/${path}`).join(':')}`,
    ]
  })
}

/** Makes the unit's directories, or gives those that exist to the unit's user. */
export function makeDirectories(
  exec: ExecSettings,
  roots: DirectoryRoots,
  owner: { uid: number | null; gid: number | null },
): Result<void, SpawnFailure> {
  for (const kind of ORDER) {
    const settings = exec.directories[kind]
    for (const { path, symlinks } of settings?.paths ?? []) {
      const full = `${roots[kind]}/${path}`
      try {
        makeOne(roots[kind], path, settings?.mode ?? 0o755, kind === 'configuration' ? null : owner)
        for (const link of symlinks) makeLink(roots[kind], link, full)
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
  }
  return ok(undefined)
}

/** Whether the unit's runtime directories go now (RuntimeDirectoryPreserve=). */
export const goesWithTheUnit = (exec: ExecSettings, restarting: boolean) =>
  exec.runtimeDirectoryPreserve === 'no' ||
  (exec.runtimeDirectoryPreserve === 'restart' && !restarting)

/** Removes the runtime directories, the innermost of each path alone, and the links to them. The messages of what could
 * not be removed come back: nothing depends on it. */
export function removeRuntimeDirectories(exec: ExecSettings, roots: DirectoryRoots): string[] {
  const problems: string[] = []
  for (const { path, symlinks } of exec.directories.runtime?.paths ?? []) {
    for (const at of [...symlinks, path]) {
      const full = `${roots.runtime}/${at}`
      try {
        // A link is removed itself, what it points to is not ours.
        rmSync(full, { recursive: true, force: true })
      } catch (error) {
        problems.push(
          `cannot remove RuntimeDirectory=${path} at ${full}: ${inWords(errnoOf(error))}`,
        )
      }
    }
  }
  return problems
}

/** `owner` null: a directory that exists is left as it is, and a new one is root's (ConfigurationDirectory=). */
function makeOne(
  root: string,
  path: string,
  mode: number,
  owner: { uid: number | null; gid: number | null } | null,
): void {
  mkdirSync(root, { recursive: true })
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
