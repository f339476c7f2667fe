// From what a unit may take to what is written into its cgroup (the kernel's Documentation/admin-guide/cgroup-v2.rst).
import {
  type Amount,
  type DeviceLimit,
  type DeviceSetting,
  oomPolicy,
  RESOURCE_DEFAULTS,
  type ResourceSettings,
} from '../../units/resources.ts'
import type { Unit } from '../../units/unit.ts'

export const CONTROLLERS = ['cpu', 'cpuset', 'io', 'memory', 'pids'] as const
export type Controller = (typeof CONTROLLERS)[number]

/** A file of the cgroup and what goes into it. */
export type Attribute = { controller: Controller; file: string; value: string }

/** What shares are parts of, and numbers of devices. */
export type MachineSize = {
  memoryBytes: () => number
  tasks: () => number
  /** `MAJOR:MINOR` of a block device, or of that a file lies on; null: there is none. */
  device: (path: string) => string | null
  /** The system is coming up or going down: the Startup…= settings count. */
  isStarting: () => boolean
}

const MAX = 'max'
const SECOND = 1_000_000
const PERIOD_USEC = 100_000
/** The kernel takes no quota and no period shorter than that. */
const SHORTEST_USEC = 1000

/** The number that a share stands for on this machine. */
const resolveAmount = (amount: Amount, whole: () => number): number =>
  typeof amount === 'number' ? amount : Math.floor((amount.permyriad / 10_000) * whole())

const orMax = (value: number) => (value === Number.POSITIVE_INFINITY ? MAX : String(value))

/** Whether the slice says what units in it get that do not say it themselves. */
export const hasDefaults = ({ resources }: Pick<Unit, 'resources'>): boolean =>
  resources !== undefined &&
  (resources.defaultMemoryMin !== null ||
    resources.defaultMemoryLow !== null ||
    resources.defaultStartupMemoryLow !== null)

/** All that the unit sets, or that is set for it by `slices` (the innermost last), in the order in which it is written. */
export function attributesOf(
  unit: Unit,
  machine: MachineSize,
  slices: readonly Unit[] = [],
): Attribute[] {
  const settings = unit.resources ?? RESOURCE_DEFAULTS
  const isStarting = (hasStartup(settings) || slices.some(hasDefaults)) && machine.isStarting()
  return [
    ...cpu(settings, isStarting),
    ...cpuset(settings, isStarting),
    ...memory(unit, settings, machine, isStarting, slices),
    ...pids(settings, machine),
    ...io(settings, machine, isStarting),
  ]
}

const hasStartup = (settings: ResourceSettings): boolean =>
  settings.startupCpuWeight !== null ||
  settings.startupCpuShares !== null ||
  settings.startupIoWeight !== null ||
  STARTUP_MEMORY.some(field => settings[field] !== null) ||
  settings.startupBlockIoWeight !== null ||
  settings.startupAllowedCpus.length > 0 ||
  settings.startupAllowedMemoryNodes.length > 0

function cpu(settings: ResourceSettings, isStarting: boolean): Attribute[] {
  const found: Attribute[] = []
  const set = (file: string, value: string) => found.push({ controller: 'cpu', file, value })
  const weight =
    (isStarting ? settings.startupCpuWeight : null) ??
    settings.cpuWeight ??
    weightOfShares((isStarting ? settings.startupCpuShares : null) ?? settings.cpuShares)
  if (weight === 'idle') set('cpu.idle', '1')
  else if (weight !== null) set('cpu.weight', String(weight))
  if (settings.cpuQuotaUsec !== Number.POSITIVE_INFINITY) {
    const { quota, period } = quotaOf(settings.cpuQuotaUsec, settings.cpuQuotaPeriodUsec)
    set('cpu.max', `${quota} ${period}`)
  }
  return found
}

/** 1024 shares are a weight of 100 (systemd's cgroup_cpu_shares_to_weight). */
const weightOfShares = (shares: number | null): number | null =>
  shares === null ? null : clamp(Math.floor((shares * 100) / 1024), 1, 10_000)

