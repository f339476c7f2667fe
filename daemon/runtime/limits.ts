// Limit…= as setrlimit(2) takes it (systemd.exec(5), PROCESS PROPERTIES).
import type { ResourceLimit } from '../units/unit.ts'

// Linux on x86 and arm (asm-generic/resource.h).
const RESOURCES: Readonly<Record<string, number>> = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
}

export const RLIMIT_NOFILE = 7

export type NativeLimit = readonly [resource: number, soft: number, hard: number]

/** The limits of a unit; `nofile` is what services get when they ask for none, since the daemon raises its own. */
export function nativeLimits(
  limits: Readonly<Record<string, ResourceLimit>>,
  nofile: ResourceLimit | null,
): readonly NativeLimit[] {
  const found: NativeLimit[] = []
  if (nofile && !limits.nofile) found.push([RLIMIT_NOFILE, nofile.soft, nofile.hard])
  for (const [name, { soft, hard }] of Object.entries(limits)) {
    const resource = RESOURCES[name]
    if (resource === undefined) throw new Error(`no such resource limit: ${name}`)
    found.push([resource, soft, hard])
  }
  return found
}
