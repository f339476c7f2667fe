// Which file is edited for a unit, and what is in it and in the unit's others now.
import { existsSync, readFileSync } from 'node:fs'
import { failed } from '../commands/answer.ts'
import type { Context } from '../context.ts'

export type Place = {
  /** The file that is written. */
  path: string
  /** What is in it now; '' where it is not there yet. */
  text: string
  /** The unit's other files, to be read beside it. None when the whole file is edited. */
  others: readonly { path: string; text: string }[]
}

export type Unit = { id: string; loadState: string; fragment: string }
/** Directories of unit files: `own`, where they are written to stay and to be gone after a boot, and all others. */
export type Directories = {
  own: readonly [persistent: string, runtime: string]
  others: readonly string[]
}

/** Null: something is wrong, and it was told. `runtime` is the directory of what is gone after a boot. */
export async function findPlaces(
  context: Context,
  names: readonly string[],
  runtime: string,
): Promise<readonly Place[] | null> {
  const { options } = context
  const directories = options.runtime ? null : await findDirectories(context, runtime)
  const units = await findUnits(context, names)
  if ((directories === null && !options.runtime) || units === null) return null
  const directory = directories?.own[0] ?? runtime
  const dropIn = `${(options.dropIn ?? 'override').replace(/\.conf$/, '')}.conf`
  if (dropIn.includes('/')) {
    refuse(context, `cannot use --drop-in=${options.dropIn}: expected the name of a file`)
    return null
  }
  const places: Place[] = []
  for (const unit of units) {
    const isThere = unit.loadState !== 'not-found'
    if (!isThere && !(options.force && options.full)) {
      refuse(
        context,
        `cannot find files of ${unit.id}`,
        `make it by: ctl edit --force --full ${unit.id}`,
      )
      return null
    }
    if (unit.loadState === 'masked') {
      refuse(context, `cannot edit ${unit.id}: it is masked`, `ctl unmask ${unit.id}`)
      return null
    }
    const path = options.full ? `${directory}/${unit.id}` : `${directory}/${unit.id}.d/${dropIn}`
    const own = existsSync(path) ? readFileSync(path, 'utf8') : null
    const files = isThere ? await filesOf(context, unit) : []
    if (files === null) return null
    places.push(
      options.full
        ? { path, text: own ?? files[0]?.text ?? '', others: [] }
        : { path, text: own ?? '', others: files.filter(file => file.path !== path) },
    )
  }
  return places
}

function refuse(context: Context, message: string, hint?: string): void {
  context.complain({ code: 'failed', message, ...(hint !== undefined && { hint }) })
}

/** Files are written in the first unit directory that stays, or in the one that does not. Null: something is wrong, and it was told. */
export async function findDirectories(
  context: Context,
  runtime: string,
): Promise<Directories | null> {
  const shown = await context.ask('show', { properties: ['UnitPath'] })
  if (shown.isErr()) {
    failed(context, shown.error)
    return null
  }
  const paths = (shown.value.units[0]?.properties[0]?.[1] ?? '').split(' ')
  const [persistent = runtime, ...others] = paths.filter(path => path !== runtime)
  return { own: [persistent, runtime], others }
}

/** Null: something is wrong, and it was told. */
export async function findUnits(
  context: Context,
  names: readonly string[],
): Promise<Unit[] | null> {
  const properties = ['Id', 'LoadState', 'FragmentPath']
  const shown = await context.ask('show', { units: names, properties })
  if (shown.isErr()) {
    failed(context, shown.error)
    return null
  }
  const [error] = shown.value.errors
  if (error !== undefined) {
    context.complain(error)
    return null
  }
  return shown.value.units.map(({ unit, properties: all }) => {
    const values = new Map(all)
    return {
      id: values.get('Id') ?? unit,
      loadState: values.get('LoadState') ?? 'loaded',
      fragment: values.get('FragmentPath') ?? '',
    }
  })
}

/** The unit's file and its drop-ins; none of a unit that is built in. */
async function filesOf(context: Context, { id, fragment }: Unit) {
  if (fragment === '') return []
  const files = await context.ask('cat', { units: [id] })
  if (files.isOk()) return files.value.units[0]?.files ?? []
  failed(context, files.error)
  return null
}
