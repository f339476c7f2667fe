// Unit directories for tests: in memory, or the machine's own.
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { err, ok } from 'neverthrow'
import { createUnits, type LoadedUnits, type UnitOptions } from '../../daemon/units/load.ts'
import type { DirectoryEntry, UnitReader } from '../../daemon/units/reader.ts'
import type { HostFacts } from '../../daemon/units/specifiers.ts'

/** A file's text or, as `{ link }`, where a symlink leads. */
export type Files = Readonly<Record<string, string | Uint8Array | { link: string }>>

const encoder = new TextEncoder()

/** A reader over files in memory; directories are there by what is in them. */
export function memoryReader(files: Files): UnitReader {
  const follow = (path: string, hops = 0): string => {
    const file = files[path]
    if (typeof file !== 'object' || !('link' in file) || hops > 20) return path
    const base = path.slice(0, path.lastIndexOf('/'))
    return follow(new URL(file.link, `file://${base}/`).pathname, hops + 1)
  }
  return {
    list(directory) {
      const found = new Map<string, DirectoryEntry>()
      for (const path of Object.keys(files)) {
        if (!path.startsWith(`${directory}/`)) continue
        const [name = '', ...rest] = path.slice(directory.length + 1).split('/')
        const file = files[path]
        const isLink = typeof file === 'object' && 'link' in file
        found.set(name, {
          name,
          kind: rest.length > 0 ? 'directory' : isLink ? 'symlink' : 'file',
        })
      }
      return found.size === 0 ? null : [...found.values()]
    },
    read(path) {
      const file = files[follow(path)]
      if (file === undefined || (typeof file === 'object' && 'link' in file)) return err('ENOENT')
      return ok(typeof file === 'string' ? encoder.encode(file) : file)
    },
    readlink(path) {
      const file = files[path]
      return typeof file === 'object' && 'link' in file ? file.link : null
    },
    realpath: path => path,
  }
}

const attempt = <T>(act: () => T): T | null => {
  try {
    return act()
  } catch {
    return null
  }
}

/** The machine's own files. */
export const machineReader: UnitReader = {
  list: directory =>
    attempt(() =>
      readdirSync(directory, { withFileTypes: true }).map(entry => ({
        name: entry.name,
        kind: entry.isSymbolicLink()
          ? ('symlink' as const)
          : entry.isFile()
            ? ('file' as const)
            : entry.isDirectory()
              ? ('directory' as const)
              : ('other' as const),
      })),
    ),
  read(path) {
    try {
      return ok(readFileSync(path))
    } catch (error) {
      return err((error as NodeJS.ErrnoException).code ?? String(error))
    }
  },
  readlink: path => attempt(() => readlinkSync(path)),
  realpath: path => attempt(() => realpathSync(path)),
}

export const host: HostFacts = {
  architecture: 'x86-64',
  hostname: 'box.example.org',
  prettyHostname: 'The Box',
  kernelRelease: '6.1.0',
  bootId: 'b'.repeat(32),
  machineId: 'd'.repeat(32),
  osRelease: { ID: 'debian', VERSION_ID: '12' },
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

/** The units in `/etc/units` and `/run/units`, with `/usr/units` for look-up only. */
export const unitsOf = (files: Files, more: Partial<UnitOptions> = {}): LoadedUnits =>
  createUnits({
    services: ['/etc/units', '/run/units'],
    vendorUnits: ['/usr/units'],
    reader: memoryReader(files),
    host,
    ...more,
  })
