// Starts processes through the addon for its own tests, and waits for them: nothing else in the test process may wait.
import { readSync } from 'node:fs'
import {
  native as load,
  type ResourceUsage,
  type SpawnOutcome,
  type SpawnRequest,
  type WaitedExit,
} from '../../daemon/runtime/native.ts'

export const native = load()
export const isRoot = process.geteuid?.() === 0

/** A request for `/bin/sh -c script`, or for what `changes` says. */
export const request = (script: string, changes: Partial<SpawnRequest> = {}): SpawnRequest => ({
  path: '/bin/sh',
  argv: ['sh', '-c', script],
  env: ['PATH=/usr/bin:/bin'],
  fds: [-1, 1, 2],
  cwd: null,
  cwdMissingOk: false,
  uid: null,
  gid: null,
  groups: null,
  umask: 0o22,
  rlimits: [],
  nice: null,
  oomScoreAdjust: null,
  ignoreSigpipe: false,
  controllingTty: false,
  cgroupFd: -1,
  pidVariables: [],
  before: [],
  after: [],
  filter: null,
  ...changes,
})

/** The pid of a started child; throws with the step that failed. */
export function pidOf(outcome: SpawnOutcome): number {
  if ('pid' in outcome) return outcome.pid
  throw new Error(`${outcome.step}: ${outcome.message}`)
}

type Ended = { exit: WaitedExit; usage: ResourceUsage }
const waiting = new Map<number, (ended: Ended) => void>()

function collect(): void {
  for (let exit = native.peekExit(); exit; exit = native.peekExit()) {
    const usage = native.reap(exit.pid)
    if (!usage) throw new Error(`${exit.pid} could not be reaped`)
    const resolve = waiting.get(exit.pid)
    waiting.delete(exit.pid)
    if (waiting.size === 0) native.onChild(null)
    resolve?.({ exit, usage })
  }
}

/** How the child ended. To be called in the turn in which it was started. */
export function ended(pid: number): Promise<Ended> {
  native.track(pid)
  return new Promise(resolve => {
    if (waiting.size === 0) native.onChild(collect)
    waiting.set(pid, resolve)
  })
}

const readers = new Map<number, () => void>()
let poller: ReturnType<typeof native.createPoller> | null = null

/** Everything that can be read until the other ends are closed; closes `fd`. */
export function readAll(fd: number): Promise<string> {
  poller ??= native.createPoller(keys => {
    for (const key of keys) readers.get(key)?.()
  })
  poller.add(fd, fd)
  return new Promise(resolve => {
    const buffer = Buffer.alloc(65536)
    let text = ''
    readers.set(fd, () => {
      const count = readSync(fd, buffer)
      text += buffer.toString('utf8', 0, count)
      if (count > 0) return
      readers.delete(fd)
      poller?.remove(fd)
      native.close(fd)
      if (readers.size === 0) {
        poller?.close()
        poller = null
      }
      resolve(text)
    })
  })
}

/** What the script prints, and how it ended. */
export async function run(script: string, changes: Partial<SpawnRequest> = {}) {
  const { read, write } = native.pipe()
  const outcome = native.spawn(request(script, { fds: [-1, write, 2], ...changes }))
  native.close(write)
  const end = ended(pidOf(outcome))
  const output = await readAll(read)
  return { output, ...(await end) }
}
