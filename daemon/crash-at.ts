// For tests: HEARTH_CRASH_AT=n has the first image die at its n-th step. A step is the moment before or after each call of
// the addon, each record and each effect. HEARTH_CRASH_STEPS=FILE: how many there were is written to FILE at the end.
import { writeFileSync } from 'node:fs'
import { CAUSE } from './runtime/image.ts'
import { native as loadNative, type Native, replaceNative } from './runtime/native.ts'

let step: (() => void) | null = null

/** Has the process die as the environment says; without a word there nothing is changed. */
export function crashAsTold(environment: Readonly<Record<string, string | undefined>>): void {
  const { HEARTH_CRASH_AT: at, HEARTH_CRASH_STEPS: report } = environment
  if (at === undefined && report === undefined) return
  const native = loadNative()
  const last = Number(at ?? Number.POSITIVE_INFINITY)
  let steps = 0
  let isGuarded = false
  step = () => {
    if (isGuarded && ++steps === last) native.die(CAUSE.exception)
  }
  if (report !== undefined) process.on('exit', () => writeFileSync(report, String(steps)))
  replaceNative(
    counted(native, {
      guard: (...args) => {
        native.guard(...args)
        isGuarded = true
      },
      ledger: (...args: Parameters<Native['ledger']>) => counted(native.ledger(...args) as object),
    } as Partial<Native>),
  )
}

/** Not as the daemon leaves, and not before anything would take its place. */
const UNCOUNTED: ReadonlySet<string> = new Set(['guard', 'shareSlots', 'leaving', 'die', 'become'])

/** The object, each of its methods with a step before and after. */
export function counted<T extends object>(of: T, instead: Partial<T> = {}): T {
  if (step === null) return of
  const wrapped: Record<string, unknown> = {}
  for (const [name, value] of Object.entries({ ...of, ...instead })) {
    wrapped[name] =
      typeof value !== 'function' || UNCOUNTED.has(name)
        ? value
        : (...args: unknown[]) => {
            step?.()
            const result = value(...args)
            step?.()
            return result
          }
  }
  return wrapped as T
}
