// What went wrong in the daemon itself, for `ctl status`, until somebody has taken note of it (reset-failed).
import type { KeptPart } from './runtime/keep.ts'

export interface Defects {
  /** Adds a sentence; one that is there already becomes the latest. */
  add(message: string): void
  /** The latest last. */
  list(): readonly string[]
  clear(): void
}

const MOST = 16
const KEY = 'list'

export function createDefects(kept: KeptPart): Defects {
  let messages = (kept.entries.get(KEY)?.data ?? []) as readonly string[]
  return {
    add(message) {
      // What comes again and again does not push out the others.
      messages = [...messages.filter(other => other !== message), message].slice(-MOST)
      kept.put(KEY, messages)
    },
    list: () => messages,
    clear() {
      messages = []
      kept.drop(KEY)
    },
  }
}
