// What conditions may ask of the host. Read once where it cannot change, otherwise when it is asked for.
import { existsSync, readFileSync } from 'node:fs'
import { arch, availableParallelism, hostname, release } from 'node:os'
import { detectVirtualization, type Virtualization } from './container.ts'
import type { Native } from './native.ts'

export type HostFacts = {
  /** systemd's name of it (ConditionArchitecture=). */
  architecture: string
  hostname: string
  machineId: string | null
  kernelRelease: string
  virtualization: Virtualization | null
  /** Whether /etc was unpopulated at boot (machine-id(5), FIRST BOOT SEMANTICS). */
  isFirstBoot: boolean
  /** The daemon's own environment. */
  environment: Readonly<Record<string, string | undefined>>
  user: { uid: number; name: string | null; groups: readonly number[] }
  groupId: (name: string) => number | null
  /** CPUs that the daemon may run on. */
  cpus: () => number
  osRelease: () => Readonly<Record<string, string>>
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'x86-64',
  ia32: 'x86',
  arm64: 'arm64',
  arm: 'arm',
  ppc64: 'ppc64-le',
  s390x: 's390x',
  riscv64: 'riscv64',
  loong64: 'loongarch64',
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Looks at the host. `environment` is the daemon's own. */
export function readHostFacts(
  native: Native,
  environment: Readonly<Record<string, string | undefined>>,
): HostFacts {
  const uid = process.geteuid?.() ?? 0
  const machineId = read('/etc/machine-id').trim()
  return {
    architecture: ARCHITECTURES[arch()] ?? arch(),
    hostname: hostname(),
    machineId: /^[0-9a-f]{32}$/.test(machineId) ? machineId : null,
    kernelRelease: release(),
    virtualization: detectVirtualization(environment),
    isFirstBoot: existsSync('/run/systemd/first-boot') || machineId === 'uninitialized',
    environment,
    user: {
      uid,
      name: native.user(String(uid))?.name ?? null,
      groups: [process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])],
    },
    groupId: name => native.group(name)?.gid ?? null,
    cpus: availableParallelism,
    osRelease: () => parseOsRelease(read('/etc/os-release') || read('/usr/lib/os-release')),
  }
}

/** os-release(5): assignments, values quoted as for a shell. */
export function parseOsRelease(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const [, name, value] = /^\s*([A-Z0-9_]+)=(.*?)\s*$/.exec(line) ?? []
    if (name === undefined || value === undefined) continue
    found[name] = /^(["']).*\1$/s.test(value)
      ? value.slice(1, -1).replace(/\\(["'\\$`])/g, '$1')
      : value
  }
  return found
}
