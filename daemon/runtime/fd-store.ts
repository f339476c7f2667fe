// The descriptor store: what services give to the daemon to keep for their next process (sd_notify(3), FDSTORE=1;
// systemd.service(5), FileDescriptorStoreMax=).
import type { Effect } from '../engine/effect.ts'
import type { UnitName } from '../units/unit.ts'
import { errnoOf } from './failure.ts'
import type { Native } from './native.ts'
import type { Readiness } from './readiness.ts'
import type { Descriptors } from './unit-descriptors.ts'

export type StoreParts = {
  native: Pick<Native, 'isSameFile'>
  descriptors: Descriptors
  readiness: Readiness
  log: (level: 'debug' | 'warn', unit: UnitName, message: string) => void
}

export interface FdStore {
  store(effect: Extract<Effect, { type: 'store-descriptors' }>): void
  remove(unit: UnitName, name: string): void
  /** Closes all that the unit has stored. */
  drop(unit: UnitName): void
}

export function createFdStore({ native, descriptors, readiness, log }: StoreParts): FdStore {
  const watchEnd = (unit: UnitName, fd: number, key: number) => {
    try {
      readiness.add(
        fd,
        () => {
          log('debug', unit, 'A stored descriptor is dropped: its other end is gone')
          descriptors.release(key)
        },
        true,
      )
    } catch (error) {
      // A file: it has no other end.
      errnoOf(error)
    }
  }

  for (const [key, { unit, fd, role, poll }] of descriptors.entries())
    if (role === 'stored' && poll) watchEnd(unit, fd, key)

  const isKnown = (unit: UnitName, fd: number) =>
    descriptors.of(unit, 'stored').some(held => native.isSameFile(held.fd, fd))

  return {
    store({ unit, fds, name, poll, most }) {
      for (const fd of fds) {
        if (descriptors.of(unit, 'stored').length >= most) {
          log('warn', unit, `FileDescriptorStoreMax=${most} is reached: a descriptor is not stored`)
          return
        }
        // One that is there already, or that this image was never given, is not taken.
        if (isKnown(unit, fd) || !descriptors.adopt(fd)) continue
        const key = descriptors.hold({ fd, unit, role: 'stored', name, poll })
        if (poll) watchEnd(unit, fd, key)
      }
    },
    remove(unit, name) {
      descriptors.releaseOf(unit, 'stored', name)
    },
    drop(unit) {
      descriptors.releaseOf(unit, 'stored')
    },
  }
}
