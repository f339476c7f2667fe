// RemoveIPC=: what a user's or group's processes have left of System V and POSIX IPC (systemd.exec(5)).
import { lstatSync, readdirSync, readFileSync, rmdirSync, unlinkSync } from 'node:fs'
import type { Native } from './native.ts'
import { allPids } from './procfs.ts'

type Ids = { uid: number | null; gid: number | null }
/** Where POSIX shared memory, semaphores and message queues are files. */
const PLACES = ['/dev/shm', '/dev/mqueue']
const KINDS = [
  { kind: 'shm', id: 'shmid' },
  { kind: 'sem', id: 'semid' },
  { kind: 'msg', id: 'msqid' },
] as const

/**
 * Removes the objects of the user, and those of the group, unless another process of that one still runs. Never root's:
 * they are everybody's.
 */
export function removeIpc(native: Pick<Native, 'removeIpc'>, ids: Ids): void {
  if (!ids.uid && !ids.gid) return
  const { uid, gid } = withoutLiving(ids)
  const isOurs = (owner: Ids) => (!!uid && owner.uid === uid) || (!!gid && owner.gid === gid)
  if (!uid && !gid) return
  for (const { kind, id } of KINDS) {
    for (const row of rowsOf(`/proc/sysvipc/${kind}`)) {
      // Shared memory that is attached goes when the last one lets go.
      if (isOurs({ uid: row.uid ?? null, gid: row.gid ?? null }))
        native.removeIpc(kind, row[id] ?? -1)
    }
  }
  for (const place of PLACES) removeBelow(place, isOurs)
}

/** Those of the two whom no process runs as any more. */
function withoutLiving({ uid, gid }: Ids): Ids {
  const left: Ids = { uid, gid }
  for (const pid of allPids()) {
    const status = readStatus(pid)
    if (uid !== null && idsIn(status, 'Uid').includes(uid)) left.uid = null
    if (gid !== null && idsIn(status, 'Gid').includes(gid)) left.gid = null
  }
  return left
}

function readStatus(pid: number): string {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return /^State:\s*[ZX]/m.test(status) ? '' : status
  } catch {
    return ''
  }
}

const idsIn = (status: string, name: 'Uid' | 'Gid') =>
  (new RegExp(`^${name}:(.*)$`, 'm').exec(status)?.[1] ?? '').trim().split(/\s+/).map(Number)

/** A table of the kernel with a line of names: its rows by name. */
function rowsOf(path: string): Record<string, number>[] {
  let lines: string[]
  try {
    lines = readFileSync(path, 'latin1').trim().split('\n')
  } catch {
    return []
  }
  const names = lines[0]?.trim().split(/\s+/) ?? []
  return lines.slice(1).map(line => {
    const values = line.trim().split(/\s+/)
    return Object.fromEntries(names.map((name, i) => [name, Number(values[i])]))
  })
}

function removeBelow(directory: string, isOurs: (owner: Ids) => boolean): void {
  let names: string[]
  try {
    names = readdirSync(directory)
  } catch {
    return
  }
  for (const name of names) {
    const path = `${directory}/${name}`
    try {
      const stat = lstatSync(path)
      if (stat.isDirectory()) removeBelow(path, isOurs)
      if (!isOurs(stat)) continue
      if (stat.isDirectory()) rmdirSync(path)
      else unlinkSync(path)
    } catch {
      // Gone already, or something of another's lies in it.
    }
  }
}
