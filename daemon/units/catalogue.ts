// Which files there are: the unit directories, listed once, and what their names mean (systemd.unit(5), UNIT FILE LOAD PATH).
import { NONE } from './defaults.ts'
import type { DirectoryEntry, UnitReader } from './reader.ts'
import type { UnitName } from './unit.ts'
import {
  instanceOf,
  isUnitName,
  prefixOf,
  simplifyPath,
  templateOf,
  unitType,
  withInstance,
} from './values/unit-name.ts'

export type Directories = {
  /** A unit there that has [Install] is enabled by being there; the first directory wins. */
  services: readonly string[]
  /** Units there are found by name only; they come after the others. */
  vendor: readonly string[]
  /** That of the unit directories that does not outlive the machine's boot: changes with --runtime go there. */
  runtime: string | null
}

/** One unit file: the first of its name. */
export type Entry = {
  name: UnitName
  path: string
  /** Where a symlink leads, absolute; null for a file of its own. */
  link: string | null
  vendor: boolean
}

/** Where a name leads. `entry` is the file to read, a template's for an instance; null: there is none. */
export type Resolution = { id: UnitName; entry: Entry | null; isMasked: boolean }

/** A member of a `.wants`, `.requires` or `.upholds` directory; `isOff`: a link to /dev/null switches it off. */
export type DependencyLink = {
  name: UnitName
  path: string
  target: string | null
  isOff: boolean
  vendor: boolean
}

export const DEV_NULL = '/dev/null'
export const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/')) || '/'
export const baseOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)

/** The longest chain of aliases that is followed. */
const MAX_HOPS = 32

export interface Catalogue {
  /** The first file of that very name, alias or not. */
  entry(name: UnitName): Entry | null
  entries(): Iterable<Entry>
  /** The unit that an entry's link makes it an alias of; null: it is a unit itself. */
  aliasTarget(entry: Entry): UnitName | null
  /** Follows aliases; `more` are those that have no file of their own. */
  resolve(name: UnitName, more: ReadonlyMap<UnitName, UnitName>): Resolution
  /** Names that are symlinks to the unit. */
  aliasesOf(id: UnitName): readonly UnitName[]
  /** The drop-ins of a unit with these names, in the order in which they are read. */
  dropIns(names: readonly UnitName[]): readonly string[]
  /** The members of the units' `.wants` (…) directories, each name once, the first directory's. */
  dependencyLinks(names: readonly UnitName[], suffix: DependencySuffix): readonly DependencyLink[]
  /** There is no `.wants`, `.requires` or `.upholds` directory at all. */
  readonly hasNoLinks: boolean
  /** The names of all units that have such a directory. */
  dependencyOwners(suffix: DependencySuffix): Iterable<UnitName>
}
export type DependencySuffix = '.wants' | '.requires' | '.upholds'
export const DEPENDENCY_SUFFIXES: readonly DependencySuffix[] = ['.wants', '.requires', '.upholds']

