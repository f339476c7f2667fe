// What is mounted, what is swapped to, which devices there are.
import { readFileSync } from 'node:fs'
import type { EngineEvent } from '../engine/event.ts'
import { pathOfName } from '../units/mounts.ts'
import type { Unit, UnitName, Units } from '../units/unit.ts'
import { createDeviceWatches } from './device-watches.ts'
import { errnoOf, inWords } from './failure.ts'
import { makeDirectory } from './make-directory.ts'
import type { Native } from './native.ts'

export interface Presence {
  /** A unit was read: if it is a mount, swap or device that is there, the engine hears; mounts and
   * devices are watched from now on. */
  loaded(unit: Unit): void
  /** Answers the effect `check-presence`. */
  check(unit: UnitName, token: number): void
  close(): void
}

export type PresenceParts = {
  native: Pick<Native, 'onMountsChanged' | 'createInotify'>
  units: Units
  post: (event: EngineEvent) => void
  warn: (unit: UnitName | null, message: string) => void
  /** Whether the kernel may bring devices while we run. */
  devicesCome: () => boolean
  /** Whether the daemon may mount: null, or why not. */
  whyNotMount: () => string | null
}

/** `\040` stands for a space in the kernel's tables. */
const unescaped = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** The mount points there are (proc(5), mountinfo). What autofs waits at is not mounted. */
export function mountPoints(): Set<string> {
  const points = new Set<string>()
  for (const line of read('/proc/self/mountinfo').split('\n')) {
    const [, , , , point = ''] = line.split(' ')
    if (point !== '' && !/ - autofs /.test(line)) points.add(unescaped(point))
  }
  return points
}

const isSwappedTo = (what: string) =>
  read('/proc/swaps')
    .split('\n')
    .some(line => unescaped(line.split(/\s/, 1)[0] ?? '') === what)

export function createPresence(parts: PresenceParts): Presence {
  const { native, units, post, warn, whyNotMount, devicesCome } = parts
  /** The mounts that are watched, and whether they were there when they were last looked at. */
  const mounts = new Map<UnitName, { path: string; isThere: boolean }>()

  const tell = (unit: UnitName, token: number, isThere: boolean, problem: string | null = null) =>
    post({ type: 'presence', unit, token, isThere, problem })

  const devices = createDeviceWatches(native, (unit, isThere) => tell(unit, 0, isThere), warn)

  const look = () => {
    const points = mountPoints()
    for (const [unit, mount] of mounts) {
      const isThere = points.has(mount.path)
      if (isThere === mount.isThere) continue
      mount.isThere = isThere
      tell(unit, 0, isThere)
    }
  }

  const watch = (unit: UnitName, path: string): boolean => {
    const isThere = mountPoints().has(path)
    if (mounts.size === 0) {
      try {
        native.onMountsChanged(look)
      } catch (error) {
        warn(null, `cannot watch what is mounted: ${inWords(errnoOf(error))}`)
      }
    }
    mounts.set(unit, { path, isThere })
    return isThere
  }

  const isThere = (unit: Unit): boolean => {
    const { id, type, mount, swap } = unit
    if (type === 'mount') return watch(id, mount?.where ?? pathOfName(id) ?? '')
    if (type === 'swap') return isSwappedTo(swap?.what ?? pathOfName(id) ?? '')
    return devices.watch(id, pathOfName(id) ?? '')
  }

  /** Why it cannot be brought about; null: it can be tried. */
  const problemOf = ({ id, type, mount, swap }: Unit): string | null => {
    if (type === 'device') {
      if (devicesCome()) return null
      return `there is no ${pathOfName(id)} here, and in a container none comes; whoever runs it has to pass the device on`
    }
    const what = mount?.what ?? swap?.what
    if (what == null)
      return `it is not ${type === 'mount' ? 'mounted' : 'there'}, and no unit file says how`
    const reason = whyNotMount()
    if (reason === null) return null
    return mount
      ? `nothing is mounted at ${mount.where}, and hearth may not mount here (${reason}); whoever runs the container has to mount ${what} there`
      : `hearth may not turn on swap here (${reason})`
  }

  return {
    loaded(unit) {
      if (unit.loadState !== 'loaded') return
      if (unit.type !== 'mount' && unit.type !== 'swap' && unit.type !== 'device') return
      if (isThere(unit)) tell(unit.id, 0, true)
    },
    check(name, token) {
      const unit = units.get(name)
      if (isThere(unit)) {
        tell(name, token, true)
        return
      }
      const problem = problemOf(unit)
      if (problem === null && unit.mount) {
        try {
          makeDirectory(unit.mount.where, unit.mount.directoryMode)
        } catch (error) {
          // The command will say the same in its own words.
          warn(name, `cannot make the mount point ${unit.mount.where}: ${inWords(errnoOf(error))}`)
        }
      }
      tell(name, token, false, problem)
    },
    close() {
      if (mounts.size > 0) native.onMountsChanged(null)
      mounts.clear()
      devices.close()
    },
  }
}
