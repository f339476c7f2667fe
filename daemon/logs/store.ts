// The log files: `DIR/UNIT/current` and the full ones before it, and a bounded memory when they cannot be written.

import * as fs from 'node:fs'
import { constants } from 'node:fs'
import { makeDirectory } from '../runtime/make-directory.ts'
import type { UnitName } from '../units/unit.ts'
import { type Background, createCompressor } from './compress.ts'
import {
  entries,
  fileName,
  fullFiles,
  isPacked,
  nextFileName,
  PACKED,
  UNFINISHED,
} from './files.ts'
import { directoryName, NEWLINE, parseStamp, unitOfDirectory } from './line.ts'
import { createMemory, type Held, nothing } from './memory.ts'
import { type Block, findRegions, moved, type Region, readRegion } from './regions.ts'
import { createKeeping, type Keeping, type Retention } from './retention.ts'

export type StoreSettings = {
  /** null: in memory only. */
  directory: string | null
  rotateBytes: number
  /** How many full files stay beside the current one. */
  keep: number
  /** A file whose first line is older than this is full too, microseconds; 0 or not given: by its size alone. */
  rotateUsec?: number
  /** What of all units' files is kept; not given: all of them. */
  retention?: Retention
  /** Full files are compressed by it; not given: they stay as they are. */
  background?: Background
  warn: (message: string) => void
  nowUsec: () => number
  /** Told before bytes are written: the current file's inode number, and its size. */
  storing?: (inode: number, size: number) => void
}

/** A unit's log is one row of bytes with growing positions, whole lines, whatever files or memory hold them. */
export interface Store {
  /** Makes the unit's log end where it did when `storing` told of that file and size. Before all else that is done with it. */
  cutBack(unit: UnitName, inode: number, size: number): void
  /** Adds whole lines. The bytes are written or copied before it returns. */
  append(unit: UnitName, lines: Uint8Array): void
  /** The first and the next position. */
  extent(unit: UnitName): { start: number; end: number }
  /** Up to `most` bytes from `position` on; null when there is nothing from there to `end`. */
  read(unit: UnitName, position: number, most: number): Block | null
  /** Up to `most` bytes that end at or before `position`; null when there are none. */
  readBefore(unit: UnitName, position: number, most: number): Block | null
  /** Units that have a log, by their directories or in memory. */
  units(): UnitName[]
  /** Lets go of a unit's open file; the next append opens it again. */
  release(unit: UnitName): void
  /** When time alone will bring something to do for `tend`, by CLOCK_REALTIME; null: not before something is written. */
  dueUsec(): number | null
  /** Puts aside and removes what is of an age, and tries once more to write what is in memory only. The first call looks
   * through all files that earlier daemons left. */
  tend(): void
  /** Tries once more to write what is in memory only, and closes all files. */
  close(): void
}

type UnitLog = {
  unit: UnitName
  path: string
  fd: number
  inode: number
  /** Size of the current file as far as we wrote it. */
  size: number
  /** When the current file was begun; NaN: not known yet. */
  beganUsec: number
  regions: Region[]
  memory: Held
  end: number
  retryUsec: number
}

const OPEN_FILES = 256
const RETRY_USEC = 1_000_000
/** Without new lines it is tried again after a pause that doubles up to this. */
const MOST_RETRY_USEC = 60_000_000
const STAMP_BYTES = 27
// Not through a symbolic link, and not waiting for the reader of a FIFO that somebody put there.
const APPEND =
  constants.O_WRONLY |
  constants.O_APPEND |
  constants.O_CREAT |
  constants.O_NOFOLLOW |
  constants.O_NONBLOCK
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

