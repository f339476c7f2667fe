// The numbers of users that exist as long as their units run (systemd.exec(5), DynamicUser=).
import { mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs'
import type { UnitName } from '../units/unit.ts'
import { siphash24 } from './siphash.ts'

const FIRST = 61184
const LAST = 65519
const SIZE = BigInt(LAST - FIRST + 1)
export const isDynamicId = (id: number) => id >= FIRST && id <= LAST

const key = (hex: string) => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
// systemd's keys: a unit gets the same number here and there, and its files stay its own.
const ID_KEY = key('37537e31 cfce48f5 8abb3957 8dd9ec59')
const NAME_KEY = key('581aafe6 28584e96 b44ef53b 8c9207ec')

/** Without User= the user has the name of the unit, that of all instances of a template, as far as that can be a user's. */
export function dynamicName(unit: UnitName): string {
  const prefix = unit.replace(/@.*$|\.[^.]*$/, '')
  return /^[A-Za-z_][\w-]{0,30}$/.test(prefix)
    ? prefix
    : `_du${siphash24(prefix, NAME_KEY).toString(16).padStart(16, '0')}`
}

export interface DynamicUsers {
  /** The number of the user or group of that name, the same as long as the machine is up. Null: all are taken.
   * `suggested`: who owns the directories of the unit already. */
  id(name: string, suggested: readonly number[]): number | null
}

/**
 * `directory`: where the numbers that are taken are written down, as links whose text is the name, so that a daemon that
 * comes after this one gives none of them to another; null: nowhere. `isTaken`: whether a real user or group has the number.
 */
export function createDynamicUsers(
  directory: string | null,
  isTaken: (id: number) => boolean,
): DynamicUsers {
  const byName = new Map<string, number>()
  const taken = new Set<number>()
  const keep = (name: string, id: number) => {
    byName.set(name, id)
    taken.add(id)
  }
  let isRead = false

  const readAll = () => {
    isRead = true
    if (directory === null) return
    try {
      for (const entry of readdirSync(directory)) {
        if (isDynamicId(Number(entry))) keep(readlinkSync(`${directory}/${entry}`), Number(entry))
      }
    } catch {
      // Nobody has written any down yet.
    }
  }
  const writeDown = (name: string, id: number) => {
    if (directory === null) return
    try {
      mkdirSync(directory, { recursive: true, mode: 0o755 })
      symlinkSync(name, `${directory}/${id}`)
    } catch {
      // It holds as long as this daemon does.
    }
  }
  const isFree = (id: number) => isDynamicId(id) && !taken.has(id) && !isTaken(id)

  return {
    id(name, suggested) {
      if (!isRead) readAll()
      const given = byName.get(name)
      if (given !== undefined) return given
      const hashed = FIRST + Number(siphash24(name, ID_KEY) % SIZE)
      const after = (from: number) => {
        for (let i = 0, id = from; i < Number(SIZE); i++, id = id === LAST ? FIRST : id + 1)
          if (isFree(id)) return id
        return null
      }
      const id = suggested.find(isFree) ?? after(hashed)
      if (id === null) return null
      keep(name, id)
      writeDown(name, id)
      return id
    },
  }
}
