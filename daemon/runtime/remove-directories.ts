// What becomes of a unit's directories when it is down (systemd.exec(5), RuntimeDirectoryPreserve=).
import { rmSync } from 'node:fs'
import type { ExecSettings } from '../units/unit.ts'
import type { Directory } from './directories.ts'
import { errnoOf, inWords } from './failure.ts'

/** Whether the unit's runtime directories go now (RuntimeDirectoryPreserve=). */
export const goesWithTheUnit = (exec: ExecSettings, restarting: boolean) =>
  exec.runtimeDirectoryPreserve === 'no' ||
  (exec.runtimeDirectoryPreserve === 'restart' && !restarting)

/** Removes the runtime directories, the innermost of each path alone, and the links to them. The messages of what could
 * not be removed come back: nothing depends on it. */
export function removeRuntimeDirectories(directories: readonly Directory[]): string[] {
  const problems: string[] = []
  for (const { kind, path, full, root, symlinks, isPrivate } of directories) {
    if (kind !== 'runtime') continue
    const links = [...symlinks, ...(isPrivate ? [path] : [])].map(link => `${root}/${link}`)
    for (const at of [...links, full]) {
      try {
        // A link is removed itself, what it points to is not ours.
        rmSync(at, { recursive: true, force: true })
      } catch (error) {
        problems.push(`cannot remove RuntimeDirectory=${path} at ${at}: ${inWords(errnoOf(error))}`)
      }
    }
  }
  return problems
}
