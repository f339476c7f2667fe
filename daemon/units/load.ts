// Names -> units: files are found, read when a unit is first asked for, and kept until the next reload.
import {
  type BuildContext,
  finishUnit,
  type Prepared,
  prepareUnit,
  readInstall,
  SECTION_OF,
} from './build.ts'
import { builtInAlias, builtInAliasesOf, builtInNames, builtInText, isBuiltIn } from './builtin.ts'
import {
  baseOf,
  type Catalogue,
  createCatalogue,
  DEPENDENCY_SUFFIXES,
  DEV_NULL,
  type Directories,
  type Entry,
  normalize,
  parentOf,
  type Resolution,
} from './catalogue.ts'
import { HEARTH_DEFAULTS, INSTALL_DEFAULTS, NONE, UNIT_DEFAULTS } from './defaults.ts'
import { createDirectives, type Directive, type DirectiveTable } from './directives.ts'
import {
  type Enablement,
  enabledName,
  findEnabled,
  hasInstall,
  type PullKind,
} from './enablement.ts'
import type { Dependencies } from './implicit.ts'
import { mountUnitOf, pathOfName, pathsAbove } from './mounts.ts'
import { type Presets, presetOf, readPresets } from './preset.ts'
import type { UnitReader } from './reader.ts'
import { createSharing, type Sharing } from './share.ts'
import type { HostFacts } from './specifiers.ts'
import { placeOf, readUnitFile, type UnitFile } from './syntax.ts'
import type {
  InstallSettings,
  LoadState,
  Place,
  Problem,
  Unit,
  UnitFileState,
  UnitName,
  Units,
} from './unit.ts'
import { nameKind, templateOf, unitType } from './values/unit-name.ts'

export type UnitOptions = {
  /** Unit directories: what is there with [Install] is enabled; the first wins. */
  services: readonly string[]
  /** That of them which is gone after a boot; absent: the first under /run. */
  runtime?: string
  /** Directories of units that are found when they are named or enabled. */
  vendorUnits: readonly string[]
  /** Directories of preset files, the first wins; none: everything is to be enabled. */
  presets?: readonly string[]
  reader: UnitReader
  host: HostFacts
  /** Whether units are not to start where their security would be weakened, unless they say Strict=no. */
  strict?: boolean
  /** Told of each unit that has just been read. */
  onLoad?: (unit: Unit) => void
  /** Whether something is mounted at the path: a unit for that is there without a file. */
  isMounted?: (path: string) => boolean
}

/** An assignment of a unit's file to a directive that is known; an empty value has taken back what stands before it. */
export type Assigned = {
  /** `Service.MemoryMax`, by its name of today. */
  directive: string
  /** The name as written. */
  written: string
  value: string
  place: Place
  row: Directive
}

export type UnitFileInfo = {
  name: UnitName
  state: UnitFileState
  path: string
  /** What the preset files say; null where that means nothing. */
  preset: 'enabled' | 'disabled' | null
}

export interface LoadedUnits extends Units {
  /** The unit need not be kept: it is read anew when it is asked for. */
  forget(name: UnitName): void
  /** Forgets everything that was read: the next look-up reads anew. */
  reload(): void
  /** Every unit file in the unit directories and the look-up directories, loaded or not, by name. */
  unitFiles(): readonly UnitFileInfo[]
  /** All names that can be looked up: files, aliases, built-in units. For "did you mean" and completion. */
  fileNames(): readonly UnitName[]
  /** `systemctl is-enabled` of a name. */
  fileState(name: UnitName): UnitFileState
  /** What the preset files make of these units. They are read for it. */
  presets(names: readonly UnitName[]): Presets
  /** What the unit's files set, in their order. They are read again for that. */
  assignments(name: UnitName): readonly Assigned[]
  /** What of that hearth does not do, each with its place. */
  notEnforced(name: UnitName): readonly Problem[]
  /** The table that units are read by. */
  readonly directives: DirectiveTable
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
  /** What is at a path: where a symlink leads, '' for a file of its own, null for nothing. */
  readTarget(path: string): string | null
}