/** A quota that would be too short for the kernel makes the period longer, as in systemd's cgroup_cpu_adjust_period(). */
export function quotaOf(quotaUsec: number, periodUsec: number | null) {
  const wanted = Math.max(
    periodUsec ?? PERIOD_USEC,
    Math.ceil((SHORTEST_USEC * SECOND) / quotaUsec),
  )
  const period = clamp(wanted, SHORTEST_USEC, SECOND)
  return { quota: Math.max(Math.floor((quotaUsec * period) / SECOND), SHORTEST_USEC), period }
}

function cpuset(settings: ResourceSettings, isStarting: boolean): Attribute[] {
  const choose = (startup: readonly number[], always: readonly number[]) =>
    isStarting && startup.length > 0 ? startup : always
  const cpus = choose(settings.startupAllowedCpus, settings.allowedCpus)
  const nodes = choose(settings.startupAllowedMemoryNodes, settings.allowedMemoryNodes)
  return [
    ...(cpus.length > 0 ? [{ file: 'cpuset.cpus', value: cpus.join(',') }] : []),
    ...(nodes.length > 0 ? [{ file: 'cpuset.mems', value: nodes.join(',') }] : []),
  ].map(attribute => ({ controller: 'cpuset', ...attribute }))
}

const STARTUP_MEMORY = [
  'startupMemoryLow',
  'startupMemoryHigh',
  'startupMemoryMax',
  'startupMemorySwapMax',
  'startupMemoryZswapMax',
] as const

/** What is written, by what it is while the system comes up, otherwise, and for what is in a slice. */
const MEMORY: readonly {
  file: string
  field: 'memoryMin' | 'memoryLow' | 'memoryHigh' | 'memoryMax' | 'memorySwapMax' | 'memoryZswapMax'
  startup?: (typeof STARTUP_MEMORY)[number]
  inherited?: 'defaultMemoryMin' | 'defaultMemoryLow'
  inheritedStartup?: 'defaultStartupMemoryLow'
}[] = [
  { file: 'memory.min', field: 'memoryMin', inherited: 'defaultMemoryMin' },
  {
    file: 'memory.low',
    field: 'memoryLow',
    startup: 'startupMemoryLow',
    inherited: 'defaultMemoryLow',
    inheritedStartup: 'defaultStartupMemoryLow',
  },
  { file: 'memory.high', field: 'memoryHigh', startup: 'startupMemoryHigh' },
  { file: 'memory.max', field: 'memoryMax', startup: 'startupMemoryMax' },
  { file: 'memory.swap.max', field: 'memorySwapMax', startup: 'startupMemorySwapMax' },
  { file: 'memory.zswap.max', field: 'memoryZswapMax', startup: 'startupMemoryZswapMax' },
]

function memory(
  unit: Unit,
  settings: ResourceSettings,
  machine: MachineSize,
  isStarting: boolean,
  slices: readonly Unit[],
): Attribute[] {
  /** The nearest slice that says it (unit_get_ancestor_memory_low()). */
  const inherit = (field: 'defaultMemoryMin' | 'defaultMemoryLow' | 'defaultStartupMemoryLow') =>
    slices.findLast(slice => (slice.resources?.[field] ?? null) !== null)?.resources?.[field] ??
    null
  const found = MEMORY.flatMap((row): Attribute[] => {
    const { file, field, startup, inherited, inheritedStartup } = row
    const own = settings[field] === RESOURCE_DEFAULTS[field] ? null : settings[field]
    const always = own ?? (inherited ? inherit(inherited) : null)
    const early =
      startup && (settings[startup] ?? (inheritedStartup ? inherit(inheritedStartup) : null))
    const amount = (isStarting ? early : null) ?? always
    if (amount === null) return []
    return [
      { controller: 'memory', file, value: orMax(resolveAmount(amount, machine.memoryBytes)) },
    ]
  })
  if (!settings.memoryZswapWriteback)
    found.push({ controller: 'memory', file: 'memory.zswap.writeback', value: '0' })
  const isAsked = unit.service?.oomPolicy === 'kill'
  if (isAsked && oomPolicy(unit) === 'kill')
    found.push({ controller: 'memory', file: 'memory.oom.group', value: '1' })
  return found
}

