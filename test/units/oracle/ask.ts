// systemd's own tools, asked for many values at once.
import { spawnSync } from 'node:child_process'
import type { ExecutionContext } from 'ava'
import fc from 'fast-check'

export type Answer = { out: string; errors: string; status: number | null }

/** HEARTH_ORACLE=20 compares twenty times as many values. */
const SCALE = Number(process.env.HEARTH_ORACLE ?? 1)
const seed = SCALE === 1 ? 20_240_601 : Math.floor(Math.random() * 2 ** 31)

/** The tool's answer; null, with a word in the log, where it is not installed. */
export function ask(
  t: ExecutionContext,
  tool: 'systemd-analyze' | 'systemd-escape',
  args: readonly string[],
  env: Record<string, string> = {},
): Answer | null {
  const { stdout, stderr, status, error } = spawnSync(tool, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC', SYSTEMD_LOG_LEVEL: 'emerg', ...env },
  })
  if (error) {
    t.log(`${tool} is not installed: not compared`)
    t.pass()
    return null
  }
  return { out: stdout, errors: stderr, status }
}

/** `count` different values, the same ones in every ordinary run. */
export function sample(arbitrary: fc.Arbitrary<string>, count: number): string[] {
  const values = fc.sample(arbitrary, { seed, numRuns: count * SCALE })
  return [...new Set(values)].filter(value => !value.includes('\0'))
}

/** Slices that fit on a command line. */
export function* batches(values: readonly string[], size = 2000): Generator<string[]> {
  for (let at = 0; at < values.length; at += size) yield values.slice(at, at + size)
}
