// The whole that shares are parts of, and the numbers of devices.
import { readFileSync, statSync } from 'node:fs'
import type { MachineSize } from './attributes.ts'
import type { CgroupFiles } from './files.ts'

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** `own`: the daemon's cgroup, whose own limits are part of the machine as this container sees it. */
export function machineSize(
  files: CgroupFiles,
  own: string,
  isStarting: () => boolean,
): MachineSize {
  const limit = (file: string) => {
    const text = files.read(`${own}/${file}`).trim()
    return /^\d+$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY
  }
  return {
    isStarting,
    memoryBytes() {
      const total = /^MemTotal:\s+(\d+) kB$/m.exec(read('/proc/meminfo'))?.[1]
      return Math.min(limit('memory.max'), Number(total) * 1024)
    },
    // As systemd's system_tasks_max(): of all that limit the number of tasks the lowest.
    tasks: () =>
      Math.min(
        limit('pids.max'),
        ...['pid_max', 'threads-max']
          .map(name => Number(read(`/proc/sys/kernel/${name}`)))
          .filter(value => value > 0),
      ),
    device(path) {
      const found = statSync(path, { throwIfNoEntry: false })
      if (!found) return null
      return wholeDisk(numberOf(found.isBlockDevice() ? found.rdev : found.dev))
    },
  }
}

/** `MAJOR:MINOR` of a dev_t (gnu_dev_major(3)). */
export function numberOf(device: number): string {
  const dev = BigInt(device)
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn)
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn & 0xffffffffn)
  return `${major}:${minor}`
}

/** The kernel takes limits for disks, not for their partitions. Null: no block device at all, as of a tmpfs. */
function wholeDisk(number: string): string | null {
  const at = `/sys/dev/block/${number}`
  const own = read(`${at}/dev`).trim()
  if (own === '') return null
  return read(`${at}/partition`) === '' ? own : read(`${at}/../dev`).trim() || own
}
