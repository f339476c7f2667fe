// Condition…= and Assert…=: whether they hold at this moment (systemd.unit(5), CONDITIONS AND ASSERTS).
import {
  accessSync,
  constants,
  lstatSync,
  readdirSync,
  readFileSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { Condition } from '../units/unit.ts'
import { CAPABILITIES } from '../units/values/capability.ts'
import { compare, compareText, isTruth, parseBytes } from './comparison.ts'
import type { HostFacts } from './facts.ts'
import { expandGlob, matches } from './glob.ts'

export type ConditionsAnswer = {
  result: boolean
  /** The one that decided against, as written in the unit less `Condition`/`Assert`: `PathExists=!/etc/x`. */
  failed: string | null
  /** Those that could not be evaluated, in words. */
  warnings: readonly string[]
}

/** Whether the list holds: all of the plain ones, and one at least of those with `|`, if there are any. */
export function checkConditions(
  conditions: readonly Condition[],
  facts: HostFacts,
): ConditionsAnswer {
  if (conditions.length === 0) return HOLDS
  const warnings: string[] = []
  let triggered: boolean | null = null
  let failed: string | null = null
  for (const condition of conditions) {
    if (condition.trigger && triggered) continue
    const holds = check(condition, facts, warnings)
    if (!holds) failed ??= written(condition)
    if (condition.trigger) triggered = holds
    else if (!holds) return { result: false, failed: written(condition), warnings }
  }
  return triggered === false
    ? { result: false, failed, warnings }
    : { result: true, failed: null, warnings }
}

const HOLDS: ConditionsAnswer = { result: true, failed: null, warnings: [] }

export const written = ({ kind, value, negated, trigger }: Condition) =>
  `${kind}=${trigger ? '|' : ''}${negated ? '!' : ''}${value}`

function check(condition: Condition, facts: HostFacts, warnings: string[]): boolean {
  const test = TESTS[condition.kind]
  if (!test) {
    warnings.push(`${written(condition)} is not known here: it counts as fulfilled`)
    return true
  }
  const holds = test(condition.value, facts)
  if (holds === null) {
    warnings.push(`cannot evaluate ${written(condition)}: it counts as not fulfilled`)
    return false
  }
  return holds !== condition.negated
}

/** Null: the value says nothing that could be tested. */
type Test = (value: string, facts: HostFacts) => boolean | null

const attempt = <T>(read: () => T): T | null => {
  try {
    return read()
  } catch {
    return null
  }
}
const stat = (path: string) => attempt(() => statSync(path))
/** Whether the file system is mounted so; the permissions of the file do not count. */
function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EROFS'
  }
}
const text = (path: string) => attempt(() => readFileSync(path, 'latin1'))

