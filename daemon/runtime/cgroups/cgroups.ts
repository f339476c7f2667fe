// A cgroup v2 directory per unit, in those of its slices, where a writable tree is: its process list is exact, cgroup.kill
// takes a tree at once, and what a unit may take of the machine is written into it.
import { oomPolicy, parentSlice, ROOT_SLICE, sliceOf } from '../../units/resources.ts'
import type { Unit, UnitName, Units } from '../../units/unit.ts'
import { inWords } from '../failure.ts'
import {
  type Attribute,
  attributesOf,
  CONTROLLERS,
  type Controller,
  hasDefaults,
  type MachineSize,
  resetOf,
} from './attributes.ts'
import { createControllers, pidsIn } from './controllers.ts'
import { type DeviceNumbers, deviceRules, ownDevices } from './device-rules.ts'
import { type CgroupFiles, kernelFiles } from './files.ts'
import { machineSize } from './machine-size.ts'
import { OWN_LEAF, ourselves, ownPlace, removeStale, removeTree, scopeName } from './place.ts'
import {
  bindProgram,
  deviceProgram,
  type Hold,
  MOST_ADDRESSES,
  PROGRAM_KINDS,
  type ProgramKind,
  packetProgram,
  programOf,
} from './programs.ts'
import { type CgroupUsage, oomKills, readUsage } from './usage.ts'

export interface Cgroups {
  readonly root: string
  /** Why units cannot have the controller; null when they can. To find out is to switch it on. */
  whyNot(controller: Controller): string | null
  /** The errno name with which the kernel refuses programs on a cgroup; null: it takes them. Tried with one of each kind. */
  whyNoPrograms(): string | null
  /** Makes the unit's directory, with its limits; gives a descriptor to start processes in, which the caller closes. -1: it
   * could not be made. `owner` gets it where the unit may make cgroups of its own. */
  enter(unit: Unit, owner: { uid: number | null; gid: number | null }): number
  has(unit: UnitName): boolean
  /** The unit's directory, if it has one, is an earlier image's. */
  adopt(unit: UnitName): void
  /** Its processes, those of cgroups below it too. */
  pids(unit: UnitName): number[]
  isEmpty(unit: UnitName): boolean
  /** Calls back when that may have changed; gives what ends that. */
  watch(unit: UnitName, changed: () => void): () => void
  unitOf(pid: number): UnitName | null
  /** Kills every process in it (cgroups(7), cgroup.kill); false where the kernel has no such file (before 5.14). */
  kill(unit: UnitName): boolean
  /** Tells `oomKilled` of what the kernel has killed since it was told last. */
  checkOom(unit: UnitName): void
  /** Of a unit or a slice; null: it has none. */
  usage(unit: UnitName): CgroupUsage | null
  /** The number in one of its files, as it was written (memory.max …); null: nothing was. Infinity is `max`. */
  limit(unit: UnitName, file: string): number | null
  /** ControlGroup=: the place in the tree; '' when it has none. */
  pathOf(unit: UnitName): string
  remove(unit: UnitName): void
  /** Units were read anew, or the system has come up: what changed is written. */
  refresh(): void
  /** Removes the whole tree; at the end. */
  close(): void
}

/** `auto`: where cgroup v2 is the hierarchy of the system; `yes`: wherever it is; always only where it can be written to. */
export type CgroupUse = 'auto' | 'yes' | 'no'

export type CgroupParts = {
  use: CgroupUse
  units: Units
  /** The system is coming up or going down. */
  isStarting: () => boolean
  warn: (unit: UnitName | null, message: string) => void
  /** The kernel has killed a process of the unit for want of memory. */
  oomKilled: (unit: UnitName) => void
}

/**
 * Cgroups under a directory of this daemon's own, or why they are not to be used or none can be made. Tried, not guessed. A
 * warning tells it when `use` is `yes`.
 */
