// The units that are loaded and how they stand to each other: what each states, and the inverse of what others state.
import type { DependencyKind, Unit, UnitName, Units } from '../units/unit.ts'

/** Kinds that no unit file states in that direction but another unit's file implies (`requiredBy` also as a property). */
export type InverseKind =
  | 'requiredBy'
  | 'requisiteOf'
  | 'wantedBy'
  | 'boundBy'
  | 'consistsOf'
  | 'upheldBy'
  | 'conflictedBy'
  | 'onFailureOf'
  | 'onSuccessOf'
  | 'referencedBy'
export type Relation = DependencyKind | InverseKind

const INVERSE: Record<DependencyKind, Relation | null> = {
  requires: 'requiredBy',
  requisite: 'requisiteOf',
  wants: 'wantedBy',
  bindsTo: 'boundBy',
  partOf: 'consistsOf',
  upholds: 'upheldBy',
  conflicts: 'conflictedBy',
  before: 'after',
  after: 'before',
  onFailure: 'onFailureOf',
  onSuccess: 'onSuccessOf',
  propagatesReloadTo: 'reloadPropagatedFrom',
  reloadPropagatedFrom: 'propagatesReloadTo',
  propagatesStopTo: 'stopPropagatedFrom',
  stopPropagatedFrom: 'propagatesStopTo',
  joinsNamespaceOf: 'joinsNamespaceOf',
  triggers: 'triggeredBy',
  triggeredBy: 'triggers',
  references: 'referencedBy',
}
const STATED = Object.keys(INVERSE) as DependencyKind[]
const INVERSE_OF: ReadonlyMap<Relation, Relation> = new Map(
  STATED.flatMap(kind => {
    const inverse = INVERSE[kind]
    return inverse === null
      ? []
      : [
          [kind, inverse],
          [inverse, kind],
        ]
  }),
)

export const RELATIONS: readonly Relation[] = [
  ...new Set([...STATED, ...STATED.map(kind => INVERSE[kind] ?? kind)]),
]

/** The name that `systemctl show` gives to a relation: `RequiredBy`. */
export const relationProperty = (relation: Relation): string =>
  relation[0]?.toUpperCase() + relation.slice(1)

/** What a target waits for without saying so (systemd.target(5), DEFAULT DEPENDENCIES). */
const PULLED_IN: readonly Relation[] = [
  'requires',
  'requisite',
  'wants',
  'bindsTo',
  'partOf',
  'upholds',
]
const NONE: readonly UnitName[] = []
/** Lists of at most so many names are shared. */
const SHORT = 6
/** So many are known at a time: units come and go. */
const MOST_SHARED = 4096

type Node = {
  /** What the engine acts by: the unit as loaded or, while one runs whose file is gone, as it was. */
  unit: Unit
  /** A frozen list is shared with other units. */
  relations: Partial<Record<Relation, readonly UnitName[]>>
  /** Lists that may name a unit twice. */
  untidy: Set<Relation> | null
  /** How many units had been loaded before. */
  place: number
}

export interface Graph {
  /** The unit to act by, an alias followed. It and all that it names, directly or not, are loaded afterwards. */
  unit(name: UnitName): Unit
  /** The unit as its files say now: its load state decides whether it may be started. */
  current(name: UnitName): Unit
  /** Whom the unit stands in that relation to, without repetition. */
  related(name: UnitName, relation: Relation): readonly UnitName[]
  /** Everything is read anew. A unit for which `isLive` holds and whose file is gone or broken is kept as it was. */
  reload(isLive: (name: UnitName) => boolean): void
  /** The units that are kept as they were, with other files or none. */
  kept(): ReadonlyMap<UnitName, Unit>
  /** The unit is down: if it was only kept for that, its files count again. */
  release(name: UnitName): void
  /** How many units have been loaded so far, those among them that were forgotten. */
  loads(): number
  /** The units that are loaded, and how many had been before each: relations are listed in the order in which they came. */
  inOrder(): readonly { name: UnitName; place: number }[]
  /** The unit is not needed any more, nor is it named by another: it is loaded again when it is. */
  forget(name: UnitName): void
}

/** The graph over `units`. A cache: but for the units that are kept as they were (`before`: by an earlier graph) it holds
 * nothing that could not be derived again. */
