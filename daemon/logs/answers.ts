// Queries on their way: each gets a slice of the worker's time, and as many records as its reader has asked for.
import type { UnitName } from '../units/unit.ts'
import type { FromWorker } from './messages.ts'
import { type Answer, createQuery } from './query.ts'
import type { LogQuery, LogRecord } from './record.ts'
import type { Store } from './store.ts'

export interface Answers {
  begin(id: number, query: LogQuery): void
  more(id: number): void
  cancel(id: number): void
  /** A unit's log has grown. */
  grown(unit: UnitName): void
  /** Ends those that follow. */
  end(): void
}

type Pending = {
  id: number
  query: ReturnType<typeof createQuery>
  follows: boolean
  /** What is being told; null while a follower waits. */
  answer: Answer | null
  /** Units that have got lines since. */
  changed: Set<UnitName>
  wanted: boolean
  scheduled: boolean
  records: LogRecord[]
  missedBytes: number
}

const BATCH = 500
const BATCH_CHARACTERS = 256 * 1024
const SLICE_MS = 4

export function createAnswers(store: Store, post: (message: FromWorker) => void): Answers {
  const pending = new Map<number, Pending>()
  let followers = 0

  const remove = (of: Pending) => {
    if (pending.delete(of.id) && of.follows) followers--
  }

  const send = (of: Pending, done: boolean) => {
    const { id, records, missedBytes } = of
    post({ type: 'records', id, records, done, ...(missedBytes > 0 && { missedBytes }) })
    of.records = []
    of.missedBytes = 0
    of.wanted = false
    if (done) remove(of)
  }

  const schedule = (of: Pending) => {
    if (of.scheduled || !of.wanted) return
    of.scheduled = true
    setImmediate(tell, of)
  }

  const tell = (of: Pending) => {
    of.scheduled = false
    if (!of.wanted || !pending.has(of.id)) return
    const until = performance.now() + SLICE_MS
    let characters = 0
    for (;;) {
      if (!of.answer) {
        if (of.changed.size === 0) break
        of.answer = of.query.fresh(of.changed)
        of.changed = new Set()
      }
      const step = of.answer.next()
      if (step.done) {
        of.answer = null
        if (!of.follows) return send(of, true)
      } else if (step.value) {
        of.records.push(step.value)
        characters += step.value.message.length
        if (of.records.length >= BATCH || characters >= BATCH_CHARACTERS) return send(of, false)
      } else if (performance.now() > until) return schedule(of)
    }
    if (of.records.length > 0) send(of, false)
  }

  return {
    begin(id, asked) {
      let query: Pending['query']
      try {
        query = createQuery(store, asked, bytes => {
          const of = pending.get(id)
          if (of) of.missedBytes += bytes
        })
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error
        const message = `cannot search for '${asked.grep}': ${error.message}`
        return post({ type: 'refused', id, message })
      }
      const follows = asked.follow
      if (follows) followers++
      const fresh = {
        changed: new Set<UnitName>(),
        wanted: false,
        scheduled: false,
        records: [],
        missedBytes: 0,
      }
      // What comes from now on is either behind the history's end or marked by `grown`: nothing is told twice or missed.
      pending.set(id, { id, query, follows, answer: query.history(), ...fresh })
    },
    more(id) {
      const of = pending.get(id)
      if (!of) return
      of.wanted = true
      schedule(of)
    },
    cancel(id) {
      const of = pending.get(id)
      if (of) remove(of)
    },
    grown(unit) {
      if (followers === 0) return
      for (const of of pending.values())
        if (of.follows && of.query.concerns(unit)) {
          of.changed.add(unit)
          schedule(of)
        }
    },
    end() {
      for (const of of pending.values()) send(of, true)
    },
  }
}
