// edit: writes a drop-in for a unit, or its whole file, and has the daemon read it (systemctl(1), edit).
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Command, Context } from '../context.ts'
import { commented, withoutComment } from '../edit/draft.ts'
import { runEditor } from '../edit/editor.ts'
import { findPlaces, type Place } from '../edit/places.ts'
import { store } from '../edit/store.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { defaultSocketPath } from '../socket-path.ts'
import { answered } from './answer.ts'

export const run: Command = async context => {
  const { options, args } = context
  const runtime = `${dirname(options.socket ?? defaultSocketPath())}/services.d`
  const places = await findPlaces(context, args, runtime)
  if (places === null) return FAILURE
  const written = options.stdin ? fromStdin(places) : await fromEditor(context, places)
  if (written === null) return FAILURE
  const wrong = store(written)
  if (wrong !== null) return refuse(context, wrong)
  for (const { path } of written) context.note(`Successfully installed edited file '${path}'.`)
  if (written.length === 0) return SUCCESS
  return answered(context, await context.ask('reload', {}), () => SUCCESS)
}

type Written = { path: string; text: string }

function refuse(context: Context, message: string): number {
  context.complain({ code: 'failed', message })
  return FAILURE
}

/** The same text for all of them. */
function fromStdin(places: readonly Place[]): Written[] {
  const text = readFileSync(0, 'utf8')
  return places.map(({ path }) => ({ path, text: text.endsWith('\n') ? text : `${text}\n` }))
}

/** Null: the editor has failed, and it was told. What is left empty is left as it is. */
async function fromEditor(context: Context, places: readonly Place[]): Promise<Written[] | null> {
  const directory = mkdtempSync(join(tmpdir(), 'ctl-edit-'))
  try {
    const drafts = places.map((place, at) => ({ place, file: join(directory, `${at}.conf`) }))
    for (const { place, file } of drafts) writeFileSync(file, commented(place))
    const wrong = runEditor(
      drafts.map(({ file }) => file),
      process.env,
    )
    if (wrong !== null) {
      refuse(context, wrong)
      return null
    }
    return drafts.flatMap(({ place, file }) => {
      const text = withoutComment(place, readFileSync(file, 'utf8'))
      if (text.trim() !== '') return text === place.text ? [] : [{ path: place.path, text }]
      context.note(`Editing '${place.path}' canceled: temporary file is empty.`)
      return []
    })
  } finally {
    rmSync(directory, { recursive: true })
  }
}
