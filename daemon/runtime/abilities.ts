// What this machine allows: each need of a directive is tried, in a child that then ends, when somebody first asks for it.
// Names (of a container engine, of a kernel) tell nothing here: a seccomp profile or a security module may forbid what the
// capabilities would allow.
import { type Abilities, NEEDS, type Need } from '../units/directives/need.ts'
import { CAPABILITIES } from '../units/values/capability.ts'
import { appArmorProbe } from './apparmor.ts'
import { ownCapabilities } from './capabilities.ts'
import { CONTROLLERS } from './cgroups/attributes.ts'
import type { Cgroups } from './cgroups/cgroups.ts'
import { errnoOf, inWords, Shortage } from './failure.ts'
import type { Attempt, Native } from './native.ts'

const CLONE_NEWNS = 0x00020000
const CLONE_NEWUTS = 0x04000000
const CLONE_NEWIPC = 0x08000000
const CLONE_NEWUSER = 0x10000000
const CLONE_NEWPID = 0x20000000
const CLONE_NEWNET = 0x40000000
const MS_REC_SLAVE = 0x4000 | 0x80000
const MS_BIND_REC = 0x1000 | 0x4000
const MS_REMOUNT_BIND_RDONLY = 0x20 | 0x1000 | 0x1
const AT_FDCWD = -100
const O_WRONLY = 1
const PR_CAPBSET_DROP = 24
const PR_SET_NO_NEW_PRIVS = 38
const SECCOMP_SET_MODE_FILTER = 1
const SCHED_FIFO = 1
const RLIMIT_CORE = 4
const KEYCTL_JOIN_SESSION_KEYRING = 1
const BPF_MAP_CREATE = 0
const BPF_MAP_TYPE_ARRAY = 2

/** Values of the machine's own words, one after the other, as the kernel reads a structure or an array of them. */
const words = (...values: readonly number[]) => new Uint8Array(Uint32Array.from(values).buffer)
const longs = (...values: readonly bigint[]) => new Uint8Array(BigUint64Array.from(values).buffer)

const call = (name: string, ...args: Attempt['args']): Attempt => ({ call: name, args })
const unshare = (flags: number): Attempt => call('unshare', flags)

type CgroupNeed = Extract<Need, `cgroup${string}`>
type TriedNeed = Exclude<Need, CgroupNeed | 'bus'>
type Probe = {
  calls: readonly Attempt[]
  /** The capability that the calls take, for the reason. */
  capability?: string
  /** The reason when a file that the calls open is not there. */
  missing?: string
}

