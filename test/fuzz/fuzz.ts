// Runs targets on changed inputs.
import { mutate } from './mutate.ts'
import { Random } from './random.ts'
import type { Target } from './target.ts'

/** No input of a few KiB may take that much processor time, milliseconds. */
const SLOW_MS = 2000
const MOST_KEPT = 2000

export type Finding = { target: string; input: Uint8Array; error: Error }
export type Outcome = { executions: number; ways: number; finding: Finding | null }

/** What is wrong with the target on that input; null: nothing. */
export function tryInput(target: Target, input: Uint8Array): { error: Error | null; way: string } {
  const before = process.cpuUsage()
  try {
    const way = target.run(input)
    const { user, system } = process.cpuUsage(before)
    const ms = (user + system) / 1000
    return { error: ms > SLOW_MS ? new Error(`it took ${ms.toFixed(0)} ms`) : null, way }
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)), way: '' }
  }
}

export interface Fuzzer {
  /** Until `isOver` or a finding, which is made shorter. */
  run(isOver: (executions: number) => boolean): Outcome
}

/** What it has found to take a way of its own, it goes on from in the next run. */
export function createFuzzer(target: Target, seed: number): Fuzzer {
  const random = new Random(seed)
  const words = (target.words ?? []).map(word => Buffer.from(word))
  const corpus = [...target.corpus]
  const ways = new Set<string>()
  const untried = [...target.corpus]
  const attempt = (input: Uint8Array): Finding | null => {
    const { error, way } = tryInput(target, input)
    if (error) return { target: target.name, ...shortest(target, input, error) }
    if (!ways.has(way) && corpus.length < MOST_KEPT) corpus.push(input)
    ways.add(way)
    return null
  }
  return {
    run(isOver) {
      let executions = 0
      let finding: Finding | null = null
      while (finding === null && (untried.length > 0 || !isOver(executions))) {
        finding = attempt(untried.pop() ?? mutate(random.of(corpus), corpus, words, random))
        executions++
      }
      return { executions, ways: ways.size, finding }
    },
  }
}

/** Leaves out of the input what the failure does not need. */
function shortest(target: Target, input: Uint8Array, error: Error): Omit<Finding, 'target'> {
  let least = { input, error }
  for (let size = input.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at + size <= least.input.length; ) {
      const shorter = Buffer.concat([least.input.subarray(0, at), least.input.subarray(at + size)])
      const { error: still } = tryInput(target, shorter)
      if (still) least = { input: shorter, error: still }
      else at += size
    }
  }
  return least
}
