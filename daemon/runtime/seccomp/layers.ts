// The restrictions of a unit as layers of rules, as systemd has them (systemd.exec(5)); the last one is the newest filter.
import { addressFamilyNumber } from '../../units/system-calls/address-families.ts'
import { mergeFilter, mergeLines, type SystemCallSet } from '../../units/system-calls/lines.ts'
import {
  type Architecture,
  systemCallNumber,
  systemCallsOf,
} from '../../units/system-calls/names.ts'
import type {
  AddressFamilies,
  NamespaceType,
  SystemCallError,
  SystemCallLine,
} from '../../units/unit.ts'
import { errnoNumber } from '../../units/values/errno.ts'
import { multiplexed } from './multiplexed.ts'
import {
  ALLOW,
  type Condition,
  failWith,
  hasAny,
  hasBits,
  isNoneOf,
  isOneOf,
  KILL,
  type Layer,
  LOG,
  type Rule,
  type Verdict,
} from './rules.ts'

export type Restrictions = {
  filter: readonly SystemCallLine[]
  errorNumber: SystemCallError
  log: readonly SystemCallLine[]
  /** Null: all; else those named, beside the machine's own. */
  architectures: ReadonlySet<string> | null
  addressFamilies: AddressFamilies | null
  /** The types that stay; null: all. */
  namespaces: readonly NamespaceType[] | null
  realtime: boolean
  suidSgid: boolean
  memoryDenyWriteExecute: boolean
  /** The only personality(2) that may be set; null: any. */
  personality: number | null
  hostname: boolean
  sysctl: boolean
  kernelModules: boolean
  kernelLogs: boolean
  clock: boolean
  rawIo: boolean
}

const NAMESPACE_FLAGS: Readonly<Record<NamespaceType, number>> = {
  cgroup: 0x02000000,
  ipc: 0x08000000,
  net: 0x40000000,
  mnt: 0x00020000,
  pid: 0x20000000,
  user: 0x10000000,
  uts: 0x04000000,
}
const CLONE_NEWTIME = 0x80
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
type Refusal = readonly [call: string, conditions: readonly Condition[], verdict?: Verdict]

/** Everything is allowed but the refusals; calls that the architecture does not have are left out. */
function refuse(architecture: Architecture, refusals: readonly Refusal[]): Layer {
  const calls = new Map<number, Rule[]>()
  for (const [name, conditions, verdict = EPERM] of refusals) {
    const number = systemCallNumber(name, architecture)
    if (number === null) continue
    calls.set(number, [...(calls.get(number) ?? []), { conditions, verdict }])
  }
  return { otherwise: ALLOW, calls }
}

const refuseAll = (names: readonly string[]): Refusal[] => names.map(name => [name, []])

function familyRefusals({ allow, families }: AddressFamilies): Refusal[] {
  const numbers = families.map(addressFamilyNumber)
  const refused = allow ? isNoneOf(0, numbers) : isOneOf(0, numbers)
  return [['socket', [refused], errno('EAFNOSUPPORT')]]
}

/** clone3 has its flags in memory, where no filter sees them: ENOSYS makes programs fall back to clone. */
function namespaceRefusals(allowed: readonly NamespaceType[]): Refusal[] {
  const types = Object.keys(NAMESPACE_FLAGS) as NamespaceType[]
  const refused = types.filter(type => !allowed.includes(type))
  if (refused.length === 0) return []
  const flags = refused.reduce((all, type) => all | NAMESPACE_FLAGS[type], 0)
  const isAll = allowed.length === 0
  return [
    ['clone3', [], ENOSYS],
    ['clone', [hasAny(0, flags)]],
    // Time namespaces have no name here, and in clone their flag is a part of the signal.
    ['unshare', [hasAny(0, isAll ? flags | CLONE_NEWTIME : flags)]],
    // Without a type setns enters whatever the descriptor is.
    ['setns', isAll ? [] : [isOneOf(1, [0])]],
    ...(isAll ? [] : [['setns', [hasAny(1, flags)]] as const]),
  ]
}

