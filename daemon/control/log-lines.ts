// Lines of the services' output for an answer.
import { ALL, type LogQuery, type LogRecord } from '../logs/record.ts'
import type { UnitName } from '../units/unit.ts'
import { templateOf } from '../units/values/unit-name.ts'
import type { Backend } from './backend.ts'
import { operationError } from './errors.ts'
import { hasGlob, type Resolved, resolveUnits } from './resolve.ts'
import type { LogLine } from './schema.ts'

/** Where a unit's lines are kept: those of services of connections (Accept=yes) under the name of their template. */
export const logUnitOf = (backend: Backend, unit: UnitName): UnitName =>
  backend.state.units.get(unit)?.connection ? (templateOf(unit) ?? unit) : unit

/** The units that the patterns mean; globs match units with a log, too, which need not be loaded any more. */
export async function resolveLogUnits(
  backend: Backend,
  patterns: readonly string[],
): Promise<Resolved> {
  return resolveUnits(backend, patterns, {
    others: hasGlob(patterns) ? await backend.logUnits() : [],
  })
}

/** The last `lines` lines that `query` finds, oldest first; none when the logs cannot be read now: what is asked for beside them
 * is to be told all the same. */
export async function lastLines(
  backend: Backend,
  query: Partial<LogQuery> & { lines: number },
  signal: AbortSignal,
): Promise<readonly LogLine[]> {
  if (query.lines === 0) return []
  const found: LogLine[] = []
  try {
    for await (const records of backend.logs({ ...ALL, ...query }, signal)) {
      for (const record of records) found.push(toLogLine(record))
    }
  } catch (error) {
    // What is no defect the daemon's own log has told.
    operationError('read the logs', error)
  }
  return found.slice(-query.lines)
}

/** LogExtraFields= of a unit as it is loaded now; null: none. */
export function extraFieldsOf(backend: Backend, unit: UnitName): Record<string, string> | null {
  const fields = backend.units.get(unit)?.exec?.logExtraFields ?? []
  if (fields.length === 0) return null
  return Object.fromEntries(
    fields.map(field => {
      const at = field.indexOf('=')
      return [field.slice(0, at), field.slice(at + 1)]
    }),
  )
}

export const toLogLine = (record: LogRecord, fields: LogLine['fields'] | null = null): LogLine => ({
  timeUsec: record.timeUsec,
  unit: record.unit,
  identifier: record.identifier,
  pid: record.pid,
  stream: record.stream,
  priority: record.priority,
  invocationId: record.invocationId,
  message: record.message,
  ...(record.binary ? { binary: true } : {}),
  ...(record.partial ? { partial: true } : {}),
  ...(fields === null && !record.fields ? {} : { fields: { ...record.fields, ...fields } }),
})
