// What a unit's processes are and take, told from /proc when somebody asks.
import { readCommandLine, readStat } from './procfs.ts'

export type ProcessNode = { pid: number; command: string; children: readonly ProcessNode[] }

/** The processes as trees, by parent; one whose parent is not among them stands at the top, in order of pid. */
export function processTrees(pids: readonly number[]): ProcessNode[] {
  const own = new Set(pids)
  const children = new Map<number, number[]>()
  for (const pid of [...own].sort((a, b) => a - b)) {
    const parent = readStat(pid)?.parent
    if (parent === undefined) continue
    const top = own.has(parent) ? parent : 0
    const siblings = children.get(top)
    if (siblings) siblings.push(pid)
    else children.set(top, [pid])
  }
  const nodes = (parent: number): ProcessNode[] =>
    (children.get(parent) ?? []).map(pid => ({
      pid,
      command: readCommandLine(pid) ?? '',
      children: nodes(pid),
    }))
  return nodes(0)
}

export type Usage = { memoryBytes: number; cpuUsec: number; tasks: number }

/** Resident memory (pages shared between processes count for each), processor time of those alive, and threads; null
 * when none of them is there. */
export function usageOf(pids: readonly number[]): Usage | null {
  const stats = pids.map(readStat).filter(stat => stat !== null)
  if (stats.length === 0) return null
  return {
    memoryBytes: stats.reduce((sum, stat) => sum + stat.rssBytes, 0),
    cpuUsec: stats.reduce((sum, stat) => sum + stat.cpuUsec, 0),
    tasks: stats.reduce((sum, stat) => sum + stat.threads, 0),
  }
}
