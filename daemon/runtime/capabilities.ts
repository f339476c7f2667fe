// AmbientCapabilities=, CapabilityBoundingSet= and NoNewPrivileges= as system calls of the child (capabilities(7)).
import { readFileSync } from 'node:fs'
import type { ExecSettings } from '../units/unit.ts'
import { isTruth } from './comparison.ts'
import { EXIT } from './failure.ts'
import type { ChildCall } from './native.ts'

/** Numbered from 0 (linux/capability.h). */
export const CAPABILITIES: readonly string[] = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP ' +
  'MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
)
  .split(' ')
  .map(name => `CAP_${name}`)

const PR_SET_KEEPCAPS = 8
const PR_CAPBSET_DROP = 24
const PR_SET_NO_NEW_PRIVS = 38
const PR_CAP_AMBIENT = 47
const PR_CAP_AMBIENT_RAISE = 2
const CAPABILITY_VERSION_3 = 0x20080522

export type Capabilities = {
  before: readonly ChildCall[]
  after: readonly ChildCall[]
  /** Ambient ones that are asked for and that the daemon itself does not have. */
  missing: readonly string[]
}

const NONE: Capabilities = { before: [], after: [], missing: [] }

/** What the unit asks for, as calls. A capability that the container withholds is left out rather than fatal, and told:
 * most services that ask for one run without. */
export function capabilityCalls(exec: ExecSettings, own: bigint): Capabilities {
  const { AmbientCapabilities, CapabilityBoundingSet, NoNewPrivileges } = exec.other
  if (!AmbientCapabilities && !CapabilityBoundingSet && !NoNewPrivileges) return NONE
  const before: ChildCall[] = []
  const after: ChildCall[] = []

  const bounding = CapabilityBoundingSet && parseCapabilitySet(CapabilityBoundingSet)
  if (bounding) {
    for (let number = 0; number < CAPABILITIES.length; number++) {
      if (bounding.has(number)) continue
      before.push(prctl([PR_CAPBSET_DROP, number], EXIT.capabilities, 'CAPABILITIES', 'all'))
    }
  }

  const wanted = [...(AmbientCapabilities ? parseCapabilitySet(AmbientCapabilities) : [])]
  const ambient = wanted.filter(number => (own >> BigInt(number)) & 1n)
  if (ambient.length > 0) {
    before.push(prctl([PR_SET_KEEPCAPS, 1], EXIT.capabilities, 'CAPABILITIES'))
    // What is inheritable may be ambient. Nothing is taken from the permitted set here: the execve of an ordinary
    // user's process does that, and root keeps what it has.
    const header = new Uint8Array(new Uint32Array([CAPABILITY_VERSION_3, 0]).buffer)
    const step = { step: 'CAPABILITIES', exitStatus: EXIT.capabilities }
    after.push({ call: 'capset', args: [header, capabilityData(ambient, own)], ...step })
    for (const number of ambient) {
      after.push(
        prctl([PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number], EXIT.capabilities, 'CAPABILITIES'),
      )
    }
  }

  if (isTruth(NoNewPrivileges?.at(-1) ?? '')) {
    after.push(prctl([PR_SET_NO_NEW_PRIVS, 1], EXIT.noNewPrivileges, 'NO_NEW_PRIVILEGES'))
  }
  return { before, after, missing: wanted.filter(number => !ambient.includes(number)).map(nameOf) }
}

/** struct __user_cap_data_struct[2]: effective, permitted, inheritable, of the lower and the upper 32. */
function capabilityData(inheritable: readonly number[], own: bigint): Uint8Array {
  let mask = 0n
  for (const number of inheritable) mask |= 1n << BigInt(number)
  const words = new Uint32Array(6)
  for (const [half, shift] of [0n, 32n].entries()) {
    words[half * 3] = Number((own >> shift) & 0xffffffffn)
    words[half * 3 + 1] = Number((own >> shift) & 0xffffffffn)
    words[half * 3 + 2] = Number((mask >> shift) & 0xffffffffn)
  }
  return new Uint8Array(words.buffer)
}

const nameOf = (number: number) => CAPABILITIES[number] ?? `${number}`

/** A list of sets as assignments are merged: `A B` adds, `~A` takes away, `~` first begins with all (systemd.exec(5)). */
export function parseCapabilitySet(assignments: readonly string[]): Set<number> {
  let set: Set<number> | null = null
  for (const assignment of assignments) {
    const inverted = assignment.trimStart().startsWith('~')
    const numbers = assignment
      .replace('~', '')
      .split(/\s+/)
      .map(name => CAPABILITIES.indexOf(name.toUpperCase()))
      .filter(number => number >= 0)
    set ??= new Set(inverted ? CAPABILITIES.keys() : [])
    for (const number of numbers) {
      if (inverted) set.delete(number)
      else set.add(number)
    }
  }
  return set ?? new Set()
}

const prctl = (
  args: readonly number[],
  exitStatus: number,
  step: string,
  ignore?: 'all',
): ChildCall => ({
  call: 'prctl',
  args: [...args, 0, 0, 0, 0].slice(0, 5),
  step,
  exitStatus,
  ...(ignore && { ignore }),
})

/** Our own capabilities that a child may be given: permitted, and not cut off by the bounding set. */
export function ownCapabilities(): bigint {
  try {
    const status = readFileSync('/proc/self/status', 'latin1')
    const mask = (name: string) =>
      BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1] ?? '0'}`)
    return mask('CapPrm') & mask('CapBnd')
  } catch {
    return 0n
  }
}
