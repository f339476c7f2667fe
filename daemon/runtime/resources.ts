// What a unit's processes are and take, told when somebody asks.
import type { UnitName } from '../units/unit.ts'
import type { Cgroups } from './cgroups/cgroups.ts'
import type { CgroupUsage } from './cgroups/usage.ts'
import type { Processes } from './processes.ts'
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

/** Bytes, microseconds of processor time, numbers; null: not known, or there is nobody. */
export type UnitUsage = {
  memoryBytes: number | null
  memoryPeakBytes: number | null
  cpuUsec: number | null
  /** Threads. */
  tasks: number | null
  io: CgroupUsage['io']
  /** The limits in force, shares turned into numbers; Infinity: none. */
  tasksMax: number
  memoryMin: number
  memoryLow: number
  memoryHigh: number
  memoryMax: number
  memorySwapMax: number
  /** ControlGroup=, '' for none. */
  controlGroup: string
}

const NOTHING: CgroupUsage = {
  memoryBytes: null,
  memoryPeakBytes: null,
  memorySwapBytes: null,
  cpuUsec: null,
  tasks: null,
  io: null,
}

/**
 * As the kernel counts it for the unit's cgroup; what it does not count there, or without a cgroup, is summed up over the
 * living processes in /proc. Their memory is then what is resident: pages that they share count for each of them (what is
 * left when they are shared out, PSS, takes the kernel milliseconds for each process).
 */
export function usageOf(unit: UnitName, processes: Processes, cgroups: Cgroups | null): UnitUsage {
  const counted = cgroups?.usage(unit) ?? NOTHING
  const limit = (file: string) => cgroups?.limit(unit, file) ?? null
  const isCounted =
    counted.memoryBytes !== null && counted.cpuUsec !== null && counted.tasks !== null
  const stats = isCounted ? [] : processes.of(unit).flatMap(pid => readStat(pid) ?? [])
  const sum = (field: 'rssBytes' | 'cpuUsec' | 'threads') =>
    stats.length === 0 ? null : stats.reduce((total, stat) => total + stat[field], 0)
  return {
    memoryBytes: counted.memoryBytes ?? sum('rssBytes'),
    memoryPeakBytes: counted.memoryPeakBytes,
    cpuUsec: counted.cpuUsec ?? sum('cpuUsec'),
    tasks: counted.tasks ?? sum('threads'),
    io: counted.io,
    tasksMax: limit('pids.max') ?? Number.POSITIVE_INFINITY,
    memoryMin: limit('memory.min') ?? 0,
    memoryLow: limit('memory.low') ?? 0,
    memoryHigh: limit('memory.high') ?? Number.POSITIVE_INFINITY,
    memoryMax: limit('memory.max') ?? Number.POSITIVE_INFINITY,
    memorySwapMax: limit('memory.swap.max') ?? Number.POSITIVE_INFINITY,
    controlGroup: cgroups?.pathOf(unit) ?? '',
  }
}
