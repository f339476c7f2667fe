// Full log files become compressed ones, a member at a time, between the turns of the worker.
import * as fs from 'node:fs'
import { constants } from 'node:fs'
import { PACKED, UNFINISHED } from './files.ts'
import { MEMBER_BYTES, type Member, memberLength, pack } from './packed.ts'

/** A member, and from which byte of the plain file on it holds bytes. */
export type Packed = Member & { from: number }

export interface Compressor {
  /** Compresses the file in its turn, if it is still there. */
  add(path: string): void
}

export type CompressorParts = {
  /** Has the function called when there is nothing more urgent. */
  later: (work: () => void) => void
  /** `path` is now `path.gz`, and goes. */
  done: (path: string, packed: readonly Packed[]) => void
}

type Job = { path: string; from: number; to: number; at: number; size: number; packed: Packed[] }

const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const WRITE = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW

export function createCompressor({ later, done }: CompressorParts): Compressor {
  const waiting = new Set<string>()
  let job: Job | null = null

  const close = (of: Job) => {
    fs.closeSync(of.from)
    fs.closeSync(of.to)
    job = null
  }

  const begin = (path: string): Job | null => {
    waiting.delete(path)
    const from = fs.openSync(path, READ)
    try {
      if (!fs.fstatSync(from).isFile()) throw new Error(`${path} is not a regular file`)
      const to = fs.openSync(`${path}${UNFINISHED}`, WRITE, 0o640)
      return { path, from, to, at: 0, size: 0, packed: [] }
    } catch (error) {
      fs.closeSync(from)
      throw error
    }
  }

  /** One member; whether that was the last. */
  const step = (of: Job): boolean => {
    const input = Buffer.allocUnsafe(MEMBER_BYTES + 1)
    const read = fs.readSync(of.from, input, 0, input.length, of.at)
    if (read === 0) return true
    const bytes = input.subarray(0, memberLength(input.subarray(0, read)))
    const member = pack(bytes)
    for (let written = 0; written < member.length; )
      written += fs.writeSync(of.to, member, written, member.length - written)
    of.packed.push({ at: of.size, size: member.length, bytes: bytes.length, from: of.at })
    of.at += bytes.length
    of.size += member.length
    return false
  }

  const work = () => {
    let path = job?.path ?? ''
    try {
      if (!job) {
        const [next] = waiting
        if (next === undefined) return
        path = next
        job = begin(path)
      }
      if (job && step(job)) {
        // The plain file goes: what is in its place has to be on the disk.
        fs.fsyncSync(job.to)
        const { packed } = job
        close(job)
        fs.renameSync(`${path}${UNFINISHED}`, `${path}${PACKED}`)
        done(path, packed)
        fs.unlinkSync(path)
      }
    } catch {
      // The disk is full, say, or the file has gone: it stays as it is.
      if (job) close(job)
      fs.rmSync(`${path}${UNFINISHED}`, { force: true })
    }
    if (job || waiting.size > 0) later(work)
  }

  return {
    add(path) {
      const isIdle = !job && waiting.size === 0
      waiting.add(path)
      if (isIdle) later(work)
    },
  }
}
