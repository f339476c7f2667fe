// Specifiers: `%i`, `%t` … in values (systemd.unit(5), SPECIFIERS).

import { err, ok, type Result } from 'neverthrow'
import type { UnitName } from './unit.ts'
import { instanceOf, prefixOf, unescapeName, unescapePath } from './values/unit-name.ts'
import type { Clock } from './values/zone.ts'

/** What specifiers ask of the machine. A property may be a getter: each is read only when a unit asks for it. */
export type HostFacts = {
  /** As ConditionArchitecture= names it: `x86-64`, `arm64`. */
  readonly architecture: string
  readonly hostname: string
  readonly prettyHostname: string
  readonly kernelRelease: string
  /** 32 hex digits, or null where the machine has none. */
  readonly bootId: string | null
  readonly machineId: string | null
  /** The assignments of os-release(5). */
  readonly osRelease: Readonly<Record<string, string>>
  /** Who the daemon runs as. */
  readonly user: {
    readonly name: string
    readonly uid: number
    readonly group: string
    readonly gid: number
    readonly home: string
    readonly shell: string
  }
  readonly directories: HostDirectories
  /** Those of the machine's zone, by abbreviations such as CEST. */
  readonly clocks?: readonly Clock[]
}

/** For root the first of each, else what the XDG variables say. */
export type HostDirectories = {
  /** /run */
  readonly runtime: string
  /** /var/lib */
  readonly state: string
  /** /var/cache */
  readonly cache: string
  /** /var/log */
  readonly logs: string
  /** /etc */
  readonly configuration: string
  /** /tmp */
  readonly temporary: string
  /** /var/tmp */
  readonly largeTemporary: string
}

export type SpecifierUnit = { id: UnitName; fragmentPath: string | null }

const lastPart = (prefix: string) => prefix.slice(prefix.lastIndexOf('-') + 1)

/** What a specifier stands for; null where the machine does not know it, undefined where there is none of that letter. */
function meaning(
  letter: string,
  { id, fragmentPath }: SpecifierUnit,
  host: HostFacts,
): Result<string | null, string> | undefined {
  switch (letter) {
    case 'a':
      return ok(host.architecture)
    case 'A':
      return ok(host.osRelease.IMAGE_VERSION ?? '')
    case 'b':
      return ok(host.bootId)
    case 'B':
      return ok(host.osRelease.BUILD_ID ?? '')
    case 'C':
      return ok(host.directories.cache)
    case 'd':
      return ok(`${host.directories.runtime}/credentials/${id}`)
    case 'E':
      return ok(host.directories.configuration)
    case 'f': {
      const instance = instanceOf(id)
      return instance ? unescapePath(instance) : unescapePath(prefixOf(id))
    }
    case 'g':
      return ok(host.user.group)
    case 'G':
      return ok(String(host.user.gid))
    case 'h':
      return ok(host.user.home)
    case 'H':
      return ok(host.hostname)
    case 'i':
      return ok(instanceOf(id) ?? '')
    case 'I':
      return unescapeName(instanceOf(id) ?? '')
    case 'j':
      return ok(lastPart(prefixOf(id)))
    case 'J':
      return unescapeName(lastPart(prefixOf(id)))
    case 'l':
      return ok(host.hostname.split('.')[0] ?? '')
    case 'L':
      return ok(host.directories.logs)
    case 'm':
      return ok(host.machineId)
    case 'M':
      return ok(host.osRelease.IMAGE_ID ?? '')
    case 'n':
      return ok(id)
    case 'N':
      return ok(id.slice(0, id.lastIndexOf('.')))
    case 'o':
      return ok(host.osRelease.ID ?? 'linux')
    case 'p':
      return ok(prefixOf(id))
    case 'P':
      return unescapeName(prefixOf(id))
    case 'q':
      return ok(host.prettyHostname)
    case 's':
      return ok(host.user.shell)
    case 'S':
      return ok(host.directories.state)
    case 't':
      return ok(host.directories.runtime)
    case 'T':
      return ok(host.directories.temporary)
    case 'u':
      return ok(host.user.name)
    case 'U':
      return ok(String(host.user.uid))
    case 'v':
      return ok(host.kernelRelease)
    case 'V':
      return ok(host.directories.largeTemporary)
    case 'w':
      return ok(host.osRelease.VERSION_ID ?? '')
    case 'W':
      return ok(host.osRelease.VARIANT_ID ?? '')
    case 'y':
      return ok(fragmentPath)
    case 'Y':
      return ok(fragmentPath === null ? null : fragmentPath.slice(0, fragmentPath.lastIndexOf('/')))
    case '%':
      return ok('%')
    default:
      return undefined
  }
}

/**
 * Replaces the specifiers in `text`. A letter or digit that is none is an error that names it; `%` before anything else
 * stands for itself, as in systemd.
 */
export function expandSpecifiers(
  text: string,
  unit: SpecifierUnit,
  host: HostFacts,
): Result<string, string> {
  let at = text.indexOf('%')
  if (at === -1) return ok(text)
  let expanded = ''
  let from = 0
  while (at !== -1) {
    expanded += text.slice(from, at)
    const letter = text[at + 1] ?? ''
    const found = letter === '' ? undefined : meaning(letter, unit, host)
    if (found === undefined) {
      if (/[0-9A-Za-z]/.test(letter))
        return err(`%${letter} is no specifier; write %%${letter} for a percent sign`)
      expanded += '%'
      from = at + 1
    } else {
      if (found.isErr()) return err(`%${letter}: ${found.error}`)
      if (found.value === null) return err(`%${letter} is not known on this machine`)
      expanded += found.value
      from = at + 2
    }
    at = text.indexOf('%', from)
  }
  return ok(expanded + text.slice(from))
}
