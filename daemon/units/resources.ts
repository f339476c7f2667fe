// What a unit may take of the machine (systemd.resource-control(5)), as its file says it; how a kernel is told is the
// runtime's matter.
/** A unit's name; unit.ts has this file's types in its own. */
type UnitName = string

/** A number (of bytes, of tasks; Infinity: no limit), or a part of what the machine has, in ten-thousandths. */
export type Amount = number | { permyriad: number }

/** What can be said of a device: limits in bytes and operations a second (Infinity: none), a weight, a latency in usec. */
export type DeviceSetting =
  | 'readBandwidth'
  | 'writeBandwidth'
  | 'readIops'
  | 'writeIops'
  | 'weight'
  | 'latencyUsec'
  /** The old BlockIO…= ones, which count where none of the others is set. */
  | 'blockReadBandwidth'
  | 'blockWriteBandwidth'
  | 'blockWeight'
export type DeviceLimit = { setting: DeviceSetting; path: string; value: number }

/** What may be done with a device: `r`, `w` and `m` (mknod(2)), in that order. */
export type DeviceAccess = string
/** DeviceAllow=: the path of a device, or `char-` or `block-` and the name of a driver in /proc/devices, a pattern. */
export type DevicePermission = { path: string; access: DeviceAccess }
export type DevicePolicy = 'auto' | 'closed' | 'strict'

/** Addresses that begin alike: `bytes` (4 or 16, zero behind the prefix) and how many bits of it count. */
export type AddressRange = { family: 'inet' | 'inet6'; bytes: readonly number[]; prefix: number }

/** Of SocketBindAllow= and SocketBindDeny=; null: any. */
export type PortRule = {
  family: 'ipv4' | 'ipv6' | null
  protocol: 'tcp' | 'udp' | null
  ports: { first: number; last: number } | null
}

/** Null: not set. */
export type ResourceSettings = {
  slice: UnitName | null
  cpuAccounting: boolean | null
  memoryAccounting: boolean | null
  tasksAccounting: boolean | null
  ioAccounting: boolean | null
  cpuWeight: number | 'idle' | null
  startupCpuWeight: number | 'idle' | null
  /** Of cgroup v1, 2 to 262144; it counts where no weight is set, and so does its startup form. */
  cpuShares: number | null
  startupCpuShares: number | null
  /** Microseconds of processor time a second; Infinity: no limit. */
  cpuQuotaUsec: number
  cpuQuotaPeriodUsec: number | null
  /** Null where 0 is: that of a slice counts then (`defaultMemoryMin` and the like). */
  memoryMin: Amount | null
  memoryLow: Amount | null
  memoryHigh: Amount
  memoryMax: Amount
  memorySwapMax: Amount
  memoryZswapMax: Amount
  memoryZswapWriteback: boolean
  /** While the system comes up or goes down, in place of those above. */
  startupMemoryLow: Amount | null
  startupMemoryHigh: Amount | null
  startupMemoryMax: Amount | null
  startupMemorySwapMax: Amount | null
  startupMemoryZswapMax: Amount | null
  /** Of a slice: for the units in it that set none. */
  defaultMemoryMin: Amount | null
  defaultMemoryLow: Amount | null
  defaultStartupMemoryLow: Amount | null
  /** Controllers that what is in the slice does not get. */
  disableControllers: readonly string[]
  tasksMax: Amount | null
  ioWeight: number | null
  startupIoWeight: number | null
  /** Of cgroup v1, 10 to 1000. */
  blockIoWeight: number | null
  startupBlockIoWeight: number | null
  devices: readonly DeviceLimit[]
  /** Numbers of processors and memory nodes. */
  allowedCpus: readonly number[]
  startupAllowedCpus: readonly number[]
  allowedMemoryNodes: readonly number[]
  startupAllowedMemoryNodes: readonly number[]
  /** The controllers that the unit may use for cgroups of its own; null: it may make none. */
  delegate: readonly string[] | 'all' | null
  delegateSubgroup: string | null
  devicePolicy: DevicePolicy
  deviceAllow: readonly DevicePermission[]
  ipAddressAllow: readonly AddressRange[]
  ipAddressDeny: readonly AddressRange[]
  socketBindAllow: readonly PortRule[]
  socketBindDeny: readonly PortRule[]
  /** By their names: these alone, or (`~`) all others; null: all. */
  restrictNetworkInterfaces: { allowed: boolean; names: readonly string[] } | null
}

