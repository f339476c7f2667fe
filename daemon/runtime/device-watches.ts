// Devices that come and go: the nodes of device units are watched by inotify, on what is not there yet as well.
import { existsSync } from 'node:fs'
import type { UnitName } from '../units/unit.ts'
import { errnoOf, inWords } from './failure.ts'
import type { Inotify, Native } from './native.ts'
import { watchOne } from './path-watches.ts'

export interface DeviceWatches {
  /** Whether it is there now; from here on `changed` is told when that changes. */
  watch(unit: UnitName, path: string): boolean
  close(): void
}

type Watched = { path: string; isThere: boolean; inotify: Inotify | null }

export function createDeviceWatches(
  native: Pick<Native, 'createInotify'>,
  changed: (unit: UnitName, isThere: boolean) => void,
  warn: (unit: UnitName, message: string) => void,
): DeviceWatches {
  const watched = new Map<UnitName, Watched>()

  /** Anew after each news: another part of the path may be there now. */
  const begin = (unit: UnitName, device: Watched) => {
    device.inotify?.close()
    device.inotify = null
    try {
      const spec = { condition: 'PathExists', path: device.path } as const
      device.inotify = watchOne(native, spec, () => {
        begin(unit, device)
        look(unit, device)
      })
    } catch (error) {
      warn(unit, `cannot watch for ${device.path}: ${inWords(errnoOf(error))}`)
    }
  }
  const look = (unit: UnitName, device: Watched) => {
    const isThere = existsSync(device.path)
    if (isThere === device.isThere) return
    device.isThere = isThere
    changed(unit, isThere)
  }

  return {
    watch(unit, path) {
      const known = watched.get(unit)
      if (known) {
        known.isThere = existsSync(path)
        return known.isThere
      }
      const device: Watched = { path, isThere: false, inotify: null }
      watched.set(unit, device)
      // Watched before it is looked at: what comes in between is seen.
      begin(unit, device)
      device.isThere = existsSync(path)
      return device.isThere
    },
    close() {
      for (const { inotify } of watched.values()) inotify?.close()
      watched.clear()
    },
  }
}
