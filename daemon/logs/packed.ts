// A compressed log file: gzip members of whole lines one after the other, as zcat and zgrep read them. Each says in a field of
// its own (RFC 1952, 2.3.1.1) how long it is, so that one is found and read without the others, and a damaged one costs itself.
import * as fs from 'node:fs'
import { constants } from 'node:fs'
import { crc32, inflateRawSync } from 'node:zlib'
import { NEWLINE } from './line.ts'

/** A member: where it begins in the file, its size there, and how many bytes it holds. */
export type Member = { at: number; size: number; bytes: number }

/** What a member holds at most: as much as is read at once (query.ts). */
export const MEMBER_BYTES = 128 * 1024
const HEADER = 24
const TRAILER = 8
// Magic, deflate, FEXTRA, no time, unknown system; the field's length, its name `he`, the length of the two numbers in it.
const MAGIC = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 12, 0, 0x68, 0x65, 8, 0])
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** How many of `bytes` the next member takes: whole lines, if there is one. */
export function memberLength(bytes: Buffer): number {
  if (bytes.length <= MEMBER_BYTES) return bytes.length
  const whole = bytes.lastIndexOf(NEWLINE, MEMBER_BYTES - 1) + 1
  return whole > 0 ? whole : MEMBER_BYTES
}

/** The bytes as a member, `body` what they are deflated. */
export function pack(bytes: Buffer, body: Buffer): Buffer {
  const member = Buffer.alloc(HEADER + body.length + TRAILER)
  MAGIC.copy(member)
  member.writeUInt32LE(member.length, MAGIC.length)
  member.writeUInt32LE(bytes.length, MAGIC.length + 4)
  body.copy(member, HEADER)
  member.writeUInt32LE(crc32(bytes), HEADER + body.length)
  member.writeUInt32LE(bytes.length, HEADER + body.length + 4)
  return member
}

/** The members of a file, in order; what is no member is passed over. Throws what the system says. */
export function members(path: string): Member[] {
  const fd = fs.openSync(path, READ)
  try {
    const end = fs.fstatSync(fd).size
    const found: Member[] = []
    const header = Buffer.alloc(HEADER)
    for (let at = 0; at + HEADER + TRAILER <= end; ) {
      fs.readSync(fd, header, 0, HEADER, at)
      const member = readHeader(header, at, end)
      if (member) {
        found.push(member)
        at += member.size
        continue
      }
      // The size of the one before may be what is damaged.
      const last = found.at(-1)
      const from = Math.max(last && last.at + last.size === at ? last.at + 1 : at + 1, 1)
      const next = findHeader(fd, from, end)
      if (next === null) break
      at = next
    }
    return found
  } finally {
    fs.closeSync(fd)
  }
}

/** What a member holds; null when it is damaged. */
export function unpack(path: string, { at, size, bytes }: Member): Buffer | null {
  try {
    const fd = fs.openSync(path, READ)
    try {
      const member = Buffer.allocUnsafe(size)
      if (fs.readSync(fd, member, 0, size, at) < size) return null
      const body = member.subarray(HEADER, size - TRAILER)
      const held = inflateRawSync(body, { maxOutputLength: bytes })
      const isWhole = held.length === bytes && crc32(held) === member.readUInt32LE(size - TRAILER)
      return isWhole ? held : null
    } finally {
      fs.closeSync(fd)
    }
  } catch {
    return null
  }
}

function readHeader(header: Buffer, at: number, end: number): Member | null {
  if (MAGIC.compare(header, 0, MAGIC.length) !== 0) return null
  const size = header.readUInt32LE(MAGIC.length)
  const bytes = header.readUInt32LE(MAGIC.length + 4)
  const isSane = size >= HEADER + TRAILER && at + size <= end && bytes > 0 && bytes <= MEMBER_BYTES
  return isSane ? { at, size, bytes } : null
}

/** Where the first sound header from `from` on begins. */
function findHeader(fd: number, from: number, end: number): number | null {
  const rest = Buffer.alloc(Math.max(0, end - from))
  const length = fs.readSync(fd, rest, 0, rest.length, from)
  for (
    let i = rest.indexOf(MAGIC);
    i !== -1 && i + HEADER <= length;
    i = rest.indexOf(MAGIC, i + 1)
  )
    if (readHeader(rest.subarray(i, i + HEADER), from + i, end)) return from + i
  return null
}
