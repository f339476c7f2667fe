// The stamps of timers with Persistent=yes (systemd.timer(5)): empty files whose time of change is that of the last elapse.
import { closeSync, lutimesSync, mkdirSync, openSync, statSync, unlinkSync } from 'node:fs'
import { err, ok, type Result } from 'neverthrow'
import type { UnitName } from '../units/unit.ts'
import { errnoOf, inWords } from './failure.ts'

export interface TimerStamps {
  /** The time of day in the unit's stamp, microseconds; null when it had none, and one was made. */
  read(unit: UnitName): Result<number | null, string>
  write(unit: UnitName, realtimeUsec: number): Result<void, string>
  /** Forgets it; why that cannot be, or null. */
  remove(unit: UnitName): string | null
}

/** `directory` is made when the first stamp is. */
export function createTimerStamps(directory: string): TimerStamps {
  const pathOf = (unit: UnitName) => `${directory}/stamp-${unit}`
  const trying = <T>(unit: UnitName, what: () => T): Result<T, string> => {
    try {
      return ok(what())
    } catch (error) {
      return err(`cannot keep the stamp ${pathOf(unit)}: ${inWords(errnoOf(error))}`)
    }
  }
  const remove = (unit: UnitName) => {
    try {
      unlinkSync(pathOf(unit))
      return null
    } catch (error) {
      const errno = errnoOf(error)
      return errno === 'ENOENT'
        ? null
        : `cannot remove the stamp ${pathOf(unit)}: ${inWords(errno)}`
    }
  }
  const make = (unit: UnitName) => {
    mkdirSync(directory, { recursive: true, mode: 0o755 })
    closeSync(openSync(pathOf(unit), 'a', 0o644))
  }
  return {
    remove,
    read: unit =>
      trying(unit, () => {
        const found = statSync(pathOf(unit), { throwIfNoEntry: false })
        // Rounded up: what is but a fraction before a calendar event would let it come twice.
        if (found) return Math.ceil(found.mtimeMs * 1000) + 1
        make(unit)
        return null
      }),
    write: (unit, realtimeUsec) =>
      trying(unit, () => {
        make(unit)
        lutimesSync(pathOf(unit), realtimeUsec / 1_000_000, realtimeUsec / 1_000_000)
      }),
  }
}