const TESTS: Readonly<Record<string, Test>> = {
  PathExists: path => stat(path) !== null,
  PathExistsGlob: pattern => expandGlob(pattern).length > 0,
  PathIsDirectory: path => stat(path)?.isDirectory() ?? false,
  PathIsSymbolicLink: path => attempt(() => lstatSync(path).isSymbolicLink()) ?? false,
  PathIsMountPoint: isMountPoint,
  PathIsReadWrite: path => stat(path) !== null && !isReadOnly(path),
  PathIsEncrypted: isEncrypted,
  DirectoryNotEmpty: path => (attempt(() => readdirSync(path).length) ?? 0) > 0,
  FileNotEmpty: path => {
    const found = stat(path)
    return found?.isFile() === true && found.size > 0
  },
  FileIsExecutable: path => {
    const found = stat(path)
    return found?.isFile() === true && (found.mode & 0o111) !== 0
  },

  Architecture: (value, { architecture }) => value === 'native' || value === architecture,
  Firmware: firmware,
  Virtualization(value, { virtualization }) {
    if (isTruth(value) !== null) return isTruth(value) === (virtualization !== null)
    if (value === 'private-users') return hasPrivateUsers()
    if (virtualization === null) return false
    return value === virtualization.kind || value === virtualization.name
  },
  Host: (value, { hostname, machineId }) =>
    /^[0-9a-f]{32}$/i.test(value)
      ? value.toLowerCase() === machineId
      : matches(value.toLowerCase(), hostname.toLowerCase()),
  KernelCommandLine: (value, { virtualization }) => {
    // In a container, the words that its manager gave to PID 1 (kernel-command-line(7)).
    const isContainer = virtualization?.kind === 'container'
    const words = (text(isContainer ? '/proc/1/cmdline' : '/proc/cmdline') ?? '').split(/[\s\0]+/)
    return value.includes('=')
      ? words.includes(value)
      : words.some(word => word === value || word.startsWith(`${value}=`))
  },
  KernelVersion: (value, { kernelRelease }) =>
    splitExpressions(value).every(expression => compareText(expression, kernelRelease, '$=')),
  Credential: (value, { environment }) =>
    ['CREDENTIALS_DIRECTORY', 'ENCRYPTED_CREDENTIALS_DIRECTORY'].some(
      name => environment[name] !== undefined && stat(`${environment[name]}/${value}`) !== null,
    ),
  Environment(value, { environment }) {
    const at = value.indexOf('=')
    if (at < 0) return environment[value] !== undefined
    return environment[value.slice(0, at)] === value.slice(at + 1)
  },
  Security: security,
  Capability(value) {
    const number = CAPABILITIES.indexOf(value.toUpperCase())
    if (number < 0) return null
    const mask = /^CapBnd:\s*([0-9a-f]+)/m.exec(text('/proc/self/status') ?? '')?.[1] ?? '0'
    return ((BigInt(`0x${mask}`) >> BigInt(number)) & 1n) === 1n
  },
  ACPower: value => {
    const wanted = isTruth(value)
    return wanted === null ? null : wanted === isOnPower()
  },
  NeedsUpdate: needsUpdate,
  FirstBoot: (value, { isFirstBoot }) => {
    const wanted = isTruth(value)
    return wanted === null ? null : wanted === isFirstBoot
  },
  User(value, { user }) {
    // SYSTEM_UID_MAX of Debian and systemd.
    if (value === '@system') return user.uid <= 999
    return /^\d+$/.test(value) ? Number(value) === user.uid : value === user.name
  },
  Group(value, { user, groupId }) {
    const gid = /^\d+$/.test(value) ? Number(value) : groupId(value)
    return gid !== null && user.groups.includes(gid)
  },
  ControlGroupController: controllers,
  Memory: value => compare(value, memoryBytes(), parseBytes),
  CPUs: (value, { cpus }) => compare(value, cpus(), Number),
  CPUFeature(value) {
    const name = value.toLowerCase()
    const flags = /^flags\s*:\s*(.*)$/m.exec(text('/proc/cpuinfo') ?? '')?.[1]?.split(' ') ?? []
    return flags.includes(FEATURE_NAMES[name] ?? name)
  },
  OSRelease: (value, { osRelease }) =>
    splitExpressions(value).every(expression => {
      const [, key = '', rest = ''] = /^(\w+)(.*)$/s.exec(expression) ?? []
      return compareText(rest, osRelease()[key] ?? '', null) ?? false
    }),
  MemoryPressure: value => pressure('memory', value),
  CPUPressure: value => pressure('cpu', value),
  IOPressure: value => pressure('io', value),
}

/** cpuid's names where /proc/cpuinfo has others. */
const FEATURE_NAMES: Readonly<Record<string, string>> = { pclmul: 'pclmulqdq', fma3: 'fma' }

/** Words of a list of expressions; one may be quoted, so that it holds spaces, and an operator may stand apart. */
function splitExpressions(value: string): string[] {
  const found: string[] = []
  for (const [, double, single, plain] of value.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)) {
    const word = double ?? single ?? plain ?? ''
    const last = found.at(-1)
    if (last !== undefined && /^[$!<>=]+$/.test(last)) found[found.length - 1] = last + word
    else found.push(word)
  }
  return found
}

function isMountPoint(path: string): boolean {
  const at = stat(path)
  const above = stat(`${path}/..`) ?? stat(dirname(path))
  if (!at || !above) return false
  // Its parent is itself: the root directory.
  if (at.dev !== above.dev || at.ino === above.ino) return true
  // A bind mount within one file system shows in the table alone.
  const table = text('/proc/self/mountinfo') ?? ''
  return table.split('\n').some(line => unescapeMount(line.split(' ')[4] ?? '') === path)
}

const unescapeMount = (field: string) =>
  field.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )

/** Whether a device-mapper crypt target lies below the file system (sysfs tells each device's kind and what it is made of). */
function isEncrypted(path: string): boolean {
  const found = stat(path)
  if (!found) return false
  const major = (found.dev >> 8) & 0xfff
  const minor = (found.dev & 0xff) | ((found.dev >> 12) & 0xfff00)
  const below = (device: string): boolean => {
    if (/^CRYPT-/.test(text(`${device}/dm/uuid`) ?? '')) return true
    return (attempt(() => readdirSync(`${device}/slaves`)) ?? []).some(name =>
      below(`${device}/slaves/${name}`),
    )
  }
  return below(`/sys/dev/block/${major}:${minor}`)
}

