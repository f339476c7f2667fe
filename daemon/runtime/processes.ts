// Which process belongs to which unit, without cgroups: hearth is PID 1 or a subreaper, so whatever loses its parent
// becomes our child. A child that we did not start is put to its unit by the marker in its environment (INVOCATION_ID,
// new with each start), by its session or group, or by its unit being the only one that can have left it.
import type { UnitName } from '../units/unit.ts'
import type { Cgroups } from './cgroup.ts'
import type { Native } from './native.ts'
import { readChildren, readEnvironment, readStat } from './procfs.ts'

export interface Processes {
  /** A process that hearth started itself. */
  started(unit: UnitName, pid: number, invocationId: string): void
  /** A child that has ended; what is left of its unit is looked at when the round is over. */
  ended(pid: number): void
  /** Children that nobody knew have ended: any unit may have become empty. */
  strangersEnded(): void
  /** The unit's living processes, those of its descendants too. */
  of(unit: UnitName): number[]
  /** The unit that a living process belongs to, or null. */
  unitOf(pid: number): UnitName | null
  /** Sends `signal` to all of the unit's processes but `except`; with SIGKILL to a tree that grows, until it stands still. */
  signal(unit: UnitName, signal: number, except: readonly number[]): number
  /** From now on `emptied` is told when the unit has none left. */
  awaitEmpty(unit: UnitName): void
  /** A round of effects is over: tells which units have become empty, and kills what escaped a SIGKILL. */
  settle(): void
  forget(unit: UnitName): void
}

const SIGKILL = 9
const SIGSTOP = 19
const SIGCONT = 18
/** A tree that still grows after so many looks is killed as it stands, and again when its survivors are seen. */
const FREEZE_ROUNDS = 64

