// What single restrictions refuse, as systemd has them (systemd.exec(5), SANDBOXING): the rest is allowed.
import { addressFamilyNumber } from '../../units/system-calls/address-families.ts'
import {
  type Architecture,
  systemCallNumber,
  systemCallsOf,
} from '../../units/system-calls/names.ts'
import type { AddressFamilies, NamespaceType } from '../../units/unit.ts'
import { errnoNumber } from '../../units/values/errno.ts'
import {
  ALLOW,
  type Condition,
  failWith,
  hasAny,
  hasBits,
  isNoneOf,
  isOneOf,
  type Layer,
  type Rule,
  type Verdict,
} from './rules.ts'

const NAMESPACE_FLAGS: Readonly<Record<NamespaceType, number>> = {
  cgroup: 0x02000000,
  ipc: 0x08000000,
  net: 0x40000000,
  mnt: 0x00020000,
  pid: 0x20000000,
  user: 0x10000000,
  uts: 0x04000000,
  // In clone's flags a part of the signal, which no signal has.
  time: 0x80,
}
const ORDINARY_POLICIES = [0, 3, 5]
const PROT_WRITE = 2
const PROT_EXEC = 4
const SHM_EXEC = 0x8000
const O_CREAT = 0x40
const O_TMPFILE = 0x400000
const S_ISUID = 0o4000
const S_ISGID = 0o2000
const SHMAT = 21
const IPC_CALL = 0xffff

const errno = (name: string): Verdict => failWith(errnoNumber(name) ?? 0)
const EPERM = errno('EPERM')
const ENOSYS = errno('ENOSYS')

/** `[call, conditions]`, refused with EPERM or with the verdict behind. */
export type Refusal = readonly [call: string, conditions: readonly Condition[], verdict?: Verdict]

/** Everything is allowed but the refusals; calls that the architecture does not have are left out. */
export function refuse(architecture: Architecture, refusals: readonly Refusal[]): Layer {
  const calls = new Map<number, Rule[]>()
  for (const [name, conditions, verdict = EPERM] of refusals) {
    const number = systemCallNumber(name, architecture)
    if (number === null) continue
    calls.set(number, [...(calls.get(number) ?? []), { conditions, verdict }])
  }
  return { otherwise: ALLOW, calls }
}

export const refuseAll = (names: readonly string[]): Refusal[] => names.map(name => [name, []])

export function familyRefusals({ allow, families }: AddressFamilies): Refusal[] {
  const numbers = families.map(addressFamilyNumber)
  const refused = allow ? isNoneOf(0, numbers) : isOneOf(0, numbers)
  return [['socket', [refused], errno('EAFNOSUPPORT')]]
}

/** clone3 has its flags in memory, where no filter sees them: ENOSYS makes programs fall back to clone. */
export function namespaceRefusals(allowed: readonly NamespaceType[]): Refusal[] {
  const types = Object.keys(NAMESPACE_FLAGS) as NamespaceType[]
  const refused = types.filter(type => !allowed.includes(type))
  if (refused.length === 0) return []
  const flags = refused.reduce((all, type) => all | NAMESPACE_FLAGS[type], 0)
  const isAll = allowed.length === 0
  return [
    ['clone3', [], ENOSYS],
    ['clone', [hasAny(0, flags)]],
    ['unshare', [hasAny(0, flags)]],
    // Without a type setns enters whatever the descriptor is.
    ...(isAll
      ? refuseAll(['setns'])
      : ([
          ['setns', [isOneOf(1, [0])]],
          ['setns', [hasAny(1, flags)]],
        ] as const)),
  ]
}

export const realtimeRefusals = (): Refusal[] => [
  ['sched_setscheduler', [isNoneOf(1, ORDINARY_POLICIES)]],
]

/** On x86 mmap itself has its arguments in memory, and shmat is a part of ipc as well. */
export function writeExecuteRefusals(architecture: Architecture): Refusal[] {
  const isOld = architecture === 'x86'
  const map = hasBits(2, PROT_WRITE | PROT_EXEC)
  return [
    [architecture === 'arm' || isOld ? 'mmap2' : 'mmap', [map]],
    ...(isOld ? refuseAll(['mmap']) : []),
    ['mprotect', [hasAny(2, PROT_EXEC)]],
    ['pkey_mprotect', [hasAny(2, PROT_EXEC)]],
    ['shmat', [hasAny(2, SHM_EXEC)]],
    ...(isOld ? [['ipc', [isOneOf(0, [SHMAT], IPC_CALL), hasAny(2, SHM_EXEC)]] as const] : []),
  ]
}

/** Calls that give a file a mode, by the argument that it is; openat2 has it in memory. */
const MODES: readonly (readonly [call: string, mode: number])[] = [
  ['chmod', 1],
  ['fchmod', 1],
  ['fchmodat', 2],
  ['fchmodat2', 2],
  ['mkdir', 1],
  ['mkdirat', 2],
  ['mknod', 1],
  ['mknodat', 2],
  ['creat', 1],
]

export const suidRefusals = (): Refusal[] => [
  ['openat2', [], ENOSYS],
  ...MODES.map(([call, mode]): Refusal => [call, [hasAny(mode, S_ISUID | S_ISGID)]]),
  ['open', [hasAny(1, O_CREAT | O_TMPFILE), hasAny(2, S_ISUID | S_ISGID)]],
  ['openat', [hasAny(2, O_CREAT | O_TMPFILE), hasAny(3, S_ISUID | S_ISGID)]],
]

/** Calls of the group, without arguments looked at. */
export const refuseGroup = (group: string) => refuseAll(systemCallsOf(group) ?? [])
