// Names -> units: files are found, read when a unit is first asked for, and kept until the next reload.
import { type BuildContext, buildUnit, readInstall, SECTION_OF } from './build.ts'
import { BUILT_IN_ALIASES, builtInNames, builtInText, isBuiltIn } from './builtin.ts'
import {
  type Catalogue,
  createCatalogue,
  DEPENDENCY_SUFFIXES,
  type Directories,
  type Entry,
  type Resolution,
} from './catalogue.ts'
import { HEARTH_DEFAULTS, INSTALL_DEFAULTS, NONE, UNIT_DEFAULTS } from './defaults.ts'
import { createDirectives } from './directives.ts'
import { type Enablement, findEnabled, hasInstall, type PullKind } from './enablement.ts'
import type { Dependencies } from './implicit.ts'
import type { UnitReader } from './reader.ts'
import type { HostFacts } from './specifiers.ts'
import { readUnitFile, type UnitFile } from './syntax.ts'
import type {
  InstallSettings,
  LoadState,
  Problem,
  Unit,
  UnitFileState,
  UnitName,
  Units,
} from './unit.ts'
import { nameKind, unitType } from './values/unit-name.ts'

export type UnitOptions = {
  /** Unit directories: what is there with [Install] is enabled; the first wins. */
  services: readonly string[]
  /** Directories of units that are found when they are named or enabled. */
  vendorUnits: readonly string[]
  reader: UnitReader
  host: HostFacts
}

export type UnitFileInfo = { name: UnitName; state: UnitFileState; path: string }

export interface LoadedUnits extends Units {
  /** Forgets everything that was read: the next look-up reads anew. */
  reload(): void
  /** Every unit file in the unit directories and the look-up directories, loaded or not, by name. */
  unitFiles(): readonly UnitFileInfo[]
  /** All names that can be looked up: files, aliases, built-in units. For "did you mean" and completion. */
  fileNames(): readonly UnitName[]
  /** `systemctl is-enabled` of a name. */
  fileState(name: UnitName): UnitFileState
  /** What the unit's files ask for and hearth does not do, each with its place. They are read again for that. */
  notEnforced(name: UnitName): readonly Problem[]
  /** A unit of its own from a file that need not be in any directory, for `ctl verify`. */
  fromFile(path: string, name: UnitName): Unit
  /** What the planning of enable, disable, mask and unmask looks at. */
  readonly files: UnitFilesView
}

/** The unit files as they are now. */
export interface UnitFilesView {
  readonly directories: Directories
  catalogue(): Catalogue
  enablement(): Enablement
  /** The [Install] section of a unit that has a file; null: no file, or no such section. */
  install(name: UnitName): InstallSettings | null
}

/** Names nobody has a file for are remembered up to this number. */
const MAX_NOT_FOUND = 4096

type Read = {
  files: UnitFile[]
  dropIns: readonly string[]
  isMasked: boolean
  error: string | null
}
type Snapshot = { catalogue: Catalogue; enablement: Enablement | null }

