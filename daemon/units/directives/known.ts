// Directives that hearth knows by name: kept as text, so that `ctl show` and `ctl verify` can tell them.
import { type Directive, ignored, kept } from './directive.ts'

const names = (text: string) => text.trim().split(/\s+/)

/** systemd.exec(5): sandboxing, scheduling, terminals, credentials. */
const EXEC = names(`
RootImage RootImageOptions RootImagePolicy RootEphemeral RootHash RootHashSignature RootVerity RootMStack
ExtensionDirectories ExtensionImages ExtensionImagePolicy MountImages MountImagePolicy
PrivateBPF UserNamespacePath
SELinuxContext SmackProcessLabel StateDirectoryQuota CacheDirectoryQuota
LogsDirectoryQuota StateDirectoryAccounting CacheDirectoryAccounting LogsDirectoryAccounting MemoryTHP`)

/** systemd.resource-control(5). */
const RESOURCES = names(`
MemoryKSM MemoryPressureWatch MemoryPressureThresholdSec CPUPressureWatch CPUPressureThresholdSec IOPressureWatch
IOPressureThresholdSec IPAccounting IPIngressFilterPath IPEgressFilterPath ManagedOOMSwap ManagedOOMMemoryPressure
ManagedOOMMemoryPressureLimit ManagedOOMMemoryPressureDurationSec ManagedOOMPreference BPFProgram BindNetworkInterface NFTSet CoredumpReceive CPUSetPartition`)

const NO_LOGIN = 'nobody logs in through a service of a container: no login is recorded'
const INERT: readonly (readonly [name: string, note: string])[] = [
  ['UtmpIdentifier', NO_LOGIN],
  ['UtmpMode', NO_LOGIN],
  ['BindLogSockets', 'there are no sockets of a journal'],
]

/** Why they are not carried out, where it is more than that nobody has done it yet. */
const NOTES: readonly (readonly [note: string, directives: string])[] = [
  [
    'images are not mounted: unpack it, and name the directory by RootDirectory= or BindReadOnlyPaths=',
    `RootImage RootImageOptions RootImagePolicy RootEphemeral RootHash RootHashSignature RootVerity RootMStack MountImages
    MountImagePolicy ExtensionImages ExtensionImagePolicy ExtensionDirectories`,
  ],
  [
    'no systemd-oomd watches beside hearth',
    `ManagedOOMSwap ManagedOOMMemoryPressure ManagedOOMMemoryPressureLimit ManagedOOMMemoryPressureDurationSec
    ManagedOOMPreference`,
  ],
  [
    'of programs in the kernel there are hearth’s own alone, those of DeviceAllow=, IPAddressDeny= and their like',
    `IPAccounting IPIngressFilterPath IPEgressFilterPath BPFProgram
    BindNetworkInterface`,
  ],
  ['the SELinux security module is not used', 'SELinuxContext'],
  ['the Smack security module is not used', 'SmackProcessLabel'],
  [
    'directories have no quotas',
    `StateDirectoryQuota CacheDirectoryQuota LogsDirectoryQuota StateDirectoryAccounting CacheDirectoryAccounting
    LogsDirectoryAccounting`,
  ],
]
let notes: Map<string, string> | null = null
function noteOf(name: string): string | null {
  notes ??= new Map(NOTES.flatMap(([note, those]) => names(those).map(one => [one, note] as const)))
  return notes.get(name) ?? null
}

/** Why nothing of a section is carried out. */
const SECTION_NOTES: Readonly<Record<string, string>> = {
  Automount: 'the path is mounted as soon as the unit is started, not when it is first used',
  Scope: 'scopes are made by programs through systemd’s bus alone',
}

/** Rows by name that are made when they are asked for: there are hundreds, and few are in use. */
export type LazyRows = { names: () => Iterable<string>; row: (name: string) => Directive | null }

/** Those without which a unit is less confined than its file says. */
const SECURITY = new Set(
  names(`
PrivateBPF UserNamespacePath RootImage RootVerity RootHash SELinuxContext
SmackProcessLabel IPIngressFilterPath IPEgressFilterPath
BPFProgram NFTSet`),
)

const textRows = (
  modern: readonly string[],
  aliases: Readonly<Record<string, readonly string[]>>,
): LazyRows => {
  let index: Map<string, string> | null = null
  const modernName = (name: string): string | undefined => {
    if (index === null) {
      index = new Map(modern.map(known => [known, known]))
      for (const known of Object.keys(aliases))
        for (const alias of aliases[known] ?? []) index.set(alias, known)
    }
    return index.get(name)
  }
  return {
    names: () => modern,
    row: name => {
      const known = modernName(name)
      if (known === undefined) return null
      const inert = INERT.find(([inertName]) => inertName === known)
      if (inert) return kept(known, 'inert', inert[1])
      const security = SECURITY.has(known)
      return kept(known, 'not-enforced', noteOf(known), aliases[known] ?? [], { security })
    },
  }
}

export const knownExecDirectives = (): LazyRows =>
  textRows([...new Set([...EXEC, ...INERT.map(([name]) => name)])], {})

export const knownResourceDirectives = (): LazyRows => textRows(RESOURCES, {})

/** The sections of unit types that are known and not carried out: their own directives, beside those they share. */
export const OTHER_SECTIONS: Readonly<Record<string, readonly string[]>> = {
  Automount: names('Where ExtraOptions DirectoryMode TimeoutIdleSec'),
  Slice: names('ConcurrencyHardMax ConcurrencySoftMax'),
  Scope: names('RuntimeMaxSec RuntimeRandomizedExtraSec TimeoutStopSec OOMPolicy'),
}

export const otherDirectives = (section: string): Directive[] =>
  (OTHER_SECTIONS[section] ?? []).map(name =>
    ignored(
      name,
      // The name of the unit says where; what is mounted is not given up again.
      section === 'Automount' ? 'inert' : 'not-enforced',
      SECTION_NOTES[section] ?? null,
    ),
  )
