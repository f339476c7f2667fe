// Preset files: which units are to be enabled, and which not (systemd.preset(5)).
import { matchesGlob } from './glob.ts'
import type { UnitReader } from './reader.ts'
import type { UnitName } from './unit.ts'
import { instanceOf, nameKind, templateOf, withInstance } from './values/unit-name.ts'

export type PresetRule = {
  enables: boolean
  /** A unit name, or a pattern. */
  pattern: string
  /** Behind a template: the instances that are meant. */
  instances: readonly string[]
}

/** What is to be enabled, and what to be disabled. */
export type Presets = { enable: readonly UnitName[]; disable: readonly UnitName[] }

/** The rules of a preset file, in order. Lines that are none are left out. */
export function readPresetFile(text: string): PresetRule[] {
  return text.split('\n').flatMap(line => {
    const [action = '', pattern, ...instances] = line.trim().split(/\s+/)
    if (pattern === undefined || !/^(?:enable|disable)$/.test(action)) return []
    return [{ enables: action === 'enable', pattern, instances }]
  })
}

/** The rules of all files `*.preset` in these directories: by the files' names, of the same name the first. */
export function readPresets(reader: UnitReader, directories: readonly string[]): PresetRule[] {
  const files = new Map<string, string>()
  for (const directory of directories)
    for (const { name, kind } of reader.list(directory) ?? [])
      if (name.endsWith('.preset') && kind !== 'directory' && !files.has(name))
        files.set(name, `${directory}/${name}`)
  return [...files.keys()].sort().flatMap(name =>
    reader.read(files.get(name) ?? '').match(
      bytes => readPresetFile(new TextDecoder().decode(bytes)),
      () => [],
    ),
  )
}

/** What the first rule that names the unit makes of it; without one it is enabled, under its own name. */
export function presetOf(rules: readonly PresetRule[], name: UnitName): Presets {
  const rule = rules.find(one => isMeant(one, name))
  if (rule === undefined) return { enable: [name], disable: [] }
  const names =
    nameKind(name) === 'template' && rule.instances.length > 0
      ? rule.instances.map(instance => withInstance(name, instance))
      : [name]
  return rule.enables ? { enable: names, disable: [] } : { enable: [], disable: names }
}

function isMeant({ pattern, instances }: PresetRule, name: UnitName): boolean {
  if (matchesGlob(pattern, name)) return true
  const template = templateOf(name)
  return (
    template !== null &&
    instances.includes(instanceOf(name) ?? '') &&
    matchesGlob(pattern, template)
  )
}