export function openCgroups(parts: CgroupParts): Cgroups | { whyNot: string } {
  const { use } = parts
  if (use === 'no') return { whyNot: 'hearth runs with --cgroups no' }
  const refuse = (whyNot: string) => {
    if (use === 'yes')
      parts.warn(null, `cannot use cgroups, the units' processes are found without them: ${whyNot}`)
    return { whyNot }
  }
  const own = ownPlace()
  const us = ourselves()
  if (own === null || us === null) return refuse('no cgroup2 file system is mounted')
  if (use === 'auto' && !own.isUnified)
    return refuse('cgroup v2 is not the only hierarchy here: --cgroups yes uses it')
  const root = `${own.path}/${scopeName(us)}`
  const errno = kernelFiles.mkdir(root)
  if (errno !== null && errno !== 'EEXIST')
    return refuse(`${own.path} cannot be written to: ${inWords(errno)}`)
  removeStale(kernelFiles, own.path, us)
  return createTree(parts, {
    files: kernelFiles,
    own: own.path,
    root,
    isAlone: process.pid === 1,
    machine: machineSize(kernelFiles, own.path, parts.isStarting),
    devices: ownDevices,
  })
}

/** What the daemon made in the tree: a unit's directory or a slice's. */
type Group = {
  path: string
  /** What is written in it, by file (and device). */
  attributes: Map<string, Attribute>
  ooms: number
  /** What its processes are held to by programs, as text; '': nothing, or it is not known. */
  held: string
  /** Ends the watch for kills. */
  unwatch: (() => void) | null
}

export type TreeParts = {
  files: CgroupFiles
  /** The daemon's own cgroup, and the directory in it that is all the daemon's. */
  own: string
  root: string
  isAlone: boolean
  machine: MachineSize
  devices: DeviceNumbers
}

