// How much of all units' logs is kept: a bound in bytes and two in time. The files are looked through once; from then on it is
// told of each change, so that a full file costs no walk over all units.
import * as fs from 'node:fs'
import { entries, fullFiles, fullUsec, isPacked, PACKED } from './files.ts'

export type Retention = {
  /** All units' files together; 0: as many as there are. */
  totalBytes: number
  /** How long a full file stays, microseconds; 0: for ever. */
  maxAgeUsec: number
}

export interface Keeping {
  /** The size of a current file. */
  current(path: string, bytes: number): void
  /** A current file has become this full one. */
  full(current: string, path: string, bytes: number): void
  /** A full file has been compressed. */
  packed(path: string, bytes: number): void
  /** A full file is gone. */
  removed(path: string): void
  /** Full files that are too old or too many, the oldest first. The current files count, and stay. */
  expired(nowUsec: number): string[]
  /** When the oldest full file will be too old; null: never, or there is none. */
  dueUsec(): number | null
}

type Full = { bytes: number; fullUsec: number; isPacked: boolean }

export function createKeeping(directory: string, { totalBytes, maxAgeUsec }: Retention): Keeping {
  /** By their paths, without what says that they are compressed; the first one that was full in front. */
  const full = new Map<string, Full>()
  const currents = new Map<string, number>()
  let bytes = 0

  const plainPath = (path: string) => (isPacked(path) ? path.slice(0, -PACKED.length) : path)
  const pathOf = (path: string, { isPacked }: Full) => (isPacked ? path + PACKED : path)
  const current = (path: string, size: number) => {
    bytes += size - (currents.get(path) ?? 0)
    currents.set(path, size)
  }
  const add = (path: string, size: number, usec: number) => {
    bytes += size
    full.set(plainPath(path), { bytes: size, fullUsec: usec, isPacked: isPacked(path) })
  }

  const found: { path: string; size: number; usec: number }[] = []
  for (const unit of entries(directory)) {
    if (!unit.isDirectory()) continue
    const path = `${directory}/${unit.name}`
    current(`${path}/current`, sizeOf(`${path}/current`))
    for (const name of fullFiles(path)) {
      const each = `${path}/${name}`
      found.push({ path: each, size: sizeOf(each), usec: fullUsec(name) })
    }
  }
  found.sort((a, b) => a.usec - b.usec)
  for (const { path, size, usec } of found) add(path, size, usec)

  return {
    current,
    full(from, path, size) {
      current(from, 0)
      add(path, size, fullUsec(path.slice(path.lastIndexOf('/') + 1)))
    },
    packed(path, size) {
      const of = full.get(path)
      if (!of) return
      bytes += size - of.bytes
      full.set(path, { ...of, bytes: size, isPacked: true })
    },
    removed(path) {
      const plain = plainPath(path)
      bytes -= full.get(plain)?.bytes ?? 0
      full.delete(plain)
    },
    expired(nowUsec) {
      const gone: string[] = []
      let left = bytes
      for (const [path, of] of full) {
        const isTooOld = maxAgeUsec > 0 && of.fullUsec <= nowUsec - maxAgeUsec
        if (!isTooOld && (totalBytes === 0 || left <= totalBytes)) break
        left -= of.bytes
        gone.push(pathOf(path, of))
      }
      return gone
    },
    dueUsec() {
      const [oldest] = full.values()
      return maxAgeUsec > 0 && oldest ? oldest.fullUsec + maxAgeUsec : null
    },
  }
}

const sizeOf = (path: string) => fs.lstatSync(path, { throwIfNoEntry: false })?.size ?? 0
