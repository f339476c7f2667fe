// What is enabled: units that are in the unit directories with an [Install] section, as if `ctl enable` had been called
// for each, until a link to /dev/null switches it off.
import type { Catalogue, Entry } from './catalogue.ts'
import { DEPENDENCY_SUFFIXES, DEV_NULL } from './catalogue.ts'
import { NONE } from './defaults.ts'
import type { InstallSettings, UnitName } from './unit.ts'
import { instanceOf, nameKind, withInstance } from './values/unit-name.ts'

export type PullKind = 'wants' | 'requires' | 'upholds'
export type Pull = { kind: PullKind; name: UnitName }

export type Enablement = {
  /** Names given by Alias= of enabled units, and whom they name. */
  aliases: ReadonlyMap<UnitName, UnitName>
  /** The names that a unit has by its own Alias=. */
  aliasesOf(id: UnitName): readonly UnitName[]
  /** What [Install] of enabled units adds to a unit's dependencies. */
  pulls(owner: UnitName): readonly Pull[]
  /** Whether [Install] of enabled units adds to a unit's dependencies. */
  isWanting(owner: UnitName): boolean
  /** Enabled by being there. */
  isEnabled(name: UnitName): boolean
  /** Enabled by a link in a `.wants` (…) directory, and that link's path; null: it is not. */
  linkedBy(name: UnitName): string | null
}

export const hasInstall = ({ wantedBy, requiredBy, upheldBy, alias }: InstallSettings) =>
  wantedBy.length + requiredBy.length + upheldBy.length + alias.length > 0

/** The unit that enabling `name` enables: a template's default instance, or null when it has none. */
export function enabledName(name: UnitName, install: InstallSettings): UnitName | null {
  if (nameKind(name) !== 'template') return name
  return install.defaultInstance === null ? null : withInstance(name, install.defaultInstance)
}

/** `install` gives the [Install] section of a unit that has a file, else null. */
export function findEnabled(
  catalogue: Catalogue,
  install: (name: UnitName, entry: Entry | null) => InstallSettings | null,
): Enablement {
  const aliases = new Map<UnitName, UnitName>()
  const aliasesOf = new Map<UnitName, UnitName[]>()
  const pulls = new Map<UnitName, Pull[]>()
  const enabled = new Set<UnitName>()
  const queue: { name: UnitName; entry: Entry | null }[] = []
  for (const entry of catalogue.entries())
    if (!entry.vendor && entry.link !== DEV_NULL && catalogue.aliasTarget(entry) === null)
      queue.push({ name: entry.name, entry })

  /** Those whose links to /dev/null switch off what [Install] says. */
  const switchedOff = new Map<string, ReadonlySet<UnitName>>()
  const isOff = (owner: UnitName, kind: PullKind, name: UnitName): boolean => {
    const key = `${owner}.${kind}`
    let off = switchedOff.get(key)
    if (!off) {
      const links = catalogue.dependencyLinks([owner], `.${kind}`)
      off = new Set(links.filter(link => link.isOff).map(link => link.name))
      switchedOff.set(key, off)
    }
    return off.has(name)
  }

  const seen = new Set<UnitName>()
  const add = (owner: UnitName, kind: PullKind, name: UnitName) => {
    if (isOff(owner, kind, name)) return
    enabled.add(name)
    const known = pulls.get(owner)
    if (known) known.push({ kind, name })
    else pulls.set(owner, [{ kind, name }])
  }

  // The list grows by what Also= names.
  for (const { name: next, entry } of queue) {
    const file = install(next, entry)
    if (!file || (!hasInstall(file) && file.also.length === 0)) continue
    const name = enabledName(next, file)
    if (name === null || seen.has(name)) continue
    seen.add(name)
    // The default instance has the specifiers of an instance.
    const settings = name === next ? file : (install(name, null) ?? file)
    for (const owner of settings.wantedBy) add(owner, 'wants', name)
    for (const owner of settings.requiredBy) add(owner, 'requires', name)
    for (const owner of settings.upheldBy) add(owner, 'upholds', name)
    if (settings.alias.length > 0) enabled.add(name)
    for (const alias of settings.alias) {
      const full = withInstance(alias, instanceOf(name))
      if (full === name || aliases.has(full)) continue
      aliases.set(full, name)
      const known = aliasesOf.get(name)
      if (known) known.push(full)
      else aliasesOf.set(name, [full])
    }
    for (const also of settings.also) if (!seen.has(also)) queue.push({ name: also, entry: null })
  }

  let linked: Map<UnitName, string> | null = null
  const links = (): Map<UnitName, string> => {
    if (linked) return linked
    linked = new Map()
    for (const suffix of DEPENDENCY_SUFFIXES)
      for (const owner of catalogue.dependencyOwners(suffix))
        for (const link of catalogue.dependencyLinks([owner], suffix))
          if (!link.isOff && !link.vendor) linked.set(link.name, link.path)
    return linked
  }

  return {
    aliases,
    aliasesOf: id => aliasesOf.get(id) ?? NONE,
    pulls: owner => pulls.get(owner) ?? NONE,
    isWanting: owner => pulls.has(owner),
    isEnabled: name => enabled.has(name),
    linkedBy: name => links().get(name) ?? null,
  }
}
