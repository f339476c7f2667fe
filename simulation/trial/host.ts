// The machine that the units of a test see: the same everywhere, so that a test gives the same in CI as on a desk.
import { ok } from 'neverthrow'
import type { UnitReader } from '../../daemon/units/reader.ts'
import type { HostFacts } from '../../daemon/units/specifiers.ts'

export const HOST: HostFacts = {
  architecture: 'x86-64',
  hostname: 'hearth-test',
  prettyHostname: 'hearth-test',
  kernelRelease: '6.1.0',
  bootId: '0123456789abcdef'.repeat(2),
  machineId: 'fedcba9876543210'.repeat(2),
  osRelease: { ID: 'hearth-test' },
  user: { name: 'root', uid: 0, group: 'root', gid: 0, home: '/root', shell: '/bin/sh' },
  directories: {
    runtime: '/run',
    state: '/var/lib',
    cache: '/var/cache',
    logs: '/var/log',
    configuration: '/etc',
    temporary: '/tmp',
    largeTemporary: '/var/tmp',
  },
}

/** The file system with a directory more: `files`, by their paths in it. */
export function withFiles(
  reader: UnitReader,
  directory: string,
  files: ReadonlyMap<string, string>,
): UnitReader {
  const inside = (path: string) =>
    path === directory
      ? ''
      : path.startsWith(`${directory}/`)
        ? path.slice(directory.length + 1)
        : null
  return {
    list(path) {
      const below = inside(path)
      if (below === null) return reader.list(path)
      const prefix = below === '' ? '' : `${below}/`
      const names = new Map<string, 'file' | 'directory'>()
      for (const file of files.keys()) {
        if (!file.startsWith(prefix)) continue
        const [name = '', more] = file.slice(prefix.length).split('/')
        names.set(name, more === undefined ? 'file' : 'directory')
      }
      return names.size === 0 ? null : [...names].map(([name, kind]) => ({ name, kind }))
    },
    read(path) {
      const below = inside(path)
      const text = below === null ? undefined : files.get(below)
      return text === undefined ? reader.read(path) : ok(new TextEncoder().encode(text))
    },
    readlink: path => (inside(path) === null ? reader.readlink(path) : null),
    realpath: path => (inside(path) === null ? reader.realpath(path) : path),
  }
}
