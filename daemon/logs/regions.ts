// Where the bytes of a unit's log are: positions of it, in files, plain and compressed.
import * as fs from 'node:fs'
import { constants } from 'node:fs'
import type { Packed } from './compress.ts'
import { fullFiles, isPacked, PACKED } from './files.ts'
import { type Member, members, unpack } from './packed.ts'

/** Positions [from, from + length) are the bytes of `path` from `offset` on; with `member` those that this member of it holds. */
export type Region = { from: number; length: number; path: string; offset: number; member?: Member }

/** Bytes of a unit's log from position `at` on, which are in a file that begins with position `start`; reading goes on
 * with `next`. */
export type Block = { bytes: Buffer; at: number; start: number; next: number }

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Where the bytes of the files in a unit's folder are, as the first positions of its log. */
export function findRegions(folder: string): Region[] {
  const regions: Region[] = []
  let end = 0
  for (const name of [...fullFiles(folder), 'current']) {
    const path = `${folder}/${name}`
    try {
      const found = fs.lstatSync(path)
      if (!found.isFile() || found.size === 0) continue
      if (isPacked(name)) {
        for (const member of members(path)) {
          regions.push({ from: end, length: member.bytes, path, offset: 0, member })
          end += member.bytes
        }
        continue
      }
      regions.push({ from: end, length: found.size, path, offset: 0 })
      end += found.size
    } catch {
      // There is no current file yet, or a file cannot be read.
    }
  }
  return regions
}

/** Reads positions [at, to) of a region; a file that is gone or cut gives fewer bytes, and reading goes on at `end`. */
export function readRegion(region: Region, at: number, to: number, end: number): Block {
  if (region.member) {
    const offset = region.offset + at - region.from
    const bytes = heldBy(region.path, region.member)?.subarray(offset, offset + to - at)
    // A damaged one has no lines.
    if (!bytes) return { bytes: Buffer.alloc(0), at, start: region.from, next: end }
    return { bytes, at, start: region.from, next: at + bytes.length }
  }
  try {
    const fd = fs.openSync(region.path, READ)
    try {
      const buffer = Buffer.allocUnsafe(to - at)
      const read = fs.readSync(fd, buffer, 0, to - at, region.offset + at - region.from)
      const next = read === 0 ? end : at + read
      return { bytes: buffer.subarray(0, read), at, start: region.from, next }
    } finally {
      fs.closeSync(fd)
    }
  } catch {
    return { bytes: Buffer.alloc(0), at, start: region.from, next: end }
  }
}

/** The member that was read last: mostly the next bytes are out of it, too. */
let latest: { path: string; at: number; held: Buffer | null } | null = null

function heldBy(path: string, member: Member): Buffer | null {
  if (latest?.path !== path || latest.at !== member.at)
    latest = { path, at: member.at, held: unpack(path, member) }
  return latest.held
}

/** The region of a file that has been compressed, by the members that hold its bytes now. */
export function moved(region: Region, packed: readonly Packed[]): Region[] {
  return packed.flatMap(({ from, ...member }) => {
    const least = Math.max(region.offset, from)
    const most = Math.min(region.offset + region.length, from + member.bytes)
    if (least >= most) return []
    const at = region.from + least - region.offset
    return [
      { from: at, length: most - least, path: region.path + PACKED, offset: least - from, member },
    ]
  })
}
