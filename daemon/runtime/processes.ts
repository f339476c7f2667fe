// Which process belongs to which unit, without cgroups: hearth is PID 1 or a subreaper, so whatever loses its parent
// becomes our child. A child that we did not start is put to its unit by the mark of its run (marker.ts), by INVOCATION_ID
// in its environment, or by its session or group.
//
// A pid of ours is named safely: a child keeps its pid until we reap it. Pids of others are used at once.
import type { UnitName } from '../units/unit.ts'
import { type Births, createBirths } from './births.ts'
import type { Cgroups } from './cgroups/cgroups.ts'
import { createKeep, type KeptPart } from './keep.ts'
import { markerOf, readMarker } from './marker.ts'
import type { Native } from './native.ts'
import {
  type ProcessStat,
  readChildren,
  readEnvironment,
  readOwnChildren,
  readStat,
} from './procfs.ts'

export interface Processes {
  /** A process that hearth started itself. */
  started(unit: UnitName, pid: number, invocationId: string): void
  /** A child of ours that was told to be the unit's, by its PID file say; false: it is gone. */
  adopt(unit: UnitName, pid: number): boolean
  /** A child that has ended and was reaped; what is left of its unit is looked at when the round is over. */
  ended(pid: number): void
  /** Children that nobody knew have ended: any unit may have become empty. */
  strangersEnded(): void
  /** The unit's living processes, those of its descendants too. */
  of(unit: UnitName): number[]
  /** Those of them whose parent hearth is. */
  childrenOf(unit: UnitName): number[]
  /** The unit that a living process belongs to, or null. */
  unitOf(pid: number): UnitName | null
  /** The unit and the run of a process that may have just ended, by its mark if that was read in time. */
  senderOf(
    pid: number,
    marker: number | null,
  ): { unit: UnitName; invocationId: string | null } | null
  /** Sends the signals, in order, to all of the unit's processes but `except`; with SIGKILL to a tree that grows, until it
   * stands still, and without exception. Gives the number of processes reached. */
  signal(unit: UnitName, signals: readonly number[], except: readonly number[]): number
  /** From now on `emptied` is told, once, when the unit has none left. */
  awaitEmpty(unit: UnitName): void
  /** Nobody waits for that any more. */
  awaitNothing(unit: UnitName): void
  /** A round of effects is over: tells which units have become empty, and kills what escaped a SIGKILL. */
  settle(): void
  /** The unit is down. What it has left running stays known. */
  forget(unit: UnitName): void
}

const SIGKILL = 9
const SIGSTOP = 19
/** A tree that still grows after so many looks is killed as it stands, and again when its survivors are seen. */
const FREEZE_ROUNDS = 64
/** Leaders of sessions that a unit is remembered by when they have ended: enough for every way into the background. */
const MOST_LEADERS = 64

const NEVER = -1

/** Lists, which take a fifth of what sets do: mostly there is one of each. */
type Family = {
  unit: UnitName
  /** Children of ours. */
  members: number[]
  invocations: string[]
  /** Pids of children of ours, ended or not, the oldest first: each may lead a session or a group. */
  leaders: number[]
  /** It has no members, and orphans were looked for since it lost the last: none can come any more. */
  isKnownEmpty: boolean
  /** The epoch of births in which its first process was started: while that lasts, there are its members and no more. */
  epoch: number
  isAwaited: boolean
  isKilled: boolean
  /** Ends the watch of its cgroup, which tells of the end of those that are not our children. */
  unwatch: (() => void) | null
}

/** A family as it is kept over the image: i invocations, m members, l leaders, a awaited, k killed. */
type KeptFamily = { i: string[]; m: number[]; l: number[]; a?: 1; k?: 1 }

