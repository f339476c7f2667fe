// What specifiers in unit files stand for on this host. Each is looked up when a unit asks for it.
import { readFileSync } from 'node:fs'
import type { HostFacts as UnitFacts } from '../units/specifiers.ts'
import { directoryRoots } from './directories.ts'
import type { HostFacts } from './facts.ts'
import type { Native } from './native.ts'
import { localClocks } from './zone.ts'

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

export function createUnitFacts(native: Native, facts: HostFacts): UnitFacts {
  const roots = directoryRoots(facts.user.uid === 0, facts.environment)
  const temporary = facts.environment.TMPDIR ?? '/tmp'
  return {
    architecture: facts.architecture,
    hostname: facts.hostname,
    get prettyHostname() {
      return /^PRETTY_HOSTNAME="?(.*?)"?$/m.exec(read('/etc/machine-info'))?.[1] ?? facts.hostname
    },
    kernelRelease: facts.kernelRelease,
    get bootId() {
      return read('/proc/sys/kernel/random/boot_id').replaceAll('-', '') || null
    },
    machineId: facts.machineId,
    get osRelease() {
      return facts.osRelease()
    },
    get user() {
      const uid = facts.user.uid
      const gid = process.getegid?.() ?? 0
      const user = native.user(String(uid))
      return {
        name: user?.name ?? String(uid),
        uid,
        group: native.group(String(gid))?.name ?? String(gid),
        gid,
        home: user?.home ?? facts.environment.HOME ?? '/',
        shell: user?.shell ?? '/bin/sh',
      }
    },
    get clocks() {
      return localClocks(facts.environment)
    },
    directories: {
      runtime: roots.runtime,
      state: roots.state,
      cache: roots.cache,
      logs: roots.logs,
      configuration: roots.configuration,
      temporary,
      largeTemporary: facts.environment.TMPDIR ?? '/var/tmp',
    },
  }
}
