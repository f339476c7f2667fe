// The table of directives: it drives parsing, defaults, `ctl show` and the documentation.
import type { Directive } from './directives/directive.ts'
import { execDirectives } from './directives/exec.ts'
import { hearthDirectives, installDirectives } from './directives/install.ts'
import {
  knownExecDirectives,
  OTHER_SECTIONS,
  otherDirectives,
  resourceDirectives,
} from './directives/known.ts'
import { killDirectives, serviceDirectives } from './directives/service.ts'
import { unitDirectives } from './directives/unit.ts'

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
  /** The rows of a section, in the manual's order. */
  section(name: string): readonly Directive[]
}

/** Sections that unit files have, beside `X-…`. */
export const SECTIONS = ['Unit', 'Install', 'Service', 'X-Hearth', ...Object.keys(OTHER_SECTIONS)]

/** The table, its sections made when they are first asked for. `runtime` is where a relative PIDFile= lies. */
export function createDirectives(runtime = '/run'): DirectiveTable {
  const rows = new Map<string, readonly Directive[]>()
  const byName = new Map<string, ReadonlyMap<string, Directive>>()
  const shared = {
    exec: once(() => [...execDirectives(), ...knownExecDirectives()]),
    kill: once(killDirectives),
    resource: once(resourceDirectives),
  }
  const own = (section: string): Directive[] => {
    switch (section) {
      case 'Unit':
        return unitDirectives()
      case 'Install':
        return installDirectives()
      case 'Service':
        return serviceDirectives(runtime)
      case 'X-Hearth':
        return hearthDirectives()
      default:
        return otherDirectives(section)
    }
  }
  const section = (name: string): readonly Directive[] => {
    let all = rows.get(name)
    if (!all) {
      all = [...own(name), ...(SHARED[name] ?? []).flatMap(group => shared[group]())]
      rows.set(name, all)
    }
    return all
  }
  const index = (name: string): ReadonlyMap<string, Directive> => {
    const known = byName.get(name)
    if (known) return known
    const map = new Map<string, Directive>()
    // A name of a row beats an older spelling of another, and the section's own rows the shared ones.
    for (const row of section(name)) if (!map.has(row.name)) map.set(row.name, row)
    for (const row of section(name))
      for (const alias of row.aliases) if (!map.has(alias)) map.set(alias, row)
    byName.set(name, map)
    return map
  }
  return { section, find: (of, name) => index(of).get(name) ?? null }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
