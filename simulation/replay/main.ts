// hearth replay FILE: the decisions that a daemon has recorded (ctl record), step by step, beside those of this hearth.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { err, ok, type Result } from 'neverthrow'
import { write } from '../../ctl/output.ts'
import { changesRow, type Recording, readRecording } from '../../daemon/record.ts'
import { errnoOf, inWords } from '../../daemon/runtime/failure.ts'
import type { UnitName } from '../../daemon/units/unit.ts'
import { formatTimespan } from '../../daemon/units/values/format-timespan.ts'
import { mangleName } from '../../daemon/units/values/unit-name.ts'
import { engineOf, type ReplayedStep, replay } from './replay.ts'
import { concerns, stateLines, stepLines } from './report.ts'

const USAGE = `Usage: hearth replay [OPTIONS] FILE

Goes through a recording ('ctl record FILE') step by step: each event with what was decided, and what this hearth decides where
that differs. Nothing is done. Exits with 0 when all is as recorded, else with 1. FILE may be -: standard input.

Options:
  -u, --unit UNIT  only steps that are about UNIT
  --stop N         up to step N, then the state of the units before it
  --differing      only steps that differ
  --json           a line of JSON for each step
`

type Options = {
  file: string
  unit: UnitName | null
  stop: number
  onlyDiffering: boolean
  json: boolean
}

/** Runs `hearth replay WORDS...`; gives the exit status. */
export function run(words: readonly string[]): number {
  if (words.includes('--help') || words.includes('-h')) {
    write(1, USAGE)
    return 0
  }
  return readWords(words)
    .mapErr(message => `${message}\n\n${USAGE}`)
    .andThen(options => read(options.file).andThen(recording => tellAll(recording, options)))
    .match(
      status => status,
      message => {
        write(2, `${message.trimEnd()}\n`)
        return 1
      },
    )
}

function readWords(words: readonly string[]): Result<Options, string> {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        unit: { type: 'string', short: 'u' },
        stop: { type: 'string' },
        differing: { type: 'boolean' },
        json: { type: 'boolean' },
      },
    })
    const [file, ...more] = positionals
    if (file === undefined || more.length > 0) return err('cannot replay: expected one file')
    const stop = values.stop === undefined ? Number.POSITIVE_INFINITY : Number(values.stop)
    if (!(stop >= 1)) return err(`cannot read --stop ${values.stop}: expected the number of a step`)
    const { differing = false, json = false, unit } = values
    return ok({
      file,
      unit: unit === undefined ? null : mangleName(unit).unwrapOr(unit),
      stop,
      onlyDiffering: differing,
      json,
    })
  } catch (error) {
    return err(`cannot read the command line: ${(error as Error).message}`)
  }
}

function read(file: string): Result<Recording, string> {
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (error) {
    return err(`cannot read ${file}: ${inWords(errnoOf(error))}`)
  }
  return readRecording(text).mapErr(message => `cannot replay ${file}: ${message}`)
}

/** Tells what it comes to, as far as it can be played: what was changed by hand, or damaged, may throw anything. */
function tellAll(recording: Recording, options: Options): Result<number, string> {
  try {
    return ok(tell(recording, options))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return err(`cannot replay ${options.file}: it was changed or damaged (${why})`)
  }
}

function tell(recording: Recording, { unit, stop, onlyDiffering, json }: Options): number {
  const print = (...lines: readonly string[]) => write(1, lines.map(line => `${line}\n`).join(''))
  if (!json) print(headLine(recording))
  let [count, differing, first] = [0, 0, 0]
  let engine = engineOf(recording)
  for (const { step, engine: before } of replay(recording)) {
    engine = before
    if (step.number > stop) break
    count++
    if (!step.isSame) {
      differing++
      first ||= step.number
    }
    const isShown = (unit === null || concerns(step, unit)) && !(onlyDiffering && step.isSame)
    if (json && isShown) print(JSON.stringify(jsonOf(step)))
    else if (isShown) print(...stepLines(step, before, unit))
  }
  if (!json) {
    if (Number.isFinite(stop)) print(`after step ${count}:`, ...stateLines(engine, unit))
    print(
      differing === 0
        ? `${count} steps, all as recorded`
        : `${differing} of ${count} steps differ, the first is #${first}`,
    )
  }
  return differing === 0 ? 0 : 1
}

function headLine({ program, madeUsec, units, steps }: Recording): string {
  const [first] = steps
  const at = new Date(madeUsec / 1000).toISOString().replace('T', ' ').slice(0, 19)
  const span = first ? ` of ${formatTimespan(madeUsec - first.now.realtimeUsec, 1000)}` : ''
  return `recorded by hearth ${program} at ${at} UTC: ${steps.length} steps${span}, ${units.length} units`
}

const jsonOf = ({ number, recorded, now, defect, isSame }: ReplayedStep) => ({
  step: number,
  realtimeUsec: recorded.now.realtimeUsec,
  event: recorded.event,
  changes: changesRow(recorded.changes),
  effects: recorded.effects,
  same: isSame,
  ...(!isSame && {
    now: now && { changes: changesRow(now.changes), effects: now.effects },
    defect,
  }),
})
