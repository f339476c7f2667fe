// Equal parts of units are kept once: most services depend on the same few targets.
import type { Dependencies } from './implicit.ts'
import type { DependencyKind, InstallSettings } from './unit.ts'

export interface Sharing {
  /** What `make` makes of dependencies, made once for all that are the same under the same `rule`. */
  dependencies(stated: Dependencies, rule: string, make: () => Dependencies): Dependencies
  install(own: InstallSettings): InstallSettings
}

export function createSharing(): Sharing {
  const dependencies = new Map<string, Dependencies>()
  const installs = new Map<string, InstallSettings>()
  return {
    dependencies: (stated, rule, make) => {
      let key = rule
      for (const kind in stated) key += `${kind}=${stated[kind as DependencyKind]?.join(' ')} `
      const known = dependencies.get(key)
      if (known) return known
      const made = make()
      dependencies.set(key, made)
      return made
    },
    install: own => {
      const { wantedBy, requiredBy, upheldBy, alias, also, defaultInstance } = own
      const key = [wantedBy, requiredBy, upheldBy, alias, also]
        .map(names => names.join(' '))
        .join(';')
      const full = `${key};${defaultInstance ?? ''}`
      const known = installs.get(full)
      if (!known) installs.set(full, own)
      return known ?? own
    },
  }
}
