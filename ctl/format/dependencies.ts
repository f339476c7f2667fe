// The tree of list-dependencies.
import type { DependencyNode } from '../../daemon/control/schema.ts'
import { paintedDot } from './active-state.ts'
import type { Paint } from './paint.ts'
import { drawTree } from './tree.ts'

/** The lines of one tree: its root, then what it depends on. Plain: indented, without dots and lines. */
export function formatDependencies(
  root: DependencyNode,
  { paint, plain }: { paint: Paint; plain: boolean },
): string[] {
  if (plain) return indented(root, 0)
  const branches = [...drawTree(sorted(root), sorted)]
  return [
    root.unit,
    ...branches.map(
      ({ node, prefix }) => `${paintedDot(paint, node.active)} ${prefix}${node.unit}`,
    ),
  ]
}

const indented = (node: DependencyNode, depth: number): string[] => [
  `${'  '.repeat(depth)}${node.unit}`,
  ...sorted(node).flatMap(child => indented(child, depth + 1)),
]

/** Targets last, each by name, as systemctl has them. */
function sorted({ children }: DependencyNode): readonly DependencyNode[] {
  const key = ({ unit }: DependencyNode) =>
    `${unit.endsWith('.target') ? 1 : 0}${unit.toLowerCase()}`
  return [...children].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
}
