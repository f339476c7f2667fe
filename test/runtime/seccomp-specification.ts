// What systemd.exec(5) says of a system call under a unit's restrictions, call by call and without any program: the words of
// the manual, to hold the compiled filters against.

import type { Restrictions } from '../../daemon/runtime/seccomp/layers.ts'
import { addressFamilyNumber } from '../../daemon/units/system-calls/address-families.ts'
import {
  type Architecture,
  systemCallNames,
  systemCallNumber,
  systemCallsOf,
} from '../../daemon/units/system-calls/names.ts'
import type { SystemCallError, SystemCallLine } from '../../daemon/units/unit.ts'

/** `kill`, `allow`, `log` or an error's number. */
export type Fate = SystemCallError | 'log' | 'allow'

/** No restriction at all. */
export const NOTHING: Restrictions = {
  filter: [],
  errorNumber: 'kill',
  log: [],
  architectures: null,
  addressFamilies: null,
  namespaces: null,
  realtime: false,
  suidSgid: false,
  memoryDenyWriteExecute: false,
  personality: null,
  hostname: false,
  sysctl: false,
  kernelModules: false,
  kernelLogs: false,
  clock: false,
  rawIo: false,
}

const EPERM = 1
const ENOSYS = 38
const EAFNOSUPPORT = 97
const FLAGS = {
  cgroup: 0x02000000,
  ipc: 0x08000000,
  net: 0x40000000,
  mnt: 0x20000,
  pid: 0x20000000,
  user: 0x10000000,
  uts: 0x04000000,
  time: 0x80,
}

/** What the lines say of one call: undefined when it is not listed. */
function listed(
  lines: readonly SystemCallLine[],
  name: string,
): SystemCallError | null | undefined {
  const allow = lines[0]?.inverted === false
  let found: SystemCallError | null | undefined =
    allow && systemCallsOf('@default')?.includes(name) ? null : undefined
  for (const { inverted, calls } of lines) {
    for (const { name: word, error } of calls) {
      if (!systemCallsOf(word)?.includes(name)) continue
      if (error !== null) found = error
      else found = inverted === allow ? undefined : null
    }
  }
  return found
}

function byFilter({ filter, errorNumber }: Restrictions, name: string): Fate {
  const [first] = filter
  if (first === undefined) return 'allow'
  const error = listed(filter, name)
  if (first.inverted) return error === undefined ? 'allow' : (error ?? errorNumber)
  return error === undefined ? errorNumber : (error ?? 'allow')
}

function byLog({ log }: Restrictions, name: string): Fate {
  const [first] = log
  if (first === undefined) return 'allow'
  let isListed = false
  for (const { inverted, calls } of log)
    for (const { name: word } of calls)
      if (systemCallsOf(word)?.includes(name)) isListed = inverted === first.inverted
  return isListed === !first.inverted ? 'log' : 'allow'
}

/** The parts of a call that stands for several on x86; the others are themselves. */
const SOCKETCALLS =
  '- socket bind connect listen accept getsockname getpeername socketpair send recv sendto recvfrom shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg'.split(
    ' ',
  )
const IPCS =
  '- semop semget semctl semtimedop - - - - - - msgsnd msgrcv msgget msgctl - - - - - - shmat shmdt shmget shmctl'.split(
    ' ',
  )

function meant(architecture: Architecture, name: string, first: number): string | null {
  if (architecture !== 'x86') return null
  const part = (all: readonly string[], index: number) =>
    all[index] === '-' ? null : (all[index] ?? null)
  if (name === 'socketcall') return part(SOCKETCALLS, first)
  if (name === 'ipc') return part(IPCS, first & 0xffff)
  return null
}