export function createProcesses(
  native: Native,
  cgroups: Cgroups | null,
  emptied: (unit: UnitName) => void,
): Processes {
  /** Children of ours that belong to a unit: those we started and orphans put to their unit; each is tracked. */
  const owners = new Map<number, UnitName>()
  const members = new Map<UnitName, Set<number>>()
  const invocations = new Map<string, UnitName>()
  const invocationOf = new Map<UnitName, string>()
  const waiting = new Set<UnitName>()
  const killing = new Set<UnitName>()
  let dirty = new Set<UnitName>()
  /** Units whose processes ended since orphans were last looked for: the only ones that can have left new ones. */
  let bereaved = new Set<UnitName>()
  let orphansKnown = false

  const own = (unit: UnitName, pid: number) => {
    owners.set(pid, unit)
    let set = members.get(unit)
    if (!set) members.set(unit, (set = new Set()))
    set.add(pid)
    native.track(pid)
    sessions.set(pid, unit)
    const led = leaders.get(unit)
    if (led) led.push(pid)
    else leaders.set(unit, [pid])
  }

  /** Sessions and groups led by a process of a unit: pid -> unit, kept until the unit is down. */
  const sessions = new Map<number, UnitName>()
  const leaders = new Map<UnitName, number[]>()

  const attribute = (pid: number): UnitName | null => {
    const stat = readStat(pid)
    if (!stat || stat.state === 'Z' || stat.state === 'X') return null
    const environment = readEnvironment(pid)
    const marked = invocations.get(environment?.INVOCATION_ID ?? '')
    if (marked) return marked
    const related = sessions.get(stat.session) ?? sessions.get(stat.group)
    if (related) return related
    // A daemon that writes its title over its environment, in a session of its own: when one unit alone has lost
    // processes since the last look, it came from there. One with a legible environment is somebody else's (a
    // command executed into the container) and left alone.
    const legible = environment !== null && Object.keys(environment).length > 0
    if (!legible && bereaved.size === 1) return [...bereaved][0] ?? null
    return null
  }

  const findOrphans = () => {
    if (orphansKnown) return
    orphansKnown = true
    for (const pid of native.children()) {
      if (owners.has(pid)) continue
      const unit = attribute(pid)
      if (unit !== null) own(unit, pid)
    }
    bereaved = new Set()
  }

  const descend = (roots: Iterable<number>): number[] => {
    const found = [...roots]
    for (let i = 0; i < found.length; i++) for (const child of readChildren(found[i] as number)) found.push(child)
    return found
  }

  const of = (unit: UnitName): number[] => {
    if (cgroups?.has(unit)) return cgroups.pids(unit)
    findOrphans()
    const known = members.get(unit)
    return known && known.size > 0 ? descend(known) : []
  }

  const isEmpty = (unit: UnitName): boolean => {
    if ((members.get(unit)?.size ?? 0) > 0) return false
    findOrphans()
    if ((members.get(unit)?.size ?? 0) > 0) return false
    return !cgroups?.has(unit) || cgroups.pids(unit).length === 0
  }

  const killTree = (unit: UnitName, except: ReadonlySet<number>): number => {
    const stopped = new Set<number>()
    for (let round = 0; round < FREEZE_ROUNDS; round++) {
      orphansKnown = false
      const fresh = of(unit).filter(pid => !stopped.has(pid) && !except.has(pid))
      if (fresh.length === 0) break
      for (const pid of fresh) {
        stopped.add(pid)
        native.kill(pid, SIGSTOP)
      }
    }
    for (const pid of stopped) native.kill(pid, SIGKILL)
    killing.add(unit)
    return stopped.size
  }

  return {
    started(unit, pid, invocationId) {
      own(unit, pid)
      const last = invocationOf.get(unit)
      if (last !== invocationId) {
        if (last !== undefined) invocations.delete(last)
        invocations.set(invocationId, unit)
        invocationOf.set(unit, invocationId)
      }
    },
    ended(pid) {
      const unit = owners.get(pid)
      owners.delete(pid)
      native.untrack(pid)
      if (unit === undefined) return
      members.get(unit)?.delete(pid)
      dirty.add(unit)
      bereaved.add(unit)
      orphansKnown = false
    },
    strangersEnded() {
      for (const unit of waiting) dirty.add(unit)
      orphansKnown = false
    },
    of,
    unitOf(pid) {
      for (let at: number | null = pid, hops = 0; at !== null && at > 1 && hops < 64; hops++) {
        const unit = owners.get(at)
        if (unit) return unit
        at = readStat(at)?.parent ?? null
      }
      return cgroups?.unitOf(pid) ?? attribute(pid)
    },
    signal(unit, signal, except) {
      if (signal === SIGKILL) {
        if (cgroups?.has(unit) && cgroups.kill(unit)) {
          killing.add(unit)
          return 1
        }
        return killTree(unit, new Set(except))
      }
      let sent = 0
      for (const pid of of(unit)) {
        if (except.includes(pid)) continue
        if (native.kill(pid, signal) === null) sent++
        if (signal !== SIGCONT) native.kill(pid, SIGCONT)
      }
      return sent
    },
    awaitEmpty(unit) {
      waiting.add(unit)
      dirty.add(unit)
    },
    settle() {
      const changed = dirty
      dirty = new Set()
      for (const unit of changed) {
        if (isEmpty(unit)) {
          waiting.delete(unit)
          killing.delete(unit)
          emptied(unit)
        } else if (killing.has(unit)) {
          killTree(unit, new Set())
        }
      }
      orphansKnown = false
    },
    forget(unit) {
      const invocation = invocationOf.get(unit)
      if (invocation !== undefined) invocations.delete(invocation)
      invocationOf.delete(unit)
      killing.delete(unit)
      waiting.delete(unit)
      if ((members.get(unit)?.size ?? 0) > 0) return
      members.delete(unit)
      for (const pid of leaders.get(unit) ?? []) sessions.delete(pid)
      leaders.delete(unit)
    },
  }
}