export function createGraph(units: Units, before: ReadonlyMap<UnitName, Unit> = new Map()): Graph {
  let nodes = new Map<UnitName, Node>()
  let kept = new Map(before)
  let loads = 0
  const shared = new Map<string, readonly UnitName[]>()

  const add = (node: Node, relation: Relation, other: UnitName) => {
    const list = node.relations[relation]
    if (!list) node.relations[relation] = [other]
    else {
      if (Object.isFrozen(list)) node.relations[relation] = [...list, other]
      else (list as UnitName[]).push(other)
      node.untidy ??= new Set()
      node.untidy.add(relation)
    }
  }

  /** The short lists of a unit are mostly those of many others: one frozen copy serves all. */
  const share = (node: Node) => {
    for (const kind of Object.keys(node.relations) as Relation[]) {
      const names = list(node, kind)
      if (names.length > SHORT) continue
      const key = names.join(' ')
      const known = shared.get(key)
      if (shared.size > MOST_SHARED) shared.clear()
      if (known) node.relations[kind] = known
      else shared.set(key, Object.freeze(names))
    }
  }

  const nodeOf = (name: UnitName): Node => nodes.get(name) ?? load(name)

  const load = (name: UnitName): Node => {
    const fresh: Node[] = []
    const queue: Node[] = []
    const enter = (wanted: UnitName): Node => {
      const known = nodes.get(wanted)
      if (known) return known
      const unit = kept.get(wanted) ?? units.get(wanted)
      const node = nodes.get(unit.id) ?? { unit, relations: {}, untidy: null, place: loads }
      if (!nodes.has(unit.id)) {
        loads++
        nodes.set(unit.id, node)
        fresh.push(node)
        queue.push(node)
      }
      if (wanted !== unit.id) nodes.set(wanted, node)
      return node
    }
    const node = enter(name)
    for (let next = queue.pop(); next; next = queue.pop()) {
      for (const kind of STATED) {
        for (const stated of next.unit.dependencies[kind] ?? NONE) {
          const other = enter(stated)
          if (other === next) continue
          add(next, kind, other.unit.id)
          const inverse = INVERSE[kind]
          if (inverse) add(other, inverse, next.unit.id)
        }
      }
    }
    for (const target of fresh) if (target.unit.type === 'target') orderTarget(target)
    for (const each of fresh) share(each)
    return node
  }

  /** A target comes after what it pulls in, unless one of them is ordered otherwise or wants no such defaults. */
  const orderTarget = (target: Node) => {
    if (!target.unit.unit.defaultDependencies) return
    const earlier = new Set(list(target, 'before'))
    for (const relation of PULLED_IN) {
      for (const name of list(target, relation)) {
        const other = nodeOf(name)
        if (!other.unit.unit.defaultDependencies || earlier.has(name)) continue
        add(target, 'after', name)
        add(other, 'before', target.unit.id)
      }
    }
  }

  const list = (node: Node, relation: Relation): readonly UnitName[] => {
    if (node.untidy?.delete(relation)) {
      node.relations[relation] = [...new Set(node.relations[relation])]
      if (node.untidy.size === 0) node.untidy = null
    }
    return node.relations[relation] ?? NONE
  }

  return {
    unit: name => nodeOf(name).unit,
    current: name => units.get(name),
    related: (name, relation) => list(nodeOf(name), relation),
    reload(isLive) {
      const before = nodes
      nodes = new Map()
      const stillKept = new Map<UnitName, Unit>()
      for (const [name, node] of before) {
        if (name !== node.unit.id || !isLive(name)) continue
        const now = units.get(name)
        if (now.id !== name || now.loadState !== 'loaded') stillKept.set(name, node.unit)
      }
      kept = stillKept
      for (const [name] of before) nodeOf(name)
    },
    kept: () => kept,
    loads: () => loads,
    inOrder: () =>
      [...nodes].flatMap(([name, { unit, place }]) => (unit.id === name ? [{ name, place }] : [])),
    release(name) {
      // The old relations stay until the next reload: to forget them one by one is not worth an index.
      if (!kept.delete(name)) return
      const node = nodes.get(name)
      const now = units.get(name)
      if (node && now.id === name) node.unit = now
    },
    forget(name) {
      const node = nodes.get(name)
      if (!node) return
      for (const relation of Object.keys(node.relations) as Relation[]) {
        const inverse = INVERSE_OF.get(relation)
        for (const other of list(node, relation)) {
          const relations = nodes.get(other)?.relations
          const back = inverse && relations?.[inverse]
          if (inverse && relations && back) relations[inverse] = back.filter(one => one !== name)
        }
      }
      for (const alias of node.unit.names) if (nodes.get(alias) === node) nodes.delete(alias)
      nodes.delete(name)
      kept.delete(name)
    },
  }
}
