// The daemon's own descriptors, by what /proc says of them.
import { readdirSync, readFileSync } from 'node:fs'

const O_CLOEXEC = 0o2000000

/** Every open descriptor, and whether it stays open over an execve. */
export function readDescriptors(): { fd: number; isKept: boolean; isWritable: boolean }[] {
  const found: { fd: number; isKept: boolean; isWritable: boolean }[] = []
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      const text = readFileSync(`/proc/self/fdinfo/${name}`, 'latin1')
      const flags = Number.parseInt(/^flags:\s+([0-7]+)/m.exec(text)?.[1] ?? '', 8)
      found.push({
        fd: Number(name),
        isKept: (flags & O_CLOEXEC) === 0,
        isWritable: (flags & 3) !== 0,
      })
    } catch {
      // The one by which the directory is read.
    }
  }
  return found
}
