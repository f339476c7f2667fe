// How much of all units' logs is kept: a bound in bytes and one in time, for the full files.
import * as fs from 'node:fs'
import { entries, fullFiles, fullUsec } from './files.ts'

export type Retention = {
  /** All units' files together; 0: as many as there are. */
  totalBytes: number
  /** How long a full file stays, microseconds; 0: for ever. */
  maxAgeUsec: number
}

type Full = { path: string; bytes: number; fullUsec: number }

/** Paths of full files below the log directory that are too old or too many, the oldest first. The current files count, and
 * stay. */
export function expired(
  directory: string,
  { totalBytes, maxAgeUsec }: Retention,
  nowUsec: number,
): string[] {
  const full: Full[] = []
  let bytes = 0
  for (const unit of entries(directory)) {
    if (!unit.isDirectory()) continue
    const path = `${directory}/${unit.name}`
    bytes += sizeOf(`${path}/current`)
    for (const name of fullFiles(path)) {
      const file = { path: `${path}/${name}`, bytes: sizeOf(`${path}/${name}`) }
      bytes += file.bytes
      full.push({ ...file, fullUsec: fullUsec(name) })
    }
  }
  full.sort((a, b) => a.fullUsec - b.fullUsec)
  const gone: string[] = []
  for (const file of full) {
    const isTooOld = maxAgeUsec > 0 && file.fullUsec < nowUsec - maxAgeUsec
    if (!isTooOld && (totalBytes === 0 || bytes <= totalBytes)) break
    bytes -= file.bytes
    gone.push(file.path)
  }
  return gone
}

const sizeOf = (path: string) => fs.lstatSync(path, { throwIfNoEntry: false })?.size ?? 0