/** The fates that the directives decree, the last filter first; `args` are the lower halves of the arguments. */
export function fatesOf(
  r: Restrictions,
  architecture: Architecture,
  native: Architecture,
  name: string,
  args: readonly number[],
): Fate[] {
  const [a = 0, b = 0, c = 0, d = 0] = args
  const has = (value: number, bits: number) => (value & bits) !== 0
  const hasAll = (value: number, bits: number) => (value & bits) === bits
  const part = meant(architecture, name, a)
  const fates: Fate[] = []
  const deny = (isDenied: boolean, error = EPERM) => fates.push(isDenied ? error : 'allow')
  const group = (wanted: boolean, name_: string) =>
    deny(wanted && systemCallsOf(name_)?.includes(name) === true)

  const own = byFilter(r, name)
  if (part !== null) {
    // A part that is listed counts before the call that it is a part of.
    const isListed = listed(r.filter, part) !== undefined
    fates.push(isListed ? byFilter(r, part) : own)
  } else fates.push(own)
  const isPartLogged = part !== null && r.log.some(line => line.calls.length > 0)
  const ofPart = part !== null && isPartLogged ? byLog(r, part) : null
  const isFirstLogged = r.log[0]?.inverted === false
  fates.push(ofPart !== null && (ofPart === 'log') === isFirstLogged ? ofPart : byLog(r, name))

  deny(r.personality !== null && name === 'personality' && a !== r.personality)
  fates.push(
    r.architectures !== null && architecture !== native && !r.architectures.has(architecture)
      ? 'kill'
      : 'allow',
  )
  group(r.rawIo, '@raw-io')
  group(r.clock, '@clock')
  deny(r.kernelLogs && name === 'syslog')
  group(r.kernelModules, '@module')
  deny(r.sysctl && name === '_sysctl')

  if (r.namespaces !== null) {
    const refused = Object.entries(FLAGS).filter(([type]) => !r.namespaces?.some(t => t === type))
    const isAny = (value: number) => refused.some(([, flag]) => has(value, flag))
    deny(refused.length > 0 && name === 'clone3', ENOSYS)
    deny(name === 'clone' && isAny(a))
    deny(name === 'unshare' && isAny(a))
    deny(
      name === 'setns' && refused.length > 0 && (r.namespaces.length === 0 || b === 0 || isAny(b)),
    )
  }
  if (r.suidSgid) {
    const SPECIAL = 0o6000
    const creates = 0o100 | 0o20000000
    deny(name === 'openat2', ENOSYS)
    deny(['chmod', 'fchmod', 'mkdir', 'mknod', 'creat'].includes(name) && has(b, SPECIAL))
    deny(['fchmodat', 'fchmodat2', 'mkdirat', 'mknodat'].includes(name) && has(c, SPECIAL))
    deny(name === 'open' && has(b, creates) && has(c, SPECIAL))
    deny(name === 'openat' && has(c, creates) && has(d, SPECIAL))
  }
  deny(r.realtime && name === 'sched_setscheduler' && ![0, 3, 5].includes(b))
  if (r.memoryDenyWriteExecute) {
    const map = architecture === 'x86' || architecture === 'arm' ? 'mmap2' : 'mmap'
    deny(name === map && hasAll(c, 6))
    deny(name === 'mmap' && architecture === 'x86')
    deny(['mprotect', 'pkey_mprotect'].includes(name) && has(c, 4))
    deny((name === 'shmat' || part === 'shmat') && has(c, 0o100000))
  }
  if (r.addressFamilies !== null && architecture !== 'x86') {
    const { allow, families } = r.addressFamilies
    const isListed = families.some(family => addressFamilyNumber(family) === a)
    deny(name === 'socket' && isListed !== allow, EAFNOSUPPORT)
  }
  deny(r.hostname && ['sethostname', 'setdomainname'].includes(name))
  return fates
}

const RANK = (fate: Fate) => (fate === 'kill' ? 0 : fate === 'log' ? 2 : fate === 'allow' ? 3 : 1)

/** Of several fates the strictest; of two errors that of the filter that came last. */
export const strictest = (fates: readonly Fate[]): Fate =>
  fates.reduce((worst, fate) => (RANK(fate) < RANK(worst) ? fate : worst), 'allow' as Fate)

/** The call behind a number; '' when the architecture has none. */
export function nameOf(architecture: Architecture, number: number): string {
  for (const name of systemCallNames())
    if (systemCallNumber(name, architecture) === number) return name
  return ''
}
