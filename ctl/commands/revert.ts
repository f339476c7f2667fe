// revert: undoes what edit, set-property and mask have changed of units (systemctl(1), revert).
import { existsSync, lstatSync, readdirSync, readlinkSync, rmdirSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Command } from '../context.ts'
import { type Directories, findDirectories, findUnits } from '../edit/places.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { defaultSocketPath } from '../socket-path.ts'
import { answered } from './answer.ts'

export const run: Command = async context => {
  const runtime = `${dirname(context.options.socket ?? defaultSocketPath())}/services.d`
  const directories = await findDirectories(context, runtime)
  if (directories === null) return FAILURE
  const units = await findUnits(context, context.args)
  if (units === null) return FAILURE
  const changes = units.map(({ id }) => changesOf(id, directories))
  const missing = units.find(
    (unit, i) => unit.loadState === 'not-found' && changes[i]?.length === 0,
  )
  if (missing !== undefined) {
    context.complain({ code: 'unit-not-found', message: `cannot find files of ${missing.id}` })
    return FAILURE
  }
  try {
    for (const path of changes.flat()) {
      if (lstatSync(path).isDirectory()) rmdirSync(path)
      else unlinkSync(path)
      context.note(`Removed "${path}".`)
    }
  } catch (error) {
    if (!(error instanceof Error && 'path' in error)) throw error
    context.complain({ code: 'failed', message: `cannot remove ${error.path}: ${error.message}` })
    return FAILURE
  }
  return answered(context, await context.ask('reload', {}), () => {
    if (context.options.json) context.printJson('done', {})
    return SUCCESS
  })
}

/** Drop-ins, their directories after them, and what stands in the place of a file of another directory, or masks the unit. */
function changesOf(id: string, { own, others }: Directories): string[] {
  const isElsewhere = others.some(directory => existsSync(`${directory}/${id}`))
  return own.flatMap(directory => {
    const dropIns = `${directory}/${id}.d`
    const path = `${directory}/${id}`
    return [
      ...(existsSync(dropIns)
        ? [...readdirSync(dropIns).map(name => `${dropIns}/${name}`), dropIns]
        : []),
      ...(isMask(path) || (isElsewhere && existsSync(path)) ? [path] : []),
    ]
  })
}

function isMask(path: string): boolean {
  try {
    return readlinkSync(path) === '/dev/null'
  } catch {
    return false
  }
}