export function createProcesses(
  native: Native,
  cgroups: Cgroups | null,
  emptied: (unit: UnitName) => void,
  births: Births = createBirths(),
  kept: KeptPart = createKeep().part('processes'),
): Processes {
  const families = new Map<UnitName, Family>()
  /** Our children that belong to a unit: those we started and orphans put to their unit; each is tracked. */
  const owners = new Map<number, Family>()
  const invocations = new Map<string, Family>()
  const markers = new Map<number, Family>()
  const leaders = new Map<number, Family>()
  /** Orphans of nobody, such as what was executed into the container, with their start. */
  let strangers = new Map<number, number>()
  const awaited = new Set<Family>()
  let dirty = new Set<Family>()
  let orphansKnown = false
  /** What has just ended, by pids and marks: what it has sent may come to be read later. */
  const late = createLate()
  /** Those that are to be written down when the round is over. What is lost with a crash before is found by marks. */
  const unsaved = new Set<Family>()

  const save = () => {
    for (const family of unsaved) {
      if (families.get(family.unit) !== family) {
        kept.drop(family.unit)
        continue
      }
      kept.put(family.unit, keptOf(family))
    }
    unsaved.clear()
  }

  native.awaitStrangers(false)

  const watchFor = (family: Family) => {
    family.isAwaited = true
    if (awaited.size === 0) native.awaitStrangers(true)
    awaited.add(family)
    unsaved.add(family)
  }
  const watchNoMore = (family: Family) => {
    unsaved.add(family)
    family.isAwaited = false
    family.isKilled = false
    family.unwatch?.()
    family.unwatch = null
    if (awaited.delete(family) && awaited.size === 0) native.awaitStrangers(false)
  }

  const familyOf = (unit: UnitName): Family => {
    let family = families.get(unit)
    if (!family) {
      family = {
        unit,
        members: [],
        invocations: [],
        leaders: [],
        isKnownEmpty: true,
        epoch: NEVER,
        isAwaited: false,
        isKilled: false,
        unwatch: null,
      }
      families.set(unit, family)
    }
    return family
  }

  const dropLeader = (family: Family, pid: number) => {
    remove(family.leaders, pid)
    if (leaders.get(pid) === family) leaders.delete(pid)
  }

  /** False: it is gone. An orphan that nobody knew yet may have been reaped as a stranger since it was looked at. */
  const own = (family: Family, pid: number): boolean => {
    if (owners.get(pid) === family) return true
    if (!native.track(pid)) {
      native.untrack(pid)
      return false
    }
    const before = owners.get(pid)
    if (before) remove(before.members, pid)
    late.drop(`${pid}`)
    owners.set(pid, family)
    family.members = append(family.members, pid)
    family.isKnownEmpty = false
    unsaved.add(family)
    remove(family.leaders, pid)
    const [oldest] = family.leaders.length < MOST_LEADERS ? [] : family.leaders
    if (oldest !== undefined) dropLeader(family, oldest)
    family.leaders = append(family.leaders, pid)
    leaders.set(pid, family)
    return true
  }

  /** The family of a session or group by its leader's pid. The number is not given anew while anybody is in the session;
   * if a process that is not the family's has it, it was, and the session is another. */
  const ofLeader = (leader: number): Family | null => {
    const family = leaders.get(leader)
    if (!family || owners.get(leader) === family) return family ?? null
    return readStat(leader) === null ? family : null
  }

  const attribute = (pid: number, stat: ProcessStat): Family | null =>
    markers.get(readMarker(pid) ?? Number.NaN) ??
    invocations.get(readEnvironment(pid)?.INVOCATION_ID ?? '') ??
    ofLeader(stat.session) ??
    ofLeader(stat.group)

  /** What was seen counts for a round, or for a request. */
  const lookAgain = () => {
    orphansKnown = false
  }

  const findOrphans = () => {
    if (orphansKnown) return
    orphansKnown = true
    queueMicrotask(lookAgain)
    const still = new Map<number, number>()
    for (const pid of readOwnChildren() ?? native.children()) {
      if (owners.has(pid)) continue
      const stat = readStat(pid)
      if (!stat || stat.state === 'Z' || stat.state === 'X') continue
      const isStranger = strangers.get(pid) === stat.startTicks
      const family = isStranger ? null : attribute(pid, stat)
      if (family) own(family, pid)
      else still.set(pid, stat.startTicks)
    }
    strangers = still
  }

  /** Whether it was not yet. */
  const watchCgroup = (family: Family): boolean => {
    if (family.unwatch !== null || !cgroups?.has(family.unit)) return false
    family.unwatch = cgroups.watch(family.unit, () => {
      dirty.add(family)
      settle()
    })
    return true
  }

  const settle = () => {
    const changed = dirty
    dirty = new Set()
    for (const family of changed) {
      if (!family.isAwaited) continue
      // Once more when it is watched: what has changed in between is seen.
      if (isEmpty(family) || (watchCgroup(family) && isEmpty(family))) {
        watchNoMore(family)
        emptied(family.unit)
      } else if (family.isKilled) {
        kill(family)
      }
    }
    save()
    orphansKnown = false
    births.expire()
  }

  const descend = (family: Family): number[] => {
    const found = [...family.members]
    for (let i = 0; i < found.length; i++) {
      for (const child of readChildren(found[i] as number)) found.push(child)
    }
    return found
  }

  const hasNoneBesideMembers = (family: Family) => family.epoch === births.epoch()

  const isEmpty = (family: Family): boolean => {
    if (family.members.length > 0) return false
    if (cgroups?.has(family.unit)) return cgroups.isEmpty(family.unit)
    if (family.isKnownEmpty) return true
    if (hasNoneBesideMembers(family)) return true
    findOrphans()
    family.isKnownEmpty = family.members.length === 0
    return family.isKnownEmpty
  }

  const of = (unit: UnitName): number[] => {
    const family = families.get(unit)
    if (!family) return []
    if (cgroups?.has(unit)) return cgroups.pids(unit)
    if (isEmpty(family)) return []
    if (hasNoneBesideMembers(family)) return [...family.members]
    findOrphans()
    return descend(family)
  }

  /** Each process is stopped before its children are listed: from then on it has no more. Those whose parent has ended
   * first come to us, so orphans are looked for until a whole round finds nobody new. */
  const killTree = (family: Family): number => {
    const stopped = new Set<number>()
    for (let round = 0; round < FREEZE_ROUNDS; round++) {
      const before = stopped.size
      orphansKnown = false
      findOrphans()
      const queue = [...family.members]
      for (let i = 0; i < queue.length; i++) {
        const pid = queue[i] as number
        if (!stopped.has(pid)) {
          stopped.add(pid)
          native.kill(pid, SIGSTOP)
        }
        for (const child of readChildren(pid)) queue.push(child)
      }
      if (stopped.size === before) break
    }
    for (const pid of stopped) native.kill(pid, SIGKILL)
    return stopped.size
  }

  const kill = (family: Family): number => {
    const { unit } = family
    if (!cgroups?.has(unit)) return isEmpty(family) ? 0 : killTree(family)
    const pids = cgroups.pids(unit)
    if (pids.length > 0 && !cgroups.kill(unit)) return killTree(family)
    return pids.length
  }

  const unitOf = (pid: number): UnitName | null => {
    for (let at = pid, hops = 0; at > 1 && at !== process.pid && hops < 64; hops++) {
      const family = owners.get(at)
      if (family) return family.unit
      const stat = readStat(at)
      if (!stat) break
      at = stat.parent
    }
    const stat = readStat(pid)
    return cgroups?.unitOf(pid) ?? (stat && attribute(pid, stat)?.unit) ?? null
  }

  /** A child keeps its pid until we reap it: what was a member and is our child still is one. */
  const restore = () => {
    if (kept.entries.size === 0) return
    const children = new Set(readOwnChildren() ?? native.children())
    for (const [unit, { data }] of kept.entries) {
      const { i, m, l, a, k } = data as KeptFamily
      const family = familyOf(unit)
      family.invocations = i
      for (const id of i) {
        invocations.set(id, family)
        markers.set(markerOf(id), family)
      }
      for (const pid of l) {
        family.leaders.push(pid)
        leaders.set(pid, family)
      }
      family.isKnownEmpty = false
      for (const pid of m) if (children.has(pid)) own(family, pid)
      cgroups?.adopt(unit)
      family.isKilled = k === 1
      if (!a) continue
      watchFor(family)
      dirty.add(family)
    }
    unsaved.clear()
  }
  restore()
  kept.tellBy(function* () {
    for (const family of families.values()) yield [family.unit, { data: keptOf(family), fds: [] }]
  })

  return {
    started(unit, pid, invocationId) {
      const family = familyOf(unit)
      const epoch = births.started(pid)
      if (family.isKnownEmpty) family.epoch = epoch
      own(family, pid)
      if (invocations.get(invocationId) === family) return
      invocations.set(invocationId, family)
      markers.set(markerOf(invocationId), family)
      family.invocations = append(family.invocations, invocationId)
      unsaved.add(family)
    },
    adopt(unit, pid) {
      const family = familyOf(unit)
      family.epoch = NEVER
      return own(family, pid)
    },
    ended(pid) {
      native.untrack(pid)
      const family = owners.get(pid)
      if (!family) return
      owners.delete(pid)
      late.add(`${pid}`, { unit: family.unit, invocationId: family.invocations.at(-1) ?? null })
      remove(family.members, pid)
      unsaved.add(family)
      if (family.isAwaited) dirty.add(family)
      orphansKnown = false
    },
    strangersEnded() {
      for (const family of awaited) dirty.add(family)
      orphansKnown = false
    },
    of,
    childrenOf(unit) {
      const family = families.get(unit)
      if (!family) return []
      findOrphans()
      return [...family.members]
    },
    unitOf,
    senderOf(pid, marker) {
      const marked = marker === null ? undefined : markers.get(marker)
      if (marked) {
        const invocationId = marked.invocations.find(id => markerOf(id) === marker) ?? null
        return { unit: marked.unit, invocationId }
      }
      const unit = pid > 0 ? unitOf(pid) : null
      if (unit !== null)
        return { unit, invocationId: families.get(unit)?.invocations.at(-1) ?? null }
      const ended =
        marker === null ? null : late.find(id => id.length === RUN_ID && markerOf(id) === marker)
      return ended ?? (readStat(pid) === null ? late.find(key => key === `${pid}`) : null)
    },
    signal(unit, signals, except) {
      const family = families.get(unit)
      if (!family) return 0
      if (signals.includes(SIGKILL)) {
        family.isKilled = true
        return kill(family)
      }
      let reached = 0
      for (const pid of of(unit)) {
        if (except.includes(pid)) continue
        const sent = signals.map(signal => native.kill(pid, signal))
        if (sent[0] === null) reached++
      }
      return reached
    },
    awaitEmpty(unit) {
      const family = familyOf(unit)
      watchFor(family)
      dirty.add(family)
      unsaved.add(family)
    },
    awaitNothing(unit) {
      const family = families.get(unit)
      if (family) watchNoMore(family)
    },
    settle,
    forget(unit) {
      const family = families.get(unit)
      if (!family) return
      watchNoMore(family)
      if (family.members.length > 0) return
      families.delete(unit)
      dirty.delete(family)
      for (const id of family.invocations) {
        invocations.delete(id)
        markers.delete(markerOf(id))
        late.add(id, { unit, invocationId: id })
      }
      for (const pid of [...family.leaders]) dropLeader(family, pid)
    },
  }
}

