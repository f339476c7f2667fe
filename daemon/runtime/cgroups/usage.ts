// What a cgroup has taken, as the kernel counts it: what has ended and the page cache are in it.
import type { CgroupFiles } from './files.ts'

/** Bytes, microseconds, numbers. Null: the kernel does not count it here, for want of the controller mostly. */
export type CgroupUsage = {
  memoryBytes: number | null
  memoryPeakBytes: number | null
  memorySwapBytes: number | null
  cpuUsec: number | null
  tasks: number | null
  io: { readBytes: number; writtenBytes: number; reads: number; writes: number } | null
}

export function readUsage(files: CgroupFiles, directory: string): CgroupUsage {
  const number = (file: string) => {
    const text = files.read(`${directory}/${file}`).trim()
    return /^\d+$/.test(text) ? Number(text) : null
  }
  const cpu = /^usage_usec (\d+)$/m.exec(files.read(`${directory}/cpu.stat`))?.[1]
  return {
    memoryBytes: number('memory.current'),
    memoryPeakBytes: number('memory.peak'),
    memorySwapBytes: number('memory.swap.current'),
    cpuUsec: cpu === undefined ? null : Number(cpu),
    tasks: number('pids.current'),
    io: readIo(files.read(`${directory}/io.stat`)),
  }
}

/** `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`, a line for each device. */
function readIo(text: string): CgroupUsage['io'] {
  if (text === '') return null
  const sum = (word: string) =>
    [...text.matchAll(new RegExp(`\\b${word}=(\\d+)`, 'g'))].reduce(
      (total, [, value]) => total + Number(value),
      0,
    )
  return {
    readBytes: sum('rbytes'),
    writtenBytes: sum('wbytes'),
    reads: sum('rios'),
    writes: sum('wios'),
  }
}

/** How many processes the kernel has killed there for want of memory, those below included. */
export function oomKills(files: CgroupFiles, directory: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(files.read(`${directory}/memory.events`))?.[1] ?? 0)
}
