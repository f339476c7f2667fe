// The filters of units, kept over a restart so that it does not begin the counting anew.
import type { UnitName } from '../units/unit.ts'
import { createFilter, type Filter } from './filter.ts'
import type { RunLog } from './logs.ts'

export interface Filters {
  /** For a run that begins; null: every line is kept. */
  take(run: RunLog): Filter | null
  /** For a line that did not come by a run's pipes. */
  of(run: RunLog): Filter | null
  /** The run that took it has ended. */
  release(unit: UnitName, filter: Filter): void
}

type Known = { limits: string; filter: Filter; runs: number }

/** Units without a run that are looked at, whether they count anything still, whenever one more has none. */
const LOOKS = 2

/** `warn` is told in a sentence what of a unit's limits is left out. */
export function createFilters(nowUsec: () => number, warn: (message: string) => void): Filters {
  const known = new Map<UnitName, Known>()
  /** Those without a run, the longest without one first. */
  const unused = new Set<UnitName>()

  const forgetIdle = () => {
    const now = nowUsec()
    for (const unit of [...unused.values().take(LOOKS)]) {
      unused.delete(unit)
      // Looked at again after all the others.
      if (!known.get(unit)?.filter.isIdle(now)) unused.add(unit)
      else known.delete(unit)
    }
  }

  const find = ({ unit, limits }: RunLog): Known | null => {
    if (!limits) return null
    const written = JSON.stringify(limits)
    const found = known.get(unit)
    if (found?.limits === written) return found
    const filter = createFilter(limits, message => warn(`${unit}: ${message}`))
    const fresh = { limits: written, filter, runs: 0 }
    known.set(unit, fresh)
    unused.add(unit)
    return fresh
  }

  return {
    take(run) {
      const found = find(run)
      if (!found) return null
      unused.delete(run.unit)
      found.runs++
      return found.filter
    },
    of: run => find(run)?.filter ?? null,
    release(unit, filter) {
      const found = known.get(unit)
      if (found?.filter !== filter || --found.runs > 0) return
      unused.add(unit)
      forgetIdle()
    },
  }
}
