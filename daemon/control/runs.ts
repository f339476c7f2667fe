// The commands that a service ran: which they were, and how they ended.

import type { ProcessExit } from '../engine/event.ts'
import { commandsOf, execDirective } from '../engine/exec-lists.ts'
import { describeExit, inStatusSet, signalName, statusName } from '../engine/exit-status.ts'
import type { CommandRun, ExecKind } from '../engine/state.ts'
import { execCommandText } from '../units/print.ts'
import type { ExecCommand, Unit } from '../units/unit.ts'
import type { CommandStatus } from './schema.ts'
import { timestampText } from './times.ts'

const EXEC_KINDS: readonly ExecKind[] = [
  'condition',
  'start-pre',
  'start',
  'start-post',
  'reload',
  'stop',
  'stop-post',
]

/** The command of a run, unless the unit file has been changed since. */
export const commandOf = (unit: Unit, run: { exec: ExecKind; index: number }): ExecCommand | null =>
  commandsOf(unit, run.exec)[run.index] ?? null

/** The command line as written; empty when it is not known any more. */
export const commandLine = (command: ExecCommand | null): string => command?.argv.join(' ') ?? ''

/** `code=exited, status=1/FAILURE`; null while it runs. */
export const outcomeOf = (run: CommandRun): string | null =>
  run.endedUsec === null ? null : describeExit(run.exit ?? { kind: 'unknown' })

/** Whether the run ended well (a `-` counts as well); null while it runs. */
export function isRunOk(unit: Unit, run: CommandRun): boolean | null {
  if (run.endedUsec === null) return null
  const { exit } = run
  if (exit === null || exit.kind === 'unknown') return true
  if (commandOf(unit, run)?.ignoreFailure) return true
  if (exit.kind === 'exited' && exit.status === 0) return true
  return unit.service ? inStatusSet(unit.service.successExitStatus, exit) : false
}

/** `exited with status 203 (EXEC)`, `was killed by SIGSEGV`. */
export function exitInWords(exit: ProcessExit): string {
  switch (exit.kind) {
    case 'exited': {
      const name = statusName(exit.status)
      return `exited with status ${exit.status}${name === null ? '' : ` (${name})`}`
    }
    case 'killed':
      return `was killed by SIG${signalName(exit.signal)}`
    case 'dumped':
      return `was killed by SIG${signalName(exit.signal)} and dumped core`
    case 'unknown':
      return 'ended in a way that is not known'
  }
}

/**
 * How the run ended, with what ended: `the main process exited with status 1 (FAILURE)`. A command that could not even be
 * executed has had no process: pid 0 and the status of the step that failed.
 */
export function endInWords(run: CommandRun, ran: string, command: ExecCommand | null): string {
  if (run.exit === null) return `${ran} ended`
  if (run.pid !== 0 || run.exit.kind !== 'exited') return `${ran} ${exitInWords(run.exit)}`
  const what = command?.path ?? ran
  const { status } = run.exit
  return status === EXIT_EXEC
    ? `${what} could not be executed (status ${status}/EXEC)`
    : `${what} could not be started: the step ${statusName(status) ?? 'unknown'} failed (status ${status})`
}

const EXIT_EXEC = 203
const SIGSYS = 31

/** Why the kernel has sent SIGSYS where the unit's system calls are filtered; null: it has not, or for another reason. */
export function refusedCall({ exec }: Unit, exit: ProcessExit | null): string | null {
  if (!exec || exit === null || exit.kind === 'exited' || exit.kind === 'unknown') return null
  if (exit.signal !== SIGSYS) return null
  const lines = exec.systemCallFilter
  const kills =
    exec.systemCallErrorNumber === 'kill' ||
    lines.some(({ calls }) => calls.some(({ error }) => error === 'kill'))
  const directives = [
    ...(lines.length > 0 && kills ? ['SystemCallFilter='] : []),
    ...(exec.systemCallArchitectures.length > 0 ? ['SystemCallArchitectures='] : []),
  ]
  return directives.length === 0
    ? null
    : `it made a system call that ${directives.join(' or ')} refuses`
}

/** CLD_EXITED, CLD_KILLED, CLD_DUMPED of waitid(2), as `systemctl show` prints ExecMainCode=; 0 for none. */
export function exitCode(exit: ProcessExit | null): number {
  switch (exit?.kind) {
    case 'exited':
      return 1
    case 'killed':
      return 2
    case 'dumped':
      return 3
    default:
      return 0
  }
}

/** The exit status or the number of the signal; 0 for none. */
export function exitStatus(exit: ProcessExit | null): number {
  if (exit === null || exit.kind === 'unknown') return 0
  return exit.kind === 'exited' ? exit.status : exit.signal
}

/** `ExecStart={ path=… ; argv[]=… ; … }`, one for each command of the unit, with its last run. */
export const execProperties = (
  unit: Unit,
  runs: readonly CommandRun[],
): [name: string, value: string][] =>
  EXEC_KINDS.flatMap(kind =>
    commandsOf(unit, kind).map((command, index): [string, string] => {
      const run = runs.findLast(one => one.exec === kind && one.index === index)
      const text = run ? execCommandText(command, timing(run)) : execCommandText(command)
      return [execDirective(unit.type, kind), text]
    }),
  )

const timing = (run: CommandRun) => ({
  startTime: `[${timestampText(run.startedUsec)}]`,
  stopTime: run.endedUsec === null ? '[n/a]' : `[${timestampText(run.endedUsec)}]`,
  pid: run.pid,
  code: run.endedUsec === null ? '(null)' : (run.exit?.kind ?? 'unknown'),
  status: `${exitStatus(run.exit)}${run.exit?.kind === 'exited' ? '' : '/0'}`,
})

/** A run as `ctl status` tells it. */
export const commandStatus = (unit: Unit, run: CommandRun): CommandStatus => ({
  directive: execDirective(unit.type, run.exec),
  command: commandLine(commandOf(unit, run)),
  pid: run.pid,
  startedUsec: run.startedUsec,
  endedUsec: run.endedUsec,
  outcome: outcomeOf(run),
  ok: isRunOk(unit, run),
})
