// CapabilityBoundingSet=, AmbientCapabilities=, SecureBits= and NoNewPrivileges= as system calls of the child
// (systemd.exec(5), capabilities(7)).
import { readFileSync } from 'node:fs'
import type { Abilities } from '../units/directives/need.ts'
import type { ExecSettings } from '../units/unit.ts'
import { CAPABILITIES } from '../units/values/capability.ts'
import { EXIT } from './failure.ts'
import type { ChildCall } from './native.ts'

const PR_SET_KEEPCAPS = 8
const PR_CAPBSET_DROP = 24
const PR_SET_SECUREBITS = 28
const PR_SET_NO_NEW_PRIVS = 38
const PR_CAP_AMBIENT = 47
const PR_CAP_AMBIENT_RAISE = 2
const CAPABILITY_VERSION_3 = 0x20080522

export type Capabilities = {
  before: readonly ChildCall[]
  after: readonly ChildCall[]
  /** Ambient ones that are asked for and that the daemon itself does not have. */
  missing: readonly string[]
  /** Those that the bounding set of the unit does not have. */
  unbounded: readonly string[]
}

const NONE: Capabilities = { before: [], after: [], missing: [], unbounded: [] }

type Settings = Pick<
  ExecSettings,
  'capabilityBoundingSet' | 'ambientCapabilities' | 'secureBits' | 'noNewPrivileges'
>
const CAPABILITY_STEP = { step: 'CAPABILITIES', exitStatus: EXIT.capabilities }

/**
 * What the unit asks for, as calls before and after the change of user. `own` is what the daemon itself has. What the
 * container withholds is left out rather than fatal: most services that ask for it run without.
 */
export function capabilityCalls(
  exec: Settings,
  own: bigint,
  abilities: Pick<Abilities, 'capabilities'>,
): Capabilities {
  const { capabilityBoundingSet: bounding, noNewPrivileges } = exec
  const ambientWanted = exec.ambientCapabilities
  if (!bounding && ambientWanted.length === 0 && exec.secureBits === 0 && !noNewPrivileges)
    return NONE
  const before: ChildCall[] = []
  const after: ChildCall[] = []
  const isPermitted = abilities.capabilities === null

  if (bounding && isPermitted) {
    const kept = new Set(bounding)
    for (let number = 0; number < CAPABILITIES.length; number++) {
      if (kept.has(number)) continue
      // An older kernel does not know them all.
      before.push({
        ...prctl([PR_CAPBSET_DROP, number]),
        ...CAPABILITY_STEP,
        ignore: ['EINVAL'],
      })
    }
  }

  // One outside of the bounding set could not be raised; systemd leaves it out too.
  const isBounded = (number: number) => !bounding || bounding.includes(number)
  const isOwn = (number: number) => ((own >> BigInt(number)) & 1n) === 1n
  const ambient = ambientWanted.filter(number => isOwn(number) && isBounded(number))
  const secureBits = isPermitted ? exec.secureBits : 0

  if (ambient.length > 0 || secureBits !== 0) {
    // The change of user keeps what is permitted, and the capset makes it effective again. What is inheritable may be
    // ambient. The execve of an ordinary user's process takes all but the ambient ones; root keeps what it has.
    before.push({ ...prctl([PR_SET_KEEPCAPS, 1]), ...CAPABILITY_STEP })
    const header = new Uint8Array(new Uint32Array([CAPABILITY_VERSION_3, 0]).buffer)
    after.push({ call: 'capset', args: [header, capabilityData(ambient, own)], ...CAPABILITY_STEP })
    for (const number of ambient) {
      after.push({ ...prctl([PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number]), ...CAPABILITY_STEP })
    }
    if (secureBits !== 0) {
      after.push({
        ...prctl([PR_SET_SECUREBITS, secureBits]),
        step: 'SECUREBITS',
        exitStatus: EXIT.secureBits,
      })
    }
  }
  if (noNewPrivileges) {
    after.push(noNewPrivilegesCall())
  }
  return {
    before,
    after,
    missing: ambientWanted.filter(number => !isOwn(number)).map(nameOf),
    unbounded: ambientWanted.filter(number => !isBounded(number)).map(nameOf),
  }
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

const prctl = (args: readonly number[]) => ({
  call: 'prctl',
  args: [...args, 0, 0, 0, 0].slice(0, 5),
})

/** NoNewPrivileges=: nothing that is executed gains privileges any more. */
export const noNewPrivilegesCall = (): ChildCall => ({
  ...prctl([PR_SET_NO_NEW_PRIVS, 1]),
  step: 'NO_NEW_PRIVILEGES',
  exitStatus: EXIT.noNewPrivileges,
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
