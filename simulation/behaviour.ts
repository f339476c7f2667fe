// What a process does that exists in a simulation only. Spans are microseconds.
import type { EngineEvent, ProcessExit } from '../daemon/engine/event.ts'

export const SECOND = 1_000_000

export type Behaviour = {
  /** How long it runs; null: until it is killed. */
  livesUsec: number | null
  exit: ProcessExit
  /** Its end is the kernel's want of memory. */
  isOom?: boolean
  /** When it sends READY=1, if its unit is of a type that listens; null: never. */
  readyUsec: number | null
  /** How long it takes to end after a signal that asks it to; null: it is deaf to all but SIGKILL. */
  obeysUsec: number | null
  /** How it ends when it obeys; null: killed by the signal. */
  obeysWith: ProcessExit | null
  /** A daemon that it leaves behind when it ends. */
  forks: Behaviour | null
  /** It cannot be spawned at all. */
  isMissing: boolean
  /** With that failure; its executable is not there if nothing is said. */
  failure?: SpawnFailure
  /** WATCHDOG=1, so often, for so long (null: as long as it lives). */
  pings?: { everyUsec: number; forUsec: number | null }
  /** What else it tells its manager, and when. */
  says?: readonly { afterUsec: number; fields: Readonly<Record<string, string>> }[]
}
export type SpawnFailure = Omit<
  Extract<EngineEvent, { type: 'spawn-failed' }>,
  'type' | 'unit' | 'token'
>

export const NOT_FOUND: SpawnFailure = {
  step: 'exec',
  exitStatus: 203,
  errno: 'ENOENT',
  message: 'not found',
}

export const LIVES: Behaviour = {
  livesUsec: null,
  exit: { kind: 'exited', status: 0 },
  readyUsec: 0,
  obeysUsec: 0,
  obeysWith: null,
  forks: null,
  isMissing: false,
}
export const ends = (status: number, livesUsec = 0): Behaviour => ({
  ...LIVES,
  livesUsec,
  exit: { kind: 'exited', status },
})