function keptOf({ invocations: i, members: m, leaders: l, isAwaited, isKilled }: Family) {
  const data: KeptFamily = { i, m, l }
  if (isAwaited) data.a = 1
  if (isKilled) data.k = 1
  return data
}

/** `list` with `item` at its end. A list of its own for the first: V8 makes room for seventeen when one is pushed. */
function append<T>(list: T[], item: T): T[] {
  if (list.length === 0) return [item]
  list.push(item)
  return list
}

function remove(list: number[], pid: number): void {
  const at = list.indexOf(pid)
  if (at !== -1) list.splice(at, 1)
}

type Ended = { unit: UnitName; invocationId: string | null }
/** So many are remembered. */
const MOST_LATE = 256
/** The length of an invocation's id, which no pid has. */
const RUN_ID = 32

function createLate() {
  const known = new Map<string, Ended>()
  return {
    add(key: string, ended: Ended) {
      known.delete(key)
      known.set(key, ended)
      const [oldest] = known.size > MOST_LATE ? known.keys() : []
      if (oldest !== undefined) known.delete(oldest)
    },
    drop: (key: string) => void known.delete(key),
    find(holds: (key: string) => boolean): Ended | null {
      for (const [key, ended] of known) if (holds(key)) return ended
      return null
    },
  }
}