/** The tree below `root`, which exists. */
export function createTree(
  { units, warn, oomKilled }: CgroupParts,
  { files, own, root, isAlone, machine, devices }: TreeParts,
): Cgroups {
  const controllers = createControllers(files, own, root, isAlone)
  const groups = new Map<UnitName, Group>()
  const slices = new Map<UnitName, Group>()
  const byPath = new Map<string, UnitName>()

  /** The slices from the outermost to that of the unit, the root slice left out. */
  const slicesOf = (unit: Unit): UnitName[] => {
    const found: UnitName[] = []
    for (let at = sliceOf(unit); at !== null && at !== ROOT_SLICE; at = parentSlice(at)) {
      found.unshift(at)
    }
    return found
  }

  const pathIn = (parent: readonly UnitName[], name: UnitName) =>
    [root, ...parent, directoryOf(name)].join('/')

  /** Whether a slice keeps it from what is in it (DisableControllers=). */
  const isDisabled = (parent: readonly UnitName[], controller: Controller): boolean =>
    parent.some(name => units.get(name).resources?.disableControllers.includes(controller))

  /** Has the group's parents give it the controllers that it needs and that can be had. */
  const equip = (parent: readonly UnitName[], needed: Iterable<Controller>) => {
    for (const controller of needed) {
      if (controllers.whyNot(controller) !== null || isDisabled(parent, controller)) continue
      for (let depth = 1; depth <= parent.length; depth++)
        controllers.enableBelow([root, ...parent.slice(0, depth)].join('/'), controller)
    }
  }

  const write = (name: UnitName, group: Group, wanted: readonly Attribute[]) => {
    const next = new Map<string, Attribute>()
    for (const attribute of wanted) {
      if (controllers.whyNot(attribute.controller) === null) next.set(keyOf(attribute), attribute)
    }
    for (const [key, before] of group.attributes) {
      // The files of a controller that is off are gone.
      if (next.has(key) || files.read(`${group.path}/${before.file}`) === '') continue
      put(name, group, resetOf(before))
    }
    for (const [key, attribute] of next) {
      if (group.attributes.get(key)?.value !== attribute.value) put(name, group, attribute)
    }
    group.attributes = next
  }

  const put = (name: UnitName, { path }: Group, { file, value }: Attribute) => {
    let errno = files.write(`${path}/${file}`, value)
    // Where a disk has the BFQ scheduler alone.
    if (errno === 'ENOENT' && file === 'io.weight')
      errno = files.write(`${path}/io.bfq.weight`, bfqWeight(value))
    if (errno !== null)
      warn(name, `cannot set ${file} of the cgroup to '${value}': ${inWords(errno)}`)
  }

  /** Makes the directory, or finds it, and writes what the unit sets. */
  const prepare = (unit: Unit, known: Map<UnitName, Group>, parent: readonly UnitName[]) => {
    const path = pathIn(parent, unit.id)
    const errno = files.mkdir(path)
    if (errno !== null && errno !== 'EEXIST') return null
    const before = known.get(unit.id)
    const isNew = errno === null || before?.path !== path
    if (isNew) before?.unwatch?.()
    const group: Group =
      !isNew && before ? before : { path, attributes: new Map(), ooms: 0, held: '', unwatch: null }
    known.set(unit.id, group)
    byPath.set(path, unit.id)
    update(unit, group, parent)
    hold(unit, group, parent, errno === null)
    return group
  }

  /** What holds for the unit by itself and, of addresses, by its slices: their own cgroups are not asked (systemd's
   * bpf_firewall_compile()), so that a unit may allow what its slice denies. */
  const holdOf = (unit: Unit, parent: readonly UnitName[]): Hold | null => {
    const rules = deviceRules(unit, devices)
    const lists =
      unit.type === 'slice'
        ? []
        : [unit, ...parent.map(units.get)].flatMap(one => one.resources ?? [])
    const deny = lists.flatMap(one => one.ipAddressDeny)
    const { socketBindAllow: bindAllow = [], socketBindDeny: bindDeny = [] } = unit.resources ?? {}
    const interfaces = interfacesOf(unit)
    if (rules === null && deny.length === 0 && bindDeny.length === 0 && interfaces === null)
      return null
    const allow = lists.flatMap(one => one.ipAddressAllow)
    const others = { devices: rules, interfaces, bindAllow, bindDeny }
    if (allow.length + deny.length <= MOST_ADDRESSES) return { ...others, allow, deny }
    warn(
      unit.id,
      `IPAddressAllow= and IPAddressDeny=: of more than ${MOST_ADDRESSES} none is allowed`,
    )
    return { ...others, allow: [], deny: deny.map(range => ({ ...range, prefix: 0 })) }
  }

  /** Those of its interfaces that are there: what comes later is not known by its number. */
  const interfacesOf = ({ id, resources }: Unit): Hold['interfaces'] => {
    const set = resources?.restrictNetworkInterfaces ?? null
    if (set === null) return null
    const missing = set.names.filter(name => devices.network(name) === null)
    if (missing.length > 0)
      warn(id, `RestrictNetworkInterfaces= leaves out ${missing.join(' ')}: there is none yet`)
    return { allowed: set.allowed, numbers: set.names.flatMap(name => devices.network(name) ?? []) }
  }

  /** Puts the programs in force, where there are to be any. */
  const hold = (unit: Unit, group: Group, parent: readonly UnitName[], isNew: boolean) => {
    const wanted = holdOf(unit, parent)
    const held = wanted === null ? '' : JSON.stringify(wanted)
    if (group.held === held) return
    group.held = held
    for (const kind of PROGRAM_KINDS) {
      const code = wanted && programOf(kind, wanted)
      if (code === null && isNew) continue
      const errno = files.attach(group.path, kind, code, isNew)
      if (errno !== null)
        warn(unit.id, `cannot put ${PROGRAM_SETTINGS[kind]} in force: ${inWords(errno)}`)
    }
  }

  let noPrograms: string | null | undefined
  const tryPrograms = (): string | null => {
    const place = `${root}/probe`
    files.mkdir(place)
    const any = { family: null, protocol: null, ports: null }
    const nothing = { allow: [], deny: [], interfaces: { allowed: true, numbers: [] } }
    const errno =
      files.attach(place, 'device', deviceProgram([]), true) ??
      files.attach(place, 'egress', packetProgram('egress', nothing), true) ??
      files.attach(place, 'bind4', bindProgram('ipv4', { bindAllow: [], bindDeny: [any] }), true)
    files.rmdir(place)
    return errno
  }

  /** Writes what the unit sets now. */
  const update = (unit: Unit, group: Group, parent: readonly UnitName[]) => {
    const above = parent.map(units.get)
    const isPlain =
      unit.resources === undefined &&
      (unit.service?.oomPolicy ?? null) === null &&
      !above.some(hasDefaults)
    const wanted = isPlain
      ? []
      : attributesOf(unit, machine, above).filter(
          ({ controller }) => !isDisabled(parent, controller),
        )
    const needed = isPlain ? NONE : neededBy(unit, wanted)
    if (needed.size > 0) equip(parent, needed)
    if (needed.size > 0 || group.attributes.size > 0) write(unit.id, group, wanted)
    if (needed.has('memory') && unit.type !== 'slice') watchOom(unit, group)
  }

  /** Takes a directory as ours that is there already. */
  const take = (name: UnitName, known: Map<UnitName, Group>, parent: readonly UnitName[]) => {
    const path = pathIn(parent, name)
    const before = known.get(name)
    if (before || files.read(`${path}/cgroup.events`) === '') return before ?? null
    const group: Group = { path, attributes: new Map(), ooms: 0, held: '', unwatch: null }
    known.set(name, group)
    byPath.set(path, name)
    return group
  }

  const prepareSlices = (names: readonly UnitName[]): boolean =>
    names.every((name, depth) => {
      if (slices.has(name)) return true
      return prepare(units.get(name), slices, names.slice(0, depth)) !== null
    })

  const watchOom = (unit: Unit, group: Group) => {
    if (group.unwatch !== null || oomPolicy(unit) === 'continue') return
    group.ooms = oomKills(files, group.path)
    group.unwatch = files.watch(`${group.path}/memory.events`, () => checkOom(unit.id))
  }

  const checkOom = (name: UnitName) => {
    const group = groups.get(name)
    if (!group?.unwatch) return
    const ooms = oomKills(files, group.path)
    if (ooms <= group.ooms) return
    group.ooms = ooms
    oomKilled(name)
  }

  const pidsBelow = (directory: string): number[] => [
    ...pidsIn(files, directory),
    ...files.directories(directory).flatMap(name => pidsBelow(`${directory}/${name}`)),
  ]

  /** For a unit that makes cgroups of its own (cgroups(7), Cgroups delegation). */
  const delegate = (
    unit: Unit,
    { path }: Group,
    { uid, gid }: { uid: number | null; gid: number | null },
  ): string => {
    const subgroup = unit.resources?.delegateSubgroup ?? null
    const place = subgroup === null ? path : `${path}/${subgroup}`
    if (subgroup !== null) files.mkdir(place)
    if (uid === null && gid === null) return place
    for (const directory of new Set([path, place]))
      for (const file of ['', '/cgroup.procs', '/cgroup.threads', '/cgroup.subtree_control'])
        files.chown(`${directory}${file}`, uid ?? -1, gid ?? -1)
    return place
  }

  const groupOf = (name: UnitName) => groups.get(name) ?? slices.get(name)

  return {
    root,
    whyNot: controllers.whyNot,
    whyNoPrograms() {
      if (noPrograms === undefined) noPrograms = tryPrograms()
      return noPrograms
    },
    enter(unit, owner) {
      const parent = slicesOf(unit)
      const group = prepareSlices(parent) ? prepare(unit, groups, parent) : null
      const place = group && unit.resources?.delegate ? delegate(unit, group, owner) : group?.path
      const fd = place === undefined ? -1 : files.open(place)
      // It is not the place of all its processes any more.
      if (fd < 0) groups.delete(unit.id)
      return fd
    },
    has: unit => groups.has(unit),
    adopt(name) {
      const unit = units.get(name)
      const parent = slicesOf(unit)
      for (const [depth, slice] of parent.entries()) take(slice, slices, parent.slice(0, depth))
      const group = take(name, groups, parent)
      if (!group) return
      update(unit, group, parent)
      hold(unit, group, parent, false)
    },
    pids(unit) {
      const group = groups.get(unit)
      return group ? pidsBelow(group.path) : []
    },
    isEmpty(unit) {
      const group = groups.get(unit)
      if (!group) return true
      // The kernel may count one that has just ended a moment longer than it lists it.
      return (
        /^populated 0$/m.test(files.read(`${group.path}/cgroup.events`)) ||
        pidsBelow(group.path).length === 0
      )
    },
    watch(unit, changed) {
      const group = groups.get(unit)
      return group ? files.watch(`${group.path}/cgroup.events`, changed) : () => {}
    },
    unitOf(pid) {
      const place = /^0::(.*)$/m.exec(files.read(`/proc/${pid}/cgroup`))?.[1] ?? ''
      const scope = root.slice(root.lastIndexOf('/'))
      const at = place.indexOf(`${scope}/`)
      if (at < 0) return null
      const parts = place.slice(at + scope.length + 1).split('/')
      for (let length = 1; length <= parts.length; length++) {
        const name = byPath.get([root, ...parts.slice(0, length)].join('/'))
        if (name !== undefined && groups.has(name)) return name
      }
      return null
    },
    kill(unit) {
      const group = groups.get(unit)
      return group !== undefined && files.write(`${group.path}/cgroup.kill`, '1') === null
    },
    checkOom,
    usage(unit) {
      const group = groupOf(unit)
      return group ? readUsage(files, group.path) : null
    },
    limit(unit, file) {
      const written = groupOf(unit)?.attributes.get(file)?.value
      if (written === undefined) return null
      return written === 'max' ? Number.POSITIVE_INFINITY : Number(written)
    },
    pathOf: unit => groupOf(unit)?.path.slice(own.length) ?? '',
    remove(unit) {
      const group = groups.get(unit)
      if (!group) return
      groups.delete(unit)
      byPath.delete(group.path)
      group.unwatch?.()
      removeTree(files, group.path)
    },
    refresh() {
      // The innermost first: what is on below cannot be switched off.
      for (const [name, { path }] of [...slices].reverse())
        for (const controller of CONTROLLERS)
          if (isDisabled([...slicesOf(units.get(name)), name], controller))
            controllers.disableBelow(path, controller)
      for (const [name, group] of slices) {
        const unit = units.get(name)
        const parent = slicesOf(unit)
        update(unit, group, parent)
        hold(unit, group, parent, false)
      }
      for (const [name, group] of groups) {
        const unit = units.get(name)
        // One that is in another slice now moves there with its next start.
        const parent = slicesOf(unit)
        if (group.path !== pathIn(parent, name)) continue
        update(unit, group, parent)
        hold(unit, group, parent, false)
      }
    },
    close() {
      for (const group of groups.values()) group.unwatch?.()
      for (const name of files.directories(root))
        if (name !== OWN_LEAF) removeTree(files, `${root}/${name}`)
      controllers.close()
      removeTree(files, root)
    },
  }
}