/** The sections that a unit of any type may have. */
const SHARED_SECTIONS = ['Unit', 'Install', 'X-Hearth']

/** What no preset makes enabled or disabled (systemctl(1), list-unit-files). */
const WITHOUT_PRESET: ReadonlySet<UnitFileState> = new Set(['alias', 'static', 'generated'])

/** Names nobody has a file for are remembered up to this number. */
const MAX_NOT_FOUND = 4096

type Read = {
  files: UnitFile[]
  dropIns: readonly string[]
  isMasked: boolean
  error: string | null
}
/** A unit read to see whether it is enabled, until it is asked for. */
type Early = { prepared: Prepared; dropIns: readonly string[] }

/** What was read since the last reload. */
type Loaded = {
  units: Map<UnitName, Unit>
  byAlias: Map<UnitName, Unit>
  missing: Map<UnitName, Unit>
  early: Map<UnitName, Early>
  /** Files that several units may be made of: templates and drop-ins. */
  shared: Map<string, UnitFile>
  sharing: Sharing
  catalogue: Catalogue | null
  enablement: Enablement | null
  mountFiles: ReadonlySet<UnitName> | null
}
const NO_ALIASES: ReadonlyMap<UnitName, UnitName> = new Map()
const nothing = (): Loaded => ({
  units: new Map(),
  byAlias: new Map(),
  missing: new Map(),
  early: new Map(),
  shared: new Map(),
  sharing: createSharing(),
  catalogue: null,
  enablement: null,
  mountFiles: null,
})