export function createStore(settings: StoreSettings): Store {
  const { directory, rotateBytes, keep, nowUsec, rotateUsec = 0 } = settings
  const logs = new Map<UnitName, UnitLog>()
  /** Those with an open file, the one that was opened first in front. */
  const open = new Set<UnitLog>()
  /** Those that could not be written the last time. */
  const failing = new Set<UnitLog>()
  const memory = createMemory()
  let keeping: Keeping | null = null
  let hasLooked = false
  /** Units whose current file is put aside by its age, the oldest first. */
  const ages = new Map<UnitName, number>()
  let retryUsec = 0
  let retryPauseUsec = RETRY_USEC

  const began = (of: UnitLog, usec: number) => {
    of.beganUsec = usec
    if (rotateUsec > 0 && !Number.isNaN(usec)) ages.set(of.unit, usec)
  }

  const log = (unit: UnitName) => {
    let known = logs.get(unit)
    if (!known) {
      const path = `${directory}/${directoryName(unit)}`
      const regions = directory === null ? [] : findRegions(path)
      const last = regions.at(-1)
      known = {
        unit,
        path,
        fd: -1,
        inode: 0,
        size: 0,
        beganUsec: Number.NaN,
        regions,
        memory: nothing(),
        end: last ? last.from + last.length : 0,
        retryUsec: 0,
      }
      logs.set(unit, known)
    }
    return known
  }

  const close = (of: UnitLog) => {
    if (of.fd === -1) return
    open.delete(of)
    fs.closeSync(of.fd)
    of.fd = -1
  }

  const openCurrent = (of: UnitLog) => {
    openDirectory(of.path)
    for (const oldest of open) {
      if (open.size < OPEN_FILES) break
      close(oldest)
    }
    const path = `${of.path}/current`
    const fd = fs.openSync(path, APPEND, 0o640)
    try {
      const found = fs.fstatSync(fd)
      if (!found.isFile()) throw new Error(`${path} is not a regular file`)
      of.size = found.size
      of.inode = found.ino
      began(of, rotateUsec > 0 && found.size > 0 ? firstUsec(path) : Number.NaN)
      if (!endsWithNewline(path, found.size)) of.size += fs.writeSync(fd, '\n')
    } catch (error) {
      fs.closeSync(fd)
      throw error
    }
    of.fd = fd
    open.add(of)
  }

  const unitOf = (path: string) => {
    const name = path.slice((directory ?? '').length + 1, path.lastIndexOf('/'))
    return logs.get(unitOfDirectory(name))
  }

  const compressor =
    settings.background &&
    createCompressor(settings.background, (path, packed) => {
      keeping?.packed(
        path,
        packed.reduce((bytes, { size }) => bytes + size, 0),
      )
      const of = unitOf(path)
      if (of)
        of.regions = of.regions.flatMap(each => (each.path === path ? moved(each, packed) : each))
    })

  const remove = (path: string) => {
    fs.rmSync(path, { force: true })
    // What a daemon that died while it compressed the file may have left of it.
    fs.rmSync(isPacked(path) ? path.slice(0, -PACKED.length) : path + UNFINISHED, { force: true })
    compressor?.forget(path)
    keeping?.removed(path)
    const of = unitOf(path)
    if (of) of.regions = of.regions.filter(region => region.path !== path)
  }

  const sweep = () => {
    if (directory === null || !settings.retention) return
    keeping ??= createKeeping(directory, settings.retention)
    for (const path of keeping.expired(nowUsec())) remove(path)
  }

  const isFull = (of: UnitLog, more: number) => {
    if (of.size === 0) return false
    if (of.size + more > rotateBytes) return true
    return rotateUsec > 0 && nowUsec() - of.beganUsec >= rotateUsec
  }

  const rotate = (of: UnitLog) => {
    close(of)
    const current = `${of.path}/current`
    const full = fullFiles(of.path)
    const last = full.at(-1)?.replace(PACKED, '') ?? ''
    let name = fileName(nowUsec())
    // A clock that was set back must not bring the files out of order.
    if (name <= last) name = nextFileName(last)
    const path = `${of.path}/${name}`
    fs.renameSync(current, path)
    ages.delete(of.unit)
    keeping?.full(current, path, of.size)
    for (const region of of.regions) if (region.path === current) region.path = path
    full.push(name)
    for (const old of full.slice(0, Math.max(0, full.length - keep))) {
      remove(`${of.path}/${old}`)
    }
    if (compressor)
      for (const each of fullFiles(of.path))
        if (!isPacked(each)) compressor.add(`${of.path}/${each}`)
    sweep()
  }

  /** Puts a current file aside by its age. */
  const putAside = (unit: UnitName) => {
    const of = log(unit)
    ages.delete(unit)
    try {
      if (of.fd === -1) openCurrent(of)
      if (of.size > 0) rotate(of)
    } catch {
      // Nothing can be written now; the next line tries again.
    }
  }

  /** Takes note of the ages of what earlier daemons left. */
  const lookThrough = () => {
    hasLooked = true
    if (directory === null) return
    if ((settings.retention?.maxAgeUsec ?? 0) > 0) sweep()
    if (rotateUsec === 0) return
    const found: [UnitName, number][] = []
    for (const { name } of entries(directory)) {
      const unit = unitOfDirectory(name)
      const path = `${directory}/${name}/current`
      const isFile = fs.lstatSync(path, { throwIfNoEntry: false })?.isFile()
      if (!ages.has(unit) && isFile) found.push([unit, firstUsec(path)])
    }
    const present = [...ages]
    ages.clear()
    for (const [unit, usec] of [...found, ...present].sort(([, a], [, b]) => a - b))
      if (!Number.isNaN(usec)) ages.set(unit, usec)
  }

  /** Puts `lines`, which stand at position `from`, into the file. Throws what the system says, and leaves no part. */
  const write = (of: UnitLog, from: number, lines: Uint8Array) => {
    if (of.fd !== -1) {
      // Somebody may have removed or truncated the file.
      const found = fs.fstatSync(of.fd)
      if (found.nlink === 0) close(of)
      of.size = found.size
    }
    if (of.fd === -1) openCurrent(of)
    if (isFull(of, lines.length)) {
      rotate(of)
      openCurrent(of)
    }
    const offset = of.size
    settings.storing?.(of.inode, offset)
    try {
      for (let written = 0; written < lines.length; )
        written += fs.writeSync(of.fd, lines, written, lines.length - written)
    } catch (error) {
      try {
        fs.ftruncateSync(of.fd, offset)
      } finally {
        close(of)
      }
      throw error
    }
    of.size += lines.length
    if (Number.isNaN(of.beganUsec)) began(of, nowUsec())
    const path = `${of.path}/current`
    keeping?.current(path, of.size)
    const last = of.regions.at(-1)
    if (
      last?.path === path &&
      last.from + last.length === from &&
      last.offset + last.length === offset
    )
      last.length += lines.length
    else of.regions.push({ from, length: lines.length, path, offset })
  }

  /** Writes what had to be kept in memory. Throws as `write` does; what is written is out of the memory then. */
  const writeMemory = (of: UnitLog) => {
    for (let [chunk] = of.memory.chunks; chunk; [chunk] = of.memory.chunks) {
      write(of, chunk.from, chunk.bytes)
      memory.drop(of.memory)
    }
  }

  const failed = (of: UnitLog, error: unknown) => {
    of.retryUsec = nowUsec() + RETRY_USEC
    if (failing.size === 0) {
      retryPauseUsec = RETRY_USEC
      retryUsec = of.retryUsec
      settings.warn(
        `cannot write the log ${of.path}/current: ${error instanceof Error ? error.message : error}; the last lines are kept in memory until it can be written again`,
      )
    }
    failing.add(of)
  }

  /** Tries to write what is in memory only. */
  const retry = () => {
    for (const of of failing) {
      try {
        writeMemory(of)
        failing.delete(of)
      } catch {
        of.retryUsec = nowUsec() + RETRY_USEC
      }
    }
    if (failing.size > 0) return
    const lost = memory.takeLost()
    const missing = lost > 0 ? `; ${lost} lines for which memory had no room are missing` : ''
    settings.warn(`the logs can be written again${missing}`)
  }

  const append = (unit: UnitName, lines: Uint8Array) => {
    const of = log(unit)
    const from = of.end
    of.end += lines.length
    if (directory === null) return memory.keep(of.memory, from, lines)
    const isFailing = failing.has(of)
    const now = isFailing ? nowUsec() : 0
    // A clock that was set back must not put the next attempt off.
    if (isFailing && now < of.retryUsec && now >= of.retryUsec - RETRY_USEC)
      return memory.keep(of.memory, from, lines)
    try {
      writeMemory(of)
      write(of, from, lines)
      if (isFailing) retry()
    } catch (error) {
      memory.keep(of.memory, from, lines)
      failed(of, error)
    }
  }

  return {
    append,
    cutBack(unit, inode, size) {
      if (directory !== null) cutBack(`${directory}/${directoryName(unit)}`, inode, size)
    },
    extent(unit) {
      const of = log(unit)
      return { start: of.regions[0]?.from ?? of.memory.chunks[0]?.from ?? of.end, end: of.end }
    },
    read(unit, position, most) {
      const of = log(unit)
      for (const region of of.regions) {
        const end = region.from + region.length
        if (end <= position) continue
        const at = Math.max(position, region.from)
        return readRegion(region, at, Math.min(end, at + most), end)
      }
      for (const { from, bytes } of of.memory.chunks)
        if (from + bytes.length > position) {
          const at = Math.max(position, from)
          return { bytes: bytes.subarray(at - from), at, start: from, next: from + bytes.length }
        }
      return null
    },
    readBefore(unit, position, most) {
      const of = log(unit)
      const chunk = of.memory.chunks.findLast(({ from }) => from < position)
      if (chunk) {
        const bytes = chunk.bytes.subarray(0, position - chunk.from)
        return { bytes, at: chunk.from, start: chunk.from, next: position }
      }
      const region = of.regions.findLast(({ from }) => from < position)
      if (!region) return null
      const to = Math.min(position, region.from + region.length)
      const at = Math.max(region.from, to - most)
      return readRegion(region, at, to, to)
    },
    units() {
      const found = new Set(logs.keys())
      for (const entry of directory === null ? [] : entries(directory))
        if (entry.isDirectory()) found.add(unitOfDirectory(entry.name))
      return [...found]
    },
    release(unit) {
      const of = logs.get(unit)
      if (of) close(of)
    },
    dueUsec() {
      const [oldest = Number.POSITIVE_INFINITY] = ages.values()
      const due = Math.min(
        oldest + rotateUsec,
        keeping?.dueUsec() ?? Number.POSITIVE_INFINITY,
        failing.size > 0 ? retryUsec : Number.POSITIVE_INFINITY,
      )
      return Number.isFinite(due) ? due : null
    },
    tend() {
      if (failing.size > 0) {
        retryPauseUsec = Math.min(2 * retryPauseUsec, MOST_RETRY_USEC)
        retryUsec = nowUsec() + retryPauseUsec
        retry()
      }
      if (!hasLooked) lookThrough()
      const now = nowUsec()
      for (const [unit, usec] of ages) {
        if (usec + rotateUsec > now) break
        putAside(unit)
      }
      if (keeping) sweep()
    },
    close() {
      for (const of of failing) {
        try {
          writeMemory(of)
        } catch {
          // It was said when it began: these lines end with the daemon.
        }
      }
      for (const of of open) close(of)
    },
  }
}

