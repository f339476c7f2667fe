// The Exec…= lists of a unit by what a command is run for.
import { mountCommand } from '../units/mounts.ts'
import type { ExecCommand, ServiceSettings, SocketSettings, Unit } from '../units/unit.ts'
import type { ExecKind } from './state.ts'

const SERVICE = {
  condition: 'execCondition',
  'start-pre': 'execStartPre',
  start: 'execStart',
  'start-post': 'execStartPost',
  reload: 'execReload',
  stop: 'execStop',
  'stop-post': 'execStopPost',
} as const satisfies Record<ExecKind, keyof ServiceSettings>

/** ExecStopPre= stands where a service has ExecStop=. */
const SOCKET: Partial<
  Record<ExecKind, 'execStartPre' | 'execStartPost' | 'execStopPre' | 'execStopPost'>
> = {
  'start-pre': 'execStartPre',
  'start-post': 'execStartPost',
  stop: 'execStopPre',
  'stop-post': 'execStopPost',
}

const NONE: readonly ExecCommand[] = []

export const serviceCommands = (service: ServiceSettings, exec: ExecKind): readonly ExecCommand[] =>
  service[SERVICE[exec]]

export function socketCommands(socket: SocketSettings, exec: ExecKind): readonly ExecCommand[] {
  const list = SOCKET[exec]
  return list === undefined ? NONE : socket[list]
}

/** The commands of a unit of any type. */
export function commandsOf(unit: Unit, exec: ExecKind): readonly ExecCommand[] {
  const { service, socket } = unit
  if (service) return serviceCommands(service, exec)
  if (unit.mount || unit.swap) {
    const command = exec === 'start' || exec === 'stop' ? mountCommand(unit, exec) : null
    return command ? [command] : NONE
  }
  return socket ? socketCommands(socket, exec) : NONE
}

/** The directive of a list as it stands in the file: `ExecStartPre`. */
export function execDirective(type: string, exec: ExecKind): string {
  const list = type === 'socket' ? (SOCKET[exec] ?? SERVICE[exec]) : SERVICE[exec]
  return `E${list.slice(1)}`
}
