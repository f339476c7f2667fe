// What a unit starts without: told once, or with Strict=yes the reason not to start it at all.

import type { Abilities } from '../units/directives/need.ts'
import type { DirectiveTable } from '../units/directives.ts'
import { type Finding, verdictOf } from '../units/fidelity.ts'
import type { Unit, UnitName } from '../units/unit.ts'
import { NO_PROCESS, type SpawnFailure } from './failure.ts'

export type GuardParts = {
  directives: Pick<DirectiveTable, 'find'>
  abilities: Abilities
  log: (level: 'warn', unit: UnitName, message: string) => void
}
/** Looked at before the first command of a start: the failure that a refusal is, or null. */
export type Guard = (unit: Unit) => SpawnFailure | null

type Missed = { name: string; finding: Finding }

/** Each unit is looked at once until it is read anew. */
export function createGuard({ directives, abilities, log }: GuardParts): Guard {
  const known = new WeakMap<Unit, SpawnFailure | null>()

  const look = (unit: Unit): SpawnFailure | null => {
    const missed: Missed[] = []
    for (const [directive, value] of Object.entries(unit.demands ?? {})) {
      const [section = '', name = ''] = directive.split('.')
      const row = directives.find(section, name)
      // What is inert loses nothing; what else can be done without its needs, or keeps the unit from starting, tells so.
      if (row === null || row.status === 'inert') continue
      if (row.fallback === 'emulated' || row.fallback === 'fails') continue
      const finding = verdictOf(row, value, unit, abilities)
      if (finding.verdict !== 'enforced') missed.push({ name, finding })
    }
    const weakened = missed.filter(({ finding }) => finding.verdict === 'weakened')
    if (unit.hearth.strict && weakened.length > 0) return refusal(weakened)
    if (missed.length > 0)
      log('warn', unit.id, `Starts without ${listed(missed)}: see 'ctl fidelity ${unit.id}'`)
    return null
  }

  return unit => {
    if (unit.demands === undefined) return null
    const before = known.get(unit)
    if (before !== undefined) return before
    const found = look(unit)
    known.set(unit, found)
    return found
  }
}

/** `ProtectHome=, ProtectSystem= (no CAP_SYS_ADMIN), MemoryMax= (…)`. */
function listed(missed: readonly Missed[]): string {
  const byReason = Map.groupBy(missed, ({ finding }) => finding.reason)
  return [...byReason]
    .map(([reason, those]) => `${those.map(({ name }) => `${name}=`).join(', ')} (${reason})`)
    .join(', ')
}

const refusal = (weakened: readonly Missed[]): SpawnFailure => ({
  step: 'STRICT',
  exitStatus: NO_PROCESS,
  errno: 'EPERM',
  message: `cannot confine it as its file says, and Strict= is on: ${listed(weakened)}; have that allowed here, or set Strict=no in [X-Hearth]`,
  isFinal: true,
})
