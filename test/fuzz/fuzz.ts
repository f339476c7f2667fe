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

/** Until `isOver` or a finding, which is made shorter. */
export function fuzz(
  target: Target,
  seed: number,
  isOver: (executions: number) => boolean,
): Outcome {
  const random = new Random(seed)
  const words = (target.words ?? []).map(word => Buffer.from(word))
  const corpus = [...target.corpus]
  const ways = new Set<string>()
  let executions = 0
  const attempt = (input: Uint8Array): Finding | null => {
    executions++
    const { error, way } = tryInput(target, input)
    if (error) return { target: target.name, ...shortest(target, input, error) }
    if (!ways.has(way) && corpus.length < MOST_KEPT) corpus.push(input)
    ways.add(way)
    return null
  }
  for (const input of target.corpus) {
    const finding = attempt(input)
    if (finding) return { executions, ways: ways.size, finding }
  }
  while (!isOver(executions)) {
    const finding = attempt(mutate(random.of(corpus), corpus, words, random))
    if (finding) return { executions, ways: ways.size, finding }
  }
  return { executions, ways: ways.size, finding: null }
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