/** A file name for a unit's directory: unit names never hold a slash, but may begin like a kernel file (`cgroup.`). */
const directoryOf = (unit: UnitName) =>
  /^(?:cgroup\.|_|\.)/.test(unit) || unit === OWN_LEAF ? `_${unit}` : unit

const keyOf = ({ file, value }: Attribute) => {
  const device = /^\d+:\d+ /.exec(value)?.[0]
  return device === undefined ? file : `${file} ${device}`
}

/** 1 to 10000 as BFQ's 1 to 1000, with the same default of 100 (systemd's BFQ_WEIGHT). */
const bfqWeight = (value: string) =>
  value.replace(/\d+$/, text => {
    const weight = Number(text)
    return String(weight <= 100 ? weight : 100 + Math.floor(((weight - 100) * 900) / 9900))
  })

const PROGRAM_SETTINGS: Readonly<Record<ProgramKind, string>> = {
  device: 'DeviceAllow= and DevicePolicy=',
  ingress: 'IPAddressDeny= and RestrictNetworkInterfaces=',
  egress: 'IPAddressDeny= and RestrictNetworkInterfaces=',
  bind4: 'SocketBindDeny=',
  bind6: 'SocketBindDeny=',
}

const NONE: ReadonlySet<Controller> = new Set()

/** The controllers that the unit's settings take; `attributes` are what they come to. */
function neededBy(unit: Unit, attributes: readonly Attribute[]): ReadonlySet<Controller> {
  const needed = new Set(attributes.map(({ controller }) => controller))
  const { resources, service } = unit
  if (resources?.memoryAccounting || (service?.oomPolicy ?? 'continue') !== 'continue')
    needed.add('memory')
  if (resources?.tasksAccounting) needed.add('pids')
  if (resources?.ioAccounting) needed.add('io')
  const delegated = resources?.delegate ?? []
  for (const controller of CONTROLLERS)
    if (delegated === 'all' || delegated.includes(controller)) needed.add(controller)
  return needed
}
