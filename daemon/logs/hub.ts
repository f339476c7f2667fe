// The main thread's side of the log worker: pipes are handed over, questions are asked; no line passes here.
import type { Worker } from 'node:worker_threads'
import { fromThrowable } from 'neverthrow'
import { errnoOf, inWords } from '../runtime/failure.ts'
import { createKeep, type Keep, type Kept } from '../runtime/keep.ts'
import type { Native } from '../runtime/native.ts'
import type { UnitName } from '../units/unit.ts'
import type { RunEnd } from './history.ts'
import type { LogSockets, Logs, RunLog, SenderOf } from './logs.ts'
import type { FromWorker, ToWorker, WorkerData, WorkerSettings } from './messages.ts'
import { openCarryLedger } from './recall.ts'
import { ALL, type LogQuery, type LogRecord } from './record.ts'
import { startThread } from './thread.ts'

export type LogsSettings = WorkerSettings & {
  native: Pick<Native, 'pipe' | 'inode' | 'close' | 'ledger' | 'captureMemory'>
  /** What is kept over the daemon's image, its memory and its runs; for tests it may be left out. */
  kept?: Keep
  /** The text of the worker's program; by its file's name when it is not given. */
  program?: () => string
  /** A sentence for the daemon's log. */
  warn: (message: string) => void
}

/** `write` is null when our ends are closed and only the rest of the pipes is read. */
type Open = { key: number; run: RunLog; read: Ends; inodes: Ends; write: Ends | null }
/** An open run as it is kept: the read ends with the inode numbers of their pipes, as the worker closes them by itself. */
type KeptRun = { run: RunLog; read: Ends; inodes: Ends; isOpen: boolean }
type KeptEnd = { unit: UnitName; end: Omit<RunEnd, 'lines'> }
type Ends = { out: number; err: number }
type Reader = {
  take: (message: Extract<FromWorker, { type: 'records' | 'refused' }>) => void
  fail: (error: Error) => void
}

/** Ends of runs that the worker has perhaps not written down yet, by their number. */
const KEPT_ENDS = 'ends of runs'
/** The part of what is kept that the runs are: each by the number of its key. */
export const KEPT_RUNS = 'runs of logs'
/** A worker that fails sooner than this is not started anew at once. */
const RESTART_PAUSE_MS = 1_000
const MAX_KEY = 2 ** 31
/** What somebody waits for who is told when there is no worker. */
const QUESTIONS: ReadonlySet<ToWorker['type']> = new Set([
  'query',
  'more',
  'cancel',
  'history',
  'units',
])
/** As many streams as journald takes, those of runs included whose pipes are being read to their end. */
const MOST_CONNECTIONS = 4096
/** Runs that are looked at, whether their pipes are at their end, whenever another closes. */
const LOOKS = 2
const HEAP = { youngMb: 2, oldMb: 128 }

const runKey = (unit: UnitName, invocationId: string) => `${unit} ${invocationId}`

