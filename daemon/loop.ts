// The event queue: step, record, perform. It alone holds changing state.
import type { Effect } from './engine/effect.ts'
import type { Engine } from './engine/engine.ts'
import type { EngineEvent, Now } from './engine/event.ts'
import type { Changes } from './engine/state.ts'
import type { Account } from './runtime/persist.ts'

const nothing = () => {}
const NO_ACCOUNT: Account = {
  stepping: nothing,
  performing: nothing,
  step: nothing,
  posted: nothing,
  performed: nothing,
  settled: nothing,
}

export type LoopParts = {
  engine: Engine
  /** Does what the engine wants done; facts come back through `post`. */
  perform: (effect: Effect) => void
  /** Told of each step before it counts, with what is to be done. */
  record: (event: EngineEvent, changes: Changes, wanted: readonly Effect[], now: Now) => void
  /** Where it is written down; nowhere when it is not given. */
  account?: Account
  now: () => Now
  /** Arms the one timer: `wake` is to be called at that monotonic moment (microseconds); null disarms it. */
  arm: (atUsec: number | null, wake: () => void) => void
  /** Called when a round of effects is done and before the next events are stepped. */
  settled: () => void
  /** Told what was thrown in a round, before it goes on its way; does not come back in a daemon. Between us and whoever posts
   * the event a promise, or a `catch` that is meant for a call's failure, may stand. */
  defect?: (error: unknown) => void
}

export interface Loop {
  /** Queues an event; outside a round it and everything that follows from it is done when this returns. */
  post(event: EngineEvent): void
  /** Runs `collect`, which posts events one by one, each stepped and recorded when its `post` returns; what they want
   * done is performed together afterwards. So that exits that came together cost one look at the process table. */
  batch(collect: () => void): void
  /** Goes on with what an earlier image has left: carries out the effects, then takes the events. */
  resume(effects: readonly Effect[], events: readonly EngineEvent[]): void
}

export function createLoop(parts: LoopParts): Loop {
  const { engine, account = NO_ACCOUNT } = parts
  const events: { event: EngineEvent; isPosted: boolean }[] = []
  const effects: Effect[] = []
  let running = false
  let collecting = false
  let armed: number | null = null

  const step = (event: EngineEvent, isPosted: boolean) => {
    account.stepping(event)
    const now = parts.now()
    const { changes, effects: wanted } = engine.step(event, now)
    parts.record(event, changes, wanted, now)
    account.step(changes, wanted, isPosted)
    engine.commit(changes)
    for (const effect of wanted) effects.push(effect)
  }

  const take = ({ event, isPosted }: { event: EngineEvent; isPosted: boolean }) =>
    step(event, isPosted)

  const perform = (effect: Effect) => {
    account.performing(effect)
    parts.perform(effect)
    account.performed()
  }

  const wake = () => {
    armed = null
    loop.post({ type: 'wakeup' })
  }

  const run = () => {
    running = true
    try {
      // Once in any case: exits that nothing is to be done about may be the last that a unit's stop waits for.
      do {
        takeEach(events, take)
        takeEach(effects, perform)
        parts.settled()
      } while (events.length > 0 || effects.length > 0)
    } finally {
      running = false
    }
    account.settled(engine.state)
    const next = engine.nextWakeUsec()
    if (next !== armed) {
      armed = next
      parts.arm(next, wake)
    }
  }

  const told = (act: () => void) => {
    try {
      act()
    } catch (error) {
      parts.defect?.(error)
      throw error
    }
  }

  const loop: Loop = {
    post(event) {
      told(() => {
        if (collecting && !running) return step(event, false)
        events.push({ event, isPosted: running })
        if (running) account.posted(event)
        else run()
      })
    },
    batch(collect) {
      told(() => {
        collecting = true
        try {
          collect()
        } finally {
          collecting = false
        }
        if (!running) run()
      })
    },
    resume(left, waiting) {
      told(() => {
        for (const event of waiting) events.push({ event, isPosted: true })
        running = true
        try {
          effects.push(...left)
          takeEach(effects, perform)
        } finally {
          running = false
        }
        run()
      })
    },
  }
  return loop
}

/** Hands over those that wait now. One that throws is taken out with those before it: what comes after it stays queued. */
function takeEach<T>(queue: T[], take: (item: T) => void): void {
  const waiting = queue.length
  let taken = 0
  try {
    while (taken < waiting) take(queue[taken++] as T)
  } finally {
    queue.splice(0, taken)
  }
}
