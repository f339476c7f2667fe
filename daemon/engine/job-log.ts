// What the daemon's log says when a job ends, in systemd's words.
import type { JobResult, JobType } from './state.ts'

const STARTED: Partial<Record<JobResult, string>> = {
  done: 'Started %',
  timeout: 'Timed out starting %',
  failed: 'Failed to start %',
  dependency: 'Dependency failed for %',
  skipped: 'Skipped %',
  assert: 'Assertion failed for %',
  unsupported: 'Starting of % unsupported',
}
const STOPPED: Partial<Record<JobResult, string>> = {
  done: 'Stopped %',
  failed: 'Stopped % with error',
  timeout: 'Timed out stopping %',
}
const RELOADED: Partial<Record<JobResult, string>> = {
  done: 'Reloaded %',
  failed: 'Reload failed for %',
  timeout: 'Timed out reloading %',
}
const LINES: Partial<Record<JobType, Partial<Record<JobResult, string>>>> = {
  start: STARTED,
  stop: STOPPED,
  restart: STOPPED,
  reload: RELOADED,
  'verify-active': { skipped: '% is inactive', dependency: 'Dependency failed for %' },
}
const WARNED: ReadonlySet<JobResult> = new Set(['dependency', 'assert', 'unsupported'])
const FAILED: ReadonlySet<JobResult> = new Set(['failed', 'timeout'])

/** The line for the log, or null when there is nothing to say. `skipped`: a condition did not hold. */
export function describeJobEnd(
  type: JobType,
  result: JobResult,
  unit: string,
  skipped: boolean,
): { level: 'info' | 'warn' | 'error'; message: string } | null {
  const line = skipped ? 'Condition check resulted in % being skipped' : LINES[type]?.[result]
  if (!line) return null
  const level = FAILED.has(result) ? 'error' : WARNED.has(result) ? 'warn' : 'info'
  return { level, message: line.replace('%', () => unit) }
}
