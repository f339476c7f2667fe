// Which of a unit's settings restrict system calls, and how (systemd.exec(5)).
import { mergeFilter, mergeLines, type SystemCallSet } from '../../units/system-calls/lines.ts'
import type { ExecSettings, SandboxSettings } from '../../units/unit.ts'
import { NAMESPACE_TYPES } from '../../units/values/system-calls.ts'
import type { Restrictions } from './layers.ts'

const PER_LINUX = 0

/** What of a unit counts. */
export type Settings = {
  exec: ExecSettings
  sandbox?: SandboxSettings | undefined
}

const isAnyListed = (set: SystemCallSet | null) => set !== null && set.calls.size > 0

/** By directive, whether the unit sets it to something that restricts. */
const RESTRICTING = {
  SystemCallFilter: ({ exec: { systemCallFilter: lines } }) =>
    lines[0]?.inverted === false || isAnyListed(mergeFilter(lines)),
  SystemCallLog: ({ exec: { systemCallLog: lines } }) =>
    lines[0]?.inverted === true || isAnyListed(mergeLines(lines)),
  SystemCallArchitectures: ({ exec }) => exec.systemCallArchitectures.length > 0,
  RestrictAddressFamilies: ({ exec: { restrictAddressFamilies: restricted } }) =>
    restricted !== null && (restricted.allow || restricted.families.length > 0),
  RestrictNamespaces: ({ exec: { restrictNamespaces: allowed } }) =>
    allowed !== null && allowed.length < NAMESPACE_TYPES.length,
  RestrictRealtime: ({ exec }) => exec.restrictRealtime,
  RestrictSUIDSGID: ({ exec }) => exec.restrictSuidSgid,
  DynamicUser: ({ exec }) => exec.dynamicUser,
  LockPersonality: ({ exec }) => exec.lockPersonality,
  MemoryDenyWriteExecute: ({ exec }) => exec.memoryDenyWriteExecute,
  ProtectHostname: ({ sandbox }) => sandbox?.protectHostname === true,
  ProtectKernelTunables: ({ sandbox }) => sandbox?.protectKernelTunables === true,
  ProtectKernelModules: ({ sandbox }) => sandbox?.protectKernelModules === true,
  ProtectKernelLogs: ({ sandbox }) => sandbox?.protectKernelLogs === true,
  ProtectClock: ({ sandbox }) => sandbox?.protectClock === true,
  PrivateDevices: ({ sandbox }) => sandbox?.privateDevices === true,
} satisfies Record<string, (settings: Settings) => boolean>
type Restricting = keyof typeof RESTRICTING

const NAMES = Object.keys(RESTRICTING) as Restricting[]

/** The directives of the unit for which its system calls are filtered, as unit files spell them. */
export function restrictingDirectives(settings: Settings): Restricting[] {
  return NAMES.filter(name => RESTRICTING[name](settings))
}

/** What those directives restrict. */
export function restrictionsOf(
  exec: ExecSettings,
  directives: readonly Restricting[],
): Restrictions {
  const is = (directive: Restricting) => directives.includes(directive)
  return {
    filter: exec.systemCallFilter,
    errorNumber: exec.systemCallErrorNumber,
    log: exec.systemCallLog,
    architectures: is('SystemCallArchitectures') ? new Set(exec.systemCallArchitectures) : null,
    addressFamilies: is('RestrictAddressFamilies') ? exec.restrictAddressFamilies : null,
    namespaces: is('RestrictNamespaces') ? exec.restrictNamespaces : null,
    realtime: is('RestrictRealtime'),
    suidSgid: is('RestrictSUIDSGID') || is('DynamicUser'),
    memoryDenyWriteExecute: is('MemoryDenyWriteExecute'),
    personality: is('LockPersonality') ? (exec.personality?.domain ?? PER_LINUX) : null,
    hostname: is('ProtectHostname'),
    sysctl: is('ProtectKernelTunables'),
    kernelModules: is('ProtectKernelModules'),
    kernelLogs: is('ProtectKernelLogs'),
    clock: is('ProtectClock'),
    rawIo: is('PrivateDevices'),
  }
}
