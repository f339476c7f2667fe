// What the benchmarks measure with: a FIFO on which services say that they run, a PID namespace, and /proc.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, constants, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { Socket } from 'node:net'

/** `number` of the record that `stamp` writes just before it becomes the supervisor. */
export const BOOT = -1
export const ORPHANS_LEFT = -2
/** A writer's lines have all been read (lines.c). */
export const WRITTEN = -3
export type Beat = { number: number; pid: number; usec: number }

export interface Beats {
  readonly path: string
  /** Resolves when `count` records for which `wanted` holds have come since the call; rejects after `limitMs`. */
  next(count: number, wanted: (beat: Beat) => boolean, limitMs: number): Promise<Beat[]>
  close(): void
}

/** A FIFO at `path`, made by this call. */
export function openBeats(path: string): Beats {
  execFileSync('mkfifo', ['-m', '622', path])
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  const socket = new Socket({ fd, readable: true, writable: false })
  const listeners = new Set<(beat: Beat) => void>()
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    let at = 0
    for (; at + 16 <= data.length; at += 16) {
      const beat = {
        number: data.readInt32LE(at),
        pid: data.readInt32LE(at + 4),
        usec: Number(data.readBigInt64LE(at + 8)) / 1000,
      }
      for (const listener of listeners) listener(beat)
    }
    rest = data.subarray(at)
  })
  return {
    path,
    next(count, wanted, limitMs) {
      return new Promise((resolve, reject) => {
        const found: Beat[] = []
        const done = () => {
          clearTimeout(timer)
          listeners.delete(listener)
        }
        const timer = setTimeout(() => {
          done()
          reject(new Error(`${found.length} of ${count} services said that they run`))
        }, limitMs)
        const listener = (beat: Beat) => {
          if (!wanted(beat)) return
          found.push(beat)
          if (found.length < count) return
          done()
          resolve(found)
        }
        listeners.add(listener)
      })
    },
    close() {
      socket.destroy()
    },
  }
}

/** CLOCK_MONOTONIC, microseconds: the clock of the beats. */
export const nowUsec = () => Number(process.hrtime.bigint()) / 1000

const read = (path: string) => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

export const childrenOf = (pid: number): number[] => {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap(task =>
      read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

export const descendantsOf = (pid: number): number[] => {
  const found = childrenOf(pid)
  for (let i = 0; i < found.length; i++) found.push(...childrenOf(found[i] as number))
  return found
}

/** The pid of a process in its innermost namespace. */
export const innerPid = (pid: number) =>
  Number(/^NSpid:.*\s(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1])

export const executable = (pid: number) => {
  try {
    return readlinkSync(`/proc/${pid}/exe`)
  } catch {
    return ''
  }
}

/** Memory that is the process's alone and would have to be kept if it had to move (Private_Dirty), bytes. */
export const privateBytes = (pid: number) =>
  [...read(`/proc/${pid}/smaps_rollup`).matchAll(/^Private_Dirty:\s+(\d+) kB$/gm)].reduce(
    (sum, match) => sum + Number(match[1]) * 1024,
    0,
  )

const tasks = (pid: number) => {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/** Times its threads gave the processor up by themselves. */
export const voluntarySwitches = (pid: number) =>
  tasks(pid).reduce(
    (sum, task) =>
      sum +
      Number(
        /^voluntary_ctxt_switches:\s+(\d+)$/m.exec(read(`/proc/${pid}/task/${task}/status`))?.[1] ??
          0,
      ),
    0,
  )

/** Processor time of all its threads, microseconds. */
export const cpuUsec = (pid: number) =>
  tasks(pid).reduce(
    (sum, task) =>
      sum + Number(read(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0] ?? 0) / 1000,
    0,
  )

export const zombiesOf = (pid: number) =>
  childrenOf(pid).filter(child => / Z /.test(read(`/proc/${child}/stat`).replace(/^.*\)/, '')))
    .length

export interface Namespace {
  /** Pid of its PID 1, as seen from here. */
  readonly init: number
  /** Resolves when the namespace is gone. */
  readonly gone: Promise<void>
  destroy(): Promise<void>
}

/** Starts `argv` as PID 1 of a new PID namespace, by way of `unshare`, and waits until it is there. */
export async function enterNamespace(
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Namespace> {
  const log = openSync(process.env.BENCH_LOG ?? '/dev/null', 'a')
  const child: ChildProcess = spawn(
    'unshare',
    ['--pid', '--fork', '--mount-proc', '--mount', '--kill-child=SIGKILL', ...argv],
    { env: { PATH: process.env.PATH, ...environment }, stdio: ['ignore', log, log] },
  )
  closeSync(log)
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const unshare = child.pid ?? 0
  let init: number | undefined
  while (init === undefined) {
    if (child.exitCode !== null)
      throw new Error(`cannot enter a namespace: ${argv.join(' ')} ended`)
    await new Promise(setImmediate)
    init = childrenOf(unshare)[0]
  }
  return {
    init,
    gone,
    async destroy() {
      child.kill('SIGKILL')
      await gone
    },
  }
}
