// Where this daemon's cgroups are: below its own, in a directory that no other daemon has.
import { readFileSync, readlinkSync } from 'node:fs'
import { readStat } from '../procfs.ts'
import type { CgroupFiles } from './files.ts'

/** Where systemd, and every container engine, mounts the hierarchy if it is the only one. */
const UNIFIED = '/sys/fs/cgroup'
/** Where the daemon itself goes when its own cgroup is to have controllers: then no process may be in that one. */
export const OWN_LEAF = 'init.scope'

/** Our own place in the cgroup2 file system; `isUnified`: it is mounted in the place of the old hierarchies (cgroups(7)), not
 * beside them. There each start would pay for both. */
export type Place = { path: string; isUnified: boolean }

export function ownPlace(): Place | null {
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
    // After a re-execution: in the leaf of before.
    const own = place.replace(/\/hearth-\d+-\d+-\d+\.scope\/init\.scope$/, '')
    return { path: `${mount}${own === '/' ? '' : own}`, isUnified }
  } catch {
    return null
  }
}

/** Which daemon a directory is of. Containers may share a cgroup tree, and each has a PID 1: the pid alone would give the
 * services of one to the other. */
export type Owner = { namespace: string; pid: number; startTicks: number }

export const scopeName = ({ namespace, pid, startTicks }: Owner) =>
  `hearth-${namespace}-${pid}-${startTicks}.scope`

function ownerOf(name: string): Owner | null {
  const [, namespace = '', pid, startTicks] = /^hearth-(\d+)-(\d+)-(\d+)\.scope$/.exec(name) ?? []
  return pid === undefined ? null : { namespace, pid: Number(pid), startTicks: Number(startTicks) }
}

/** This daemon; the same as long as the process lives. */
export function ourselves(): Owner | null {
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
export function removeStale(files: CgroupFiles, directory: string, us: Owner): void {
  for (const name of files.directories(directory)) {
    const owner = ownerOf(name)
    const tree = `${directory}/${name}`
    if (owner === null || !isGone(owner, us)) continue
    if (!/^populated 0$/m.test(files.read(`${tree}/cgroup.events`))) continue
    removeTree(files, tree)
  }
}

/** Removes a directory and those below it, as far as nobody is in them. A process that was left behind on purpose
 * (KillMode=process) keeps its own; it goes when the tree goes. */
export function removeTree(files: CgroupFiles, directory: string): void {
  for (const name of files.directories(directory)) removeTree(files, `${directory}/${name}`)
  files.rmdir(directory)
}
