// `ctl status UNIT`, line by line as systemctl prints it.
import {
  type CommandStatus,
  formatTimespan,
  type ProcessNode,
  type UnitStatus,
} from '../../daemon/control/schema.ts'
import { dotOf, isBadLoad, paintActive, paintedDot } from './active-state.ts'
import { formatBytes } from './bytes.ts'
import { formatLogLine } from './log-line.ts'
import type { Paint } from './paint.ts'
import { printableCommand } from './printable.ts'
import { formatRelative } from './timespan.ts'
import { formatTimestamp } from './timestamp.ts'
import { drawTree } from './tree.ts'
import { cut } from './width.ts'

export type StatusStyle = {
  paint: Paint
  host: string
  terminal: boolean
  /** Cells to cut process and log lines to; null: not at all. */
  width: number | null
}

/** Columns up to the colon. */
const LABEL = 11
const INDENT = ' '.repeat(LABEL + 2)

type Field = (label: string, text: string) => string
const field: Field = (label, text) => `${label.padStart(LABEL)}: ${text}`

/** The text of one unit's status, without a newline at its end. */
export function formatStatus(status: UnitStatus, style: StatusStyle): string {
  return [
    head(status, style.paint),
    loaded(status, style.paint),
    ...dropIns(status.dropInPaths),
    active(status, style.paint),
    ...times(status),
    ...(status.activeState === 'active' && status.unit.endsWith('.timer')
      ? [field('Trigger', nextTrigger(status))]
      : []),
    ...related('TriggeredBy', status.triggeredBy, style.paint),
    ...related('Triggers', status.triggers, style.paint),
    ...condition(status, style.paint),
    ...list('Docs', status.docs),
    ...status.listen.map(({ address, type }) => field('Listen', `${address} (${type})`)),
    ...connections(status),
    ...status.commands
      .filter(command => command.outcome !== null)
      .map(command => ended(command, style.paint)),
    ...mainPid(status, style.paint),
    ...(status.spawnError === null ? [] : [field('Error', style.paint.red(status.spawnError))]),
    ...(status.statusText === ''
      ? []
      : [field('Status', style.paint.cyan(`"${printableCommand(status.statusText)}"`))]),
    ...resources(status),
    ...formatProcesses(status.processes, 'Processes', style),
    ...problems(status, style.paint),
    ...(status.log.length > 0 ? ['', ...logLines(status, style)] : []),
  ].join('\n')
}

function head({ unit, description, activeState }: UnitStatus, paint: Paint): string {
  const dot = paintActive(paint, activeState, dotOf(activeState))
  return `${dot} ${unit}${description === '' || description === unit ? '' : ` - ${description}`}`
}

function loaded(status: UnitStatus, paint: Paint): string {
  const state = isBadLoad(status.loadState) ? paint.red(status.loadState) : status.loadState
  if (status.loadError !== null) return field('Loaded', `${state} (Reason: ${status.loadError})`)
  const about = [
    ...(status.fragmentPath === null ? [] : [status.fragmentPath]),
    ...(status.unitFileState === '' || status.unitFileState === 'not-found'
      ? []
      : [paintFileState(status.unitFileState, paint)]),
  ]
  return field('Loaded', about.length > 0 ? `${state} (${about.join('; ')})` : state)
}

function paintFileState(state: string, paint: Paint): string {
  if (state === 'enabled' || state === 'enabled-runtime') return paint.green(state)
  return state === 'disabled' ? paint.yellow(state) : state
}

function dropIns(paths: readonly string[]): string[] {
  const byDirectory = new Map<string, string[]>()
  for (const path of paths) {
    const slash = path.lastIndexOf('/')
    const directory = path.slice(0, slash)
    byDirectory.set(directory, [...(byDirectory.get(directory) ?? []), path.slice(slash + 1)])
  }
  return [...byDirectory].flatMap(([directory, names], index) => [
    index === 0 ? field('Drop-In', directory) : INDENT + directory,
    `${INDENT}└─${names.join(', ')}`,
  ])
}

function active(status: UnitStatus, paint: Paint): string {
  const { activeState, subState, result, sinceUsec, nowUsec } = status
  const state = activeState === subState ? activeState : `${activeState} (${subState})`
  const why = result === '' || result === 'success' ? '' : ` (Result: ${result})`
  const since = sinceUsec > 0 ? ` since ${moment(sinceUsec, nowUsec)}` : ''
  return field('Active', paintActive(paint, activeState, state) + why + since)
}

const moment = (usec: number, nowUsec: number) =>
  `${formatTimestamp(usec)}; ${formatRelative(usec, nowUsec)}`

function times(status: UnitStatus): string[] {
  return [
    ...(status.durationUsec === null
      ? []
      : [field('Duration', formatTimespan(status.durationUsec, 1000))]),
    ...(status.restartAtUsec === null
      ? []
      : [field('Restart', moment(status.restartAtUsec, status.nowUsec))]),
    ...(status.nRestarts === 0 ? [] : [field('Restarts', String(status.nRestarts))]),
    ...(status.job === null
      ? []
      : [field('Job', `${status.job.type} (job ${status.job.id}) is under way`)]),
  ]
}

const nextTrigger = ({ nextElapseUsec, nowUsec }: UnitStatus) =>
  nextElapseUsec === null ? 'n/a' : moment(nextElapseUsec, nowUsec)

const related = (label: string, units: UnitStatus['triggers'], paint: Paint) =>
  list(
    label,
    units.map(({ unit, active }) => `${paintedDot(paint, active)} ${unit}`),
  )

const list = (label: string, items: readonly string[]) =>
  items.map((item, index) => (index === 0 ? field(label, item) : INDENT + item))

