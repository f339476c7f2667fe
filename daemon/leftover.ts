// What an earlier image of the daemon has left to be done, less what it has died of; or, where its state cannot be read, what can be
// known of the services without it.
import { adopt, findSockets, type SocketPaths } from './adopt.ts'
import type { Defects } from './defects.ts'
import type { Now } from './engine/event.ts'
import { minimal, pauseSec } from './minimal.ts'
import { initialEnvironment } from './runtime/environment.ts'
import { CAUSE } from './runtime/image.ts'
import type { Keep } from './runtime/keep.ts'
import type { Native } from './runtime/native.ts'
import type { LogLine } from './runtime/perform.ts'
import type { Leftover } from './runtime/persist.ts'
import { localZone } from './runtime/zone.ts'
import { countDeaths, setAside } from './set-aside.ts'
import { describeCause, type Takeover } from './takeover.ts'
import type { UnitName } from './units/unit.ts'

export type LeftoverParts = {
  native: Native
  before: Takeover
  defects: Defects
  /** The boot target is not to be asked for: it was, or the daemon has died of it. */
  booted: () => void
  tell: LogLine
}

/** What is left of an earlier image that could be read; null: nothing. It resolves when the daemon may go on: after a while when
 * it dies again and again. */
export async function takeLeftover(
  parts: LeftoverParts,
  sockets: SocketPaths,
): Promise<Leftover | null> {
  const { native, before, defects, booted, tell } = parts
  const { persist, cause } = before
  let { leftover } = before
  const why = describeCause(cause)
  if (before.lost === null) findSockets(persist.keep, sockets)
  tell(cause === CAUSE.reexec ? 'info' : 'error', null, `taking over from an earlier image: ${why}`)
  if (cause !== CAUSE.reexec) defects.add(`hearth was executed anew: ${why}`)
  const deaths = countDeaths(persist.keep.part('deaths'), leftover?.culprit ?? null)
  const aside = leftover && setAside(leftover, deaths, native)
  if (aside) {
    leftover = aside.leftover
    // Whatever the boot comes to: it is not tried a third time.
    booted()
    tell('error', null, aside.message)
    defects.add(aside.message)
  }
  const pause = pauseSec(persist.slots, native.monotonicUsec(), process.env)
  if (pause > 0) {
    tell('error', null, `hearth dies again and again: it does the least for ${pause} s`)
    await minimal({
      native,
      state: leftover?.state ?? null,
      known: knownPids(persist.keep, leftover),
      pauseSec: pause,
      log: message => tell('error', null, message),
    })
  }
  return leftover
}

/** Every process that is known to be of a unit. */
function knownPids(keep: Keep, leftover: Leftover | null): Set<number> {
  const known = new Set<number>()
  for (const { data } of keep.part('processes').entries.values())
    for (const pid of (data as { m: number[] }).m) known.add(pid)
  for (const { service } of leftover?.state.units.values() ?? [])
    for (const pid of [service?.mainPid, service?.controlPid]) if (pid) known.add(pid)
  return known
}

/** In place of a state that is lost (`why`): the services that can be proved to be ours, as they run. */
export function takeUp(
  { native, before, defects, booted, tell }: LeftoverParts,
  why: string,
  target: UnitName,
  sockets: SocketPaths,
  now: Now,
): Leftover {
  const { state, units, unknown } = adopt(
    { native, keep: before.persist.keep, index: before.index },
    {
      phase: 'running',
      shutdown: null,
      environment: initialEnvironment(process.env, process.geteuid?.() === 0),
      nextJob: 1,
      nextToken: 1,
      seed: native.randomId(),
      started: now,
      zone: localZone(process.env),
    },
    target,
    sockets,
  )
  const lost = `the state of the image before could not be read (${why}): ${units.length} running services were taken up as they are; restart counters, pending jobs and what had ended by then are not known`
  tell('error', null, unknown > 0 ? `${lost}; ${unknown} processes are of no known unit` : lost)
  defects.add(lost)
  booted()
  return { state, events: [], effects: [], performed: 0, culprit: null, spawnedPid: 0 }
}
