// The commands of a service: which one is next, what it is told, and its spawning.
import type { ExecCommand } from '../../units/unit.ts'
import { serviceCommands } from '../exec-lists.ts'
import { signalName } from '../exit-status.ts'
import type { ExecKind } from '../state.ts'
import { defect } from '../unreachable.ts'
import { arm, awaitAnswer, set, type Turn, watchdogUsec } from './turn.ts'

/** systemd's names for the lists, as they stand in unit files and logs. */
export const DIRECTIVES: Record<ExecKind, string> = {
  condition: 'ExecCondition=',
  'start-pre': 'ExecStartPre=',
  start: 'ExecStart=',
  'start-post': 'ExecStartPost=',
  reload: 'ExecReload=',
  stop: 'ExecStop=',
  'stop-post': 'ExecStopPost=',
}

export { serviceCommands as commands }

/** The command at that place; none when the unit was read anew and has fewer of them now. */
export const command = (turn: Turn, exec: ExecKind, index: number): ExecCommand | null =>
  serviceCommands(turn.service, exec)[index] ?? null

/** Runs a command as control process, within `timeoutUsec`. */
export function spawnControl(turn: Turn, exec: ExecKind, index: number, timeoutUsec: number): void {
  set(turn, { controlPid: null, command: { exec, index } })
  spawn(turn, 'control', exec, index, timeoutUsec)
}

/** Runs an ExecStart= command as main process, within `timeoutUsec`. */
export function spawnMain(turn: Turn, index: number, timeoutUsec: number): void {
  set(turn, { mainPid: null, mainPidKnown: true, mainIndex: index })
  spawn(turn, 'main', 'start', index, timeoutUsec)
}

function spawn(
  turn: Turn,
  role: 'main' | 'control',
  exec: ExecKind,
  index: number,
  timeoutUsec: number,
): void {
  arm(turn, timeoutUsec)
  turn.effects.push({
    type: 'spawn',
    unit: turn.name,
    token: awaitAnswer(turn, role),
    exec,
    index,
    invocationId: turn.invocationId ?? defect(`${turn.name} runs a command without having started`),
    environment: environment(turn, exec),
  })
}

/** What the engine knows for a command: systemd.exec(5), ENVIRONMENT VARIABLES SET OR PROPAGATED BY THE SERVICE MANAGER. */
function environment(turn: Turn, exec: ExecKind): string[] {
  const { facts, service } = turn
  const set: string[] = []
  if (facts.mainPid !== null) set.push(`MAINPID=${facts.mainPid}`)
  if (service.pidFile !== null) set.push(`PIDFILE=${service.pidFile}`)
  const watchdog = watchdogUsec(turn)
  if (exec === 'start' && watchdog !== null) set.push(`WATCHDOG_USEC=${watchdog}`)
  if (exec === 'stop' || exec === 'stop-post') {
    set.push(`SERVICE_RESULT=${facts.result}`)
    const exit = facts.main?.exit ?? null
    if (exit !== null && exit.kind !== 'unknown') {
      const status = exit.kind === 'exited' ? `${exit.status}` : signalName(exit.signal)
      set.push(`EXIT_CODE=${exit.kind}`, `EXIT_STATUS=${status}`)
    }
  }
  return set
}
