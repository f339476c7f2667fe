// Lists of calls, allowed, refused or logged: SystemCallFilter= and SystemCallLog= (systemd.exec(5), SYSTEM CALL FILTERING).
import { mergeFilter, mergeLines, type SystemCallSet } from '../../units/system-calls/lines.ts'
import { type Architecture, systemCallNumber } from '../../units/system-calls/names.ts'
import type { SystemCallError, SystemCallLine } from '../../units/unit.ts'
import { multiplexed } from './multiplexed.ts'
import {
  ALLOW,
  failWith,
  isOneOf,
  KILL,
  type Layer,
  LOG,
  type Rule,
  type Verdict,
} from './rules.ts'

/** The calls of a set with what becomes of each; on x86 also as parts of the calls that many others go through. */
function listLayer(
  architecture: Architecture,
  { calls }: SystemCallSet,
  otherwise: Verdict,
  verdictOf: (error: SystemCallError | null) => Verdict,
): Layer {
  const rules = new Map<number, Rule[]>()
  const parts = new Map<number, Rule[]>()
  for (const [name, error] of calls) {
    const number = systemCallNumber(name, architecture)
    const verdict = verdictOf(error)
    if (number !== null) rules.set(number, [{ conditions: [], verdict }])
    const part = architecture === 'x86' ? multiplexed(name) : null
    const through = part && systemCallNumber(part.call, architecture)
    if (!part || through === null) continue
    const condition = isOneOf(0, [part.number], part.mask)
    parts.set(through, [...(parts.get(through) ?? []), { conditions: [condition], verdict }])
  }
  for (const [number, some] of parts)
    rules.set(number, [...joined(some), ...(rules.get(number) ?? [])])
  return { otherwise, calls: rules }
}

/** Rules with one condition on the same argument and of the same verdict are one. */
function joined(rules: readonly Rule[]): Rule[] {
  const byVerdict = new Map<Verdict, number[]>()
  for (const { conditions, verdict } of rules)
    byVerdict.set(verdict, [...(byVerdict.get(verdict) ?? []), ...(conditions[0]?.values ?? [])])
  const mask = rules[0]?.conditions[0]?.mask
  return [...byVerdict].map(([verdict, values]) => ({
    conditions: [isOneOf(0, values, mask)],
    verdict,
  }))
}

/** SystemCallFilter= with SystemCallErrorNumber=. */
export function filterLayer(
  architecture: Architecture,
  lines: readonly SystemCallLine[],
  errorNumber: SystemCallError,
): Layer | null {
  const set = mergeFilter(lines)
  if (set === null || (!set.allow && set.calls.size === 0)) return null
  const refused = verdictOfError(errorNumber)
  const listed = set.allow ? ALLOW : refused
  return listLayer(architecture, set, set.allow ? refused : ALLOW, error =>
    error === null ? listed : verdictOfError(error),
  )
}

const verdictOfError = (error: SystemCallError): Verdict =>
  error === 'kill' ? KILL : failWith(error)

export function logLayer(
  architecture: Architecture,
  lines: readonly SystemCallLine[],
): Layer | null {
  const set = mergeLines(lines)
  if (set === null) return null
  const [listed, otherwise] = set.allow ? [LOG, ALLOW] : [ALLOW, LOG]
  return listLayer(architecture, set, otherwise, () => listed)
}
