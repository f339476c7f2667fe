// A step of a replay in words: the event, what follows from it, and where that is not what was recorded.
import type { Engine } from '../../daemon/engine/engine.ts'
import type { EngineEvent } from '../../daemon/engine/event.ts'
import { describeExit } from '../../daemon/engine/exit-status.ts'
import { changesRow } from '../../daemon/record.ts'
import type { UnitName } from '../../daemon/units/unit.ts'
import { isSame } from '../same.ts'
import { changeWords, effectWords, jobWords, stateWords } from '../tell.ts'
import type { Decision, ReplayedStep } from './replay.ts'

/** `10:00:01.123456`, UTC. */
const clock = (usec: number) =>
  `${new Date(usec / 1000).toISOString().slice(11, 19)}.${String(usec % 1_000_000).padStart(6, '0')}`

/** Whether the step is about the unit: by its event, or by what follows from it. */
export function concerns({ recorded, now }: ReplayedStep, unit: UnitName): boolean {
  const { event, changes, effects } = recorded
  if ('unit' in event && event.unit === unit) return true
  const all = [...effects, ...(now?.effects ?? [])]
  return (
    changes.units.has(unit) ||
    now?.changes.units.has(unit) === true ||
    all.some(effect => 'unit' in effect && effect.unit === unit)
  )
}

/** The event, and below it what follows; with what this hearth decides where that differs. */
export function stepLines(step: ReplayedStep, engine: Engine, only: UnitName | null): string[] {
  const { number, recorded, now, defect } = step
  const head = `#${String(number).padEnd(5)} ${clock(recorded.now.realtimeUsec)}  ${eventWords(recorded.event, engine)}`
  const was = decisionLines(recorded, engine, only)
  if (step.isSame) return [head, ...was]
  const is = now ? decisionLines(now, engine, only) : [`          it throws: ${defect}`]
  return [
    head,
    '        differs. Recorded:',
    ...was,
    '        Now:',
    ...is,
    ...(isSame(was, is) && now ? differences(now, recorded) : []),
  ]
}

function eventWords(event: EngineEvent, engine: Engine): string {
  if (event.type === 'exited') {
    const unit = engine.unitOfPid(event.pid)
    return `exited ${event.pid} ${unit === null ? '' : `of ${unit} `}${describeExit(event.exit)}`
  }
  const { type, ...fields } = event
  const words = Object.entries(fields).map(([name, value]) =>
    name === 'unit'
      ? String(value)
      : `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`,
  )
  return [type, ...words].join(' ')
}

function decisionLines({ changes, effects }: Decision, engine: Engine, only: UnitName | null) {
  const lines: string[] = []
  const add = (unit: UnitName | null, text: string) => {
    if (only === null || unit === only)
      lines.push(`          ${unit === null ? '' : `${unit}  `}${text}`)
  }
  for (const [name, state] of changes.units) {
    const text = changeWords(engine.graph.unit(name), engine.state.units.get(name) ?? null, state)
    if (text !== null) add(name, text)
  }
  for (const job of changes.jobs.values())
    if (job && job.state !== engine.state.jobs.get(job.id)?.state) add(job.unit, jobWords(job))
  for (const effect of effects) {
    const unit = 'unit' in effect ? effect.unit : null
    const words = effectWords(effect, name => engine.graph.unit(name))
    if (words !== null) add(unit, words)
    else if (effect.type !== 'log') add(unit, effect.type)
  }
  return lines
}

/** Where words do not show it: the fields that differ. */
function differences(now: Decision, recorded: Decision): string[] {
  const [is, was] = [now, recorded].map(({ changes, effects }) =>
    flat(JSON.parse(JSON.stringify({ ...changesRow(changes), effects }))),
  ) as [Map<string, string>, Map<string, string>]
  const keys = new Set([...is.keys(), ...was.keys()])
  return [...keys]
    .filter(key => is.get(key) !== was.get(key))
    .map(
      key =>
        `          ${key}: ${was.get(key) ?? 'nothing'} was recorded, ${is.get(key) ?? 'nothing'} now`,
    )
}

function flat(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (typeof value !== 'object' || value === null) into.set(path, JSON.stringify(value))
  else
    for (const [key, each] of Object.entries(value))
      flat(each, path === '' ? key : `${path}.${key}`, into)
  return into
}

/** All units that are not at rest, and the queue of jobs. */
export function stateLines({ state, graph }: Engine, only: UnitName | null): string[] {
  const units = [...state.units.values()].flatMap(unit => {
    const words = stateWords(graph.unit(unit.name), unit)
    const isShown = only === null ? words !== 'inactive (dead)' : unit.name === only
    return isShown ? [`  ${unit.name}  ${words}`] : []
  })
  const jobs = [...state.jobs.values()]
    .filter(job => only === null || job.unit === only)
    .map(job => `  job ${job.id}: ${job.unit}  ${jobWords(job)}`)
  return [...units, ...jobs]
}
