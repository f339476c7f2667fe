// What the unit file sets, as properties: read off the table of directives.
import { createDirectives, type DirectiveTable } from '../units/directives.ts'
import type { Unit, UnitType } from '../units/unit.ts'

// Made when somebody first asks.
let table: DirectiveTable | undefined

const SECTIONS: Readonly<Partial<Record<UnitType, string>>> = {
  service: 'Service',
  socket: 'Socket',
  mount: 'Mount',
  swap: 'Swap',
  slice: 'Slice',
  scope: 'Scope',
  timer: 'Timer',
  path: 'Path',
}

/** The properties that stand for directives; a list whose items are lines of their own gives several of one name. */
export function settingsProperties(unit: Unit): (readonly [name: string, value: string])[] {
  table ??= createDirectives()
  const section = SECTIONS[unit.type]
  const found: (readonly [string, string])[] = []
  // StartLimitBurst= and its like are told by [Unit]; [Service] has them by their older place.
  const told = new Set<string>()
  for (const name of section === undefined ? ['Unit'] : [section, 'Unit']) {
    for (const directive of table.section(name)) {
      for (const property of directive.properties) {
        if (told.has(property.name)) continue
        told.add(property.name)
        const text = property.print(unit)
        if (typeof text === 'string') found.push([property.name, text])
        else for (const line of text) found.push([property.name, line])
      }
    }
  }
  return found
}

export type Unenforced = { directive: string; note: string | null }

/** The directives that the unit sets and hearth knows but does not enforce. */
export function unenforcedDirectives(unit: Unit): Unenforced[] {
  table ??= createDirectives()
  const section = SECTIONS[unit.type]
  if (section === undefined || unit.exec === undefined) return []
  const found: Unenforced[] = []
  for (const name of Object.keys(unit.exec.other)) {
    const directive = table.find(section, name)
    if (directive?.status === 'not-enforced') found.push({ directive: name, note: directive.note })
  }
  return found
}
