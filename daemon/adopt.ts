// Coming up when the state of an earlier image cannot be read: what runs and is known to be a unit's is taken up as it is, and
// nothing is stopped. What can be known is who is our child, by which run it is marked, which unit that run was of (the index,
// whose form never changes), and which of our descriptors belongs to whose output.
import { readFileSync, readlinkSync, statSync } from 'node:fs'
import { createServiceFacts, initialUnitState } from './engine/initial.ts'
import type { EngineState, ManagerState, UnitState } from './engine/state.ts'
import { KEPT_RUNS } from './logs/hub.ts'
import { LOG_SOCKETS } from './logs/sockets.ts'
import { readDescriptors } from './runtime/descriptors.ts'
import type { Keep } from './runtime/keep.ts'
import { markerOf, readMarker } from './runtime/marker.ts'
import type { Ledger, Native } from './runtime/native.ts'
import { readEnvironment, readOwnChildren, readStat } from './runtime/procfs.ts'
import type { UnitName } from './units/unit.ts'

/** A new index is written when it takes up so much. */
const MOST_BYTES = 1 << 20

/** Notes which unit a run is of: `INVOCATION UNIT PID`. */
export function indexRun(index: Ledger, unit: UnitState, pid: number, state: EngineState): void {
  if (unit.invocationId === null) return
  if (index.bytes() > MOST_BYTES) {
    index.begin()
    for (const { name, invocationId, service } of state.units.values())
      if (invocationId !== null && service?.mainPid)
        index.append(`${invocationId} ${name} ${service.mainPid}`)
    index.flip()
  }
  index.append(`${unit.invocationId} ${unit.name} ${pid}`)
}

export type Adopted = { state: EngineState; units: readonly UnitName[]; unknown: number }

type Found = { unit: UnitName; invocationId: string; pids: number[] }

/** Takes up the children of units, and keeps for the other parts what they would have kept. */
export function adopt(
  { native, keep, index }: { native: Native; keep: Keep; index: Ledger | null },
  manager: ManagerState,
  target: UnitName,
  sockets: SocketPaths,
): Adopted {
  const runs = new Map<string, UnitName>()
  const pids = new Map<number, UnitName>()
  for (const line of index?.read() ?? []) {
    const [invocationId = '', unit = '', pid] = line.split(' ')
    runs.set(invocationId, unit)
    pids.set(Number(pid), unit)
  }
  const byMarker = new Map([...runs.keys()].map(id => [markerOf(id), id]))
  const found = new Map<UnitName, Found>()
  let unknown = 0
  const children = [...(readOwnChildren() ?? native.children())]
  for (const pid of children) {
    if (readStat(pid)?.state === 'Z') continue
    const marked = byMarker.get(readMarker(pid) ?? Number.NaN)
    const invocationId = marked ?? readEnvironment(pid)?.INVOCATION_ID ?? ''
    const unit = runs.get(invocationId)
    if (unit === undefined) {
      unknown++
      continue
    }
    const known = found.get(unit) ?? { unit, invocationId, pids: [] }
    known.pids.push(pid)
    found.set(unit, known)
  }

  const { realtimeUsec, monotonicUsec } = manager.started
  const stamp = { realtimeUsec, monotonicUsec }
  const up = { stateChange: stamp, inactiveExit: stamp, activeEnter: stamp, conditionResult: true }
  const units = new Map<UnitName, UnitState>()
  units.set(target, { ...initialUnitState(target, 'target'), ...up, target: 'active' })
  const descriptors = ownDescriptors()
  const readers = new Map<string, number>()
  for (const pid of children) readers.set(linkOf(`/proc/${pid}/fd/0`), pid)
  let key = 0
  for (const { unit, invocationId, pids: members } of found.values()) {
    if (!unit.endsWith('.service')) continue
    const told = members.find(pid => pids.get(pid) === unit) ?? null
    const mainPid = told ?? (members.length === 1 ? (members[0] ?? null) : null)
    const run = { exec: 'start', index: 0, startedUsec: realtimeUsec, endedUsec: null } as const
    units.set(unit, {
      ...initialUnitState(unit, 'service'),
      ...up,
      invocationId,
      service: {
        ...createServiceFacts(),
        sub: 'running',
        mainPid,
        mainPidKnown: mainPid !== null,
        notifyState: 'ready',
        main: mainPid === null ? null : { ...run, pid: mainPid, exit: null },
      },
    })
    keep.part('processes').put(unit, { i: [invocationId], m: members, l: members })
    if (mainPid !== null)
      keepOutput(keep, { unit, invocationId, pid: mainPid }, descriptors, readers, key++ * 2)
  }
  findSockets(keep, sockets, descriptors)
  return { state: { manager, units, jobs: new Map() }, units: [...found.keys()], unknown }
}

