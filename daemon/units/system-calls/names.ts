// System calls and groups of them by name (systemd.exec(5), SYSTEM CALL FILTERING).
import { BEYOND_KNOWN, GROUPS } from './groups.ts'
import { TABLE } from './table.ts'

/** Ways into the kernel, by systemd's names (systemd.unit(5), ConditionArchitecture=; and x32). */
export type Architecture = 'x86-64' | 'x86' | 'x32' | 'arm64' | 'arm'
const COLUMNS: readonly Architecture[] = ['x86-64', 'x86', 'x32', 'arm64', 'arm']

/** All identifiers that SystemCallArchitectures= takes: systemd's names, whether or not this machine has them. */
export const ARCHITECTURE_NAMES: readonly string[] = (
  'native x86 x86-64 x32 arm arm-be arm64 arm64-be alpha arc arc-be cris ia64 loongarch64 m68k mips mips-le mips64 ' +
  'mips64-le mips64-n32 mips64-le-n32 nios2 parisc parisc64 ppc ppc-le ppc64 ppc64-le riscv32 riscv64 s390 s390x sh ' +
  'sh64 sparc sparc64 tilegx'
).split(' ')

/** What systemd 253 to 257 have put into the groups since, and what has come into the kernel after them by its kind. */
const NEWER_MEMBERS: Readonly<Record<string, string>> = {
  '@default':
    'futex_requeue futex_wait futex_wake lsm_get_self_attr lsm_list_modules map_shadow_stack mseal',
  '@file-system':
    'cachestat file_getattr file_setattr getxattrat listmount listxattrat removexattrat setxattrat statmount',
  '@mount': 'open_tree_attr',
  '@sandbox': 'landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp',
  '@system-service': '@sandbox',
}
const NEWER_GROUPS: Readonly<Record<string, string>> = {
  '@sandbox': 'System calls used for sandboxing',
}
const KNOWN_HELP = 'All known syscalls declared in the kernel'

export type SystemCallGroup = {
  name: string
  help: string
  /** System calls and other groups. */
  members: readonly string[]
  /** Those that systemd 252 does not have in it. */
  newer: readonly string[]
}

const words = (text: string | undefined) => (text ? text.split(' ') : [])

type Tables = {
  numbers: ReadonlyMap<string, readonly (number | null)[]>
  groups: ReadonlyMap<string, SystemCallGroup>
}
let read: Tables | null = null

/** Read when they are first asked for: most daemons have no unit that filters. */
function tables(): Tables {
  read ??= { numbers: readNumbers(), groups: readGroups() }
  return read
}

function readNumbers(): Map<string, readonly (number | null)[]> {
  const numbers = new Map<string, readonly (number | null)[]>()
  for (const line of TABLE.trim().split('\n')) {
    const [name = '', ...columns] = line.split(' ')
    const read = columns.map(column => (column === '-' ? null : Number(column)))
    numbers.set(name, read.length === 1 ? COLUMNS.map(() => read[0] ?? null) : read)
  }
  return numbers
}

function readGroups(): Map<string, SystemCallGroup> {
  const groups = new Map<string, SystemCallGroup>()
  const add = (name: string, help: string, known: readonly string[]) => {
    const newer = words(NEWER_MEMBERS[name]).filter(member => !known.includes(member))
    groups.set(name, { name, help, members: [...known, ...newer].sort(), newer })
  }
  const lines = GROUPS.trim().split('\n')
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [name = '', ...help] = words(lines[i])
    add(name, help.join(' '), words(lines[i + 1]))
  }
  for (const name of Object.keys(NEWER_GROUPS)) add(name, NEWER_GROUPS[name] ?? '', [])
  return groups
}

/** The group of that name (with its `@`), or null. @known is all that the table has, but for what no kernel does any more. */
export function systemCallGroup(name: string): SystemCallGroup | null {
  if (name !== '@known') return tables().groups.get(name) ?? null
  const beyond = new Set(words(BEYOND_KNOWN))
  const members = [...tables().numbers.keys()].filter(call => !beyond.has(call))
  return { name, help: KNOWN_HELP, members, newer: [] }
}

/** All groups' names, in systemd's order. */
export const systemCallGroups = (): string[] => [...tables().groups.keys(), '@known']

export const systemCallNames = (): Iterable<string> => tables().numbers.keys()

const expanded = new Map<string, readonly string[]>()

/** The system calls that a name or a group means, groups within it followed; null: there is none of that name. */
export function systemCallsOf(name: string): readonly string[] | null {
  if (!name.startsWith('@')) return tables().numbers.has(name) ? [name] : null
  const known = expanded.get(name)
  if (known) return known
  const group = systemCallGroup(name)
  if (group === null) return null
  const calls = new Set(group.members.flatMap(member => systemCallsOf(member) ?? []))
  const all = [...calls]
  expanded.set(name, all)
  return all
}

/** What the architecture knows the call by; null: it has none of that name. x32's are without the bit that marks them. */
export const systemCallNumber = (name: string, architecture: Architecture): number | null =>
  tables().numbers.get(name)?.[COLUMNS.indexOf(architecture)] ?? null
