// What enable, disable, mask and unmask would change on disk (systemctl(1), UNIT FILE COMMANDS). Nothing is changed here.
import { err, ok, type Result } from 'neverthrow'
import { isBuiltIn } from './builtin.ts'
import { DEPENDENCY_SUFFIXES, DEV_NULL, type DependencySuffix, type Entry } from './catalogue.ts'
import { enabledName, hasInstall } from './enablement.ts'
import type { UnitFilesView } from './load.ts'
import type { InstallSettings, UnitName } from './unit.ts'
import { instanceOf, nameKind, templateOf, withInstance } from './values/unit-name.ts'

export type UnitFileChange = { action: 'symlink' | 'unlink'; path: string; target: string | null }

/** A link that is made where another already is replaces it: an `unlink` of the path comes before it. */
export type Plan = {
  changes: readonly UnitFileChange[]
  /** What the user should hear though nothing is wrong. */
  notes: readonly string[]
}

export type InstallError =
  | { type: 'not-found'; unit: UnitName }
  | { type: 'built-in'; unit: UnitName }
  | { type: 'masked'; unit: UnitName; verb: string }
  | { type: 'template'; unit: UnitName; verb: string }
  | { type: 'file-in-the-way'; path: string; verb: string }
  | { type: 'other-link'; path: string; leadsTo: string; verb: string }
  | { type: 'no-directory'; runtime: boolean }
  | { type: 'alias-type'; unit: UnitName; alias: UnitName }

/** An install error in one sentence, with the mend. */
export function describeInstallError(error: InstallError): string {
  switch (error.type) {
    case 'not-found':
      return `cannot find a unit file for ${error.unit}`
    case 'built-in':
      return `cannot do that to ${error.unit}: it is built in and has no file; put one of that name into a unit directory`
    case 'masked':
      return `cannot ${error.verb} ${error.unit}: it is masked; undo that first with: ctl unmask ${error.unit}`
    case 'template':
      return `cannot ${error.verb} ${error.unit}: it is a template without DefaultInstance=; name an instance, such as ${withInstance(error.unit, '1')}`
    case 'file-in-the-way':
      return `cannot ${error.verb}: ${error.path} is a file of its own; move it away, or use ctl disable to keep it from being started`
    case 'other-link':
      return `cannot ${error.verb}: ${error.path} already leads to ${error.leadsTo}; use --force to replace it`
    case 'no-directory':
      return error.runtime
        ? 'cannot make a runtime change: no unit directory lies under /run'
        : 'cannot make a change: there is no unit directory'
    case 'alias-type':
      return `cannot use Alias=${error.alias} of ${error.unit}: an alias has the suffix of its unit, and is a template where that is one`
    default:
      return error satisfies never
  }
}

export type InstallOptions = { runtime: boolean; force: boolean }

/** Where changes are written: the first unit directory that stays, or the runtime one. */
function targetDirectory(files: UnitFilesView, runtime: boolean): Result<string, InstallError> {
  const { services, runtime: volatile } = files.directories
  const found = runtime ? volatile : (services.find(path => path !== volatile) ?? volatile)
  return found === null ? err({ type: 'no-directory', runtime }) : ok(found)
}

/** The unit's file and [Install], an alias followed; an instance's are its template's. */
type Found = { name: UnitName; entry: Entry; settings: InstallSettings | null }

function find(files: UnitFilesView, name: UnitName, verb: string): Result<Found, InstallError> {
  const { id, entry, isMasked } = files.catalogue().resolve(name, files.enablement().aliases)
  if (isMasked) return err({ type: 'masked', unit: name, verb })
  if (!entry) return err({ type: isBuiltIn(id) ? 'built-in' : 'not-found', unit: name })
  return ok({ name: id, entry, settings: files.install(id) })
}

const SUFFIXES: readonly (readonly [DependencySuffix, 'wantedBy' | 'requiredBy' | 'upheldBy'])[] = [
  ['.wants', 'wantedBy'],
  ['.requires', 'requiredBy'],
  ['.upholds', 'upheldBy'],
]

/** The links of `.wants` (…) directories that enabling asks for, as `owner.wants/name`. */
const memberships = (name: UnitName, settings: InstallSettings): string[] =>
  SUFFIXES.flatMap(([suffix, field]) => settings[field].map(owner => `${owner}${suffix}/${name}`))

const fileOf = (entry: Entry) => entry.link ?? entry.path

