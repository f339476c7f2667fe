// Full log files become compressed ones, a member at a time, beside the reading and writing of lines.
import * as fs from 'node:fs'
import { constants } from 'node:fs'
import { PACKED, UNFINISHED } from './files.ts'
import { MEMBER_BYTES, type Member, memberLength, pack } from './packed.ts'

/** A member, and from which byte of the plain file on it holds bytes. */
export type Packed = Member & { from: number }

export interface Compressor {
  /** Compresses the file when its turn has come. */
  add(path: string): void
  /** The file goes. */
  forget(path: string): void
}

/** What takes long and is done elsewhere: each calls back later. */
export type Background = {
  nowMs: () => number
  /** Calls back in so many milliseconds. */
  later: (work: () => void, ms: number) => void
  /** Calls back with the deflated bytes; null: it failed. */
  deflate: (bytes: Buffer, told: (body: Buffer | null) => void) => void
  /** Calls back when the file is on the disk; false: it failed. */
  sync: (fd: number, told: (isSynced: boolean) => void) => void
}

type Job = {
  path: string
  from: number
  to: number
  at: number
  size: number
  packed: Packed[]
  /** The file went meanwhile. */
  isGone: boolean
}

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const WRITE = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW
/** A file is left alone at first: of a service that floods its log it would have to go before it is done. */
const AGE_MS = 5_000
/** After a member there is a pause of so many times as long as it took: the services need the processor more. */
const PAUSES = 3

/** `done` is told that `path` is `path.gz` now, and goes. */
export function createCompressor(
  { nowMs, later, deflate, sync }: Background,
  done: (path: string, packed: readonly Packed[]) => void,
): Compressor {
  /** When they were added, by their paths. */
  const waiting = new Map<string, number>()
  let job: Job | null = null
  let isWorking = false

  const begin = (path: string): Job => {
    const from = fs.openSync(path, READ)
    try {
      if (!fs.fstatSync(from).isFile()) throw new Error(`${path} is not a regular file`)
      const to = fs.openSync(`${path}${UNFINISHED}`, WRITE, 0o640)
      return { path, from, to, at: 0, size: 0, packed: [], isGone: false }
    } catch (error) {
      fs.closeSync(from)
      throw error
    }
  }

  const end = (of: Job) => {
    fs.closeSync(of.from)
    fs.closeSync(of.to)
    job = null
  }

  /** The bytes of the next member; null: there are none. */
  const read = (of: Job): Buffer | null => {
    const input = Buffer.allocUnsafe(MEMBER_BYTES + 1)
    const length = fs.readSync(of.from, input, 0, input.length, of.at)
    return length === 0 ? null : input.subarray(0, memberLength(input.subarray(0, length)))
  }

  const write = (of: Job, bytes: Buffer, body: Buffer) => {
    const member = pack(bytes, body)
    for (let written = 0; written < member.length; )
      written += fs.writeSync(of.to, member, written, member.length - written)
    of.packed.push({ at: of.size, size: member.length, bytes: bytes.length, from: of.at })
    of.at += bytes.length
    of.size += member.length
  }

  /** Does a part of a job. When it cannot be done (a full disk, say) the file stays as it is. */
  const attempt = (of: Job, isReady: boolean, part: () => void) => {
    try {
      if (!isReady || of.isGone) throw new Error('it is of no use any more')
      part()
    } catch {
      if (job === of) end(of)
      fs.rmSync(`${of.path}${UNFINISHED}`, { force: true })
    }
  }

  const step = (of: Job) => {
    const beganMs = nowMs()
    const goOn = () => later(work, PAUSES * (nowMs() - beganMs))
    const bytes = read(of)
    if (bytes)
      return deflate(bytes, body => {
        attempt(of, body !== null, () => write(of, bytes, body as Buffer))
        goOn()
      })
    // The plain file goes: what is in its place has to be on the disk.
    sync(of.to, isSynced => {
      attempt(of, isSynced, () => {
        const { path, packed } = of
        end(of)
        fs.renameSync(`${path}${UNFINISHED}`, `${path}${PACKED}`)
        done(path, packed)
        fs.unlinkSync(path)
      })
      goOn()
    })
  }

  const work = () => {
    if (!job) {
      const [path, addedMs = 0] = waiting.entries().next().value ?? []
      isWorking = path !== undefined
      if (path === undefined) return
      const leftMs = addedMs + AGE_MS - nowMs()
      if (leftMs > 0) return later(work, leftMs)
      waiting.delete(path)
      try {
        job = begin(path)
      } catch {
        return later(work, 0)
      }
    }
    const of = job
    try {
      step(of)
    } catch {
      attempt(of, false, () => {})
      later(work, 0)
    }
  }

  return {
    add(path) {
      if (job?.path === path || waiting.has(path)) return
      waiting.set(path, nowMs())
      if (isWorking) return
      isWorking = true
      later(work, AGE_MS)
    },
    forget(path) {
      waiting.delete(path)
      if (job?.path === path) job.isGone = true
    },
  }
}
