// A unit's settings as `systemctl show` prints them: the table of directives tells the names and the words.

import { SECTION_OF } from './build.ts'
import { createDirectives, type Directive } from './directives.ts'
import { spaced, yesNo } from './print.ts'
import type { Unit } from './unit.ts'

const table = createDirectives()

/**
 * `[property, value]` of everything that a unit's files can set and of how it was loaded. A property that has several
 * values (an Exec… list) comes once for each; one that has none is left out.
 */
export function settingsProperties(unit: Unit): [name: string, value: string][] {
  const found: [string, string][] = [
    ['Id', unit.id],
    ['Names', spaced(unit.names)],
    ['LoadState', unit.loadState],
    ...(unit.loadError === null ? [] : [['LoadError', unit.loadError] as [string, string]]),
    ['UnitFileState', unit.unitFileState === 'not-found' ? '' : unit.unitFileState],
    ['FragmentPath', unit.fragmentPath ?? ''],
    ['DropInPaths', spaced(unit.dropInPaths)],
    ['CanStart', yesNo(unit.loadState === 'loaded' && !unit.unit.refuseManualStart)],
    ['CanStop', yesNo(!unit.unit.refuseManualStop)],
    ['CanIsolate', yesNo(unit.unit.allowIsolate)],
  ]
  const seen = new Set(found.map(([name]) => name))
  const add = (row: Directive) => {
    for (const { name, print } of row.properties) {
      if (seen.has(name)) continue
      seen.add(name)
      const value = print(unit)
      for (const text of typeof value === 'string' ? [value] : value) found.push([name, text])
    }
  }
  const hasSection = unit.exec || unit.timer || unit.path || unit.type === 'slice'
  const section = hasSection ? SECTION_OF[unit.type] : undefined
  for (const row of table.ownRows('Unit')) add(row)
  if (section !== undefined) {
    for (const row of table.ownRows(section)) add(row)
    // Of what is only kept, the properties would be hundreds of empty lines.
    for (const name of Object.keys(unit.exec?.other ?? {})) {
      const row = table.find(section, name)
      if (row) add(row)
    }
  }
  for (const row of table.ownRows('X-Hearth')) add(row)
  return found
}