/** All units that are meant: those named and those that their Also= names, each once. */
function withAlso(
  files: UnitFilesView,
  names: readonly UnitName[],
  verb: string,
): Result<Found[], InstallError> {
  const found = new Map<UnitName, Found>()
  const queue = names.map(name => ({ name, isNamed: true }))
  for (const { name, isNamed } of queue) {
    const unit = find(files, name, verb)
    if (unit.isErr()) {
      // What only Also= names may be missing, as with systemctl.
      if (isNamed) return err(unit.error)
      continue
    }
    if (found.has(unit.value.name)) continue
    found.set(unit.value.name, unit.value)
    for (const also of unit.value.settings?.also ?? []) queue.push({ name: also, isNamed: false })
  }
  return ok([...found.values()])
}

/**
 * `ctl enable`: links for Alias=, WantedBy=, RequiredBy= and UpheldBy= of the units and of those that Also= names. A unit
 * of a unit directory is enabled by being there: for it, only the links that switch it off are taken away.
 */
export function planEnable(
  files: UnitFilesView,
  names: readonly UnitName[],
  { runtime, force }: InstallOptions,
): Result<Plan, InstallError> {
  const directory = targetDirectory(files, runtime)
  if (directory.isErr()) return err(directory.error)
  const units = withAlso(files, names, 'enable')
  if (units.isErr()) return err(units.error)
  const planned = createPlan(files, force, 'enable')
  for (const { name: named, entry, settings } of units.value) {
    if (!settings || (!hasInstall(settings) && settings.also.length === 0)) {
      planned.note(
        `${named} has no WantedBy=, RequiredBy=, UpheldBy=, Alias= or Also= in [Install]: it is not meant to be enabled, but started by another unit or by hand`,
      )
      continue
    }
    const name = enabledName(named, settings)
    if (name === null) return err({ type: 'template', unit: named, verb: 'enable' })
    const own = name === named ? settings : (files.install(name) ?? settings)
    for (const membership of memberships(name, own)) planned.switchOn(membership)
    if (isThere(files, entry, name)) continue
    for (const membership of memberships(name, own)) {
      const linked = planned.link(`${directory.value}/${membership}`, fileOf(entry))
      if (linked.isErr()) return err(linked.error)
    }
    for (const alias of own.alias) {
      const full = withInstance(alias, instanceOf(name))
      if (!isAlias(full, name)) return err({ type: 'alias-type', unit: name, alias })
      if (full === name) continue
      const linked = planned.link(`${directory.value}/${full}`, fileOf(entry))
      if (linked.isErr()) return err(linked.error)
    }
  }
  return ok(planned.plan())
}

/** Enabled by being there: the file, or for an instance its own file or link, lies in a unit directory. */
function isThere(files: UnitFilesView, entry: Entry, name: UnitName): boolean {
  if (entry.vendor) return false
  return entry.name === name || files.enablement().isEnabled(name)
}

const isAlias = (alias: UnitName, name: UnitName) =>
  alias.slice(alias.lastIndexOf('.')) === name.slice(name.lastIndexOf('.')) &&
  (nameKind(alias) === 'template') === (nameKind(name) === 'template')

/**
 * `ctl disable`: takes away every link to the units, by whatever name. A unit of a unit directory, which no link
 * enabled, is switched off by links to /dev/null in the directories that WantedBy= and the like name.
 */
export function planDisable(
  files: UnitFilesView,
  names: readonly UnitName[],
  { runtime }: { runtime: boolean },
): Result<Plan, InstallError> {
  const directory = targetDirectory(files, runtime)
  if (directory.isErr()) return err(directory.error)
  const units = withAlso(files, names, 'disable')
  if (units.isErr()) return err(units.error)
  const planned = createPlan(files, true, 'disable')
  for (const { name: named, entry, settings } of units.value) {
    const name = settings ? (enabledName(named, settings) ?? named) : named
    const catalogue = files.catalogue()
    for (const suffix of DEPENDENCY_SUFFIXES)
      for (const owner of catalogue.dependencyOwners(suffix))
        for (const link of catalogue.dependencyLinks([owner], suffix))
          if (!link.isOff && !link.vendor && isSame(link.name, name)) planned.unlink(link.path)
    for (const alias of catalogue.aliasesOf(name)) {
      const link = catalogue.entry(alias)
      if (link && !link.vendor) planned.unlink(link.path)
    }
    if (!settings || !hasInstall(settings)) {
      planned.note(
        `${named} has no [Install] section: it cannot be disabled, only masked with: ctl mask ${named}`,
      )
      continue
    }
    if (!isThere(files, entry, name)) continue
    const own = name === named ? settings : (files.install(name) ?? settings)
    const members = memberships(name, own)
    for (const membership of members) {
      const linked = planned.link(`${directory.value}/${membership}`, DEV_NULL)
      if (linked.isErr()) return err(linked.error)
    }
    if (members.length === 0)
      planned.note(`${named} has nothing but Alias= in [Install]: its file is what enables it`)
  }
  return ok(planned.plan())
}

