// The latest steps of the engine, for the dump that SIGUSR2 asks for and for the report of a defect.
import type { EngineEvent, Now } from './engine/event.ts'

export type Step = { atUsec: number; event: EngineEvent }

const KEPT = 256

export interface Recorder {
  record(event: EngineEvent, now: Now): void
  /** Oldest first. */
  latest(): Step[]
}

export function createRecorder(): Recorder {
  const ring: Step[] = []
  let next = 0
  return {
    record(event, now) {
      ring[next] = { atUsec: now.realtimeUsec, event }
      next = (next + 1) % KEPT
    },
    latest: () => [...ring.slice(next), ...ring.slice(0, next)],
  }
}
