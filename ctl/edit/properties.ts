// What set-property may set: the settings of systemd.resource-control(5), which change while a unit is up.

const NAMES =
  `CPUAccounting CPUWeight StartupCPUWeight CPUShares StartupCPUShares CPUQuota CPUQuotaPeriodSec AllowedCPUs StartupAllowedCPUs
AllowedMemoryNodes StartupAllowedMemoryNodes MemoryAccounting MemoryMin MemoryLow StartupMemoryLow DefaultMemoryMin
DefaultMemoryLow DefaultStartupMemoryLow MemoryHigh StartupMemoryHigh MemoryMax StartupMemoryMax MemorySwapMax
StartupMemorySwapMax MemoryZSwapMax StartupMemoryZSwapMax TasksAccounting TasksMax IOAccounting IOWeight StartupIOWeight
BlockIOWeight StartupBlockIOWeight IODeviceWeight IOReadBandwidthMax IOWriteBandwidthMax IOReadIOPSMax IOWriteIOPSMax
IODeviceLatencyTargetSec DevicePolicy DeviceAllow IPAddressAllow IPAddressDeny`.split(/\s+/)

const SECTIONS: Readonly<Record<string, string>> = {
  service: 'Service',
  socket: 'Socket',
  mount: 'Mount',
  swap: 'Swap',
  slice: 'Slice',
  scope: 'Scope',
}

export const settableProperties = (): readonly string[] => NAMES

/** `NAME=VALUE` taken apart; null: it is none, or not to be set so. */
export function readProperty(assignment: string): { name: string; value: string } | null {
  const equals = assignment.indexOf('=')
  const name = assignment.slice(0, Math.max(0, equals))
  return NAMES.includes(name) ? { name, value: assignment.slice(equals + 1) } : null
}

/** The section of a unit's file that has them; null for a unit of a type without processes. */
export const sectionOf = (unit: string): string | null =>
  SECTIONS[unit.slice(unit.lastIndexOf('.') + 1)] ?? null
