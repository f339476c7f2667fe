// Trees drawn with lines.

export type Branch<T> = { node: T; prefix: string }

/** Every node of the forest in order, each with the lines to draw in front of it. */
export function* drawTree<T>(
  nodes: readonly T[],
  childrenOf: (node: T) => readonly T[],
  prefix = '',
): Generator<Branch<T>> {
  for (const [index, node] of nodes.entries()) {
    const isLast = index === nodes.length - 1
    yield { node, prefix: `${prefix}${isLast ? '└─' : '├─'}` }
    yield* drawTree(childrenOf(node), childrenOf, `${prefix}${isLast ? '  ' : '│ '}`)
  }
}
