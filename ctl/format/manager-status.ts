// `ctl status` without a unit: the daemon, and every process by its unit.
import type { ManagerStatus, ProcessNode, UnitStatus } from '../../daemon/control/schema.ts'
import { printableCommand } from './printable.ts'
import type { StatusStyle } from './status.ts'
import { formatRelative } from './timespan.ts'
import { formatTimestamp } from './timestamp.ts'
import { drawTree } from './tree.ts'
import { cut } from './width.ts'

const LABEL = 9
const field = (label: string, text: string) => `${label.padStart(LABEL)}: ${text}`

type Node = { text: string; children: readonly Node[] }

/** The overview; `units` are those whose processes are shown. */
export function formatManagerStatus(
  manager: ManagerStatus,
  units: readonly UnitStatus[],
  { paint, host, width }: StatusStyle,
): string {
  const colour = COLOURS[manager.state]
  const failed = `${manager.failed} units`
  const trees = units
    .filter(unit => unit.processes.length > 0)
    .map((unit): Node => ({ text: unit.unit, children: unit.processes.map(toNode) }))
  const tree = [...drawTree(trees, node => node.children)].map(({ node, prefix }) => {
    const text = `${prefix}${node.text}`
    return width === null ? text : cut(text, width - LABEL - 2)
  })
  return [
    `${paint[colour]('●')} ${host}`,
    field('State', paint[colour](manager.state)),
    ...manager.defects.map(defect => field('Defect', defect)),
    field('Units', `${manager.units} loaded (incl. loaded aliases)`),
    field('Jobs', `${manager.jobs} queued`),
    field('Failed', manager.failed > 0 ? paint.red(failed) : failed),
    field(
      'Since',
      `${formatTimestamp(manager.startedUsec)}; ${formatRelative(manager.startedUsec, manager.nowUsec)}`,
    ),
    field('hearth', `${manager.version} (PID ${manager.pid})`),
    ...tree.map((line, index) =>
      index === 0 ? field('Processes', line) : `${' '.repeat(LABEL + 2)}${line}`,
    ),
  ].join('\n')
}

const COLOURS = {
  starting: 'yellow',
  running: 'green',
  degraded: 'red',
  stopping: 'yellow',
} as const

const toNode = ({ pid, command, children }: ProcessNode): Node => ({
  text: `${pid} ${printableCommand(command)}`,
  children: children.map(toNode),
})