/** The units of the given directories. */
export function createUnits(options: UnitOptions): LoadedUnits {
  const { reader, host } = options
  const directories: Directories = { services: options.services, vendor: options.vendorUnits }
  const context: BuildContext = { table: createDirectives(host.directories.runtime), host }
  let snapshot: Snapshot | null = null
  let units = new Map<UnitName, Unit>()
  let byAlias = new Map<UnitName, Unit>()
  let missing = new Map<UnitName, Unit>()
  /** Files that were read to see what is enabled, until their unit is built; those of templates stay. */
  let parsed = new Map<string, UnitFile>()

  const catalogue = (): Catalogue => {
    snapshot ??= { catalogue: createCatalogue(reader, directories), enablement: null }
    return snapshot.catalogue
  }

  const enablement = (): Enablement => {
    const files = catalogue()
    const now = snapshot as Snapshot
    now.enablement ??= findEnabled(files, name => install(name, true))
    return now.enablement
  }

  /** A file that cannot be read is told as a unit's error; one that is empty masks. */
  const readFile = (path: string, keep: boolean): UnitFile | string | null => {
    const known = parsed.get(path)
    if (known) {
      if (!keep) parsed.delete(path)
      return known
    }
    const bytes = reader.read(path)
    if (bytes.isErr()) return bytes.error
    if (bytes.value.length === 0) return null
    const file = readUnitFile(path, bytes.value)
    if (keep) parsed.set(path, file)
    return file
  }

  const pathOf = (entry: Entry) => entry.link ?? entry.path

  const readAll = (id: UnitName, entry: Entry, names: readonly UnitName[], keep: boolean): Read => {
    const path = pathOf(entry)
    const isTemplate = nameKind(entry.name) === 'template'
    const fragment = readFile(path, keep || isTemplate)
    const read: Read = { files: [], dropIns: NONE, isMasked: fragment === null, error: null }
    if (typeof fragment === 'string') read.error = `cannot read ${path}: ${fragment}`
    else if (fragment !== null) read.files.push(fragment)
    if (read.error === null && !read.isMasked) addDropIns(read, names.length > 0 ? names : [id])
    return read
  }

  const addDropIns = (read: Read, names: readonly UnitName[]) => {
    const paths = catalogue().dropIns(names)
    if (paths.length === 0) return
    const found: string[] = []
    for (const path of paths) {
      const file = readFile(path, true)
      if (file === null) continue
      found.push(path)
      read.files.push(typeof file === 'string' ? unreadable(path, file) : file)
    }
    read.dropIns = found
  }

  /** `keep`: what is read will be wanted again when the unit is built. */
  const install = (name: UnitName, keep = false): InstallSettings | null => {
    const files = catalogue()
    const { id, entry, isMasked } = files.resolve(name, new Map())
    const type = unitType(id)
    if (!entry || isMasked || type === null) return null
    const read = readAll(id, entry, [id, ...files.aliasesOf(id)], keep)
    if (read.isMasked || read.error !== null) return null
    return readInstall(context, { id, type, fragmentPath: pathOf(entry), files: read.files })
  }

  const resolve = (name: UnitName): Resolution => {
    const found = catalogue().resolve(name, enablement().aliases)
    const builtIn = BUILT_IN_ALIASES[found.id]
    // A vendor's special targets lead to a machine's boot: the built-in ones are a container's.
    if (found.entry?.vendor && isBuiltIn(found.id))
      return { ...found, entry: null, isMasked: false }
    if (builtIn !== undefined && (!found.entry || found.entry.vendor)) return resolve(builtIn)
    if (found.id !== name && isBuiltIn(name) && catalogue().entry(name)?.vendor)
      return { id: name, entry: null, isMasked: false }
    return found
  }

  const canonical = (name: UnitName): UnitName => {
    if (units.has(name)) return name
    return resolve(name).id
  }

  const fileState = (name: UnitName, known?: InstallSettings): UnitFileState => {
    const files = catalogue()
    const entry = files.entry(name)
    const { id, entry: file, isMasked } = resolve(name)
    if (isMasked) return isRuntime(entry?.path ?? file?.path ?? '') ? 'masked-runtime' : 'masked'
    if (!file) return isBuiltIn(id) || BUILT_IN_ALIASES[name] !== undefined ? 'static' : 'not-found'
    if (id !== name && entry) return 'alias'
    const { isEnabled, linkedBy } = enablement()
    if (isEnabled(id)) return isRuntime(file.path) ? 'enabled-runtime' : 'enabled'
    const link = linkedBy(id)
    if (link !== null) return isRuntime(link) ? 'enabled-runtime' : 'enabled'
    if (files.aliasesOf(id).some(alias => files.entry(alias)?.vendor === false)) return 'enabled'
    const settings = known ?? install(id)
    if (settings && hasInstall(settings)) {
      // A template is as enabled as its default instance.
      if (settings.defaultInstance !== null && nameKind(id) === 'template') {
        const instance = id.replace('@.', `@${settings.defaultInstance}.`)
        if (isEnabled(instance) || linkedBy(instance) !== null) return 'enabled'
      }
      return 'disabled'
    }
    if (settings && settings.also.length > 0) return 'indirect'
    return file.link !== null && !file.vendor && nameKind(id) === nameKind(file.name)
      ? 'linked'
      : 'static'
  }

  const pullsOf = (names: readonly UnitName[]): Dependencies => {
    const pulls: Dependencies = {}
    const add = (kind: PullKind, name: UnitName) => {
      const known = pulls[kind]
      if (known) known.push(name)
      else pulls[kind] = [name]
    }
    // What a vendor's links start at boot is not ours; what they add to a service of theirs is.
    for (const suffix of DEPENDENCY_SUFFIXES)
      for (const link of catalogue().dependencyLinks(names, suffix))
        if (!link.isOff && !(link.vendor && names.some(isBuiltIn)))
          add(suffix.slice(1) as PullKind, link.name)
    for (const owner of names)
      for (const { kind, name } of enablement().pulls(owner)) add(kind, name)
    return pulls
  }

  const namesOf = (id: UnitName): UnitName[] => {
    const names = [id, ...catalogue().aliasesOf(id)]
    for (const [alias, meant] of enablement().aliases) if (meant === id) names.push(alias)
    for (const alias in BUILT_IN_ALIASES) if (BUILT_IN_ALIASES[alias] === id) names.push(alias)
    return names.length === 1 ? names : [...new Set(names)]
  }

  const load = (resolution: Resolution): Unit => {
    const { id, entry, isMasked } = resolution
    const type = unitType(id)
    if (type === null || nameKind(id) === null)
      return absent(
        id,
        'not-found',
        `cannot use ${id} as a unit name: expected one such as web.service`,
      )
    if (isMasked) return absent(id, 'masked', null, entry?.path ?? null, fileState(id))
    const names = namesOf(id)
    if (!entry) {
      const text = builtInText(id)
      if (text === null)
        return absent(id, 'not-found', `cannot find a file for ${id} in ${listed()}`)
      const read: Read = {
        files: [readUnitFile(`(built in) ${id}`, new TextEncoder().encode(text))],
        dropIns: NONE,
        isMasked: false,
        error: null,
      }
      addDropIns(read, names)
      return build(id, names, null, read)
    }
    const read = readAll(id, entry, names, false)
    if (read.isMasked) return absent(id, 'masked', null, entry.path, 'masked')
    if (read.error !== null) return absent(id, 'error', read.error, entry.path, 'bad')
    return build(id, names, pathOf(entry), read)
  }

  const listed = () => [...directories.services, ...directories.vendor].join(', ') || 'no directory'

  const build = (id: UnitName, names: UnitName[], fragmentPath: string | null, read: Read): Unit =>
    buildUnit(context, {
      id,
      names,
      type: unitType(id) ?? 'service',
      fragmentPath,
      dropInPaths: read.dropIns,
      unitFileState: install => fileState(id, install),
      files: read.files,
      pulls: pullsOf(names),
      canonical,
    })

  const get = (name: UnitName): Unit => {
    const known = units.get(name) ?? byAlias.get(name) ?? missing.get(name)
    if (known) return known
    const resolution = resolve(name)
    const same = units.get(resolution.id)
    const unit = same ?? load(resolution)
    if (unit.loadState === 'not-found') {
      if (missing.size >= MAX_NOT_FOUND) missing = new Map()
      missing.set(name, unit)
      return unit
    }
    units.set(unit.id, unit)
    if (name !== unit.id) byAlias.set(name, unit)
    return unit
  }

  const notEnforced = (name: UnitName): Problem[] => {
    const { id, entry, isMasked } = resolve(name)
    const section = SECTION_OF[unitType(id) ?? 'target']
    if (!entry || isMasked) return []
    const read = readAll(id, entry, namesOf(id), true)
    return read.files.flatMap(file =>
      file.assignments.flatMap(assignment => {
        if (assignment.section !== 'Unit' && assignment.section !== section) return []
        const row = context.table.find(assignment.section, assignment.name)
        if (!row || row.status === 'enforced' || assignment.value === '') return []
        const why = row.note === null ? '' : `: ${row.note}`
        return [
          {
            severity: 'warning' as const,
            place: assignment.place,
            directive: `${assignment.section}.${row.name}`,
            message:
              row.status === 'inert'
                ? `${assignment.name}= has no meaning here${why}`
                : `${assignment.name}= is known but not enforced${why || ' yet'}`,
          },
        ]
      }),
    )
  }

  return {
    get,
    loaded: () => units.values(),
    reload() {
      snapshot = null
      units = new Map()
      byAlias = new Map()
      missing = new Map()
      parsed = new Map()
    },
    unitFiles() {
      const found: UnitFileInfo[] = []
      for (const { name, path } of catalogue().entries())
        found.push({ name, state: fileState(name), path })
      return found.sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    fileNames() {
      const names = new Set<UnitName>(builtInNames())
      for (const { name } of catalogue().entries()) names.add(name)
      for (const name of enablement().aliases.keys()) names.add(name)
      return [...names].sort()
    },
    fileState: name => fileState(name),
    notEnforced,
    fromFile(path, name) {
      const fragment = readFile(path, true)
      if (fragment === null) return absent(name, 'masked', null, path, 'masked')
      if (typeof fragment === 'string')
        return absent(name, 'error', `cannot read ${path}: ${fragment}`, path, 'bad')
      const read: Read = { files: [fragment], dropIns: NONE, isMasked: false, error: null }
      addDropIns(read, [name])
      return build(name, [name], path, read)
    },
    files: { directories, catalogue, enablement, install: name => install(name) },
  }
}

const isRuntime = (path: string) => path.startsWith('/run/')

const unreadable = (path: string, error: string): UnitFile => ({
  path,
  assignments: NONE,
  sections: NONE,
  problems: [
    {
      severity: 'warning',
      place: { file: path, line: 0 },
      message: `cannot read it: ${error}, ignored`,
    },
  ],
})

/** A unit without settings of its own: not found, masked, or its file cannot be read. */
function absent(
  id: UnitName,
  loadState: LoadState,
  loadError: string | null,
  path: string | null = null,
  unitFileState: UnitFileState = 'not-found',
): Unit {
  return {
    id,
    names: [id],
    type: unitType(id) ?? 'service',
    loadState,
    loadError:
      loadState === 'masked' ? `${id} is masked; undo it with: ctl unmask ${id}` : loadError,
    fragmentPath: path,
    dropInPaths: NONE,
    unitFileState,
    problems: NONE,
    unit: { ...UNIT_DEFAULTS, description: id },
    dependencies: {},
    install: INSTALL_DEFAULTS,
    hearth: HEARTH_DEFAULTS,
  }
}
