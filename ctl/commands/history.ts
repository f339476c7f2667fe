// history: how the runs of services have ended, the latest last.
import { formatTimespan, type RunHistory } from '../../daemon/control/schema.ts'
import type { Command, Context } from '../context.ts'
import { FAILURE, SUCCESS } from '../exit-status.ts'
import { formatBytes } from '../format/bytes.ts'
import { printableText } from '../format/printable.ts'
import { formatTimestamp } from '../format/timestamp.ts'
import { answered, complainAll } from './answer.ts'
import { readLines } from './lines.ts'

export const run: Command = async context => {
  const { args, options } = context
  const lines = readLines(options.lines ?? 'all')
  if (lines.isErr()) {
    context.complain(lines.error)
    return FAILURE
  }
  const { directory } = options
  if (directory !== null) return readFiles(context, directory, lines.value)
  const answer = await context.ask('history', { units: args, lines: lines.value })
  if (answer.isErr() && answer.error.type === 'not-running' && options.socket === null)
    return readFiles(context, null, lines.value)
  return answered(context, answer, ({ units, errors }) => {
    tell(context, units)
    return complainAll(context, errors)
  })
}

/** Tells what the files hold; null: those of the daemon that is not running. */
async function readFiles(context: Context, directory: string | null, lines: number | null) {
  const { defaultLogDirectory, readHistoryFiles } = await import('../analyze/logs.ts')
  const place = directory ?? defaultLogDirectory()
  const found = readHistoryFiles(place, context.args, lines)
  if (found.isErr()) return complainAll(context, [found.error])
  if (directory === null) context.note(`hearth is not running: these are the files in ${place}`)
  tell(context, found.value)
  return SUCCESS
}

function tell(context: Context, units: readonly RunHistory[]): void {
  if (context.options.json) context.printJson('history', units)
  else for (const { unit, runs } of units) printRuns(context, unit, runs)
}

function printRuns(context: Context, unit: string, runs: RunHistory['runs']): void {
  const { paint } = context
  if (runs.length === 0) context.note(`${unit}: no run has ended yet`)
  for (const end of runs) {
    const isGood = end.result === 'success'
    const how = [end.error ?? end.outcome, isGood ? null : `result ${end.result}`]
    const taken = [
      end.cpuUsec === null ? null : `${formatTimespan(end.cpuUsec)} CPU`,
      end.memoryPeakBytes === null ? null : `${formatBytes(end.memoryPeakBytes)} memory at most`,
      end.restarting ? 'started again' : null,
    ]
    const told = [...how, ...taken].filter(each => each !== null).join(', ') || 'ended'
    context.print(
      `${formatTimestamp(end.endedUsec)} ${unit} run ${end.invocationId}`,
      `  after ${formatTimespan(Math.max(0, end.endedUsec - end.startedUsec))}, started by ${end.startedBy}`,
      `  ${isGood ? told : paint.red(told)}`,
      ...(isGood ? [] : end.lines.map(line => `    ${printableText(line, paint)}`)),
    )
  }
}
