// For tests: HEARTH_CRASH_AT=n has the first image die at its n-th step, with HEARTH_CRASH_AGAIN=1 each image. A step is the
// moment before or after each call of the addon, each record and each effect; HEARTH_CRASH_AT=leaving is the daemon's last. HEARTH_CRASH_BY says how it dies (`WAYS`).
// HEARTH_CRASH_STEPS=FILE: how many there were is written to FILE at the end. With HEARTH_CRASH_TOLD=DIR each image dies in the way
// that is named by a file `way` as soon as that is moved to DIR.
import { readFileSync, unlinkSync, watch, writeFileSync } from 'node:fs'
import { CAUSE } from './runtime/image.ts'
import { native as loadNative, type Native, replaceNative } from './runtime/native.ts'

const LEAVING = 'leaving'
let step: (() => void) | null = null

const defect = (name: string): never => {
  throw new Error(`cannot crash: ${name} is none of ${Object.keys(WAYS).join(', ')}`)
}

const WAYS: Readonly<Record<string, () => void>> = {
  die: () => loadNative().die(CAUSE.exception),
  throw() {
    throw new Error('thrown as HEARTH_CRASH_BY says')
  },
  reject: () => void Promise.reject(new Error('rejected as HEARTH_CRASH_BY says')),
  abort: () => process.abort(),
  exit: () => process.exit(5),
  heap() {
    for (const all: unknown[] = []; ; ) all.push(new Array(1_000_000).fill(all.length))
  },
  overflow() {
    const deeper = (n: number): number => deeper(n + 1) + 1
    deeper(0)
  },
  hang() {
    for (;;);
  },
  wait: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
}

/** Has the process die as the environment says; without a word there nothing is changed. */
export function crashAsTold(
  environment: Readonly<Record<string, string | undefined>>,
  isFirst: boolean,
): void {
  if (!isFirst && environment.HEARTH_CRASH_AGAIN === undefined) return
  const { HEARTH_CRASH_AT: at, HEARTH_CRASH_STEPS: report } = environment
  if (at === undefined && report === undefined) return
  const native = loadNative()
  const isLast = at === LEAVING
  const last = isLast ? Number.POSITIVE_INFINITY : Number(at ?? Number.POSITIVE_INFINITY)
  let steps = 0
  let isGuarded = !isFirst
  const way = WAYS[environment.HEARTH_CRASH_BY ?? 'die'] ?? defect('HEARTH_CRASH_BY')
  step = () => {
    if (isGuarded && ++steps === last) way()
  }
  if (report !== undefined) process.on('exit', () => writeFileSync(report, String(steps)))
  replaceNative(
    counted(native, {
      guard: (...args) => {
        native.guard(...args)
        isGuarded = true
      },
      leaving() {
        if (isLast) way()
        native.leaving()
      },
      ledger: (...args: Parameters<Native['ledger']>) => counted(native.ledger(...args) as object),
    } as Partial<Native>),
  )
}

/** Has the process die when somebody says so in the directory that the environment names. */
export function crashWhenTold({
  HEARTH_CRASH_TOLD: directory,
}: Readonly<Record<string, string | undefined>>): void {
  if (directory === undefined) return
  const path = `${directory}/way`
  watch(directory, { persistent: false }, () => {
    let way: string
    try {
      way = readFileSync(path, 'utf8')
      // The next image is not told again.
      unlinkSync(path)
    } catch {
      return
    }
    WAYS[way]?.()
  })
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
