// The main thread's side of forwarding: the worker that does it is started when there is a destination.
import { MessageChannel, type Worker } from 'node:worker_threads'
import type { UnitName } from '../units/unit.ts'
import type { Logs } from './logs.ts'
import type { FromShipper, ShipperData, ToShipper } from './messages.ts'
import { startThread } from './thread.ts'

export type ShippingSettings = Omit<ShipperData, 'role'> & {
  logs: Pick<Logs, 'reader'>
  /** The text of the worker's program; by its file's name when it is not given. */
  program?: () => string
  nowUsec: () => number
  warn: (message: string) => void
}

export interface Shipping {
  /** Where lines of the unit are forwarded to (LogForward=); null: where all are. */
  unit(unit: UnitName, forward: readonly string[] | null): void
  /** Sends what there is, for so long at most. */
  finish(timeoutMs: number): Promise<void>
}

const RESTART_MS = 5000
/** Beyond the time that it was given. */
const GRACE_MS = 500
const HEAP = { youngMb: 4, oldMb: 96 }

export function createShipping(settings: ShippingSettings): Shipping {
  const { logs, program, nowUsec, warn, ...data } = settings
  const units = new Map<UnitName, { forward: readonly string[]; sinceUsec: number }>()
  let worker: Worker | null = null
  let ended: (() => void) | null = null

  const tell = (message: ToShipper) => worker?.postMessage(message)

  const connect = () => {
    const { port1, port2 } = new MessageChannel()
    logs.reader(port1)
    worker?.postMessage({ type: 'port', port: port2 } satisfies ToShipper, [port2])
  }

  const take = (message: FromShipper) => {
    switch (message.type) {
      case 'warning':
        return warn(message.message)
      case 'connect':
        return connect()
      case 'finished':
        return ended?.()
      default:
        return message satisfies never
    }
  }

  const again = (why: string) => {
    warn(`forwarding of logs failed and begins again: ${why}`)
    if (ended) ended()
    else setTimeout(start, RESTART_MS)
  }

  const start = () => {
    if (worker || ended) return
    const workerData: ShipperData = { ...data, role: 'shipper' }
    const thread = startThread({
      name: 'shipper',
      program: program?.() ?? null,
      file: workerUrl(),
      workerData,
      ...HEAP,
    })
    if (thread.isErr()) return again(thread.error)
    const started = thread.value
    worker = started
    started.on('message', take)
    started.on('error', (error: Error) => {
      if (worker !== started) return
      worker = null
      again(`${error.stack}`)
    })
    connect()
    for (const [unit, { forward, sinceUsec }] of units)
      tell({ type: 'unit', unit, forward, sinceUsec })
  }

  if (data.urls.length > 0) start()

  return {
    unit(unit, forward) {
      const before = units.get(unit)
      if (before?.forward.join(' ') === forward?.join(' ')) return
      const sinceUsec = nowUsec()
      if (forward) units.set(unit, { forward, sinceUsec })
      else units.delete(unit)
      if (worker) tell({ type: 'unit', unit, forward, sinceUsec })
      else if (forward && forward.length > 0) start()
    },
    async finish(timeoutMs) {
      const ending = worker
      if (!ending) return
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, timeoutMs + GRACE_MS)
        ended = () => {
          clearTimeout(timer)
          resolve()
        }
        tell({ type: 'finish', timeoutMs })
      })
      worker = null
      await ending.terminate()
    },
  }
}

/** The worker's file: beside the bundle, or the source. */
const workerUrl = () =>
  new URL(
    import.meta.url.endsWith('.ts') ? './ship/worker.ts' : './log-worker.cjs',
    import.meta.url,
  )
