// The worker that forwards logs: a thread of its own, so that neither a slow server nor what is made for it costs the services.
import { hostname } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { native } from '../../runtime/native.ts'
import type { UnitName } from '../../units/unit.ts'
import { readLogDestination } from '../../units/values/log-destination.ts'
import type { FromShipper, ShipperData, ToShipper } from '../messages.ts'
import { type Cursor, readCursors, writeCursors } from './cursor.ts'
import { createSender } from './senders.ts'
import { createShipper, type Shipper } from './shipper.ts'
import { createSource } from './source.ts'

if (!parentPort) throw new Error('the worker that forwards logs was not started as a worker')
const port = parentPort
const settings = workerData as ShipperData
const post = (message: FromShipper) => port.postMessage(message)
const warn = (message: string) => post({ type: 'warning', message })

const source = createSource(() => post({ type: 'connect' }))
const shippers = new Map<string, Shipper>()
/** Where lines of a unit go that are not to go where all do. */
const ofUnits = new Map<UnitName, readonly string[]>()
const { directory, urls, version } = settings
const cursors: Map<string, Cursor> = directory === null ? new Map() : readCursors(directory)

const SAVE_MS = 1000
let saving: NodeJS.Timeout | null = null
const save = () => {
  if (saving) clearTimeout(saving)
  saving = null
  if (directory === null) return
  for (const [url, shipper] of shippers) cursors.set(url, shipper.cursor())
  try {
    writeCursors(directory, cursors)
  } catch {
    // The logs beside it cannot be written either, and that was said: some lines may be sent twice.
  }
}

const open = (url: string, begunUsec: number) => {
  const destination = readLogDestination(url)
  if (shippers.has(url) || destination.isErr()) return
  const wants = (unit: UnitName) => ofUnits.get(unit)?.includes(url) ?? urls.includes(url)
  const shipper = createShipper({
    url,
    source,
    sender: createSender(destination.value, {
      host: hostname(),
      version,
      native: native(),
      headers: process.env.OTEL_EXPORTER_OTLP_HEADERS,
    }),
    cursor: cursors.get(url) ?? { begunUsec, units: new Map() },
    wants,
    units: () =>
      urls.includes(url)
        ? null
        : [...ofUnits].flatMap(([unit, own]) => (own.includes(url) ? unit : [])),
    moved: () => {
      saving ??= setTimeout(save, SAVE_MS)
    },
    warn,
  })
  shippers.set(url, shipper)
}

const setUnit = (unit: UnitName, forward: readonly string[] | null, sinceUsec: number) => {
  const before = ofUnits.get(unit)
  if (forward) ofUnits.set(unit, forward)
  else ofUnits.delete(unit)
  for (const url of forward ?? []) open(url, sinceUsec)
  for (const url of new Set([...(before ?? []), ...(forward ?? [])]))
    if (before?.includes(url) !== forward?.includes(url)) shippers.get(url)?.changed()
}

const finish = async (timeoutMs: number) => {
  const deadline = AbortSignal.timeout(timeoutMs)
  await Promise.all([...shippers.values()].map(shipper => shipper.finish(deadline)))
  save()
  post({ type: 'finished' })
  port.close()
}

for (const url of urls) open(url, settings.sinceUsec)
port.on('message', (message: ToShipper) => {
  switch (message.type) {
    case 'port':
      return source.connect(message.port)
    case 'unit':
      return setUnit(message.unit, message.forward, message.sinceUsec)
    case 'finish':
      return void finish(message.timeoutMs)
    default:
      return message satisfies never
  }
})