/** On x86 mmap itself has its arguments in memory, and shmat is a part of ipc as well. */
function writeExecuteRefusals(architecture: Architecture): Refusal[] {
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

const suidRefusals = (): Refusal[] => [
  ['openat2', [], ENOSYS],
  ...MODES.map(([call, mode]): Refusal => [call, [hasAny(mode, S_ISUID | S_ISGID)]]),
  ['open', [hasAny(1, O_CREAT | O_TMPFILE), hasAny(2, S_ISUID | S_ISGID)]],
  ['openat', [hasAny(2, O_CREAT | O_TMPFILE), hasAny(3, S_ISUID | S_ISGID)]],
]

/** The calls of a set with what becomes of each; on x86 also as parts of the calls that many others go through. */
function listLayer(
  architecture: Architecture,
  { calls }: SystemCallSet,
  otherwise: Verdict,
  verdictOf: (error: SystemCallError | null) => Verdict,
): Layer {
  const rules = new Map<number, Rule[]>()
  const parts = new Map<number, Rule[]>()
  for (const [name, error] of calls) {
    const number = systemCallNumber(name, architecture)
    const verdict = verdictOf(error)
    if (number !== null) rules.set(number, [{ conditions: [], verdict }])
    const part = architecture === 'x86' ? multiplexed(name) : null
    const through = part && systemCallNumber(part.call, architecture)
    if (!part || through === null) continue
    const condition = isOneOf(0, [part.number], part.mask)
    parts.set(through, [...(parts.get(through) ?? []), { conditions: [condition], verdict }])
  }
  for (const [number, some] of parts)
    rules.set(number, [...joined(some), ...(rules.get(number) ?? [])])
  return { otherwise, calls: rules }
}

/** Rules with one condition on the same argument and of the same verdict are one. */
function joined(rules: readonly Rule[]): Rule[] {
  const byVerdict = new Map<Verdict, number[]>()
  for (const { conditions, verdict } of rules)
    byVerdict.set(verdict, [...(byVerdict.get(verdict) ?? []), ...(conditions[0]?.values ?? [])])
  const mask = rules[0]?.conditions[0]?.mask
  return [...byVerdict].map(([verdict, values]) => ({
    conditions: [isOneOf(0, values, mask)],
    verdict,
  }))
}

/** SystemCallFilter= with SystemCallErrorNumber=. */
function filterLayer(architecture: Architecture, restrictions: Restrictions): Layer | null {
  const set = mergeFilter(restrictions.filter)
  if (set === null || (!set.allow && set.calls.size === 0)) return null
  const refused = verdictOfError(restrictions.errorNumber)
  const listed = set.allow ? ALLOW : refused
  return listLayer(architecture, set, set.allow ? refused : ALLOW, error =>
    error === null ? listed : verdictOfError(error),
  )
}

const verdictOfError = (error: SystemCallError): Verdict =>
  error === 'kill' ? KILL : failWith(error)

function logLayer(architecture: Architecture, lines: readonly SystemCallLine[]): Layer | null {
  const set = mergeLines(lines)
  if (set === null) return null
  const [listed, otherwise] = set.allow ? [LOG, ALLOW] : [ALLOW, LOG]
  return listLayer(architecture, set, otherwise, () => listed)
}

/** Calls of the group, without arguments looked at. */
const refuseGroup = (group: string) => refuseAll(systemCallsOf(group) ?? [])

/** The layers for an architecture, in the order in which systemd installs its filters. */
export function layersOf(
  architecture: Architecture,
  native: Architecture,
  r: Restrictions,
): Layer[] {
  const refused = (isWanted: boolean, refusals: () => readonly Refusal[]): Layer[] =>
    isWanted ? [refuse(architecture, refusals())] : []
  const { addressFamilies, namespaces, architectures, personality } = r
  const isBlocked =
    architectures !== null && architecture !== native && !architectures.has(architecture)
  return [
    ...refused(r.hostname, () => refuseAll(['sethostname', 'setdomainname'])),
    // On x86 all of it goes through socketcall, with the family in memory.
    ...refused(addressFamilies !== null && architecture !== 'x86', () =>
      familyRefusals(addressFamilies as AddressFamilies),
    ),
    ...refused(r.memoryDenyWriteExecute, () => writeExecuteRefusals(architecture)),
    ...refused(r.realtime, () => [['sched_setscheduler', [isNoneOf(1, ORDINARY_POLICIES)]]]),
    ...refused(r.suidSgid, suidRefusals),
    ...refused(namespaces !== null, () => namespaceRefusals(namespaces ?? [])),
    ...refused(r.sysctl, () => refuseAll(['_sysctl'])),
    ...refused(r.kernelModules, () => refuseGroup('@module')),
    ...refused(r.kernelLogs, () => refuseAll(['syslog'])),
    ...refused(r.clock, () => refuseGroup('@clock')),
    ...refused(r.rawIo, () => refuseGroup('@raw-io')),
    ...(isBlocked ? [{ otherwise: KILL, calls: new Map() }] : []),
    ...refused(personality !== null, () => [['personality', [isNoneOf(0, [personality ?? 0])]]]),
    ...[logLayer(architecture, r.log), filterLayer(architecture, r)].filter(
      layer => layer !== null,
    ),
  ]
}