function pids({ tasksMax }: ResourceSettings, machine: MachineSize): Attribute[] {
  if (tasksMax === null) return []
  const value = orMax(resolveAmount(tasksMax, machine.tasks))
  return [{ controller: 'pids', file: 'pids.max', value }]
}

/** 500 of cgroup v1 is a weight of 100 (systemd's cgroup_weight_blkio_to_io). */
const weightOfBlockIo = (weight: number) => clamp(Math.floor((weight * 100) / 500), 1, 10_000)

const IO_MAX: readonly (readonly [
  word: string,
  setting: DeviceSetting,
  old: DeviceSetting | null,
])[] = [
  ['rbps', 'readBandwidth', 'blockReadBandwidth'],
  ['wbps', 'writeBandwidth', 'blockWriteBandwidth'],
  ['riops', 'readIops', null],
  ['wiops', 'writeIops', null],
]
const OLD: ReadonlySet<DeviceSetting> = new Set([
  'blockReadBandwidth',
  'blockWriteBandwidth',
  'blockWeight',
])

function io(settings: ResourceSettings, machine: MachineSize, isStarting: boolean): Attribute[] {
  const found: Attribute[] = []
  const set = (file: string, value: string) => found.push({ controller: 'io', file, value })
  const modern = (isStarting ? settings.startupIoWeight : null) ?? settings.ioWeight
  const old = (isStarting ? settings.startupBlockIoWeight : null) ?? settings.blockIoWeight
  const hasModern = modern !== null || settings.devices.some(({ setting }) => !OLD.has(setting))
  // The old settings count where none of the new ones is there.
  if (modern !== null) set('io.weight', `default ${modern}`)
  else if (old !== null && !hasModern) set('io.weight', `default ${weightOfBlockIo(old)}`)
  for (const [device, limits] of byDevice(settings.devices, machine)) {
    const last = (setting: DeviceSetting | null) =>
      limits.findLast(limit => limit.setting === setting)?.value ?? null
    const weight = last('weight')
    const oldWeight = hasModern ? null : last('blockWeight')
    if (weight !== null) set('io.weight', `${device} ${weight}`)
    else if (oldWeight !== null) set('io.weight', `${device} ${weightOfBlockIo(oldWeight)}`)
    const words = IO_MAX.flatMap(([word, setting, legacy]) => {
      const value = last(setting) ?? (hasModern ? null : last(legacy))
      return value === null ? [] : [`${word}=${orMax(value)}`]
    })
    if (words.length > 0) set('io.max', `${device} ${words.join(' ')}`)
    const latency = last('latencyUsec')
    if (latency !== null) set('io.latency', `${device} target=${orMax(latency)}`)
  }
  return found
}

function byDevice(
  limits: readonly DeviceLimit[],
  machine: MachineSize,
): ReadonlyMap<string, DeviceLimit[]> {
  const found = new Map<string, DeviceLimit[]>()
  for (const limit of limits) {
    const device = machine.device(limit.path)
    if (device === null) continue
    const known = found.get(device)
    if (known) known.push(limit)
    else found.set(device, [limit])
  }
  return found
}

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value))

/** What takes an attribute back, when the unit no longer sets it. */
export function resetOf({ controller, file, value }: Attribute): Attribute {
  const device = /^\d+:\d+/.exec(value)?.[0]
  return { controller, file, value: device ? deviceReset(file, device) : (RESETS[file] ?? MAX) }
}

const deviceReset = (file: string, device: string) =>
  file === 'io.max'
    ? `${device} rbps=max wbps=max riops=max wiops=max`
    : file === 'io.latency'
      ? `${device} target=max`
      : `${device} default`

const RESETS: Readonly<Record<string, string>> = {
  'cpu.idle': '0',
  'cpu.weight': '100',
  'cpu.max': `max ${PERIOD_USEC}`,
  'cpuset.cpus': '',
  'cpuset.mems': '',
  'memory.min': '0',
  'memory.low': '0',
  'memory.zswap.writeback': '1',
  'memory.oom.group': '0',
  'io.weight': 'default 100',
}
