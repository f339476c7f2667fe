// Runs ctl as it was built, without a daemon.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'

const CTL = join(import.meta.dirname, '../../../dist/ctl')

export type Ran = { out: string; errors: string; status: number | null }

/** What `ctl WORDS...` prints and how it ends. */
export function ctl(words: readonly string[], env: Record<string, string> = {}): Ran {
  const { stdout, stderr, status } = spawnSync(CTL, words, {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, TZ: 'UTC', LC_ALL: 'C.UTF-8', HEARTH_RUNTIME: '/nonexistent', ...env },
  })
  return { out: stdout, errors: stderr, status }
}

/** A directory with those files, gone after the test. */
export function directoryOf(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-analyze-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  return directory
}