export function createCatalogue(reader: UnitReader, directories: Directories): Catalogue {
  const lookUp = [...directories.services, ...directories.vendor].map(simplifyPath)
  const firstVendor = directories.services.length
  const entries = new Map<UnitName, Entry>()
  /** `web.service.d`, `default.target.wants` … -> the look-up directories that have it, by number. */
  const folders = new Map<string, number[]>()
  const lists = new Map<string, readonly DirectoryEntry[]>()
  const aliases = new Map<UnitName, UnitName[]>()
  let realLookUp: Set<string> | null = null

  const linkOf = (path: string): string | null => {
    const written = reader.readlink(path)
    if (written === null) return null
    return normalize(written.startsWith('/') ? written : `${parentOf(path)}/${written}`)
  }

  const inLookUp = (directory: string): boolean => {
    if (lookUp.includes(directory)) return true
    realLookUp ??= new Set(lookUp.map(path => reader.realpath(path) ?? path))
    return realLookUp.has(reader.realpath(directory) ?? directory)
  }

  const aliasTarget = ({ name, link }: Entry): UnitName | null => {
    if (link === null || link === DEV_NULL) return null
    const target = baseOf(link)
    if (target === name || !isUnitName(target) || unitType(target) !== unitType(name)) return null
    // A link to its own template is an instance, not another name.
    if (target === templateOf(name)) return null
    return inLookUp(parentOf(link)) ? target : null
  }

  for (const [number, directory] of lookUp.entries()) {
    // Sorted, so that the order of a boot does not hang on the file system's.
    const listed = [...(reader.list(directory) ?? NONE)].sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const { name, kind } of listed) {
      const folder = /\.(?:d|wants|requires|upholds)$/.test(name)
      if (folder) {
        if (kind === 'file') continue
        const known = folders.get(name)
        if (known) known.push(number)
        else folders.set(name, [number])
      } else if (
        (kind === 'file' || kind === 'symlink') &&
        !entries.has(name) &&
        isUnitName(name)
      ) {
        const path = `${directory}/${name}`
        const link = kind === 'symlink' ? linkOf(path) : null
        entries.set(name, { name, path, link, vendor: number >= firstVendor })
      }
    }
  }
  for (const entry of entries.values()) {
    const target = entry.link === null ? null : aliasTarget(entry)
    if (target === null) continue
    const known = aliases.get(target)
    if (known) known.push(entry.name)
    else aliases.set(target, [entry.name])
  }

  const listOf = (path: string): readonly DirectoryEntry[] => {
    const known = lists.get(path)
    if (known) return known
    const list = reader.list(path) ?? NONE
    lists.set(path, list)
    return list
  }

  /** `a-b@1.service`: itself, its template, then the prefixes `a-.service`. */
  const candidates = (name: UnitName): UnitName[] => {
    const found = [name]
    const template = templateOf(name)
    if (template !== null) found.push(template)
    const suffix = name.slice(name.lastIndexOf('.'))
    let prefix = prefixOf(name)
    if (prefix.endsWith('-')) prefix = prefix.slice(0, -1)
    for (let dash = prefix.lastIndexOf('-'); dash > 0; dash = prefix.lastIndexOf('-')) {
      prefix = prefix.slice(0, dash)
      found.push(`${prefix}-${suffix}`)
    }
    return found
  }

  /** The directories of that suffix that belong to the names, in order of precedence. */
  const foldersOf = (names: readonly UnitName[], suffix: string): string[] => {
    const found: string[] = []
    if (folders.size === 0) return found
    for (const name of names) {
      const wanted = candidates(name)
        .map(candidate => candidate + suffix)
        .filter(candidate => folders.has(candidate))
      if (wanted.length === 0) continue
      for (const [number, directory] of lookUp.entries())
        for (const folder of wanted)
          if (folders.get(folder)?.includes(number)) found.push(`${directory}/${folder}`)
    }
    return found
  }

  return {
    entry: name => entries.get(name) ?? null,
    entries: () => entries.values(),
    aliasTarget,
    aliasesOf: id => {
      const own = aliases.get(id) ?? NONE
      const template = templateOf(id)
      const ofTemplate = template === null ? NONE : (aliases.get(template) ?? NONE)
      if (ofTemplate.length === 0) return own
      return [...own, ...ofTemplate.map(name => withInstance(name, instanceOf(id)))]
    },
    resolve(name, more) {
      let id = name
      for (let hops = 0; hops < MAX_HOPS; hops++) {
        const own = entries.get(id)
        const other = own && !own.vendor ? undefined : more.get(id)
        if (other !== undefined && other !== id) {
          id = other
          continue
        }
        const template = templateOf(id)
        const file = own ?? (template === null ? undefined : entries.get(template))
        if (!file) return { id, entry: null, isMasked: false }
        if (file.link === DEV_NULL) return { id, entry: file, isMasked: true }
        const target = aliasTarget(file)
        if (target !== null) {
          id = withInstance(target, instanceOf(id))
          continue
        }
        // An instance that is a link to its template: the template's file may be masked or linked in its turn.
        if (own?.link && template !== null && baseOf(own.link) === template) {
          const shared = entries.get(template) ?? own
          return { id, entry: shared, isMasked: shared.link === DEV_NULL }
        }
        return { id, entry: file, isMasked: false }
      }
      return { id: name, entry: null, isMasked: false }
    },
    dropIns(names) {
      const paths = foldersOf(names, '.d')
      const type = `${unitType(names[0] ?? '')}.d`
      for (const number of folders.get(type) ?? NONE) paths.push(`${lookUp[number]}/${type}`)
      if (paths.length === 0) return NONE
      const files = new Map<string, string | null>()
      for (const path of paths) {
        for (const { name, kind } of listOf(path)) {
          if (!name.endsWith('.conf') || name.startsWith('.') || files.has(name)) continue
          if (kind !== 'file' && kind !== 'symlink') continue
          const file = `${path}/${name}`
          files.set(name, kind === 'symlink' && linkOf(file) === DEV_NULL ? null : file)
        }
      }
      return [...files]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([, path]) => (path === null ? [] : [path]))
    },
    dependencyLinks(names, suffix) {
      const paths = foldersOf(names, suffix)
      if (paths.length === 0) return NONE
      const found = new Map<UnitName, DependencyLink>()
      for (const folder of paths) {
        for (const { name, kind } of listOf(folder)) {
          if (found.has(name) || !isUnitName(name)) continue
          const path = `${folder}/${name}`
          const target = kind === 'symlink' ? linkOf(path) : null
          const vendor = lookUp.indexOf(parentOf(folder)) >= firstVendor
          found.set(name, { name, path, target, isOff: target === DEV_NULL, vendor })
        }
      }
      return [...found.values()]
    },
    hasNoLinks: ![...folders.keys()].some(name => !name.endsWith('.d')),
    dependencyOwners: suffix =>
      [...folders.keys()]
        .filter(name => name.endsWith(suffix))
        .map(name => name.slice(0, -suffix.length)),
  }
}

/** Takes `.` and `..` out of an absolute path, by its text alone. */
export function normalize(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}
