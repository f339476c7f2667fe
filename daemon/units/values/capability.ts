// Capabilities by name (capabilities(7)), and the sets that CapabilityBoundingSet= and AmbientCapabilities= give.
import type { Parse } from './parse.ts'
import { words } from './words.ts'

/** Numbered from 0 (linux/capability.h). */
export const CAPABILITIES: readonly string[] = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP ' +
  'MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
)
  .split(' ')
  .map(name => `CAP_${name}`)

/** The number of a capability by its name, in any case, or a decimal number as the kernel counts them; null: none. */
export function capabilityNumber(text: string): number | null {
  if (/^\d{1,2}$/.test(text)) return Number(text) < CAPABILITIES.length ? Number(text) : null
  const at = CAPABILITIES.indexOf(text.toUpperCase())
  return at < 0 ? null : at
}

/** One assignment: `A B`, or `~A B` for all but these. Names that are none are left out with a warning. */
export const capabilities: Parse<{ inverted: boolean; numbers: readonly number[] }> = (
  text,
  context,
) => {
  const inverted = text.startsWith('~')
  return words(inverted ? text.slice(1) : text).map(names => {
    const numbers: number[] = []
    for (const name of names) {
      const number = capabilityNumber(name)
      if (number === null) context.warn(`${name} is no capability, left out`)
      else numbers.push(number)
    }
    return { inverted, numbers }
  })
}

/**
 * What an assignment makes of the set before it (systemd.exec(5), CapabilityBoundingSet=): names add to it, `~` takes
 * away; `~` first takes away from all of them, and `~` alone gives all.
 */
export function mergeCapabilities(
  before: readonly number[] | null,
  { inverted, numbers }: { inverted: boolean; numbers: readonly number[] },
): readonly number[] {
  if (inverted && numbers.length === 0) return [...CAPABILITIES.keys()]
  const set = new Set(before ?? (inverted ? CAPABILITIES.keys() : []))
  for (const number of numbers) {
    if (inverted) set.delete(number)
    else set.add(number)
  }
  return [...set].sort((a, b) => a - b)
}

/** As `ctl show` prints a set. */
export const capabilityNames = (numbers: readonly number[]) =>
  numbers.map(number => (CAPABILITIES[number] ?? `${number}`).toLowerCase()).join(' ')
