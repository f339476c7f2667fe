// set-property: limits of a unit, now and from now on, by a drop-in for each of them (systemctl(1), set-property).
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Methods } from '../../daemon/control/schema.ts'
import type { Command, Context } from '../context.ts'
import { findPlaces, type Place } from '../edit/places.ts'
import { readProperty, sectionOf } from '../edit/properties.ts'
import { store } from '../edit/store.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { defaultSocketPath } from '../socket-path.ts'
import { answered, failed } from './answer.ts'

const COMMENT = '# Written by ctl set-property.\n'

export const run: Command = async context => {
  const { options } = context
  const [unit = '', ...assignments] = context.args
  const wrong = assignments.find(assignment => readProperty(assignment) === null)
  if (wrong !== undefined || assignments.length === 0)
    return refuse(
      context,
      wrong === undefined
        ? `cannot set a property of ${unit}: expected NAME=VALUE, such as MemoryMax=1G`
        : `cannot set '${wrong}': expected NAME=VALUE, the name one of systemd.resource-control(5), such as MemoryMax=1G`,
    )
  const runtime = `${dirname(options.socket ?? defaultSocketPath())}/services.d`
  const written: { place: Place; text: string }[] = []
  for (const [name, values] of byName(assignments)) {
    const dropIn = { ...options, dropIn: `50-${name}`, full: false }
    const [place] = (await findPlaces({ ...context, options: dropIn }, [unit], runtime)) ?? []
    if (place === undefined) return FAILURE
    const id = place.path.split('/').at(-2)?.replace(/\.d$/, '') ?? ''
    const section = sectionOf(id)
    if (section === null)
      return refuse(context, `cannot set '${name}' of ${id}: it has no processes`)
    written.push({ place, text: `${COMMENT}[${section}]\n${values.join('\n')}\n` })
  }
  const trouble = store(written.map(({ place, text }) => ({ path: place.path, text })))
  if (trouble !== null) return refuse(context, trouble)
  const read = await context.ask('reload', {})
  if (read.isErr()) return failed(context, read.error)
  const found = await context.ask('verify', { units: [unit] })
  // It is in force; whether it is understood is not known.
  if (found.isErr()) return failed(context, found.error)
  const problem = problemOf(found.value, written)
  if (problem === null) {
    if (options.json) context.printJson('done', {})
    return SUCCESS
  }
  takeBack(written)
  return answered(context, await context.ask('reload', {}), () => refuse(context, problem))
}

/** The lines of each, in order: an empty value before another takes back what the unit's files say. */
const byName = (assignments: readonly string[]) =>
  Map.groupBy(assignments, assignment => readProperty(assignment)?.name ?? '')

/** What is wrong with what was written, in words, or null. */
function problemOf(
  { units }: Methods['verify']['result'],
  written: readonly { place: Place }[],
): string | null {
  const paths = new Set(written.map(({ place }) => place.path))
  const problem = units
    .flatMap(({ problems }) => problems)
    .find(({ file, severity }) => severity === 'error' && file !== null && paths.has(file))
  return problem?.message ?? null
}

/** As it was before: the unit is not left with what cannot be read. */
function takeBack(written: readonly { place: Place }[]): void {
  for (const { place } of written)
    if (place.text === '') rmSync(place.path, { force: true })
    else store([{ path: place.path, text: place.text }])
}

function refuse(context: Context, message: string): number {
  context.complain({ code: 'failed', message })
  return FAILURE
}
