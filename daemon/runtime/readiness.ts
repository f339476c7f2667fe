// Descriptors that are looked at on the main thread's loop, each with a function of its own. They share one epoll set,
// which is made when the first one comes.
import type { Native, Poller } from './native.ts'

export interface Readiness {
  /** Calls back while there is something to read, or only when the other end is gone. Throws for what cannot be polled. */
  add(fd: number, ready: () => void, onlyEnd?: boolean): void
  remove(fd: number): void
  has(fd: number): boolean
  close(): void
}

export function createReadiness(native: Pick<Native, 'createPoller'>): Readiness {
  const callbacks = new Map<number, () => void>()
  let poller: Poller | null = null
  return {
    add(fd, ready, onlyEnd = false) {
      poller ??= native.createPoller(keys => {
        // One that was taken out by another of this batch is not called any more.
        for (const key of keys) callbacks.get(key)?.()
      })
      poller.add(fd, fd, onlyEnd)
      callbacks.set(fd, ready)
    },
    remove(fd) {
      if (callbacks.delete(fd)) poller?.remove(fd)
    },
    has: fd => callbacks.has(fd),
    close() {
      callbacks.clear()
      poller?.close()
      poller = null
    },
  }
}