/** `ctl disable web@.service` means its instances too, as with systemctl. */
const isSame = (name: UnitName, disabled: UnitName) =>
  name === disabled || (nameKind(disabled) === 'template' && templateOf(name) === disabled)

/**
 * `ctl mask`: a link to /dev/null under the unit's name. The unit need not exist. Where its own file stands in the way, the
 * link goes to the runtime directory if that one has precedence over the file's; systemctl would refuse.
 */
export function planMask(
  files: UnitFilesView,
  names: readonly UnitName[],
  { runtime }: { runtime: boolean },
): Result<Plan, InstallError> {
  const directory = targetDirectory(files, runtime)
  if (directory.isErr()) return err(directory.error)
  const order = files.directories.services
  const volatile = files.directories.runtime
  const planned = createPlan(files, false, 'mask')
  for (const name of names) {
    const known = files.catalogue().entry(name)
    const place =
      known && !known.vendor && known.link === null
        ? order.findIndex(one => isIn(one, known.path))
        : -1
    const isInTheWay = (one: string) => place >= 0 && place <= order.indexOf(one)
    let chosen = directory.value
    if (known && isInTheWay(chosen)) {
      if (volatile === null || isInTheWay(volatile))
        return err({ type: 'file-in-the-way', path: known.path, verb: `mask ${name}` })
      chosen = volatile
      planned.note(
        `${known.path} is a file of its own: ${name} is masked in ${volatile}, until the next boot`,
      )
    }
    const linked = planned.link(`${chosen}/${name}`, DEV_NULL)
    if (linked.isErr()) return err(linked.error)
    if (!known && !isBuiltIn(name))
      planned.note(`${name} has no unit file: it is masked all the same`)
  }
  return ok(planned.plan())
}

const isIn = (directory: string | null, path: string) =>
  directory !== null && path.startsWith(`${directory}/`)

/** `ctl unmask`: takes the links to /dev/null away. */
export function planUnmask(
  files: UnitFilesView,
  names: readonly UnitName[],
  { runtime }: { runtime: boolean },
): Result<Plan, InstallError> {
  const planned = createPlan(files, false, 'unmask')
  for (const name of names) {
    const known = files.catalogue().entry(name)
    if (!known || known.link !== DEV_NULL || known.vendor) continue
    if (runtime && !isIn(files.directories.runtime, known.path)) continue
    planned.unlink(known.path)
  }
  return ok(planned.plan())
}

/** Changes as they are put together; none twice, and none that would change nothing. */
function createPlan(files: UnitFilesView, force: boolean, verb: string) {
  const changes = new Map<string, UnitFileChange>()
  const notes: string[] = []
  /** What a path in a unit directory leads to now: a link's target, '' for a file of its own, null for nothing. */
  const current = (path: string): string | null => files.readTarget(path)
  return {
    note: (text: string) => notes.push(text),
    unlink: (path: string) => changes.set(path, { action: 'unlink', path, target: null }),
    /** Takes away every link to /dev/null of that membership, in whatever directory. */
    switchOn(membership: string) {
      for (const directory of files.directories.services) {
        const path = `${directory}/${membership}`
        if (current(path) === DEV_NULL) changes.set(path, { action: 'unlink', path, target: null })
      }
    },
    link(path: string, target: string): Result<void, InstallError> {
      const known = current(path)
      if (known === target) {
        changes.delete(path)
        return ok()
      }
      if (known === '') return err({ type: 'file-in-the-way', path, verb })
      if (known !== null && known !== DEV_NULL && !force)
        return err({ type: 'other-link', path, leadsTo: known, verb })
      if (known !== null) changes.set(`${path} `, { action: 'unlink', path, target: null })
      changes.set(path, { action: 'symlink', path, target })
      return ok()
    },
    plan: (): Plan => ({ changes: inOrder([...changes.values()]), notes }),
  }
}

/** What goes comes before what is made. */
const inOrder = (changes: UnitFileChange[]) => [
  ...changes.filter(({ action }) => action === 'unlink'),
  ...changes.filter(({ action }) => action === 'symlink'),
]
