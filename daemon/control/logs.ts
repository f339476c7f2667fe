// The method `logs`: the services' lines, streamed.
import { err, ok } from 'neverthrow'
import { ALL } from '../logs/record.ts'
import type { UnitName } from '../units/unit.ts'
import type { Backend } from './backend.ts'
import { CANCELLED, type Handler } from './call.ts'
import { operationError } from './errors.ts'
import { extraFieldsOf, logUnitOf, resolveLogUnits, toLogLine } from './log-lines.ts'
import { findUnit, notFound } from './resolve.ts'
import type { ControlError, LogLine, Methods } from './schema.ts'

/** Characters of text in one part, about: small enough to be in step with a slow reader. */
const PART_CHARACTERS = 64 * 1024

/** Of one service of a connection (Accept=yes) the lines of its run: the log is that of all. Null: of every run. */
function runOf(backend: Backend, [unit, ...others]: readonly UnitName[]): string | null {
  const state = unit === undefined || others.length > 0 ? null : backend.state.units.get(unit)
  return state?.connection ? state.invocationId : null
}

export const logs: Handler<'logs'> = async ({ backend, signal, part }, params) => {
  const { units: asked = [], lines = null, follow = false } = params
  const { units, unmatched } = await resolveLogUnits(backend, asked)
  // Nothing but globs, and none matches: "no unit" must not become "all units".
  if (asked.length > 0 && units.length === 0) return ok({ errors: unmatched })
  const query = {
    ...ALL,
    units: units.map(name => logUnitOf(backend, name)),
    lines,
    follow,
    sinceUsec: sinceOf(backend, params),
    untilUsec: params.untilUsec ?? null,
    maxPriority: params.priority ?? null,
    stream: params.stream ?? null,
    grep: params.grep ?? null,
    invocationId: params.invocationId ?? runOf(backend, units),
    reverse: params.reverse ?? false,
    ...(params.run !== undefined && { run: params.run, lastRuns: lastRuns(backend) }),
  }
  const seen = new Set<UnitName>()
  const extra = new Map<UnitName, LogLine['fields'] | null>()
  const fieldsOf = (unit: UnitName) => {
    const known = extra.get(unit)
    if (known !== undefined) return known
    const fields = extraFieldsOf(backend, unit)
    extra.set(unit, fields)
    return fields
  }
  try {
    for await (const records of backend.logs(query, signal)) {
      let chunk: LogLine[] = []
      let characters = 0
      for (const record of records) {
        seen.add(record.unit)
        chunk.push(toLogLine(record, fieldsOf(record.unit)))
        characters += record.message.length + 200
        if (characters < PART_CHARACTERS) continue
        await part({ lines: chunk })
        chunk = []
        characters = 0
      }
      if (chunk.length > 0) await part({ lines: chunk })
      if (signal.aborted) break
    }
  } catch (error) {
    return err(operationError('read the logs', error))
  }
  if (signal.aborted) return err(CANCELLED)
  // A unit whose file is gone may still have lines: only one without either is a mistake.
  const errors: ControlError[] = [...unmatched]
  for (const name of units) {
    const unit = findUnit(backend, name).unwrapOr(null)
    if (
      !seen.has(name) &&
      !seen.has(logUnitOf(backend, name)) &&
      (unit === null || unit.loadState === 'not-found')
    ) {
      errors.push(notFound(backend, name))
    }
  }
  return ok({ errors })
}

const sinceOf = (backend: Backend, { sinceUsec, boot }: Methods['logs']['params']) => {
  if (!boot) return sinceUsec ?? null
  return Math.max(sinceUsec ?? 0, backend.state.manager.started.realtimeUsec)
}

/** The last run of each unit, as far as its lines are kept under its own name. */
const lastRuns = ({ state }: Backend): ReadonlyMap<UnitName, string> => {
  const runs = new Map<UnitName, string>()
  for (const { name, invocationId, connection } of state.units.values())
    if (invocationId !== null && !connection) runs.set(name, invocationId)
  return runs
}
