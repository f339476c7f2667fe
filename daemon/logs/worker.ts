// The log worker: reads the services' pipes, writes the files and the console, answers queries. With nothing to read it sleeps,
// unless a file will be of an age or a disk is full.
import { fsync } from 'node:fs'
import { isatty } from 'node:tty'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { deflateRaw } from 'node:zlib'
import { native, releaseMemory } from '../runtime/native.ts'
import type { UnitName } from '../units/unit.ts'
import { createAnswers } from './answers.ts'
import { createCapture } from './capture.ts'
import { createClock } from './clock.ts'
import type { Background } from './compress.ts'
import { type Console, createConsole } from './console.ts'
import { jsonLine, labelOf } from './console-line.ts'
import { createFilters } from './filters.ts'
import { appendEnd, END_LINE_LENGTH, END_LINES, hasEnd, type RunEnd, readEnds } from './history.ts'
import { createIntake, type Intake } from './intake.ts'
import type { RunLog } from './logs.ts'
import type { FromWorker, ToReader, ToWorker, WorkerData } from './messages.ts'
import { createQuery } from './query.ts'
import { createQuiet } from './quiet.ts'
import { ALL } from './record.ts'
import { createStore } from './store.ts'

if (!parentPort) throw new Error('the log worker was not started as a worker')
const port = parentPort
const settings = workerData as WorkerData
const post = (message: FromWorker) => port.postMessage(message)
const nowUsec = createClock()

const background: Background = {
  nowMs: () => performance.now(),
  later: setTimeout,
  deflate: (bytes, told) => deflateRaw(bytes, (error, body) => told(error ? null : body)),
  sync: (fd, told) => fsync(fd, error => told(!error)),
}
const store = createStore({
  ...settings,
  nowUsec,
  ...(settings.compress && { background }),
  warn: message => post({ type: 'warning', message }),
  storing: (inode, size) => capture.storing(inode, size),
})
const answers = createAnswers(store, post)
/** Those of other threads. */
const readers = new Set<ReturnType<typeof createAnswers>>()
let output: Console | null = null

const DEFAULT_WAIT_MS = 5000
const consoleFd = settings.consoleFd ?? 1
const isColoured = isatty(consoleFd) && process.env.NO_COLOR === undefined

const openConsole = () =>
  createConsole({
    native: native(),
    fd: consoleFd,
    waitMs: settings.consoleWaitMs ?? DEFAULT_WAIT_MS,
    lost(lines) {
      const says = `${lines} lines are missing here: standard output was blocked`
      if (settings.consoleFormat !== 'json') return Buffer.from(`hearth | ${says}\n`)
      return jsonLine({ timeUsec: nowUsec(), unit: null, stream: 'err', priority: 4 }, says)
    },
    hold: () => capture.hold(),
    resume: () => capture.resume(),
  })

const worked = createQuiet(releaseMemory)
const poller = native().createPoller(keys => {
  capture.read(keys)
  worked(keys.length)
  output?.flush()
})
/** The longest that a timer may wait. */
const MOST_MS = 2 ** 31 - 1
let alarm: { dueUsec: number; timer: NodeJS.Timeout } | null = null

/** Sees to it that the store is tended when time alone brings something to do; mostly it does not. */
function watchTime(): void {
  const dueUsec = store.dueUsec()
  if (dueUsec === null || (alarm && alarm.dueUsec <= dueUsec)) return
  if (alarm) clearTimeout(alarm.timer)
  const ms = Math.ceil((dueUsec - nowUsec()) / 1000)
  alarm = { dueUsec, timer: setTimeout(tend, Math.min(Math.max(ms, 0), MOST_MS)) }
}

function tend(): void {
  alarm = null
  store.tend()
  watchTime()
}

// Not among the first services that start.
setTimeout(tend, 1000)

const carryLedger = native().ledger(settings.carryFd)
if (!carryLedger) throw new Error('the memory of the log worker is damaged')
const warn = (message: string) => post({ type: 'warning', message })
const filters = createFilters(nowUsec, warn)
const keep = (unit: UnitName, lines: Uint8Array) => {
  store.append(unit, lines)
  watchTime()
  answers.grown(unit)
  for (const reader of readers) reader.grown(unit)
}
const labelFor = ({ unit, consoleFormat = 'prefix' }: RunLog) =>
  labelOf(unit, consoleFormat, isColoured)
const tellConsole = (lines: Uint8Array, count: number) => {
  output ??= openConsole()
  output.add(lines, count)
}
let intake: Intake | null = null
const openIntake = () =>
  createIntake({
    native: native(),
    nowUsec,
    filters,
    store: keep,
    labelOf: labelFor,
    console: tellConsole,
    flushed: () => output?.flush(),
    whose: (pid, marker) => post({ type: 'whose', pid, marker }),
    warn,
  })