/** What was written since is in the file itself and, if that became full meanwhile, in those after it, too. */
function cutBack(path: string, inode: number, size: number): void {
  const names = ['current', ...fullFiles(path).reverse()]
  const inodeOf = (name: string) => fs.lstatSync(`${path}/${name}`, { throwIfNoEntry: false })?.ino
  const at = names.findIndex(each => inodeOf(each) === inode)
  if (at === -1) return
  const name = `${path}/${names[at]}`
  if (fs.statSync(name).size > size) fs.truncateSync(name, size)
  for (const later of names.slice(0, at)) fs.rmSync(`${path}/${later}`, { force: true })
}

/** When the first line of a file was read; NaN when that cannot be told. */
function firstUsec(path: string): number {
  const fd = fs.openSync(path, READ)
  try {
    const start = Buffer.alloc(STAMP_BYTES)
    fs.readSync(fd, start, 0, STAMP_BYTES, 0)
    return parseStamp(start.toString('latin1'))
  } finally {
    fs.closeSync(fd)
  }
}

function openDirectory(path: string): void {
  makeDirectory(path, 0o750)
  if (!fs.lstatSync(path).isDirectory()) throw new Error(`${path} is not a directory`)
}

function endsWithNewline(path: string, size: number): boolean {
  if (size === 0) return true
  const fd = fs.openSync(path, READ)
  try {
    const last = Buffer.alloc(1)
    return fs.readSync(fd, last, 0, 1, size - 1) === 0 || last[0] === NEWLINE
  } finally {
    fs.closeSync(fd)
  }
}
