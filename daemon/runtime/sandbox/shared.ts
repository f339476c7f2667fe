// What the commands of a run share of their sandbox, and units with each other by JoinsNamespaceOf= (systemd.unit(5)):
// namespaces, kept by their descriptors, and private directories. It goes with the last unit that uses it.
import { closeSync } from 'node:fs'
import type { Unit, UnitName, Units } from '../../units/unit.ts'
import type { KeptPart } from '../keep.ts'
import type { Native } from '../native.ts'
import { outerDirectories, type PrivateTmp } from './private-tmp.ts'

export type NamespaceKind = 'net' | 'ipc' | `user ${string}`

export interface Shared {
  /** The directories, made by `make` the first time. */
  tmp(make: () => PrivateTmp): PrivateTmp
  /** The descriptor of the namespace, made by `make` the first time. */
  namespace(kind: NamespaceKind, make: () => number): number
}

export interface SharedSandboxes {
  /** That of the unit's run, or of a unit that it is to share with. */
  of(unit: Unit): Shared
  /** The unit's run has ended. */
  end(unit: UnitName): void
  /** Resolves when everything is removed that `end` has given up. */
  removed(): Promise<void>
}

type Record = {
  key: string
  users: Set<UnitName>
  tmp: PrivateTmp | null
  namespaces: Map<NamespaceKind, number>
}

export type SharedParts = {
  native: Native
  units: Units
  /** Where it is kept over a re-execution. */
  keep: KeptPart | null
  warn: (unit: UnitName, message: string) => void
}

export function createShared({ native, units, keep, warn }: SharedParts): SharedSandboxes {
  const byUnit = new Map<UnitName, Record>()
  const removals = new Set<Promise<void>>()
  let count = 0

  for (const [key, { data, fds }] of keep?.entries ?? []) {
    const { users, tmp, kinds } = data as unknown as Written
    const namespaces = new Map(kinds.map((kind, i) => [kind, fds[i] ?? -1]))
    const record: Record = { key, users: new Set(users), tmp, namespaces }
    for (const user of users) byUnit.set(user, record)
    count = Math.max(count, Number(key) + 1)
  }

  const write = ({ key, users, tmp, namespaces }: Record) => {
    const data = { users: [...users], tmp, kinds: [...namespaces.keys()] } satisfies Written
    keep?.put(key, data, [...namespaces.values()])
  }

  /** Of the units that it lists, one that is up. */
  const partner = (unit: Unit): Record | undefined => {
    for (const name of unit.dependencies.joinsNamespaceOf ?? []) {
      const record = byUnit.get(units.get(name).id)
      if (record) return record
    }
    return undefined
  }

  const recordOf = (unit: Unit): Record => {
    const known = byUnit.get(unit.id)
    if (known) return known
    const record = partner(unit) ?? {
      key: String(count++),
      users: new Set(),
      tmp: null,
      namespaces: new Map(),
    }
    const isJoined = record.users.size > 0
    record.users.add(unit.id)
    byUnit.set(unit.id, record)
    if (isJoined) write(record)
    return record
  }

  const remove = (unit: UnitName, path: string) => {
    const removal: Promise<void> = native.removeTree(path).then(errno => {
      removals.delete(removal)
      if (errno !== null)
        warn(unit, `cannot remove ${path}, the unit's private directory: ${errno}`)
    })
    removals.add(removal)
  }

  return {
    of(unit) {
      const record = recordOf(unit)
      return {
        tmp(make) {
          if (record.tmp === null) {
            record.tmp = make()
            write(record)
          }
          return record.tmp
        },
        namespace(kind, make) {
          const known = record.namespaces.get(kind)
          if (known !== undefined) return known
          const made = make()
          record.namespaces.set(kind, made)
          write(record)
          return made
        },
      }
    },
    end(unit) {
      const record = byUnit.get(unit)
      if (!record) return
      byUnit.delete(unit)
      record.users.delete(unit)
      if (record.users.size > 0) return write(record)
      keep?.drop(record.key)
      for (const fd of record.namespaces.values()) closeSync(fd)
      if (record.tmp) for (const path of outerDirectories(record.tmp)) remove(unit, path)
    },
    async removed() {
      await Promise.all(removals)
    },
  }
}

type Written = { users: UnitName[]; tmp: PrivateTmp | null; kinds: NamespaceKind[] }