/** The units of the given directories. */
export function createUnits(options: UnitOptions): LoadedUnits {
  const { reader, host } = options
  const directories: Directories = {
    services: options.services,
    vendor: options.vendorUnits,
    runtime: options.runtime ?? options.services.find(path => path.startsWith('/run/')) ?? null,
  }
  const isRuntime = (path: string) =>
    directories.runtime !== null && path.startsWith(`${directories.runtime}/`)
  const context: BuildContext = {
    table: createDirectives(host.directories.runtime),
    host,
    hearth: options.strict ? { ...HEARTH_DEFAULTS, strict: true } : HEARTH_DEFAULTS,
  }
  let now = nothing()

  const catalogue = (): Catalogue => {
    now.catalogue ??= createCatalogue(reader, directories)
    return now.catalogue
  }

  const enablement = (): Enablement => {
    now.enablement ??= findEnabled(catalogue(), installEarly)
    return now.enablement
  }

  /** A file that cannot be read is told as a unit's error; one that is empty masks: null. */
  const readFile = (path: string, isShared: boolean): UnitFile | string | null => {
    const known = now.shared.get(path)
    if (known) return known
    const bytes = reader.read(path)
    if (bytes.isErr()) return bytes.error
    if (bytes.value.length === 0) return null
    const file = readUnitFile(path, bytes.value)
    if (isShared) now.shared.set(path, file)
    return file
  }

  const pathOf = (entry: Entry) => entry.link ?? entry.path

  const readAll = (entry: Entry, names: readonly UnitName[]): Read => {
    const path = pathOf(entry)
    const fragment = readFile(path, nameKind(entry.name) === 'template')
    const read: Read = { files: [], dropIns: NONE, isMasked: fragment === null, error: null }
    if (typeof fragment === 'string') read.error = `cannot read ${path}: ${fragment}`
    else if (fragment !== null) read.files.push(fragment)
    if (read.error === null && !read.isMasked) addDropIns(read, names)
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

  const ownNames = (id: UnitName): UnitName[] => [id, ...catalogue().aliasesOf(id)]

  const install = (name: UnitName): InstallSettings | null => {
    const early = now.early.get(name)
    if (early) return early.prepared.hasInstallSection ? early.prepared.install : null
    const { id, entry, isMasked } = catalogue().resolve(name, NO_ALIASES)
    const type = unitType(id)
    if (!entry || isMasked || type === null) return null
    const read = readAll(entry, ownNames(id))
    if (read.isMasked || read.error !== null) return null
    return readInstall(context, { id, type, fragmentPath: pathOf(entry), files: read.files })
  }

  /** As `install`, but the unit is prepared while its file is at hand: it will most likely be asked for. */
  const installEarly = (name: UnitName, file: Entry | null): InstallSettings | null => {
    const type = unitType(name)
    const { entry } = file ? { entry: file } : catalogue().resolve(name, NO_ALIASES)
    if (entry?.name !== name || type === null || entry.link === DEV_NULL || now.early.has(name))
      return install(name)
    if (nameKind(name) === 'template' || isInstanceLink(entry)) return install(name)
    const read = readAll(entry, ownNames(name))
    if (read.isMasked || read.error !== null) return null
    const prepared = prepare(name, entry, read)
    now.early.set(name, { prepared, dropIns: read.dropIns })
    return prepared.hasInstallSection ? prepared.install : null
  }

  const prepare = (id: UnitName, entry: Entry | null, read: Read): Prepared => {
    return prepareUnit(
      context,
      {
        id,
        type: unitType(id) ?? 'service',
        fragmentPath: entry && pathOf(entry),
        files: read.files,
      },
      now.sharing,
    )
  }

  const resolve = (name: UnitName): Resolution => {
    const found = catalogue().resolve(name, enablement().aliases)
    const builtIn = builtInAlias(found.id)
    // A vendor's special targets lead to a machine's boot: the built-in ones are a container's.
    if (found.entry?.vendor && isBuiltIn(found.id))
      return { ...found, entry: null, isMasked: false }
    if (builtIn !== null && (!found.entry || found.entry.vendor)) return resolve(builtIn)
    if (found.id !== name && isBuiltIn(name) && catalogue().entry(name)?.vendor)
      return { id: name, entry: null, isMasked: false }
    return found
  }

  const canonical = (name: UnitName): UnitName => {
    if (now.units.has(name)) return name
    return resolve(name).id
  }

  const fileState = (name: UnitName): UnitFileState => {
    const own = catalogue().entry(name)
    const { id, entry, isMasked } = resolve(name)
    if (isMasked) return isRuntime(own?.path ?? entry?.path ?? '') ? 'masked-runtime' : 'masked'
    if (!entry) return isBuiltIn(id) || builtInAlias(name) !== null ? 'static' : 'not-found'
    return id !== name && own ? 'alias' : stateOf(id, entry, install(id))
  }

  /** The state of a unit that has a file and is neither masked nor an alias. */
  const stateOf = (id: UnitName, entry: Entry, settings: InstallSettings | null): UnitFileState => {
    const { isEnabled, linkedBy } = enablement()
    if (isEnabled(id)) return isRuntime(entry.path) ? 'enabled-runtime' : 'enabled'
    const link = linkedBy(id)
    if (link !== null) return isRuntime(link) ? 'enabled-runtime' : 'enabled'
    const files = catalogue()
    if (files.aliasesOf(id).some(alias => files.entry(alias)?.vendor === false)) return 'enabled'
    if (settings && hasInstall(settings)) {
      // A template is as enabled as its default instance.
      const instance = nameKind(id) === 'template' ? enabledName(id, settings) : null
      if (instance !== null && (isEnabled(instance) || linkedBy(instance) !== null))
        return 'enabled'
      return 'disabled'
    }
    if (settings && settings.also.length > 0) return 'indirect'
    const isLinked = entry.link !== null && !entry.vendor && nameKind(id) === nameKind(entry.name)
    return isLinked ? 'linked' : 'static'
  }

  const pullsOf = (names: readonly UnitName[]): Dependencies => {
    const pulls: Dependencies = {}
    if (names.length === 1 && catalogue().hasNoLinks && !enablement().isWanting(names[0] ?? ''))
      return pulls
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
    const names = ownNames(id)
    names.push(...enablement().aliasesOf(id), ...builtInAliasesOf(id))
    return names.length === 1 ? names : [...new Set(names)]
  }

  const load = ({ id, entry, isMasked }: Resolution): Unit => {
    if (nameKind(id) === null)
      return absent(
        id,
        'not-found',
        `cannot use ${id} as a unit name: expected one such as web.service`,
      )
    if (isMasked) return absent(id, 'masked', null, entry?.path ?? null, fileState(id))
    const names = namesOf(id)
    const early = now.early.get(id)
    if (early) {
      now.early.delete(id)
      // By its Alias= it may have further drop-ins.
      if (names.length === 1 || catalogue().dropIns(names).length === early.dropIns.length)
        return finish(names, entry, early.prepared, early.dropIns)
    }
    if (!entry) {
      const text = builtInText(id) ?? impliedText(id, options.isMounted)
      if (text === null)
        return absent(id, 'not-found', `cannot find a file for ${id} in ${listed()}`)
      const file = readUnitFile(`(built in) ${id}`, new TextEncoder().encode(text))
      const read: Read = { files: [file], dropIns: NONE, isMasked: false, error: null }
      addDropIns(read, names)
      return finish(names, null, prepare(id, null, read), read.dropIns)
    }
    const read = readAll(entry, names)
    if (read.isMasked) return absent(id, 'masked', null, entry.path, 'masked')
    if (read.error !== null) return absent(id, 'error', read.error, entry.path, 'bad')
    return finish(names, entry, prepare(id, entry, read), read.dropIns)
  }

  /** Mount units that have a file. */
  const mountFiles = (): ReadonlySet<UnitName> => {
    now.mountFiles ??= new Set(
      [...catalogue().entries()].flatMap(({ name, link }) =>
        name.endsWith('.mount') && link !== DEV_NULL ? [name] : [],
      ),
    )
    return now.mountFiles
  }

  const mountsFor = (id: UnitName, paths: readonly string[]): readonly UnitName[] => {
    if (paths.length === 0 || mountFiles().size === 0) return NONE
    const names = paths.flatMap(pathsAbove).map(mountUnitOf)
    const found = names.filter(name => name !== null && name !== id && mountFiles().has(name))
    return [...new Set(found as UnitName[])]
  }

  const listed = () => [...directories.services, ...directories.vendor].join(', ') || 'no directory'

  const finish = (
    names: readonly UnitName[],
    entry: Entry | null,
    prepared: Prepared,
    dropInPaths: readonly string[],
  ): Unit =>
    finishUnit(prepared, {
      names,
      dropInPaths,
      unitFileState: entry ? stateOf(prepared.id, entry, prepared.install) : 'static',
      pulls: pullsOf(names),
      canonical,
      mountsFor,
      sharing: now.sharing,
    })

  const get = (name: UnitName): Unit => {
    const known = now.units.get(name) ?? now.byAlias.get(name) ?? now.missing.get(name)
    if (known) return known
    const resolution = resolve(name)
    const same = now.units.get(resolution.id)
    const unit = same ?? load(resolution)
    if (unit.loadState === 'not-found') {
      if (now.missing.size >= MAX_NOT_FOUND) now.missing.clear()
      now.missing.set(name, unit)
      return unit
    }
    now.units.set(unit.id, unit)
    if (name !== unit.id) now.byAlias.set(name, unit)
    if (!same) options.onLoad?.(unit)
    return unit
  }

  const assignments = (name: UnitName): Assigned[] => {
    const { id, entry, isMasked } = resolve(name)
    const own = SECTION_OF[unitType(id) ?? 'target']
    if (!entry || isMasked) return []
    return readAll(entry, namesOf(id)).files.flatMap(file =>
      file.assignments.flatMap(assignment => {
        const { section, name: written, value } = assignment
        if (section !== own && !SHARED_SECTIONS.includes(section)) return []
        const row = context.table.find(section, written)
        if (row === null) return []
        const place = placeOf(file, assignment)
        return [{ directive: `${section}.${row.name}`, written, value, place, row }]
      }),
    )
  }

  const notEnforced = (name: UnitName): Problem[] =>
    assignments(name)
      .filter(({ row, value }) => row.status !== 'enforced' && value !== '')
      .map(({ directive, written, place, row }) => {
        const why = row.note === null ? '' : `: ${row.note}`
        const message =
          row.status === 'inert'
            ? `${written}= has no meaning here${why}`
            : `${written}= is known but not enforced${why || ' yet'}`
        return { severity: 'warning', place, directive, message }
      })

  const readTarget = (path: string): string | null => {
    const written = reader.readlink(path)
    if (written !== null)
      return normalize(written.startsWith('/') ? written : `${parentOf(path)}/${written}`)
    return reader.list(parentOf(path))?.some(({ name }) => name === baseOf(path)) ? '' : null
  }

  return {
    get,
    loaded: () => now.units.values(),
    forget(name) {
      for (const alias of now.units.get(name)?.names ?? []) now.byAlias.delete(alias)
      now.units.delete(name)
    },
    reload() {
      now = nothing()
    },
    unitFiles() {
      const found: UnitFileInfo[] = []
      const rules = readPresets(reader, options.presets ?? [])
      for (const { name, path } of catalogue().entries()) {
        const state = fileState(name)
        const preset = presetOf(rules, name).enable.length > 0 ? 'enabled' : 'disabled'
        found.push({ name, state, path, preset: WITHOUT_PRESET.has(state) ? null : preset })
      }
      return found.sort((a, b) => (a.name < b.name ? -1 : 1))
    },
    fileNames() {
      const names = new Set<UnitName>(builtInNames())
      for (const { name } of catalogue().entries()) names.add(name)
      for (const name of enablement().aliases.keys()) names.add(name)
      return [...names].sort()
    },
    fileState,
    presets(names) {
      const rules = readPresets(reader, options.presets ?? [])
      const all = names.map(name => presetOf(rules, name))
      return {
        enable: all.flatMap(({ enable }) => enable),
        disable: all.flatMap(({ disable }) => disable),
      }
    },
    assignments,
    notEnforced,
    directives: context.table,
    fromFile(path, name) {
      const fragment = readFile(path, false)
      if (fragment === null) return absent(name, 'masked', null, path, 'masked')
      if (typeof fragment === 'string')
        return absent(name, 'error', `cannot read ${path}: ${fragment}`, path, 'bad')
      const read: Read = { files: [fragment], dropIns: NONE, isMasked: false, error: null }
      addDropIns(read, [name])
      const entry = { name, path, link: null, vendor: false }
      return finish([name], entry, prepare(name, entry, read), read.dropIns)
    },
    files: { directories, catalogue, enablement, install, readTarget },
  }
}

/** An instance's link to its template: the file is the template's. */
const isInstanceLink = ({ name, link }: Entry) => link !== null && baseOf(link) === templateOf(name)

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

/** The text of a unit that is there without a file: devices, and mounts while they are mounted. */
function impliedText(id: UnitName, isMounted: UnitOptions['isMounted']): string | null {
  const path = pathOfName(id)
  switch (unitType(id)) {
    case 'device':
      return path === null ? null : `[Unit]\nDescription=${path}\nDefaultDependencies=no\n`
    case 'mount':
      if (path === null || !isMounted?.(path)) return null
      return `[Unit]\nDescription=${path}\nDefaultDependencies=no\n`
    default:
      return null
  }
}

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
