// The method `record`: the engine's latest steps, streamed as the lines of a recording.
import { err, ok } from 'neverthrow'
import { recordingLines } from '../record.ts'
import { CANCELLED, type Handler } from './call.ts'

/** Characters of text in one part, about: the main loop turns between two. */
const PART_CHARACTERS = 64 * 1024

export const record: Handler<'record'> = async ({ backend, signal, part }) => {
  const recording = backend.recording()
  let lines: string[] = []
  let characters = 0
  for (const line of recordingLines(recording)) {
    lines.push(line)
    characters += line.length
    if (characters < PART_CHARACTERS) continue
    await part({ lines })
    if (signal.aborted) return err(CANCELLED)
    lines = []
    characters = 0
  }
  if (lines.length > 0) await part({ lines })
  const [first] = recording.steps
  const sinceUsec = first?.now.realtimeUsec ?? null
  return ok({ steps: recording.steps.length, units: recording.units.length, sinceUsec })
}