const capture = createCapture({
  native: native(),
  memory: native().captureMemory(settings.memoryFd),
  carryLedger,
  cutBack: store.cutBack,
  watch: (fd, key) => poller.add(fd, key),
  unwatch: fd => poller.remove(fd),
  nowUsec,
  store: keep,
  labelOf: labelFor,
  console: tellConsole,
  filters,
  ended: unit => store.release(unit),
})

/** Questions that wait until it is known whose the messages are that came before them, and what was said of them since. */
let put: ToWorker[] = []
let asked = 0
/** A flood of messages of ever new processes must not keep them for ever. */
const MOST_ASKED = 64
const QUESTIONS: ReadonlySet<ToWorker['type']> = new Set(['query', 'more', 'cancel'])

function goOn(): void {
  if (put.length === 0) return
  asked++
  const waiting = put
  put = []
  for (const message of waiting) obey(message)
  if (put.length === 0) asked = 0
}

function obey(message: ToWorker): void {
  if (put.length > 0 && QUESTIONS.has(message.type)) {
    put.push(message)
    return
  }
  switch (message.type) {
    case 'open':
      intake?.know(message.run)
      capture.open(message.run, message.key, message)
      break
    case 'pid':
      capture.setPid(message.key, message.pid)
      break
    case 'listen':
      intake ??= openIntake()
      for (const { kind, fd } of message.sockets) intake.open(kind, fd)
      break
    case 'sender':
      intake?.told(message.pid, message.marker, message.run)
      goOn()
      break
    case 'query':
      // The answer holds what was written before the question.
      if (message.query.units.length > 0) capture.drain(message.query.units)
      if (intake && !intake.drain() && asked < MOST_ASKED) {
        put.push(message)
        break
      }
      answers.begin(message.id, message.query)
      break
    case 'more':
      answers.more(message.id)
      break
    case 'cancel':
      answers.cancel(message.id)
      break
    case 'run-ended':
      keepEnd(message)
      break
    case 'history': {
      const { directory } = settings
      const ends = directory === null ? [] : readEnds(directory, message.unit)
      post({ type: 'history', id: message.id, ends })
      break
    }
    case 'units':
      post({ type: 'units', id: message.id, units: store.units() })
      break
    case 'reader':
      openReader(message.port)
      break
    case 'finish':
      finish()
      break
    default:
      message satisfies never
  }
}

function openReader(of: MessagePort): void {
  const own = createAnswers(store, message => of.postMessage(message))
  readers.add(own)
  of.on('message', (message: ToReader) => {
    if (message.type === 'more') own.more(message.id)
    else if (message.type === 'cancel') own.cancel(message.id)
    else {
      // A question that follows nothing is one for what there is.
      if (!message.query.follow) {
        capture.drain(null)
        intake?.drain()
      }
      own.begin(message.id, message.query)
    }
  })
  of.on('close', () => readers.delete(own))
}

/** The runs of units whose ends were told again: the step that ends one may be done again, too. */
const toldAgain = new Map<UnitName, string>()

/** Keeps the end of a run with what its pipes still hold. */
function keepEnd({ id, unit, end, isAgain }: Extract<ToWorker, { type: 'run-ended' }>): void {
  const isKnown =
    toldAgain.get(unit) === end.invocationId ||
    (isAgain && hasEnd(settings.directory ?? '', unit, end.invocationId))
  if (isAgain) toldAgain.set(unit, end.invocationId)
  if (!isKnown) writeEnd(unit, end)
  Atomics.store(settings.writtenEnd, 0, id)
}

function writeEnd(unit: UnitName, end: Omit<RunEnd, 'lines'>): void {
  const { directory } = settings
  if (directory === null) return
  capture.drain([unit])
  intake?.drain()
  const { invocationId, startedUsec: sinceUsec } = end
  const asked = { ...ALL, units: [unit], invocationId, sinceUsec, lines: END_LINES }
  const lines: string[] = []
  for (const record of createQuery(store, asked).history())
    if (record) lines.push(record.message.slice(0, END_LINE_LENGTH))
  try {
    appendEnd(directory, unit, { ...end, lines })
  } catch {
    // The log beside it cannot be written either, and that was said.
  }
}

function finish(): void {
  capture.drain(null)
  intake?.drain()
  intake?.close()
  capture.end()
  answers.end()
  output?.end()
  store.close()
  poller.close()
  post({ type: 'finished' })
  port.close()
}

port.on('message', (messages: readonly ToWorker[]) => {
  for (const message of messages) obey(message)
  worked(messages.length)
  output?.flush()
})
