// The table of directives: it drives parsing, defaults, `ctl show` and the documentation.
import type { Directive } from './directives/directive.ts'
import { execDirectives } from './directives/exec.ts'
import { hearthDirectives, installDirectives } from './directives/install.ts'
import {
  knownExecDirectives,
  knownResourceDirectives,
  type LazyRows,
  OTHER_SECTIONS,
  otherDirectives,
} from './directives/known.ts'
import { mountDirectives, swapDirectives } from './directives/mount.ts'
import { pathDirectives } from './directives/path.ts'
import { resourceDirectives } from './directives/resources.ts'
import { sandboxDirectives } from './directives/sandbox.ts'
import { killDirectives, serviceDirectives } from './directives/service.ts'
import { socketDirectives } from './directives/socket.ts'
import { timerDirectives } from './directives/timer.ts'
import { conditionDirectives, unitDirectives } from './directives/unit.ts'

export type { Directive, DirectiveStatus, Draft } from './directives/directive.ts'

const SHARED: Readonly<Record<string, readonly ('exec' | 'kill' | 'resource')[]>> = {
  Service: ['exec', 'kill', 'resource'],
  Socket: ['exec', 'kill', 'resource'],
  Mount: ['exec', 'kill', 'resource'],
  Swap: ['exec', 'kill', 'resource'],
  Slice: ['resource'],
  Scope: ['kill', 'resource'],
}

export type DirectiveTable = {
  /** The row of a directive by its name or an older spelling, or null. */
  find(section: string, name: string): Directive | null
  /** All rows of a section, in the manual's order. */
  section(name: string): readonly Directive[]
  /** Those of a section that hearth does more with than keep their text. */
  ownRows(name: string): readonly Directive[]
}

/** Sections that unit files have, beside `X-…`. */
export const SECTIONS = [
  'Unit',
  'Install',
  'Service',
  'Timer',
  'Socket',
  'Path',
  'Mount',
  'Swap',
  'X-Hearth',
  ...Object.keys(OTHER_SECTIONS),
]

/** The table, each part made when it is first asked for. `runtime` is where a relative PIDFile= lies. */
export function createDirectives(runtime = '/run'): DirectiveTable {
  const rows = new Map<string, readonly Directive[]>()
  const indexes = new Map<string, Map<string, Directive>>()
  const shared = {
    exec: once(() => [...execDirectives(), ...sandboxDirectives()]),
    kill: once(killDirectives),
    resource: once(resourceDirectives),
  }
  const lazy = {
    conditions: once(conditionDirectives),
    exec: once(knownExecDirectives),
    resource: once(knownResourceDirectives),
  }

  const own = (section: string): Directive[] => {
    switch (section) {
      case 'Unit':
        return unitDirectives()
      case 'Install':
        return installDirectives()
      case 'Service':
        return serviceDirectives(runtime)
      case 'Mount':
        return mountDirectives()
      case 'Swap':
        return swapDirectives()
      case 'Path':
        return pathDirectives()
      case 'Timer':
        return timerDirectives()
      case 'Socket':
        return socketDirectives()
      case 'X-Hearth':
        return hearthDirectives()
      default:
        return otherDirectives(section)
    }
  }

  const ownRows = (name: string): readonly Directive[] => {
    const known = rows.get(name)
    if (known) return known
    const all = own(name)
    for (const group of SHARED[name] ?? []) all.push(...shared[group]())
    rows.set(name, all)
    return all
  }

  const lazyRows = (section: string): LazyRows[] => {
    if (section === 'Unit') return [lazy.conditions()]
    return (SHARED[section] ?? []).flatMap(group => (group === 'kill' ? [] : [lazy[group]()]))
  }

  const find = (section: string, name: string): Directive | null => {
    let index = indexes.get(section)
    if (!index) {
      index = new Map()
      // A name of a row beats an older spelling of another, and the section's own rows the shared ones.
      for (const row of ownRows(section)) if (!index.has(row.name)) index.set(row.name, row)
      for (const row of ownRows(section))
        for (const alias of row.aliases) if (!index.has(alias)) index.set(alias, row)
      indexes.set(section, index)
    }
    const known = index.get(name)
    if (known !== undefined) return known
    for (const more of lazyRows(section)) {
      const row = more.row(name)
      if (row === null) continue
      index.set(name, row)
      return row
    }
    return null
  }

  return {
    find,
    ownRows,
    section: name => [
      ...ownRows(name),
      ...lazyRows(name).flatMap(more => [...more.names()].flatMap(one => find(name, one) ?? [])),
    ],
  }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
