// The main thread's side of the log worker: pipes are handed over, questions are asked; no line passes here.
import { SHARE_ENV, Worker } from 'node:worker_threads'
import type { Native } from '../runtime/native.ts'
import type { UnitName } from '../units/unit.ts'
import type { Logs, RunLog } from './logs.ts'
import type { FromWorker, ToWorker, WorkerSettings } from './messages.ts'
import type { LogQuery, LogRecord } from './record.ts'

export type LogsSettings = WorkerSettings & {
  native: Pick<Native, 'pipe' | 'close'>
  /** A sentence for the daemon's log. */
  warn: (message: string) => void
}

type Open = { key: number; run: RunLog; read: Ends; write: Ends }
type Ends = { out: number; err: number }
type Reader = {
  take: (message: Extract<FromWorker, { type: 'records' | 'refused' }>) => void
  fail: (error: Error) => void
}

/** A worker that fails sooner than this is not started anew at once. */
const RESTART_PAUSE_MS = 1_000
const MAX_KEY = 2 ** 31
/** An old space of its own: a mistake in the worker must not take the machine's memory. */
const LIMITS = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 128 }

const runKey = (unit: UnitName, invocationId: string) => `${unit} ${invocationId}`

/** The logs of all services. Nothing is started before the first run is opened or the first question is asked. */
export function createLogs(settings: LogsSettings): Logs {
  const { native, warn, ...workerData } = settings
  const runs = new Map<string, Open>()
  const readers = new Map<number, Reader>()
  let worker: Worker | null = null
  let outbox: ToWorker[] = []
  let lastKey = -2
  let lastQuery = 0
  let finished: (() => void) | null = null
  let startedMs = 0
  let isPaused = false

  const flush = () => {
    if (outbox.length === 0 || isPaused) return
    if (!worker) worker = startWorker()
    worker.postMessage(outbox)
    outbox = []
  }

  /** Messages of one round go together, after the processes of that round have been started. */
  const tell = (message: ToWorker) => {
    if (outbox.length === 0) setImmediate(flush)
    outbox.push(message)
  }

  const startWorker = () => {
    startedMs = performance.now()
    const started = new Worker(workerUrl(), {
      name: 'logs',
      workerData,
      env: SHARE_ENV,
      execArgv: [],
      trackUnmanagedFds: false,
      resourceLimits: LIMITS,
    })
    started.on('message', take)
    started.on('error', error => {
      if (worker === started) restart(error instanceof Error ? error : new Error(String(error)))
    })
    return started
  }

  /** A mistake of ours ended the worker: a new one gets the open runs, so their pipes are not left alone. */
  const restart = (error: Error) => {
    worker = null
    for (const reader of readers.values())
      reader.fail(new Error(`cannot read the logs: the log worker failed: ${error.message}`))
    readers.clear()
    if (finished) return finished()
    if (performance.now() - startedMs < RESTART_PAUSE_MS) {
      isPaused = true
      setTimeout(() => {
        isPaused = false
        flush()
      }, RESTART_PAUSE_MS)
    }
    // Only of these we know that their pipes were not closed by the worker: we hold the other ends.
    const unsent = new Set(outbox.flatMap(message => (message.type === 'open' ? message.key : [])))
    for (const { key, run, read } of runs.values())
      if (!unsent.has(key)) tell({ type: 'open', key, run, ...read })
    warn(`the log worker failed and was started anew: ${error.stack}`)
  }

  const take = (message: FromWorker) => {
    switch (message.type) {
      case 'records':
      case 'refused':
        return readers.get(message.id)?.take(message)
      case 'warning':
        return warn(message.message)
      case 'finished':
        return finished?.()
      default:
        return message satisfies never
    }
  }

  const closeEnds = (ends: Ends) => {
    native.close(ends.out)
    native.close(ends.err)
  }

  /** One batch of an answer. */
  const more = (id: number) =>
    new Promise<{ records: readonly LogRecord[]; done: boolean }>((resolve, reject) => {
      readers.set(id, {
        take: message =>
          message.type === 'records' ? resolve(message) : reject(new Error(message.message)),
        fail: reject,
      })
      tell({ type: 'more', id })
    })

  async function* query(asked: LogQuery, signal: AbortSignal) {
    const id = ++lastQuery
    const ended = { records: [], done: true }
    let abort = () => {}
    const aborted = new Promise<typeof ended>(resolve => {
      abort = () => resolve(ended)
    })
    signal.addEventListener('abort', abort)
    let done = signal.aborted || finished !== null
    if (!done) tell({ type: 'query', id, query: asked })
    try {
      while (!done) {
        const batch = await Promise.race([more(id), aborted])
        done = batch.done
        if (batch.records.length > 0) yield batch.records
        done ||= signal.aborted
      }
    } finally {
      signal.removeEventListener('abort', abort)
      readers.delete(id)
      if (worker) tell({ type: 'cancel', id })
    }
  }

  return {
    open(run) {
      const name = runKey(run.unit, run.invocationId)
      const known = runs.get(name)
      if (known) return known.write
      const out = native.pipe()
      let err: typeof out
      try {
        err = native.pipe()
      } catch (error) {
        closeEnds({ out: out.read, err: out.write })
        throw error
      }
      lastKey = (lastKey + 2) % MAX_KEY
      const opened = {
        key: lastKey,
        run,
        read: { out: out.read, err: err.read },
        write: { out: out.write, err: err.write },
      }
      runs.set(name, opened)
      tell({ type: 'open', key: opened.key, run, ...opened.read })
      return opened.write
    },
    setPid(unit, invocationId, pid) {
      const opened = runs.get(runKey(unit, invocationId))
      if (!opened || opened.run.pid === pid) return
      opened.run = { ...opened.run, pid }
      tell({ type: 'pid', key: opened.key, pid })
    },
    close(unit, invocationId) {
      const name = runKey(unit, invocationId)
      const opened = runs.get(name)
      if (!opened) return
      runs.delete(name)
      closeEnds(opened.write)
    },
    query,
    async lastLines(unit, invocationId, n) {
      const asked = { ...ALL, units: [unit], invocationId, lines: n }
      const records: LogRecord[] = []
      for await (const batch of query(asked, new AbortController().signal)) records.push(...batch)
      return records
    },
    async finish(timeoutMs) {
      for (const { write } of runs.values()) closeEnds(write)
      runs.clear()
      if (!worker && outbox.length === 0) return
      outbox.push({ type: 'finish' })
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, timeoutMs)
        finished = () => {
          clearTimeout(timer)
          resolve()
        }
        isPaused = false
        flush()
      })
      for (const reader of readers.values()) reader.fail(new Error('the logs are closed'))
      const ending = worker
      worker = null
      await ending?.terminate()
    },
  }
}

const ALL: LogQuery = {
  units: [],
  lines: null,
  follow: false,
  sinceUsec: null,
  untilUsec: null,
  maxPriority: null,
  stream: null,
  grep: null,
  invocationId: null,
}

/** The worker's file: beside the bundle, or the source. */
const workerUrl = () =>
  new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './log-worker.cjs', import.meta.url)