function condition({ condition, nowUsec }: UnitStatus, paint: Paint): string[] {
  if (condition === null) return []
  return [
    field(
      'Condition',
      `start ${paint.yellow('condition failed')} at ${moment(condition.atUsec, nowUsec)}`,
    ),
    `${INDENT}└─ ${condition.text}`,
  ]
}

function connections({ connections: told }: UnitStatus): string[] {
  if (told === null) return []
  const { accepted, connected, refused } = told
  const more = refused === 0 ? '' : `; Refused: ${refused}`
  return [field('Accepted', `${accepted}; Connected: ${connected}${more}`)]
}

/** systemctl's words for `code=exited, status=7/n/a` and `code=killed, status=9/KILL`. */
const inWords = (outcome: string) =>
  `(${outcome.replace(/\/n\/a$/, '').replace(/(code=(?:killed|dumped), )status=\d+\//, '$1signal=')})`

function ended(command: CommandStatus, paint: Paint): string {
  const how = inWords(command.outcome ?? '')
  return field(
    'Process',
    `${command.pid} ${command.directive}=${printableCommand(command.command)} ${command.ok === false ? paint.red(how) : how}`,
  )
}

function mainPid({ main, control }: UnitStatus, paint: Paint): string[] {
  const told: string[] = []
  if (main !== null) {
    const bad = main.outcome !== null && !main.outcome.endsWith('status=0/SUCCESS')
    const outcome = inWords(main.outcome ?? '')
    told.push(
      main.running || main.outcome === null
        ? `${main.pid} (${main.command})`
        : // 0: nothing could be started; spawnError says why.
          `${main.pid || 'none'} ${bad ? paint.red(outcome) : outcome}`,
    )
  }
  if (control !== null) {
    const label = main === null ? '' : 'Control PID: '
    told.push(`${label}${control.pid} (${control.command})`)
  }
  if (told.length === 0) return []
  return [field(main === null ? 'Cntrl PID' : 'Main PID', told.join('; '))]
}

function resources(status: UnitStatus): string[] {
  const { tasks, tasksMax, memoryBytes, cpuUsec, ioReadBytes, ioWrittenBytes } = status
  const limit = tasksMax === null ? '' : ` (limit: ${tasksMax})`
  return [
    ...(ioReadBytes === null
      ? []
      : [
          field(
            'IO',
            `${formatBytes(ioReadBytes)} read, ${formatBytes(ioWrittenBytes ?? 0)} written`,
          ),
        ]),
    ...(tasks === null ? [] : [field('Tasks', `${tasks}${limit}`)]),
    ...(memoryBytes === null
      ? []
      : [field('Memory', `${formatBytes(memoryBytes)}${memoryLimits(status, memoryBytes)}`)]),
    ...(cpuUsec === null ? [] : [field('CPU', formatTimespan(cpuUsec, 1000))]),
  ]
}

/** ` (high: 1.0G max: 2.0G available: 1.5G)`, as systemctl has it. */
function memoryLimits(status: UnitStatus, memoryBytes: number): string {
  const { memoryMin, memoryLow, memoryHigh, memoryMax, memorySwapMax } = status
  const limits = [memoryHigh, memoryMax].filter(limit => limit !== null)
  const told = [
    ...(memoryMin > 0 ? [`min: ${formatBytes(memoryMin)}`] : []),
    ...(memoryLow > 0 ? [`low: ${formatBytes(memoryLow)}`] : []),
    ...(memoryHigh === null ? [] : [`high: ${formatBytes(memoryHigh)}`]),
    ...(memoryMax === null ? [] : [`max: ${formatBytes(memoryMax)}`]),
    ...(memorySwapMax === null ? [] : [`swap max: ${formatBytes(memorySwapMax)}`]),
    ...(limits.length === 0
      ? []
      : [`available: ${formatBytes(Math.max(0, Math.min(...limits) - memoryBytes))}`]),
  ]
  return told.length === 0 ? '' : ` (${told.join(' ')})`
}

/** The tree of processes under a label; nothing when there are none. */
function formatProcesses(
  processes: readonly ProcessNode[],
  label: string,
  { width, paint }: Pick<StatusStyle, 'width' | 'paint'>,
): string[] {
  const lines = [...drawTree(processes, process => process.children)].map(({ node, prefix }) => {
    const text = `${prefix}${node.pid} ${printableCommand(node.command)}`
    const shown = width === null ? text : cut(text, width - INDENT.length)
    return paint.grey(shown)
  })
  return list(label, lines)
}

function problems(status: UnitStatus, paint: Paint): string[] {
  const { unit, loadError, needDaemonReload } = status
  // The one that keeps the unit from being loaded stands in its second line.
  const others = status.problems.filter(problem => !loadError?.includes(problem.message))
  const told = others.map(({ severity, file, line, message }) => {
    const place = file === null ? '' : `${file}${line === null ? '' : `:${line}`}: `
    return `${paint.yellow(severity === 'error' ? 'Error' : 'Warning')}: ${place}${message}`
  })
  if (needDaemonReload) {
    told.push(
      `${paint.yellow('Warning')}: the files of ${unit} have changed since they were read; run 'ctl daemon-reload'`,
    )
  }
  return told.length > 0 ? ['', ...told] : []
}

function logLines({ log }: UnitStatus, style: StatusStyle): string[] {
  return log.map(line => {
    const text = String(formatLogLine(line, 'short', style))
    // What is coloured has a width of its own: only plain lines are cut.
    return style.width === null || text.includes('\x1b') ? text : cut(text, style.width)
  })
}
