// What a filter of system calls decides: layers of rules, one a restriction, of which the strictest decides (seccomp(2)).

/** What becomes of a call, as the filter's program returns it (linux/seccomp.h): the lower, the stricter, as signed numbers. */
export type Verdict = number
export const KILL: Verdict = 0x80000000 | 0
export const LOG: Verdict = 0x7ffc0000
export const ALLOW: Verdict = 0x7fff0000
const ERRNO = 0x00050000
/** The call returns the error; 0: it seems to have been made. */
export const failWith = (errno: number): Verdict => ERRNO | errno

/** The lower half of an argument: all that the kernel looks at of an `int`, a flag or a mode. */
export type Condition = {
  argument: number
  /** Compared under this mask. */
  mask: number
  /** It holds when the value is one of these, or none of them. */
  values: readonly number[]
  negated: boolean
}
export type Rule = { conditions: readonly Condition[]; verdict: Verdict }

/** A restriction on one architecture: the first rule of a call that holds decides, for calls without one `otherwise`. */
export type Layer = { otherwise: Verdict; calls: ReadonlyMap<number, readonly Rule[]> }

const EVERY_BIT = 0xffffffff

/** The argument has one of the bits or more. */
export const hasAny = (argument: number, bits: number): Condition => ({
  argument,
  mask: bits,
  values: [0],
  negated: true,
})
/** The argument has all of the bits. */
export const hasBits = (argument: number, mask: number): Condition => ({
  argument,
  mask,
  values: [mask],
  negated: false,
})
export const isOneOf = (
  argument: number,
  values: readonly number[],
  mask = EVERY_BIT,
): Condition => ({
  argument,
  mask,
  values,
  negated: false,
})
export const isNoneOf = (argument: number, values: readonly number[]): Condition => ({
  argument,
  mask: EVERY_BIT,
  values,
  negated: true,
})

/** The errors of verdicts do not count: of two the later layer's is given, as the kernel has it. */
const severity = (verdict: Verdict) => verdict & ~0xffff

/** Of a later layer's verdict and an earlier one's, what becomes of the call. */
export const stricter = (later: Verdict, earlier: Verdict): Verdict =>
  severity(earlier) < severity(later) ? earlier : later

/** What becomes of a call whatever its arguments are; null: it depends on them. */
export function plainVerdict(layers: readonly Layer[], call: number): Verdict | null {
  let verdict: Verdict = ALLOW
  for (const layer of layers) {
    const rule = layer.calls.get(call)?.[0]
    if (rule && rule.conditions.length > 0) return null
    verdict = stricter(rule?.verdict ?? layer.otherwise, verdict)
  }
  return verdict
}