const NONE: readonly never[] = Object.freeze([])

export const RESOURCE_DEFAULTS: ResourceSettings = {
  slice: null,
  cpuAccounting: null,
  memoryAccounting: null,
  tasksAccounting: null,
  ioAccounting: null,
  cpuWeight: null,
  startupCpuWeight: null,
  cpuShares: null,
  startupCpuShares: null,
  cpuQuotaUsec: Number.POSITIVE_INFINITY,
  cpuQuotaPeriodUsec: null,
  memoryMin: null,
  memoryLow: null,
  memoryHigh: Number.POSITIVE_INFINITY,
  memoryMax: Number.POSITIVE_INFINITY,
  memorySwapMax: Number.POSITIVE_INFINITY,
  memoryZswapMax: Number.POSITIVE_INFINITY,
  memoryZswapWriteback: true,
  startupMemoryLow: null,
  startupMemoryHigh: null,
  startupMemoryMax: null,
  startupMemorySwapMax: null,
  startupMemoryZswapMax: null,
  defaultMemoryMin: null,
  defaultMemoryLow: null,
  defaultStartupMemoryLow: null,
  disableControllers: NONE,
  tasksMax: null,
  ioWeight: null,
  startupIoWeight: null,
  blockIoWeight: null,
  startupBlockIoWeight: null,
  devices: NONE,
  allowedCpus: NONE,
  startupAllowedCpus: NONE,
  allowedMemoryNodes: NONE,
  startupAllowedMemoryNodes: NONE,
  delegate: null,
  delegateSubgroup: null,
  devicePolicy: 'auto',
  deviceAllow: NONE,
  ipAddressAllow: NONE,
  ipAddressDeny: NONE,
  socketBindAllow: NONE,
  socketBindDeny: NONE,
  restrictNetworkInterfaces: null,
}

/** OOMPolicy= in force: what makes cgroups of its own looks after them itself (systemd.service(5)). */
export const oomPolicy = (unit: {
  service?: { oomPolicy: OomPolicy | null }
  resources?: ResourceSettings
}): OomPolicy => unit.service?.oomPolicy ?? (unit.resources?.delegate ? 'continue' : 'stop')
export type OomPolicy = 'continue' | 'stop' | 'kill'

/** What other settings say of devices, as in systemd's unit_patch_contexts(). */
type DeviceSettings = {
  resources?: ResourceSettings
  sandbox?: { privateDevices: boolean; protectClock: boolean }
}
const CLOCKS: DevicePermission = { path: 'char-rtc', access: 'r' }

/** DeviceAllow= in force: with ProtectClock= the clocks may be read. */
export function deviceAllow({
  resources = RESOURCE_DEFAULTS,
  sandbox,
}: DeviceSettings): readonly DevicePermission[] {
  return sandbox?.protectClock ? [CLOCKS, ...resources.deviceAllow] : resources.deviceAllow
}

/** DevicePolicy= in force: PrivateDevices= closes. */
export function devicePolicy({ resources = RESOURCE_DEFAULTS, sandbox }: DeviceSettings) {
  return resources.devicePolicy === 'auto' && sandbox?.privateDevices
    ? 'closed'
    : resources.devicePolicy
}

/** `a-b.slice` lies in `a.slice`, and that in the root slice (systemd.slice(5)); null for the root slice itself. */
export function parentSlice(slice: UnitName): UnitName | null {
  if (slice === ROOT_SLICE) return null
  const prefix = slice.slice(0, -'.slice'.length)
  const dash = prefix.lastIndexOf('-')
  return dash > 0 ? `${prefix.slice(0, dash)}.slice` : ROOT_SLICE
}

export const ROOT_SLICE = '-.slice'
const SYSTEM_SLICE = 'system.slice'

/** The slice that a unit is in; null: it has none, being one of those that run no process, or the root slice. */
export function sliceOf(unit: {
  id: UnitName
  type: string
  resources?: ResourceSettings
}): UnitName | null {
  if (unit.type === 'slice') return parentSlice(unit.id)
  return unit.resources?.slice ?? SYSTEM_SLICE
}