/** The logs of all services. Nothing is started before the first run is opened or the first question is asked. */
export function createLogs(settings: LogsSettings): Logs {
  const { native, warn, program, kept: keep = createKeep(), ...workerSettings } = settings
  const kept = keep.part('logs')
  const keptRuns = keep.part(KEPT_RUNS)
  const keptEnds = keep.part(KEPT_ENDS)
  let lastEnd = 0
  /** The number of the last end that the worker has written down, which it tells without a message. */
  const writtenEnd = new Int32Array(new SharedArrayBuffer(4))
  const runs = new Map<string, Open>()
  /** Runs whose write ends are closed here, the longest closed first, by their key. */
  const closing = new Map<number, Open>()
  const readers = new Map<number, Reader>()
  /** Who waits for a unit's history, and for the names of those that have a log. */
  const histories = new Map<number, (ends: readonly RunEnd[]) => void>()
  const listings = new Map<number, (units: readonly UnitName[]) => void>()
  let worker: Worker | null = null
  let outbox: ToWorker[] = []
  let listening: { sockets: LogSockets; sender: SenderOf } | null = null
  let lastKey = -2
  let lastQuery = 0
  let finished: (() => void) | null = null
  let startedMs = 0
  let pause: NodeJS.Timeout | null = null
  /** Why there is no worker; null: there is one, or it has not been tried. */
  let whyNone: string | null = null

  const flush = () => {
    if (outbox.length === 0 || pause) return
    if (!worker) {
      const started = startWorker()
      if (started.isErr()) return unstarted(started.error)
      worker = started.value
      whyNone = null
    }
    const ports = outbox.flatMap(message => (message.type === 'reader' ? message.port : []))
    worker.postMessage(outbox, ports)
    outbox = []
  }

  /** Messages of one round go together, after the processes of that round have been started. */
  const tell = (message: ToWorker) => {
    // Somebody waits: perhaps there is a thread by now.
    if (whyNone !== null && QUESTIONS.has(message.type)) endPause()
    if (outbox.length === 0) setImmediate(flush)
    outbox.push(message)
  }

  /** Made when it is first needed, and kept from then on. */
  const memory = (name: string, make: () => { fd: number }): number => {
    const known = kept.entries.get(name)?.fds[0]
    if (known !== undefined) return known
    const { fd } = make()
    kept.put(name, null, [fd])
    return fd
  }

  const keepRun = (open: Open) => {
    const { data, fds } = keptOf(open)
    keptRuns.put(`${open.key}`, data, fds)
  }

  const isPipe = (fd: number, inode: number) => fd >= 0 && inode !== 0 && native.inode(fd) === inode
  /** Whether the worker has not come to the end of both. */
  const isLeft = ({ read, inodes }: Open) =>
    isPipe(read.out, inodes.out) || isPipe(read.err, inodes.err)

  /** Forgets runs whose pipes the worker has closed; a few at a time. */
  const forgetClosed = (looks = LOOKS) => {
    for (const [key, open] of closing.entries().take(looks).toArray()) {
      closing.delete(key)
      // Looked at again after all the others.
      if (isLeft(open)) closing.set(key, open)
      else keptRuns.drop(`${key}`)
    }
  }

  const forgetEnds = () => {
    const written = Atomics.load(writtenEnd, 0)
    for (const key of keptEnds.entries.keys()) {
      if (Number(key) > written) return
      keptEnds.drop(key)
    }
  }

  /** Has those written down, once more perhaps, that no worker has said to be. */
  const tellEnds = () => {
    forgetEnds()
    const unsent = new Set(
      outbox.flatMap(message => (message.type === 'run-ended' ? message.id : [])),
    )
    for (const [key, { data }] of keptEnds.entries) {
      const id = Number(key)
      lastEnd = Math.max(lastEnd, id)
      if (!unsent.has(id)) tell({ type: 'run-ended', id, ...(data as KeptEnd), isAgain: true })
    }
  }

  const startWorker = () => {
    startedMs = performance.now()
    const memories = fromThrowable(
      () => ({
        memoryFd: memory('memory', () => native.captureMemory(null)),
        carryFd: memory('carry', () => openCarryLedger(native)),
      }),
      error => inWords(errnoOf(error)),
    )
    const thread = memories().andThen(fds =>
      startThread({
        name: 'logs',
        program: program?.() ?? null,
        file: workerUrl(),
        workerData: { ...workerSettings, writtenEnd, ...fds } satisfies WorkerData,
        ...HEAP,
      }),
    )
    return thread.map(watch)
  }

  const watch = (started: Worker) => {
    started.on('message', take)
    started.on('error', error => {
      if (worker === started) restart(error instanceof Error ? error : new Error(String(error)))
    })
    return started
  }

  /** Those who have asked are answered now; their questions are not put to the next worker. */
  const failAskers = (why: string) => {
    for (const reader of readers.values()) reader.fail(unreadable(why))
    readers.clear()
    for (const told of histories.values()) told([])
    histories.clear()
    for (const told of listings.values()) told([])
    listings.clear()
    outbox = outbox.filter(message => !QUESTIONS.has(message.type))
  }

  const rest = () => {
    pause = setTimeout(endPause, RESTART_PAUSE_MS)
  }

  const endPause = () => {
    if (pause) clearTimeout(pause)
    pause = null
    setImmediate(flush)
  }

  /** There is no thread or no memory to be had: lines wait in the pipes until there is one. */
  const unstarted = (reason: string) => {
    const isNews = whyNone === null
    whyNone = `the log worker cannot be started: ${reason}`
    failAskers(whyNone)
    rest()
    if (isNews) warn(`${whyNone}; what services write waits in their pipes meanwhile`)
  }

  /** A mistake of ours ended the worker: a new one gets the open runs, so their pipes are not left alone. */
  const restart = (error: Error) => {
    worker = null
    failAskers(`the log worker failed: ${error.message}`)
    if (performance.now() - startedMs < RESTART_PAUSE_MS) rest()
    if (listening && !finished) tell({ type: 'listen', sockets: listening.sockets })
    const unsent = new Set(outbox.flatMap(message => (message.type === 'open' ? message.key : [])))
    for (const open of [...runs.values(), ...closing.values()])
      if (!unsent.has(open.key)) hand(open)
    tellEnds()
    if (finished) tell({ type: 'finish' })
    warn(`the log worker failed and was started anew: ${error.stack}`)
  }

  const take = (message: FromWorker) => {
    switch (message.type) {
      case 'records':
      case 'refused':
        return readers.get(message.id)?.take(message)
      case 'warning':
        return warn(message.message)
      case 'whose': {
        const { pid, marker } = message
        if (listening) tell({ type: 'sender', pid, marker, run: listening.sender(pid, marker) })
        return
      }
      case 'history':
        histories.get(message.id)?.(message.ends)
        return void histories.delete(message.id)
      case 'units':
        listings.get(message.id)?.(message.units)
        return void listings.delete(message.id)
      case 'finished':
        return finished?.()
      default:
        return message satisfies never
    }
  }

  /** Has the worker read what there is of the run's pipes; one end may have come to its end before. */
  const hand = ({ key, run, read, inodes }: Open) => {
    const out = isPipe(read.out, inodes.out) ? read.out : -1
    const err = isPipe(read.err, inodes.err) ? read.err : -1
    if (out !== -1 || err !== -1) tell({ type: 'open', key, run, out, err })
  }

  const restore = () => {
    for (const [name, { data, fds }] of keptRuns.entries) {
      const { run, read, inodes, isOpen } = data as KeptRun
      const key = Number(name)
      const [out, err] = fds
      const write = isOpen && out !== undefined && err !== undefined ? { out, err } : null
      const opened: Open = { key, run, read, inodes, write }
      lastKey = Math.max(lastKey, key)
      if (write) runs.set(runKey(run.unit, run.invocationId), opened)
      else closing.set(key, opened)
      hand(opened)
    }
    tellEnds()
  }

  const closeEnds = (ends: Ends) => {
    native.close(ends.out)
    native.close(ends.err)
  }

  const close = (unit: UnitName, invocationId: string) => {
    const name = runKey(unit, invocationId)
    const opened = runs.get(name)
    if (!opened) return
    runs.delete(name)
    const { write } = opened
    closing.set(opened.key, opened)
    opened.write = null
    keepRun(opened)
    if (write) closeEnds(write)
    forgetClosed()
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

  restore()
  keptRuns.tellBy(function* () {
    for (const open of [...runs.values(), ...closing.values()])
      yield [`${open.key}`, keptOf(open)] as const
  })

  return {
    open(run) {
      const name = runKey(run.unit, run.invocationId)
      const known = runs.get(name)?.write
      if (known) return known
      const out = native.pipe()
      let err: typeof out
      try {
        err = native.pipe()
      } catch (error) {
        closeEnds({ out: out.read, err: out.write })
        throw error
      }
      lastKey = (lastKey + 2) % MAX_KEY
      const write = { out: out.write, err: err.write }
      const opened: Open = {
        key: lastKey,
        run,
        read: { out: out.read, err: err.read },
        inodes: { out: native.inode(out.read), err: native.inode(err.read) },
        write,
      }
      runs.set(name, opened)
      keepRun(opened)
      tell({ type: 'open', key: opened.key, run, ...opened.read })
      return write
    },
    listen(sockets, sender) {
      listening = { sockets, sender }
      tell({ type: 'listen', sockets })
    },
    connection(fd, run) {
      forgetClosed(closing.size < MOST_CONNECTIONS ? LOOKS : closing.size)
      if (closing.size >= MOST_CONNECTIONS) return false
      lastKey = (lastKey + 2) % MAX_KEY
      const inodes = { out: native.inode(fd), err: 0 }
      const opened: Open = { key: lastKey, run, read: { out: fd, err: -1 }, inodes, write: null }
      closing.set(opened.key, opened)
      keepRun(opened)
      tell({ type: 'open', key: opened.key, run, out: fd, err: -1 })
      return true
    },
    setPid(unit, invocationId, pid) {
      const opened = runs.get(runKey(unit, invocationId))
      if (!opened || opened.run.pid === pid) return
      opened.run = { ...opened.run, pid }
      keepRun(opened)
      tell({ type: 'pid', key: opened.key, pid })
    },
    close,
    runEnded(unit, end) {
      if (finished) return
      forgetEnds()
      const id = ++lastEnd
      keptEnds.put(`${id}`, { unit, end })
      tell({ type: 'run-ended', id, unit, end, isAgain: false })
    },
    reader: port => tell({ type: 'reader', port }),
    units() {
      if (finished) return Promise.resolve([])
      const id = ++lastQuery
      return new Promise(resolve => {
        listings.set(id, resolve)
        tell({ type: 'units', id })
      })
    },
    history(unit) {
      if (finished) return Promise.resolve([])
      const id = ++lastQuery
      return new Promise(resolve => {
        histories.set(id, resolve)
        tell({ type: 'history', id, unit })
      })
    },
    readEnds: () =>
      [...runs.values(), ...closing.values()]
        .filter(isLeft)
        .flatMap(({ read }) => [read.out, read.err]),
    opened: () =>
      [...runs.values()].flatMap(({ run, write }) => (write === null ? [] : { run, write })),
    query,
    async lastLines(unit, invocationId, n) {
      const asked = { ...ALL, units: [unit], invocationId, lines: n }
      const records: LogRecord[] = []
      for await (const batch of query(asked, new AbortController().signal)) records.push(...batch)
      return records
    },
    async finish(timeoutMs) {
      for (const { run } of [...runs.values()]) close(run.unit, run.invocationId)
      if (!worker && outbox.length === 0) return
      outbox.push({ type: 'finish' })
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, timeoutMs)
        finished = () => {
          clearTimeout(timer)
          resolve()
        }
        flush()
      })
      for (const reader of readers.values()) reader.fail(new Error('the logs are closed'))
      const ending = worker
      worker = null
      await ending?.terminate()
    },
  }
}

const unreadable = (why: string) => new Error(`cannot read the logs: ${why}`)

function keptOf({ run, read, inodes, write }: Open): Kept {
  const data = { run, read, inodes, isOpen: write !== null } satisfies KeptRun
  return { data, fds: write ? [write.out, write.err] : [] }
}

/** The worker's file: beside the bundle, or the source. */
const workerUrl = () =>
  new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './log-worker.cjs', import.meta.url)