export type SocketPaths = { control: string; notify: string }

/** Takes up our own sockets that an earlier image had open and no record tells of: its state is lost, or it died between opening
 * one and writing that down. */
export function findSockets(keep: Keep, sockets: SocketPaths, found?: readonly Descriptor[]): void {
  const missing = (['control', 'notify'] as const).filter(
    part => keep.part(part).entries.size === 0,
  )
  const kinds = Object.entries(LOG_SOCKETS).filter(
    ([kind]) => !keep.part('log sockets').entries.has(kind),
  )
  // A walk over all descriptors, for once.
  if (missing.length === 0 && !found) return
  const descriptors = found ?? ownDescriptors()
  for (const part of missing) {
    const fd = socketAt(sockets[part], descriptors)
    if (fd !== null) keep.part(part).put('socket', null, [fd])
  }
  for (const [kind, { path }] of kinds) {
    const fd = socketAt(path, descriptors)
    if (fd !== null) keep.part('log sockets').put(kind, statSync(path).ino, [fd])
  }
}

type Descriptor = { fd: number; link: string; isKept: boolean; isWritable: boolean }

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

const ownDescriptors = (): Descriptor[] =>
  readDescriptors().map(each => ({ ...each, link: linkOf(`/proc/self/fd/${each.fd}`) }))

/** The run's pipes are those that its main process writes to. */
function keepOutput(
  keep: Keep,
  { unit, invocationId, pid }: { unit: UnitName; invocationId: string; pid: number },
  descriptors: readonly Descriptor[],
  readers: ReadonlyMap<string, number>,
  key: number,
): void {
  const out = linkOf(`/proc/${pid}/fd/1`)
  const err = linkOf(`/proc/${pid}/fd/2`)
  const end = (link: string, isWritable: boolean) =>
    link.startsWith('pipe:')
      ? (descriptors.find(
          each => each.isKept && each.link === link && each.isWritable === isWritable,
        )?.fd ?? -1)
      : -1
  const read = { out: end(out, false), err: end(err, false) }
  const write = [end(out, true), end(err, true)]
  if (read.out < 0 && read.err < 0) return
  const logger = readers.get(out)
  if (logger !== undefined && read.out >= 0 && write[0] !== undefined && write[0] >= 0) {
    // Another reads what the main process writes (LogPipe=).
    const data = { unit, invocationId, pid: logger, isOpen: true }
    keep.part('loggers').put(`${key}`, data, [read.out, write[0]])
    return
  }
  const inodeOf = (link: string) => Number(/\[(\d+)\]/.exec(link)?.[1] ?? 0)
  const isOpen = write.every(fd => fd >= 0)
  const identifier = unit.replace(/\.service$/, '')
  const run = { unit, invocationId, identifier, console: false, pid }
  const inodes = { out: inodeOf(out), err: inodeOf(err) }
  keep.part(KEPT_RUNS).put(`${key}`, { run, read, inodes, isOpen }, isOpen ? write : [])
}

/** The descriptor of ours that is bound to the path (proc(5), /proc/net/unix). */
function socketAt(path: string, descriptors: readonly Descriptor[]): number | null {
  const lines = readFileSync('/proc/net/unix', 'utf8').split('\n')
  for (const line of lines) {
    const fields = line.trim().split(/\s+/)
    if (fields[7] !== path) continue
    const own = descriptors.find(({ link, isKept }) => isKept && link === `socket:[${fields[6]}]`)
    if (own) return own.fd
  }
  return null
}
