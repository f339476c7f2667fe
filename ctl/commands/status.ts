// status: units as a person wants to see them, or the daemon as a whole.
import { hostname } from 'node:os'
import type { ManagerStatus, UnitStatus } from '../../daemon/control/schema.ts'
import type { Command, Context } from '../context.ts'
import { FAILURE, NO_SUCH_UNIT, NOT_ACTIVE, SUCCESS } from '../exit-status.ts'
import { formatManagerStatus } from '../format/manager-status.ts'
import { formatStatus, type StatusStyle } from '../format/status.ts'
import { complainAll, failed } from './answer.ts'
import { readLines } from './lines.ts'

const LINES = 10

export const run: Command = async context => {
  const { args, options } = context
  const lines = readLines(options.lines ?? String(LINES))
  if (lines.isErr()) {
    context.complain(lines.error)
    return FAILURE
  }
  // Every loaded unit, as with systemctl status --all.
  const units = args.length === 0 && options.all ? ['*'] : args
  const answer = await context.ask('status', {
    ...(units.length > 0 ? { units } : {}),
    ...(lines.value === null ? {} : { lines: lines.value }),
  })
  if (answer.isErr()) return failed(context, answer.error)
  const { manager, units: told, errors } = answer.value
  if (manager !== null) return await showManager(context, manager, told)
  complainAll(context, errors)
  if (options.json) context.printJson('status', told)
  else if (!options.quiet) printUnits(context, told)
  if (errors.some(error => error.code === 'unit-not-found')) return NO_SUCH_UNIT
  return told.every(isUp) ? SUCCESS : NOT_ACTIVE
}

const isUp = ({ activeState }: UnitStatus) =>
  activeState === 'active' || activeState === 'reloading'

function printUnits(context: Context, units: readonly UnitStatus[]): void {
  const style = styleOf(context)
  if (units.length > 0) context.print(units.map(unit => formatStatus(unit, style)).join('\n\n'))
}

const styleOf = ({ paint, terminal, width }: Context): StatusStyle => ({
  paint,
  terminal,
  width,
  host: hostname().split('.', 1)[0] ?? '',
})

async function showManager(
  context: Context,
  manager: ManagerStatus,
  failedUnits: readonly UnitStatus[],
): Promise<number> {
  if (context.options.json) {
    context.printJson('status-manager', { manager, failed: failedUnits })
    return SUCCESS
  }
  const units = await unitsWithProcesses(context)
  if (!context.options.quiet) {
    context.print(formatManagerStatus(manager, units, styleOf(context)))
  }
  return SUCCESS
}

/** The units that may have processes, with them. */
async function unitsWithProcesses(context: Context): Promise<readonly UnitStatus[]> {
  const list = await context.ask('listUnits', {})
  if (list.isErr()) return []
  const units = list.value.units.filter(({ unit }) => !unit.endsWith('.target'))
  if (units.length === 0) return []
  const status = await context.ask('status', { units: units.map(({ unit }) => unit), lines: 0 })
  return status.isOk() ? status.value.units : []
}
