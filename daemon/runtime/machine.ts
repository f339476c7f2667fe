// Being PID 1 of a machine, with no container around: what a kernel leaves to its first process. In a container none of
// this is ever done.
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import type { ShutdownKind } from '../engine/state.ts'
import { detectContainer } from './container.ts'
import { ensureMachineId } from './machine-id.ts'
import type { Native } from './native.ts'

const MS_RDONLY = 1
const MS_NOSUID = 2
const MS_NODEV = 4
const MS_NOEXEC = 8
const MS_REMOUNT = 32
const MS_STRICTATIME = 1 << 24
const RLIMIT_NOFILE = 7
/** Open files that a process may allow itself, as systemd has it (HIGH_RLIMIT_NOFILE). A kernel gives PID 1 4096. */
const NOFILE_HARD = 512 * 1024

type Mount = { source: string; target: string; type: string; flags: number; data: string }
/** What could not be done, in words. */
type Problem = string | null

const PROC = mount('proc', '/proc', 'proc', MS_NOSUID | MS_NOEXEC | MS_NODEV)
/** As systemd mounts them (mount-setup.c), in order. */
const MOUNTS: readonly Mount[] = [
  PROC,
  mount('sysfs', '/sys', 'sysfs', MS_NOSUID | MS_NOEXEC | MS_NODEV),
  mount('devtmpfs', '/dev', 'devtmpfs', MS_NOSUID | MS_STRICTATIME, 'mode=755'),
  mount('devpts', '/dev/pts', 'devpts', MS_NOSUID | MS_NOEXEC, 'mode=620,gid=5,ptmxmode=666'),
  mount('tmpfs', '/dev/shm', 'tmpfs', MS_NOSUID | MS_NODEV | MS_STRICTATIME, 'mode=1777'),
  mount('tmpfs', '/run', 'tmpfs', MS_NOSUID | MS_NODEV | MS_STRICTATIME, 'mode=755,size=20%'),
  mount('cgroup2', '/sys/fs/cgroup', 'cgroup2', MS_NOSUID | MS_NOEXEC | MS_NODEV),
]

/** Links that programs expect and devtmpfs does not make: a shell's <(command) is a name in /dev/fd. */
const DEVICE_LINKS: readonly (readonly [link: string, target: string])[] = [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
]

function mount(source: string, target: string, type: string, flags: number, data = ''): Mount {
  return { source, target, type, flags, data }
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Mount points and their file systems' types, in the order of mounting. */
function mounted(): { target: string; type: string }[] {
  return parseMounts(read('/proc/self/mounts'))
}

/** Reads the lines of /proc/self/mounts: the kernel writes blanks in a name as octal numbers (proc(5)). */
export function parseMounts(text: string): { target: string; type: string }[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const [, target = '', type = ''] = line.split(' ')
      const name = target.replace(/\\([0-7]{3})/g, (_, code: string) =>
        String.fromCharCode(Number.parseInt(code, 8)),
      )
      return { target: name, type }
    })
}

function mountMissing(native: Native, { source, target, type, flags, data }: Mount): Problem {
  // Read anew each time: /proc is the first of them.
  if (mounted().some(other => other.target === target)) return null
  try {
    mkdirSync(target, { recursive: true })
  } catch {
    // A read-only root: the mount tells whether the directory is there.
  }
  const errno = native.mount(source, target, type, flags, data)
  return errno === null || errno === 'EBUSY' ? null : `cannot mount ${type} on ${target}: ${errno}`
}

function linkDevice([link, target]: (typeof DEVICE_LINKS)[number]): Problem {
  try {
    symlinkSync(target, link)
    return null
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'EEXIST' ? null : `cannot make ${link}: ${message}`
  }
}

function setKernel(name: string, value: string): Problem {
  try {
    writeFileSync(`/proc/sys/kernel/${name}`, value)
    return null
  } catch (error) {
    return `cannot set the kernel's ${name}: ${(error as Error).message}`
  }
}

/** The name in /etc/hostname (hostname(5)); without one, that which an initramfs may have set, or localhost. */
function setHostname(): Problem {
  const lines = read('/etc/hostname').split('\n')
  const configured = lines.map(line => line.trim()).find(line => line !== '' && line[0] !== '#')
  const current = read('/proc/sys/kernel/hostname').trim()
  const wanted = configured ?? (current === '' || current === '(none)' ? 'localhost' : current)
  return wanted === current ? null : setKernel('hostname', wanted)
}

function linkUp(native: Native): Problem {
  const errno = native.linkUp('lo')
  return errno && `cannot bring the loopback interface up: ${errno}`
}

/** Whether this is a machine's PID 1. A bare PID namespace, which nobody calls a container, is told by /proc alone: it is
 * mounted here if it is missing. */
export function isMachine(
  native: Native,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  if (process.pid !== 1 || detectContainer(environment) !== null) return false
  mountMissing(native, PROC)
  return detectContainer(environment) === null
}

/** Does what has to be done before any service. What could not be done is told in words and stops nothing: services that
 * need none of it run all the same. */
export function beginMachine(native: Native): string[] {
  const problems = [
    ...MOUNTS.map(each => mountMissing(native, each)),
    ...DEVICE_LINKS.map(linkDevice),
    setHostname(),
    // Ctrl-Alt-Del becomes a SIGINT for us instead of an end without a word (proc_sys_kernel(5)).
    setKernel('ctrl-alt-del', '0'),
    ensureMachineId(native),
    linkUp(native),
  ]
  const { soft } = native.getRlimit(RLIMIT_NOFILE)
  native.setNofile(soft, NOFILE_HARD)
  return problems.filter(problem => problem !== null)
}

/** Types of file systems that live on a device: those that /proc/filesystems does not call `nodev`. */
function deviceTypes(): ReadonlySet<string> {
  const lines = read('/proc/filesystems').split('\n')
  return new Set(lines.filter(line => line.startsWith('\t')).map(line => line.trim()))
}

/** Ends the machine, its file systems made read-only first. Returns only if that failed. */
export function endMachine(
  native: Native,
  kind: Exclude<ShutdownKind, 'exit'>,
  tell: (problem: string) => void,
): void {
  const onDevice = deviceTypes()
  for (const { target, type } of mounted().reverse()) {
    const errno = native.mount('', target, '', MS_REMOUNT | MS_RDONLY, '')
    // The others have nothing to lose.
    if (errno !== null && onDevice.has(type)) tell(`cannot make ${target} read-only: ${errno}`)
  }
  const errno = native.reboot(kind)
  tell(`cannot ${kind}: reboot(2) says ${errno}`)
}
