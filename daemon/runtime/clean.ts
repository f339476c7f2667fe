// `ctl clean`: removes what a unit has kept on disk (systemctl(1), clean).
import { lstatSync, readdirSync, renameSync } from 'node:fs'
import { rm, rmdir, unlink } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { DirectoryKind, Unit } from '../units/unit.ts'
import type { Directory } from './directories.ts'
import { errnoOf, inWords } from './failure.ts'

export type CleanParts = {
  directoriesOf: (unit: Unit, hides: boolean) => readonly Directory[]
  /** Forgets when a timer last elapsed; why it could not, or null. */
  removeStamp: (unit: Unit) => string | null
}

/**
 * Removes the unit's directories of these kinds and the links to them; of a timer with `state` its stamp. What could not be
 * removed comes back, in words. The directories are out of the way when the call returns, so that a start meanwhile makes new
 * ones; emptying them takes as long as it takes, at most TimeoutCleanSec=.
 */
export async function cleanUnit(
  unit: Unit,
  kinds: readonly DirectoryKind[],
  parts: CleanParts,
): Promise<string[]> {
  const problems: string[] = []
  const doomed: string[] = []
  const attempt = (path: string, act: () => void) => {
    try {
      act()
    } catch (error) {
      const errno = errnoOf(error)
      if (errno !== 'ENOENT') problems.push(`cannot remove ${path}: ${inWords(errno)}`)
    }
  }
  for (const { kind, full, root, path, symlinks } of [
    ...parts.directoriesOf(unit, true),
    ...parts.directoriesOf(unit, false),
  ]) {
    if (!kinds.includes(kind)) continue
    // A dynamic user's directory has a link in the place of an ordinary one.
    for (const at of [...[...symlinks, path].map(name => `${root}/${name}`), full])
      attempt(at, () => {
        if (lstatSync(at).isSymbolicLink() || at === full) doomed.push(moveAside(at))
      })
  }
  if (unit.type === 'timer' && kinds.includes('state')) {
    const problem = parts.removeStamp(unit)
    if (problem !== null) problems.push(problem)
  }
  const limit = unit.exec?.timeoutCleanUsec ?? Number.POSITIVE_INFINITY
  const deadline = Date.now() + limit / 1000
  for (const path of doomed) {
    try {
      await removeTree(path, deadline)
    } catch (error) {
      const why = error instanceof OutOfTime ? 'TimeoutCleanSec= is over' : inWords(errnoOf(error))
      problems.push(`cannot remove ${path}: ${why}`)
    }
  }
  return problems
}

/** Out of the way under another name; a mount point stays where it is. */
function moveAside(path: string): string {
  const aside = `${dirname(path)}/.${basename(path)}.${process.pid}.removed`
  try {
    renameSync(path, aside)
    return aside
  } catch (error) {
    if (errnoOf(error) === 'EBUSY') return path
    throw error
  }
}

class OutOfTime extends Error {}

/** As `rm -r`, which Node's own cannot be asked to leave off. No link is followed. */
async function removeTree(path: string, deadline: number): Promise<void> {
  if (deadline === Number.POSITIVE_INFINITY) return rm(path, { recursive: true, force: true })
  if (Date.now() > deadline) throw new OutOfTime()
  if (!lstatSync(path).isDirectory()) return unlink(path)
  for (const name of readdirSync(path)) await removeTree(`${path}/${name}`, deadline)
  return rmdir(path)
}