const PROBES: Readonly<Record<TriedNeed, Probe>> = {
  // As a sandbox is made: the tree is cut off, something is mounted, and a mount made read-only.
  'mount-namespace': {
    calls: [
      unshare(CLONE_NEWNS),
      call('mount', 0, '/', 0, MS_REC_SLAVE, 0),
      call('mount', '/', '/', 0, MS_BIND_REC, 0),
      call('mount', 'tmpfs', '/proc', 'tmpfs', 0, 0),
      call('mount', 0, '/proc', 0, MS_REMOUNT_BIND_RDONLY, 0),
    ],
    capability: 'CAP_SYS_ADMIN',
  },
  'network-namespace': { calls: [unshare(CLONE_NEWNET)], capability: 'CAP_SYS_ADMIN' },
  'ipc-namespace': { calls: [unshare(CLONE_NEWIPC)], capability: 'CAP_SYS_ADMIN' },
  'uts-namespace': {
    calls: [unshare(CLONE_NEWUTS), call('sethostname', 'probe', 5)],
    capability: 'CAP_SYS_ADMIN',
  },
  'user-namespace': { calls: [unshare(CLONE_NEWUSER)] },
  'pid-namespace': { calls: [unshare(CLONE_NEWPID)], capability: 'CAP_SYS_ADMIN' },
  // With a filter at no address the kernel gets as far as reading it (seccomp(2), which libseccomp probes by the same).
  seccomp: {
    calls: [
      call('prctl', PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
      { ...call('seccomp', SECCOMP_SET_MODE_FILTER, 0, 0), ignore: ['EFAULT'] },
    ],
  },
  capabilities: { calls: [call('prctl', PR_CAPBSET_DROP, 0, 0, 0, 0)], capability: 'CAP_SETPCAP' },
  setuid: {
    calls: [call('setgroups', 0, 0), call('setresgid', 1, 1, 1), call('setresuid', 1, 1, 1)],
    capability: 'CAP_SETUID',
  },
  chroot: { calls: [call('chroot', '/')], capability: 'CAP_SYS_CHROOT' },
  realtime: {
    calls: [call('sched_setscheduler', 0, SCHED_FIFO, words(1))],
    capability: 'CAP_SYS_NICE',
  },
  nice: { calls: [call('setpriority', 0, 0, -20)], capability: 'CAP_SYS_NICE' },
  'raise-limits': {
    calls: [
      call('prlimit64', 0, RLIMIT_CORE, longs(0n, 0n), 0),
      call('prlimit64', 0, RLIMIT_CORE, longs(0n, 1n), 0),
    ],
    capability: 'CAP_SYS_RESOURCE',
  },
  'oom-score': {
    calls: [
      call('openat', AT_FDCWD, '/proc/self/oom_score_adj', O_WRONLY, 0),
      call('write', { result: 0 }, '-1000', 5),
    ],
    capability: 'CAP_SYS_RESOURCE',
  },
  keyring: { calls: [call('keyctl', KEYCTL_JOIN_SESSION_KEYRING, 0)] },
  apparmor: { calls: appArmorProbe(), missing: 'AppArmor is not in force here' },
  inotify: { calls: [call('inotify_init1', 0)] },
  bpf: {
    calls: [call('bpf', BPF_MAP_CREATE, words(BPF_MAP_TYPE_ARRAY, 4, 4, 1), 16)],
    capability: 'CAP_BPF',
  },
}

const ERRNO_WORDS: Readonly<Record<string, string>> = {
  EINVAL: 'the kernel does not have it',
  ENOSYS: 'the kernel does not have it',
  ENOSPC: 'as many as are allowed exist already',
  EUSERS: 'as many as are allowed exist already',
}

function why(errno: string, capability: string | undefined): string {
  if (errno !== 'EPERM' && errno !== 'EACCES') return ERRNO_WORDS[errno] ?? inWords(errno)
  if (capability !== undefined) {
    const number = BigInt(CAPABILITIES.indexOf(capability))
    if (!((ownCapabilities() >> number) & 1n)) return `no ${capability}`
  }
  return 'forbidden by whoever runs this container'
}

/** An ordinary user has these rights over what a user namespace of his own holds. */
const INSIDE_USERS: ReadonlySet<Need> = new Set([
  'mount-namespace',
  'network-namespace',
  'ipc-namespace',
  'uts-namespace',
])
const mayInsideUsers = (native: Native, need: TriedNeed): boolean =>
  process.geteuid?.() !== 0 &&
  INSIDE_USERS.has(need) &&
  attempt(native, [unshare(CLONE_NEWUSER), ...PROBES[need].calls]) === null

function attempt(native: Native, calls: readonly Attempt[]): ReturnType<Native['attempt']> {
  try {
    return native.attempt(calls)
  } catch (error) {
    throw new Shortage(errnoOf(error))
  }
}

function tryOut(native: Native, need: TriedNeed): string | null {
  const { calls, capability, missing } = PROBES[need]
  const failed = attempt(native, calls)
  if (failed === null || mayInsideUsers(native, need)) return null
  if (missing !== undefined && (failed.errno === 'ENOENT' || failed.errno === 'EINVAL'))
    return missing
  return why(failed.errno, capability)
}

type CgroupsOrNot = Pick<Cgroups, 'root' | 'whyNot' | 'whyNoPrograms'> | { whyNot: string }

const isCgroupNeed = (need: Need): need is CgroupNeed => need.startsWith('cgroup')

/**
 * The abilities, each found out when it is first read and kept from then on. `cgroups` is where the units' cgroups are, or
 * why there are none, and `whyNoBus` why there is no message bus, which may come and go. To read one throws a Shortage as long as
 * there is no process to find it out by.
 */
export function createAbilities(
  native: Native,
  cgroups: CgroupsOrNot,
  whyNoBus: () => string | null = () => 'not asked for',
): Abilities {
  const found = new Map<Need, string | null>()
  const abilities = {} as Record<Need, string | null>
  for (const need of NEEDS) {
    Object.defineProperty(abilities, need, {
      enumerable: true,
      get() {
        if (need === 'bus') return whyNoBus()
        const known = found.get(need)
        if (known !== undefined) return known
        const reason = isCgroupNeed(need)
          ? cgroupReason(cgroups, need)
          : (tryOut(native, need) ?? (need === 'bpf' ? programReason(cgroups) : null))
        found.set(need, reason)
        return reason
      },
    })
  }
  return abilities
}

/** Those abilities, where nothing is started: what cannot be found out now is taken to be there. */
export function guessed(abilities: Abilities): Abilities {
  const guesses = {} as Record<Need, string | null>
  for (const need of NEEDS) {
    Object.defineProperty(guesses, need, {
      enumerable: true,
      get() {
        try {
          return abilities[need]
        } catch (error) {
          if (error instanceof Shortage) return null
          throw error
        }
      },
    })
  }
  return guesses
}

/** A program is put on a cgroup: that is tried in one of our own, and the daemon itself is in no danger from it once a child
 * may call bpf(2). */
function programReason(cgroups: CgroupsOrNot): string | null {
  if (!('root' in cgroups)) return cgroups.whyNot
  const errno = cgroups.whyNoPrograms()
  return errno && why(errno, 'CAP_NET_ADMIN')
}

function cgroupReason(cgroups: CgroupsOrNot, need: CgroupNeed): string | null {
  if (!('root' in cgroups)) return cgroups.whyNot
  const controller = CONTROLLERS.find(name => need === `cgroup-${name}`)
  return controller === undefined ? null : cgroups.whyNot(controller)
}
