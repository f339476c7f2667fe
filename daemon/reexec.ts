// Executing the daemon again as it is installed now: checked first in a process of its own, then in this one's place.
import { closeSync, existsSync, readSync } from 'node:fs'
import type { ProcessExit } from './engine/event.ts'
import { inWords } from './runtime/failure.ts'
import { CAUSE, environmentOf, type Image } from './runtime/image.ts'
import type { Native } from './runtime/native.ts'
import { readLedger } from './runtime/persist.ts'

/** Names the descriptor of the state in the environment of `hearth --check`. */
const STATE_VARIABLE = 'HEARTH_CHECK_STATE'
const STATE_FD = 3
/** What `hearth --check` says when it could take over. */
const READY = 'ready to take over'
const CHECK_MS = 20_000
const SIGKILL = 9
const MOST_OUTPUT = 4096

export type ReexecParts = {
  native: Native
  /** The present one. */
  image: () => Image | null
  /** The state's descriptor. */
  state: number
  index: number
  environment: Readonly<Record<string, string | undefined>>
  args: readonly string[]
  /** Tells that the image is left on purpose. */
  leave: (cause: number) => void
}

export interface Reexec {
  /** Why the version that is installed cannot take over, in words; null when it can. */
  check(): Promise<string | null>
  /** Does not come back, unless that fails: then it says why. */
  become(): string
  /** A child has ended; whether it was one of ours. */
  ended(pid: number, exit: ProcessExit): boolean
}

export function createReexec(parts: ReexecParts): Reexec {
  const { native } = parts
  const image = parts.image()
  const waiting = new Map<number, (exit: ProcessExit) => void>()
  const launcher = image && `${image.directory}/hearth`

  const start = (output: number): number | string => {
    const outcome = native.spawn({
      path: launcher ?? '',
      argv: ['hearth', '--check'],
      env: environmentOf({ ...parts.environment, [STATE_VARIABLE]: String(STATE_FD) }, null),
      fds: [-1, output, output, parts.state],
      cwd: null,
      cwdMissingOk: true,
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
      filter: null,
      after: [],
    })
    return 'pid' in outcome ? outcome.pid : `cannot run ${launcher}: ${inWords(outcome.errno)}`
  }

  return {
    async check() {
      if (launcher === null) return 'it was not started from dist/'
      const output = native.memfd('check')
      try {
        const pid = start(output)
        if (typeof pid === 'string') return pid
        const { promise, resolve } = Promise.withResolvers<ProcessExit>()
        waiting.set(pid, resolve)
        const timer = setTimeout(() => native.kill(pid, SIGKILL), CHECK_MS)
        const exit = await promise
        clearTimeout(timer)
        const text = Buffer.alloc(MOST_OUTPUT)
        const said = text.toString('utf8', 0, readSync(output, text, 0, text.length, 0)).trim()
        // A status of 0 is no proof: an empty file ends with that.
        if (exit.kind === 'exited' && exit.status === 0 && said.endsWith(READY)) return null
        const how = exit.kind === 'exited' ? `status ${exit.status}` : 'a signal'
        return `${launcher} --check ended with ${how}${said ? `: ${said}` : ''}`
      } finally {
        closeSync(output)
      }
    },
    become() {
      if (launcher === null || image === null) return 'it was not started from dist/'
      const hold = `${image.directory}/hold.so`
      parts.leave(CAUSE.reexec)
      const told = { state: parts.state, index: parts.index, image: null, fallback: parts.image() }
      const errno = native.become(
        launcher,
        ['hearth', ...parts.args],
        environmentOf(parts.environment, told, existsSync(hold) ? hold : null, false),
      )
      parts.leave(0)
      return `cannot run ${launcher}: ${inWords(errno)}`
    },
    ended(pid, exit) {
      const told = waiting.get(pid)
      waiting.delete(pid)
      told?.(exit)
      return told !== undefined
    },
  }
}

/** `hearth --check`: whether this version can take over from the daemon that runs; the exit status. */
export function checkState(
  native: Native,
  environment: Readonly<Record<string, string | undefined>>,
): number {
  const fd = environment[STATE_VARIABLE]
  if (fd === undefined) return 0
  try {
    const ledger = native.ledger(Number(fd))
    if (ledger === null) throw new Error('it is damaged')
    readLedger(ledger)
    console.log(READY)
    return 0
  } catch (error) {
    console.error(`cannot read the state: ${error instanceof Error ? error.message : error}`)
    return 1
  }
}
