// Collecting what has ended: each exit is on record before the kernel is let forget it.
import type { EngineEvent } from '../engine/event.ts'
import type { Native, ResourceUsage } from './native.ts'

export type ReapParts = {
  native: Native
  /** Steps and records the event before it returns. */
  post: (event: EngineEvent) => void
  /** The child is gone from the process table. */
  ended: (pid: number, usage: ResourceUsage | null) => void
  /** Others have ended that nobody asked about. */
  strangersEnded: () => void
}

/** Takes every tracked child that has ended. */
export function collectExits({ native, post, ended, strangersEnded }: ReapParts): void {
  for (let waited = native.peekExit(); waited !== null; waited = native.peekExit()) {
    const { pid, ...exit } = waited
    post({ type: 'exited', pid, exit })
    ended(pid, native.reap(pid))
  }
  if (native.reapedUntracked() > 0) strangersEnded()
}
