// Records as a request of OTLP/HTTP with JSON (opentelemetry.io, OTLP specification; Logs Data Model).
import type { UnitName } from '../../units/unit.ts'
import type { LogRecord } from '../record.ts'

/** Logs Data Model, appendix B: syslog's levels, from emerg on. */
const SEVERITIES = [21, 19, 18, 17, 13, 10, 9, 5] as const
const NAMES = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'] as const

type Value = { stringValue: string } | { intValue: string } | { bytesValue: string }
const attribute = (key: string, value: Value) => ({ key, value })
const text = (key: string, stringValue: string) => attribute(key, { stringValue })

/** The body of the request: units are resources, by their names as `service.name`. */
export function formatOtlp(records: readonly LogRecord[], host: string, version: string): string {
  const byUnit = new Map<UnitName, LogRecord[]>()
  for (const record of records) {
    const known = byUnit.get(record.unit)
    if (known) known.push(record)
    else byUnit.set(record.unit, [record])
  }
  const resourceLogs = [...byUnit].map(([unit, lines]) => ({
    resource: {
      attributes: [text('service.name', unit.replace(/\.service$/, '')), text('host.name', host)],
    },
    scopeLogs: [{ scope: { name: 'hearth', version }, logRecords: lines.map(logRecord) }],
  }))
  return JSON.stringify({ resourceLogs })
}

function logRecord(record: LogRecord) {
  const { timeUsec, priority, message, binary, pid, identifier, invocationId, stream } = record
  const nano = `${timeUsec}000`
  const body: Value = binary
    ? { bytesValue: Buffer.from(message, 'latin1').toString('base64') }
    : { stringValue: message }
  return {
    timeUnixNano: nano,
    observedTimeUnixNano: nano,
    severityNumber: SEVERITIES[priority] ?? 9,
    severityText: NAMES[priority] ?? 'info',
    body,
    attributes: [
      text('hearth.unit', record.unit),
      ...(invocationId ? [text('hearth.run', invocationId)] : []),
      text('process.command', identifier),
      ...(pid === null ? [] : [attribute('process.pid', { intValue: String(pid) })]),
      text('log.iostream', stream === 'out' ? 'stdout' : stream === 'err' ? 'stderr' : 'log'),
      ...Object.entries(record.fields ?? {}).map(([name, value]) => text(name, value)),
    ],
  }
}

/** How many of the records an answer has turned away (`partialSuccess`). */
export function rejectedBy(answer: string): number {
  try {
    const told = (
      JSON.parse(answer) as { partialSuccess?: { rejectedLogRecords?: unknown } } | null
    )?.partialSuccess?.rejectedLogRecords
    const rejected = Number(told ?? 0)
    return Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0
  } catch {
    return 0
  }
}
