// Being PID 1 of a machine, with no container around: what a kernel leaves to its first process. In a container none of
// this is ever done.
import { mkdirSync, readFileSync } from 'node:fs'
import type { ShutdownKind } from '../engine/state.ts'
import type { Native } from './native.ts'

const MS_RDONLY = 1
const MS_NOSUID = 2
const MS_NODEV = 4
const MS_NOEXEC = 8
const MS_REMOUNT = 32
const MS_STRICTATIME = 1 << 24

type Mount = { source: string; target: string; type: string; flags: number; data: string }

/** As systemd mounts them (mount-setup.c), in order. */
const MOUNTS: readonly Mount[] = [
  mount('proc', '/proc', 'proc', MS_NOSUID | MS_NOEXEC | MS_NODEV),
  mount('sysfs', '/sys', 'sysfs', MS_NOSUID | MS_NOEXEC | MS_NODEV),
  mount('devtmpfs', '/dev', 'devtmpfs', MS_NOSUID | MS_STRICTATIME, 'mode=755'),
  mount('devpts', '/dev/pts', 'devpts', MS_NOSUID | MS_NOEXEC, 'mode=620,gid=5,ptmxmode=666'),
  mount('tmpfs', '/dev/shm', 'tmpfs', MS_NOSUID | MS_NODEV | MS_STRICTATIME, 'mode=1777'),
  mount('tmpfs', '/run', 'tmpfs', MS_NOSUID | MS_NODEV | MS_STRICTATIME, 'mode=755,size=20%'),
  mount('cgroup2', '/sys/fs/cgroup', 'cgroup2', MS_NOSUID | MS_NOEXEC | MS_NODEV),
]

function mount(source: string, target: string, type: string, flags: number, data = ''): Mount {
  return { source, target, type, flags, data }
}

function mounted(): ReadonlySet<string> {
  try {
    const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n')
    return new Set(lines.map(line => line.split(' ')[1] ?? ''))
  } catch {
    return new Set()
  }
}

/** Mounts what is missing. A failure is told in words and stops nothing: services that need none of it run all the same. */
export function mountMissing(native: Native): string[] {
  const problems: string[] = []
  for (const { source, target, type, flags, data } of MOUNTS) {
    // Read anew each time: /proc is the first of them.
    if (mounted().has(target)) continue
    try {
      mkdirSync(target, { recursive: true })
    } catch {
      // A read-only root: the mount tells whether the directory is there.
    }
    const errno = native.mount(source, target, type, flags, data)
    if (errno !== null && errno !== 'EBUSY')
      problems.push(`cannot mount ${type} on ${target}: ${errno}`)
  }
  return problems
}

/** Ends the machine, its file systems made read-only first as far as nobody writes any more. Returns only if that failed. */
export function endMachine(native: Native, kind: Exclude<ShutdownKind, 'exit'>): string {
  for (const target of [...mounted()].reverse()) {
    native.mount('', target, '', MS_REMOUNT | MS_RDONLY, '')
  }
  const errno = native.reboot(kind)
  return `cannot ${kind}: reboot(2) says ${errno}`
}
