// The host's file system as the sandbox's plan needs it.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  writeFileSync,
} from 'node:fs'
import type { Native } from '../native.ts'
import type { Look, Node } from './view.ts'

/** Looks once at each path: made anew for each plan. */
export function hostLook(): Look {
  const seen = new Map<string, Node | null>()
  return path => {
    const known = seen.get(path)
    if (known !== undefined) return known
    const node = lookAt(path)
    seen.set(path, node)
    return node
  }
}

function lookAt(path: string): Node | null {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (!stat) return null
    if (stat.isSymbolicLink()) return { kind: 'link', target: readlinkSync(path) }
    return { kind: stat.isDirectory() ? 'directory' : 'file' }
  } catch {
    // What even the daemon cannot look at is not there for it.
    return null
  }
}

/** The mount points, the innermost last where one hides another; made once. */
export function hostMounts(): () => readonly string[] {
  let found: readonly string[] | null = null
  return () => {
    found ??= mountPoints(readFileSync('/proc/self/mountinfo', 'utf8'))
    return found
  }
}

/** proc_pid_mountinfo(5): the fifth field, with octal escapes for white space. */
export const mountPoints = (mountinfo: string): string[] =>
  mountinfo
    .split('\n')
    .filter(line => line !== '')
    .map(line =>
      (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    )

export type SandboxPlaces = { stage: string; inaccessible: string }

/** Makes, under the daemon's runtime directory, the places that sandboxes need. Throws an errno error. */
export function makePlaces(runtimeDirectory: string): SandboxPlaces {
  const stage = `${runtimeDirectory}/sandbox/root`
  const inaccessible = `${runtimeDirectory}/sandbox/inaccessible`
  for (const path of [stage, inaccessible]) mkdirSync(path, { recursive: true, mode: 0o700 })
  if (!existsSync(`${inaccessible}/directory`)) mkdirSync(`${inaccessible}/directory`, 0)
  if (!existsSync(`${inaccessible}/file`)) writeFileSync(`${inaccessible}/file`, '', { mode: 0 })
  return { stage: realpathSync(stage), inaccessible: realpathSync(inaccessible) }
}

const AT_FDCWD = -100

/** Whether mount_setattr is there: without attributes to read it says that their size is wrong. */
export const hasMountSetattr = (native: Native): boolean =>
  native.attempt([
    { call: 'mount_setattr', args: [AT_FDCWD, '/', 0, 0, 0], ignore: ['EINVAL'] },
  ]) === null
