// Which descriptors the daemon holds for units, and under which name: the sockets of socket units, connections that were
// taken from them, and what services have stored (sd_notify(3), FDSTORE=1). Plain data and numbers, so that an image that
// takes the place of this one can be handed all of it.
import type { UnitName } from '../units/unit.ts'
import type { KeptData, KeptPart } from './keep.ts'
import type { Native, PeerAddress } from './native.ts'

export type Held = {
  fd: number
  /** Whose it is: a socket, or the service that has stored it. */
  unit: UnitName
  role: 'socket' | 'connection' | 'stored'
  /** As LISTEN_FDNAMES tells it. */
  name: string
  /** Of a connection: who is there. */
  remote?: PeerAddress
  /** Of what was stored: it is dropped when its other end is gone. */
  poll?: boolean
}

export interface Descriptors {
  /** Those of a unit in that role, in the order in which they came. */
  of(unit: UnitName, role: Held['role']): readonly Held[]
  /** Takes a descriptor into care; gives its key. */
  hold(held: Held): number
  find(key: number): Held | null
  /** All there are, with their keys. */
  entries(): Iterable<readonly [key: number, held: Held]>
  /** Closes the one of that key; none when it is gone already. */
  release(key: number): void
  /** Closes those of a unit in that role; with `name`, those of that name alone. */
  releaseOf(unit: UnitName, role: Held['role'], name?: string): void
  /** Has `tell` called with descriptors that came with a message: those that nobody adopted by the end of it are closed. */
  offer(fds: readonly number[], tell: () => void): void
  /** Whether that descriptor is being offered; from now on it is the caller's. */
  adopt(fd: number): boolean
}

/** `kept`: what an earlier image left, and where it is put for the next one. `closing` is told before one is closed. */
export function createDescriptors(
  native: Pick<Native, 'close'>,
  kept: KeptPart,
  closing: (held: Held) => void,
): Descriptors {
  const all = new Map<number, Held>()
  const byUnit = new Map<UnitName, Map<number, Held>>()
  const add = (key: number, held: Held) => {
    all.set(key, held)
    const known = byUnit.get(held.unit)
    if (known) known.set(key, held)
    else byUnit.set(held.unit, new Map([[key, held]]))
  }
  const release = (key: number) => {
    const held = all.get(key)
    if (!held) return
    closing(held)
    all.delete(key)
    const others = byUnit.get(held.unit)
    others?.delete(key)
    if (others?.size === 0) byUnit.delete(held.unit)
    kept.drop(`${key}`)
    native.close(held.fd)
  }
  const offered = new Set<number>()
  let last = 0
  for (const [key, { data, fds }] of kept.entries) {
    const [fd] = fds
    if (fd === undefined) continue
    add(Number(key), { ...(data as Omit<Held, 'fd'>), fd })
    last = Math.max(last, Number(key))
  }

  return {
    of: (unit, role) => [...(byUnit.get(unit)?.values() ?? [])].filter(held => held.role === role),
    hold(held) {
      const { fd, ...data } = held
      const key = ++last
      add(key, held)
      kept.put(`${key}`, data as KeptData, [fd])
      return key
    },
    find: key => all.get(key) ?? null,
    entries: () => all,
    release,
    releaseOf(unit, role, name) {
      for (const [key, held] of byUnit.get(unit) ?? [])
        if (held.role === role && (name === undefined || held.name === name)) release(key)
    },
    offer(fds, tell) {
      for (const fd of fds) offered.add(fd)
      try {
        tell()
      } finally {
        for (const fd of fds) if (offered.delete(fd)) native.close(fd)
      }
    },
    adopt: fd => offered.delete(fd),
  }
}
