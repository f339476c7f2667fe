// The machine's id, made at its first boot (machine-id(5)).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { Native } from './native.ts'

const FILE = '/etc/machine-id'
const TRANSIENT = '/run/machine-id'
const MS_BIND = 1 << 12

function readId(): string | null {
  try {
    return readFileSync(FILE, 'latin1').trim()
  } catch {
    return null
  }
}

/** machine-id(5), FIRST BOOT SEMANTICS; ConditionFirstBoot= looks for this file. */
function markFirstBoot(): void {
  try {
    mkdirSync('/run/systemd', { recursive: true })
    writeFileSync('/run/systemd/first-boot', '')
  } catch {
    // /run could not be mounted, which has been told.
  }
}

/** Gives the machine an id if it has none: kept in /etc, or until the end over an empty file there when /etc is read-only.
 * Says what it could not do. */
export function ensureMachineId(native: Native): string | null {
  const found = readId()
  if (found !== null && /^[0-9a-f]{32}$/.test(found)) return null
  if (found === null || found === 'uninitialized') markFirstBoot()
  try {
    // The kernel makes them of version 4, as systemd does.
    const id = readFileSync('/proc/sys/kernel/random/uuid', 'latin1').replaceAll('-', '')
    try {
      writeFileSync(FILE, id, { mode: 0o444 })
      return null
    } catch {
      writeFileSync(TRANSIENT, id, { mode: 0o444 })
    }
    const errno = native.mount(TRANSIENT, FILE, '', MS_BIND, '')
    return errno && `cannot put a machine id over ${FILE}: ${errno}; make an empty file there`
  } catch (error) {
    return `cannot make a machine id: ${(error as Error).message}`
  }
}
