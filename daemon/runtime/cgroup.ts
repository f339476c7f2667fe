// A cgroup v2 directory per unit, where a writable tree is: its process list is exact and cgroup.kill takes a tree at once.
import {
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import type { UnitName } from '../units/unit.ts'
import { errnoOf, inWords } from './failure.ts'
import { readStat } from './procfs.ts'

export interface Cgroups {
  readonly root: string
  /** The controllers that the units' directories have: none yet is used. */
  readonly controllers: ReadonlySet<string>
  /** Makes the unit's directory; gives a descriptor to start processes in, which the caller closes. -1: it could not be made. */
  enter(unit: UnitName): number
  has(unit: UnitName): boolean
  /** The unit's directory, if it has one, is an earlier image's. */
  adopt(unit: UnitName): void
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

/** `auto`: where cgroup v2 is the hierarchy of the system; `yes`: wherever it is; always only where it can be written to. */
export type CgroupUse = 'auto' | 'yes' | 'no'

/** Where systemd, and every container engine, mounts the hierarchy if it is the only one. */
const UNIFIED = '/sys/fs/cgroup'

/** Our own place in the cgroup2 file system; `isUnified`: it is mounted in the place of the old hierarchies (cgroups(7)), not
 * beside them. There each start would pay for both. */
function ownDirectory(): { path: string; isUnified: boolean } | null {
  try {
    const mounts = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map(text => text.split(' '))
      .filter(fields => fields[2] === 'cgroup2')
      .map(fields => fields[1] ?? '')
    const isUnified = mounts.includes(UNIFIED)
    const mount = isUnified ? UNIFIED : mounts[0]
    const place = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1]
    if (!mount || place === undefined || place.startsWith('/..')) return null
    return { path: `${mount}${place === '/' ? '' : place}`, isUnified }
  } catch {
    return null
  }
}

/** Which daemon a directory is of. Containers may share a cgroup tree, and each has a PID 1: the pid alone would give the
 * services of one to the other. */
type Owner = { namespace: string; pid: number; startTicks: number }

const scopeName = ({ namespace, pid, startTicks }: Owner) =>
  `hearth-${namespace}-${pid}-${startTicks}.scope`

function ownerOf(name: string): Owner | null {
  const [, namespace = '', pid, startTicks] = /^hearth-(\d+)-(\d+)-(\d+)\.scope$/.exec(name) ?? []
  return pid === undefined ? null : { namespace, pid: Number(pid), startTicks: Number(startTicks) }
}

/** This daemon; the same as long as the process lives. */
function ourselves(): Owner | null {
  const stat = readStat(process.pid)
  try {
    const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0]
    if (namespace === undefined || stat === null) return null
    return { namespace, pid: process.pid, startTicks: stat.startTicks }
  } catch {
    return null
  }
}

/** A daemon that we cannot see may have no process in its directories yet; after so long it will have, in ticks. */
const YOUNG_TICKS = 60 * 100

/** Whether the daemon is gone, as far as can be told: one of another PID namespace is out of sight. */
function isGone(owner: Owner, us: Owner): boolean {
  if (owner.namespace !== us.namespace) return us.startTicks - owner.startTicks > YOUNG_TICKS
  return readStat(owner.pid)?.startTicks !== owner.startTicks
}

/** Removes what daemons before us, killed say, have left in `directory`: trees without any process, and those alone. */
function removeStale(directory: string, us: Owner): void {
  for (const name of list(directory)) {
    const owner = ownerOf(name)
    const tree = `${directory}/${name}`
    if (owner === null || !isGone(owner, us)) continue
    if (!/^populated 0$/m.test(read(`${tree}/cgroup.events`))) continue
    for (const unit of list(tree)) removeDirectory(`${tree}/${unit}`)
    removeDirectory(tree)
  }
}

const list = (directory: string): string[] => {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name)
  } catch {
    return []
  }
}

const read = (file: string): string => {
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

/**
 * Cgroups under a directory of this daemon's own, or null where they are not to be used or none can be made. Tried, not
 * guessed. `warn` is told why there are none though `use` is `yes`.
 */
export function openCgroups(use: CgroupUse, warn: (message: string) => void): Cgroups | null {
  if (use === 'no') return null
  const own = ownDirectory()
  const us = ourselves()
  if (use === 'auto' && !own?.isUnified) return null
  const refuse = (why: string) => {
    if (use === 'yes')
      warn(`cannot use cgroups, the units' processes are found without them: ${why}`)
    return null
  }
  if (own === null || us === null) return refuse('no cgroup2 file system is mounted')
  const name = scopeName(us)
  const root = `${own.path}/${name}`
  try {
    mkdirSync(root)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno !== 'EEXIST') return refuse(`${own.path} cannot be written to: ${inWords(errno)}`)
  }
  removeStale(own.path, us)
  const made = new Set<UnitName>()
  const path = (unit: UnitName) => `${root}/${directoryOf(unit)}`
  return {
    root,
    controllers: new Set(read(`${root}/cgroup.controllers`).split(/\s+/).filter(Boolean)),
    enter(unit) {
      try {
        mkdirSync(path(unit), { recursive: true })
        const fd = openSync(path(unit), constants.O_RDONLY | constants.O_DIRECTORY)
        made.add(unit)
        return fd
      } catch {
        // It is not the place of all its processes any more.
        made.delete(unit)
        return -1
      }
    },
    has: unit => made.has(unit),
    adopt(unit) {
      if (existsSync(path(unit))) made.add(unit)
    },
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
      for (const directory of list(root)) removeDirectory(`${root}/${directory}`)
      removeDirectory(root)
    },
  }
}
