// DevicePolicy= and DeviceAllow= -> rules by the numbers that this machine's devices have.
import { readFileSync, statSync } from 'node:fs'
import { type DevicePermission, deviceAllow, devicePolicy } from '../../units/resources.ts'
import type { Unit } from '../../units/unit.ts'
import { matches } from '../glob.ts'
import { numberOf } from './machine-size.ts'
import type { DeviceRule } from './programs.ts'

/** What the rules are made of. */
export type DeviceNumbers = {
  /** A device node by its path; null: there is none. */
  node: (path: string) => { kind: DeviceRule['kind']; major: number; minor: number } | null
  /** The drivers of /proc/devices with their major numbers. */
  drivers: (kind: DeviceRule['kind']) => readonly (readonly [name: string, major: number])[]
  /** The number of a network interface; null: there is none of that name. */
  network: (name: string) => number | null
}

/** What every program may want (systemd.resource-control(5), DevicePolicy=closed): pseudo devices by their fixed numbers, and
 * terminals. */
const USUAL: readonly DeviceRule[] = [
  ...[3, 5, 7, 8, 9].map(minor => usual(1, minor, 'rwm')), // null, zero, full, random, urandom
  usual(5, 0, 'rwm'), // tty
  usual(5, 2, 'rwm'), // ptmx
  usual(136, null, 'rw'), // pts: the first of their majors
]
function usual(major: number, minor: number | null, access: string): DeviceRule {
  return { kind: 'char', major, minor, access }
}

/** The devices that the unit may use; null: all. A device that is not there is left out, as in systemd. */
export function deviceRules(unit: Unit, numbers: DeviceNumbers): readonly DeviceRule[] | null {
  const policy = devicePolicy(unit)
  const allowed = deviceAllow(unit)
  if (policy === 'auto' && allowed.length === 0) return null
  const own = allowed.flatMap(one => rulesOf(one, numbers))
  return policy === 'strict' ? own : [...USUAL, ...own]
}

function rulesOf({ path, access }: DevicePermission, numbers: DeviceNumbers): DeviceRule[] {
  if (path.startsWith('/')) {
    const node = numbers.node(path) ?? numberedNode(path)
    return node ? [{ ...node, access }] : []
  }
  const dash = path.indexOf('-')
  const kind = path.slice(0, dash) === 'block' ? 'block' : 'char'
  const name = path.slice(dash + 1)
  if (name === '*') return [{ kind, major: null, minor: null, access }]
  if (/^\d+$/.test(name)) return [{ kind, major: Number(name), minor: null, access }]
  const majors = numbers
    .drivers(kind)
    .filter(([driver]) => matches(name, driver))
    .map(([, major]) => major)
  return [...new Set(majors)].map(major => ({ kind, major, minor: null, access }))
}

/** A path such as /dev/block/8:0 tells the numbers itself. */
function numberedNode(path: string): ReturnType<DeviceNumbers['node']> {
  const [, kind, major, minor] = /^\/dev\/(char|block)\/(\d+):(\d+)$/.exec(path) ?? []
  if (kind === undefined) return null
  return { kind: kind as DeviceRule['kind'], major: Number(major), minor: Number(minor) }
}

export const ownDevices: DeviceNumbers = {
  network(name) {
    try {
      return Number(readFileSync(`/sys/class/net/${name}/ifindex`, 'latin1')) || null
    } catch {
      return null
    }
  },
  node(path) {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (!stat?.isCharacterDevice() && !stat?.isBlockDevice()) return null
    const [major = 0, minor = 0] = numberOf(stat.rdev).split(':').map(Number)
    return { kind: stat.isBlockDevice() ? 'block' : 'char', major, minor }
  },
  drivers(kind) {
    const [chars = '', blocks = ''] = readFileSync('/proc/devices', 'latin1').split(/^Block.*$/m)
    const lines = (kind === 'block' ? blocks : chars).matchAll(/^ *(\d+) (\S+)$/gm)
    return [...lines].map(([, major, name = '']) => [name, Number(major)] as const)
  },
}
