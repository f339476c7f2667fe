// The restrictions of a unit as layers of rules, one for each filter that systemd would install; the last is the newest.
import type { Architecture } from '../../units/system-calls/names.ts'
import type {
  AddressFamilies,
  NamespaceType,
  SystemCallError,
  SystemCallLine,
} from '../../units/unit.ts'
import { filterLayer, logLayer } from './lists.ts'
import {
  familyRefusals,
  namespaceRefusals,
  type Refusal,
  realtimeRefusals,
  refuse,
  refuseAll,
  refuseGroup,
  suidRefusals,
  writeExecuteRefusals,
} from './refusals.ts'
import { isNoneOf, KILL, type Layer } from './rules.ts'

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

/** The layers for an architecture, in the order in which systemd installs its filters. */
export function layersOf(
  architecture: Architecture,
  native: Architecture,
  r: Restrictions,
): Layer[] {
  const refused = <T>(wanted: T | null | false, refusals: (wanted: T) => readonly Refusal[]) =>
    wanted === null || wanted === false ? [] : [refuse(architecture, refusals(wanted))]
  const { architectures } = r
  const isBlocked =
    architectures !== null && architecture !== native && !architectures.has(architecture)
  return [
    ...refused(r.hostname, () => refuseAll(['sethostname', 'setdomainname'])),
    // On x86 all of it goes through socketcall, with the family in memory.
    ...refused(architecture === 'x86' ? null : r.addressFamilies, familyRefusals),
    ...refused(r.memoryDenyWriteExecute, () => writeExecuteRefusals(architecture)),
    ...refused(r.realtime, realtimeRefusals),
    ...refused(r.suidSgid, suidRefusals),
    ...refused(r.namespaces, namespaceRefusals),
    ...refused(r.sysctl, () => refuseAll(['_sysctl'])),
    ...refused(r.kernelModules, () => refuseGroup('@module')),
    ...refused(r.kernelLogs, () => refuseAll(['syslog'])),
    ...refused(r.clock, () => refuseGroup('@clock')),
    ...refused(r.rawIo, () => refuseGroup('@raw-io')),
    ...(isBlocked ? [{ otherwise: KILL, calls: new Map() }] : []),
    ...refused(r.personality, only => [['personality', [isNoneOf(0, [only])]]]),
    ...[logLayer(architecture, r.log), filterLayer(architecture, r.filter, r.errorNumber)].filter(
      layer => layer !== null,
    ),
  ]
}