function firmware(value: string): boolean | null {
  if (value === 'uefi') return stat('/sys/firmware/efi') !== null
  if (value === 'device-tree') return stat('/sys/firmware/devicetree') !== null
  const compatible = /^device-tree-compatible\((.*)\)$/.exec(value)?.[1]
  if (compatible !== undefined) {
    const names = text('/proc/device-tree/compatible')?.split('\0') ?? []
    return names.includes(compatible)
  }
  const [, field, rest] = /^smbios-field\(([\w-]+)\s*(.*)\)$/.exec(value) ?? []
  if (field === undefined || rest === undefined) return null
  const set = text(`/sys/class/dmi/id/${field}`)
  return set === null ? false : compareText(rest.replace(/^(\W+)\s+/, '$1'), set.trim(), null)
}

/** A user namespace that maps not everything to itself. */
const hasPrivateUsers = () => {
  const map = text('/proc/self/uid_map')
  return map !== null && !/^\s*0\s+0\s+4294967295\s*$/.test(map)
}

function security(value: string): boolean | null {
  switch (value) {
    case 'selinux':
      return stat('/sys/fs/selinux/enforce') !== null
    case 'apparmor':
      return text('/sys/module/apparmor/parameters/enabled')?.startsWith('Y') ?? false
    case 'smack':
      return stat('/sys/fs/smackfs') !== null
    case 'tomoyo':
      return stat('/sys/kernel/security/tomoyo/version') !== null
    case 'ima':
      return stat('/sys/kernel/security/ima') !== null
    case 'audit':
      return /^\S+ +9 /m.test(text('/proc/net/netlink') ?? '') // the kernel's end of NETLINK_AUDIT
    case 'tpm2':
      return (attempt(() => readdirSync('/sys/class/tpmrm')) ?? []).length > 0
    case 'uefi-secureboot': {
      const set = attempt(() =>
        readFileSync('/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c'),
      )
      return set?.[4] === 1
    }
    default:
      return null
  }
}

/** At least one supply is on line, or none is known (a desktop). */
function isOnPower(): boolean {
  const base = '/sys/class/power_supply'
  const supplies = (attempt(() => readdirSync(base)) ?? []).filter(
    name => text(`${base}/${name}/type`)?.trim() === 'Mains',
  )
  return (
    supplies.length === 0 || supplies.some(name => text(`${base}/${name}/online`)?.trim() === '1')
  )
}

/** Whether /usr is newer than the stamp in /etc or /var; never where the stamp could not be written. */
function needsUpdate(value: string): boolean | null {
  const path = value.replace(/\/+$/, '')
  if (path !== '/etc' && path !== '/var') return null
  if (attempt(() => accessSync(path, constants.W_OK)) === null) return false
  const usr = stat('/usr')
  if (!usr) return false
  const stamp = stat(`${path}/.updated`)
  return !stamp || usr.mtimeMs > stamp.mtimeMs
}

function controllers(value: string): boolean {
  const isUnified = attempt(() => statfsSync('/sys/fs/cgroup').type) === CGROUP2_MAGIC
  if (value === 'v2') return isUnified
  if (value === 'v1') return !isUnified
  const available = isUnified
    ? (text('/sys/fs/cgroup/cgroup.controllers') ?? '').trim().split(/\s+/)
    : (text('/proc/cgroups') ?? '')
        .split('\n')
        .map(line => line.split('\t'))
        .filter(fields => fields[3] === '1')
        .map(fields => (fields[0] === 'blkio' ? 'io' : (fields[0] ?? '')))
  const known = ['cpu', 'io', 'memory', 'pids']
  return value
    .split(/\s+/)
    .filter(name => known.includes(name))
    .every(name => available.includes(name))
}
const CGROUP2_MAGIC = 0x63677270

/** The machine's memory, or what the container was given of it. */
function memoryBytes(): number {
  const total = Number(/^MemTotal:\s*(\d+)/m.exec(text('/proc/meminfo') ?? '')?.[1] ?? 0) * 1024
  const limits = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']
  return Math.min(total, ...limits.map(path => Number.parseInt(text(path) ?? '', 10) || Infinity))
}

/** Pressure of the last 10, 60 or 300 seconds, at or below the threshold. A kernel without PSI has none. */
function pressure(resource: string, value: string): boolean | null {
  const [, threshold, , span = '5min'] = /^(?:[^:]+\.slice:)?([\d.]+)%(\/(.+))?$/.exec(value) ?? []
  const column = { '10sec': 'avg10', '10s': 'avg10', '1min': 'avg60', '5min': 'avg300' }[span]
  if (threshold === undefined || column === undefined) return null
  const table = text(`/proc/pressure/${resource}`)
  if (table === null) return true
  const line = table.split('\n').find(each => each.startsWith('full')) ?? table
  const measured = new RegExp(`${column}=([\\d.]+)`).exec(line)?.[1]
  return measured === undefined ? null : Number(measured) <= Number(threshold)
}
