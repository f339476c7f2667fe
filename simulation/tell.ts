// What happens in the engine, in a line for a reader.
import type { Effect } from '../daemon/engine/effect.ts'
import { describeExit } from '../daemon/engine/exit-status.ts'
import { initialUnitState } from '../daemon/engine/initial.ts'
import { machineOf } from '../daemon/engine/machines.ts'
import type { ExecKind, Job, UnitState } from '../daemon/engine/state.ts'
import type { ExecCommand, Unit } from '../daemon/units/unit.ts'
import { signalName } from '../daemon/units/values/signal.ts'

/** `active (running)`. */
export function stateWords(unit: Pick<Unit, 'id' | 'type'>, state: UnitState | null): string {
  const machine = machineOf(unit.type)
  const known = state ?? initialUnitState(unit.id, unit.type)
  return `${machine.activeState(known)} (${machine.subState(known)})`
}

/** What has changed of a unit as its state shows it, with the reason where there is one; null: nothing that shows. */
export function changeWords(
  unit: Pick<Unit, 'id' | 'type'>,
  before: UnitState | null,
  after: UnitState | null,
): string | null {
  const [was, is] = [stateWords(unit, before), stateWords(unit, after)]
  if (was === is) return null
  const result = after ? machineOf(unit.type).result(after) : 'success'
  return result === 'success' ? is : `${is}, Result=${result}`
}

/** A job with what has become of it. */
export const jobWords = ({ type, state }: Pick<Job, 'type' | 'state'>): string =>
  `${type} job ${state}`

const EXEC_NAMES: Record<ExecKind, string> = {
  condition: 'ExecCondition',
  'start-pre': 'ExecStartPre',
  start: 'ExecStart',
  'start-post': 'ExecStartPost',
  reload: 'ExecReload',
  stop: 'ExecStop',
  'stop-post': 'ExecStopPost',
}
export const execName = (exec: ExecKind): string => `${EXEC_NAMES[exec]}=`

/** The command that an effect starts, as it stands in the unit. */
export function commandOf(unit: Unit, exec: ExecKind, index: number): string {
  const { service, mount, socket } = unit
  const lists: Partial<Record<ExecKind, readonly ExecCommand[]>> = {
    condition: service?.execCondition ?? [],
    'start-pre': service?.execStartPre ?? socket?.execStartPre ?? [],
    start: service?.execStart ?? [],
    'start-post': service?.execStartPost ?? socket?.execStartPost ?? [],
    reload: service?.execReload ?? [],
    stop: service?.execStop ?? [],
    'stop-post': service?.execStopPost ?? socket?.execStopPost ?? [],
  }
  if (mount) return exec === 'stop' ? 'umount' : 'mount'
  return lists[exec]?.[index]?.argv.join(' ') ?? ''
}

export const exitWords = describeExit
export const signalWords = (signal: number): string => `SIG${signalName(signal)}`

/** An effect that a reader wants to see: what is done to a unit. Null: nothing but answers and bookkeeping. */
export function effectWords(effect: Effect, unit: (name: string) => Unit): string | null {
  switch (effect.type) {
    case 'spawn': {
      const command = commandOf(unit(effect.unit), effect.exec, effect.index)
      return `${execName(effect.exec)}${command}`
    }
    case 'kill': {
      const whom = [
        ...(effect.main === null ? [] : [`main process ${effect.main}`]),
        ...(effect.control === null ? [] : [`control process ${effect.control}`]),
        ...(effect.others ? ['all others'] : []),
      ]
      return `${signalWords(effect.signal)} to ${whom.join(', ') || 'nobody'}`
    }
    case 'job-finished':
      return `${effect.jobType} job: ${effect.result}`
    case 'log':
      return effect.level === 'warn' || effect.level === 'error'
        ? `${effect.level}: ${effect.message}`
        : null
    case 'finish':
      return `hearth ends: ${effect.kind}${effect.exitStatus === null ? '' : `, status ${effect.exitStatus}`}`
    default:
      return null
  }
}
