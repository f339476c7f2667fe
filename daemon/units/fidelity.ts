// How faithfully a directive is carried out on this machine: the one rule that the report, the warnings and Strict= share.
import { type Directive, NO_NEEDS } from './directives/directive.ts'
import type { Abilities } from './directives/need.ts'
import type { Unit } from './unit.ts'
import { readBoolean } from './values/boolean.ts'

/**
 * enforced: as systemd does it. emulated: by other means, the same for the unit. ignored: left out, and nothing is lost but
 * what the reason says. weakened: left out, and the unit is less confined than its file says. unsupported: left out, or
 * the unit does not even start, and it may miss it.
 */
export type Verdict = 'enforced' | 'emulated' | 'ignored' | 'weakened' | 'unsupported'
/** The reason is null with `enforced` alone. */
export type Finding = { verdict: Verdict; reason: string | null }

const ENFORCED: Finding = { verdict: 'enforced', reason: null }
const NOT_CARRIED_OUT = 'hearth does not carry it out'

/**
 * The verdict on a directive that a unit sets. `value` is that of its last assignment.
 */
export function verdictOf(
  row: Directive,
  value: string,
  unit: Unit,
  abilities: Abilities,
): Finding {
  if (row.status === 'inert')
    return { verdict: 'ignored', reason: row.note ?? 'it has no meaning here' }
  if (row.status === 'not-enforced') {
    // `PrivateDevices=no` asks for nothing.
    if (readBoolean(value) === false) return ENFORCED
    const verdict = row.security ? 'weakened' : 'unsupported'
    return { verdict, reason: row.note ?? NOT_CARRIED_OUT }
  }
  const reasons = row.needs(unit).flatMap(need => abilities[need] ?? [])
  if (reasons.length === 0) return ENFORCED
  const reason = [...new Set(reasons)].join(', ')
  switch (row.fallback) {
    case 'emulated':
      return { verdict: 'emulated', reason: row.note === null ? reason : `${row.note}: ${reason}` }
    case 'missed':
      return { verdict: 'unsupported', reason }
    case 'fails':
      return {
        verdict: 'unsupported',
        reason: `the unit cannot start: ${reason}${row.note === null ? '' : ` (${row.note})`}`,
      }
    case 'left-out':
      return { verdict: row.security ? 'weakened' : 'ignored', reason }
  }
}

/** Whether the verdict hangs on the machine, or is not `enforced` at all: most directives are a matter of course. */
export const isDemand = (row: Directive): boolean =>
  row.status !== 'enforced' || row.needs !== NO_NEEDS
