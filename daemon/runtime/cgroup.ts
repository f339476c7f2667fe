// A cgroup v2 directory per unit, where a writable tree is: its process list is exact and cgroup.kill takes a tree at once.
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import type { UnitName } from '../units/unit.ts'
import { readStat } from './procfs.ts'

export interface Cgroups {
  readonly root: string
  /** Makes the unit's directory; gives a descriptor to start processes in, which the caller closes. -1: it could not be made. */
  enter(unit: UnitName): number
  has(unit: UnitName): boolean
  pids(unit: UnitName): number[]
  unitOf(pid: number): UnitName | null
  /** Kills every process in it (cgroups(7), cgroup.kill); false where the kernel has no such file (before 5.14). */
  kill(unit: UnitName): boolean
  remove(unit: UnitName): void
  /** Removes the whole tree; at the end. */
  close(): void
}

/** A file name for a unit's directory: unit names never hold a slash, but may begin like a kernel file (`cgroup.`). */
const directoryOf = (unit: UnitName) =>
  unit.startsWith('cgroup.') || unit.startsWith('_') || unit.startsWith('.') ? `_${unit}` : unit

/** The mount point of the cgroup2 file system and our own place in it, or null. */
function ownDirectory(): string | null {
  try {
    const line = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map(text => text.split(' '))
      .find(fields => fields[2] === 'cgroup2')
    const path = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1]
    if (!line?.[1] || path === undefined || path.startsWith('/..')) return null
    return `${line[1]}${path === '/' ? '' : path}`
  } catch {
    return null
  }
}

/**
 * A name that no other daemon has, the same as long as the process lives. Containers may share a cgroup tree, and each
 * has a PID 1: the pid alone would give the services of one to the other.
 */
function ownName(): string | null {
  try {
    const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0]
    return `hearth-${namespace}-${process.pid}-${readStat(process.pid)?.startTicks}.scope`
  } catch {
    return null
  }
}

/** Cgroups under a directory of this daemon's own, or null where none can be made. Tried, not guessed. */
export function openCgroups(): Cgroups | null {
  const own = ownDirectory()
  const name = ownName()
  if (own === null || name === null) return null
  const root = `${own}/${name}`
  try {
    mkdirSync(root, { recursive: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return null
  }
  const made = new Set<UnitName>()
  const path = (unit: UnitName) => `${root}/${directoryOf(unit)}`
  const read = (file: string) => {
    try {
      return readFileSync(file, 'latin1')
    } catch {
      return ''
    }
  }
  const removeDirectory = (directory: string) => {
    try {
      rmdirSync(directory)
    } catch {
      // Busy: a process is in it, left behind on purpose (KillMode=process). It goes when the tree goes.
    }
  }
  return {
    root,
    enter(unit) {
      try {
        mkdirSync(path(unit), { recursive: true })
        made.add(unit)
        return openSync(path(unit), constants.O_RDONLY | constants.O_DIRECTORY)
      } catch {
        return -1
      }
    },
    has: unit => made.has(unit),
    pids: unit =>
      read(`${path(unit)}/cgroup.procs`)
        .split('\n')
        .map(Number)
        // 0 is a process that our PID namespace does not show; to kill(2) it would be our own process group.
        .filter(pid => pid > 0),
    unitOf(pid) {
      const place = /^0::(.*)$/m.exec(read(`/proc/${pid}/cgroup`))?.[1] ?? ''
      const at = place.indexOf(`/${name}/`)
      if (at < 0) return null
      const directory = place.slice(at + 1).split('/')[1] ?? ''
      for (const unit of made) if (directoryOf(unit) === directory) return unit
      return null
    },
    kill(unit) {
      try {
        writeFileSync(`${path(unit)}/cgroup.kill`, '1')
        return true
      } catch {
        return false
      }
    },
    remove(unit) {
      if (made.delete(unit)) removeDirectory(path(unit))
    },
    close() {
      for (const unit of made) removeDirectory(path(unit))
      removeDirectory(root)
    },
  }
}

export const closeQuietly = (fd: number) => {
  if (fd >= 0) closeSync(fd)
}
