// Whether we run in a container or a virtual machine, and in which (systemd-detect-virt(1)).
import { existsSync, readFileSync, readlinkSync } from 'node:fs'

export type Virtualization = { kind: 'container' | 'vm'; name: string }

/** The number of the first PID namespace's inode, fixed in the kernel (PROC_PID_INIT_INO). */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]'

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** The container we are in, or null. `environment` is PID 1's own, if that is us. */
export function detectContainer(
  environment: Readonly<Record<string, string | undefined>>,
): string | null {
  const told =
    read('/run/host/container-manager').trim() ||
    (process.pid === 1 ? environment.container : containerOfInit()) ||
    read('/run/systemd/container').trim()
  if (told) return told
  if (/microsoft|wsl/i.test(read('/proc/sys/kernel/osrelease'))) return 'wsl'
  if (existsSync('/proc/vz') && !existsSync('/proc/bc')) return 'openvz'
  if (existsSync('/run/.containerenv')) return 'podman'
  if (existsSync('/.dockerenv')) return 'docker'
  const manager = /(?:^|[/-])(docker|libpod|lxc|kubepods|crio|containerd)(?:[./-]|$)/m.exec(
    read('/proc/1/cgroup'),
  )?.[1]
  if (manager) return CGROUP_NAMES[manager] ?? 'container-other'
  // Nobody says so, yet this is not the machine's own PID 1: a bare PID namespace, as of unshare(1).
  try {
    if (readlinkSync('/proc/self/ns/pid') !== FIRST_PID_NAMESPACE) return 'container-other'
  } catch {
    // No /proc: an early boot, which has no container around it.
  }
  return null
}

const CGROUP_NAMES: Readonly<Record<string, string>> = {
  docker: 'docker',
  libpod: 'podman',
  lxc: 'lxc',
}

const containerOfInit = () => /(?:^|\0)container=([^\0]*)/.exec(read('/proc/1/environ'))?.[1]

const DMI: readonly (readonly [prefix: string, name: string])[] = [
  ['KVM', 'kvm'],
  ['Amazon EC2', 'amazon'],
  ['QEMU', 'qemu'],
  ['VMware', 'vmware'],
  ['VMW', 'vmware'],
  ['innotek GmbH', 'oracle'],
  ['VirtualBox', 'oracle'],
  ['Oracle Corporation', 'oracle'],
  ['Xen', 'xen'],
  ['Bochs', 'bochs'],
  ['Parallels', 'parallels'],
  ['BHYVE', 'bhyve'],
  ['Hyper-V', 'microsoft'],
  ['Apple Virtualization', 'apple'],
  ['Google Compute Engine', 'google'],
]

/** The virtual machine we are in, or null. */
function detectVm(): string | null {
  if (read('/sys/hypervisor/type').trim() === 'xen') return 'xen'
  const files = ['product_name', 'sys_vendor', 'board_vendor', 'bios_vendor', 'product_version']
  const found = files
    .map(file => read(`/sys/class/dmi/id/${file}`))
    .flatMap(text => DMI.filter(([prefix]) => text.startsWith(prefix)))
  const name = found[0]?.[1]
  if (name === 'qemu' && existsSync('/dev/kvm')) return 'kvm'
  if (name) return name
  return /^flags\s*:.*\bhypervisor\b/m.test(read('/proc/cpuinfo')) ? 'vm-other' : null
}

/** A container counts before the machine that it runs on. */
export function detectVirtualization(
  environment: Readonly<Record<string, string | undefined>>,
): Virtualization | null {
  const container = detectContainer(environment)
  if (container !== null) return { kind: 'container', name: container }
  const vm = detectVm()
  return vm === null ? null : { kind: 'vm', name: vm }
}
