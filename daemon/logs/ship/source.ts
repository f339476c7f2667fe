// The lines of the log files, asked of the log worker in batches: as many as are wanted, as slowly as they are taken.
import type { MessagePort } from 'node:worker_threads'
import type { FromWorker, ToReader } from '../messages.ts'
import type { LogQuery, LogRecord } from '../record.ts'

export type Batch = {
  records: readonly LogRecord[]
  /** Bytes of logs that were removed before they could be read. */
  missedBytes: number
}

export interface Source {
  /** Batches until the query is done, `signal` aborts, or the log worker is gone; throws when it refuses. */
  read(query: LogQuery, signal: AbortSignal): AsyncGenerator<Batch, void>
  /** From here on another log worker answers. */
  connect(port: MessagePort): void
  /** Resolves when there is one. */
  connected(): Promise<void>
}

type Answer = Extract<FromWorker, { type: 'records' | 'refused' }>

/** `lost` is told that the log worker is gone. */
export function createSource(lost: () => void): Source {
  const waiting = new Map<number, (answer: Answer | null) => void>()
  let port: MessagePort | null = null
  let ready = Promise.withResolvers<void>()
  let lastId = 0

  const tell = (message: ToReader) => port?.postMessage(message)

  return {
    async *read(query, signal) {
      const id = ++lastId
      const own = port
      const end = () => waiting.get(id)?.(null)
      signal.addEventListener('abort', end)
      tell({ type: 'query', id, query })
      try {
        while (port === own && port !== null && !signal.aborted) {
          const answer = await new Promise<Answer | null>(resolve => {
            waiting.set(id, resolve)
            tell({ type: 'more', id })
          })
          if (answer === null) return
          if (answer.type === 'refused') throw new Error(answer.message)
          yield { records: answer.records, missedBytes: answer.missedBytes ?? 0 }
          if (answer.done) return
        }
      } finally {
        signal.removeEventListener('abort', end)
        waiting.delete(id)
        if (port === own) tell({ type: 'cancel', id })
      }
    },
    connect(next) {
      port = next
      next.on('message', (answer: Answer) => waiting.get(answer.id)?.(answer))
      next.on('close', () => {
        if (port !== next) return
        port = null
        ready = Promise.withResolvers()
        for (const end of waiting.values()) end(null)
        lost()
      })
      ready.resolve()
    },
    connected: () => ready.promise,
  }
}
