// Logs in a directory of their own, and children that write to them.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import type { ExecutionContext } from 'ava'
import type { Background } from '../../daemon/logs/compress.ts'
import { createLogs, type LogsSettings } from '../../daemon/logs/hub.ts'
import type { RunLog } from '../../daemon/logs/logs.ts'
import type { LogQuery, LogRecord } from '../../daemon/logs/record.ts'
import { native } from '../../daemon/runtime/native.ts'

export const ALL: LogQuery = {
  units: [],
  lines: null,
  follow: false,
  sinceUsec: null,
  untilUsec: null,
  maxPriority: null,
  stream: null,
  grep: null,
  invocationId: null,
}
/** An invocation id of 32 hex digits. */
export const runId = (n: number) => n.toString(16).padStart(32, '0')

export function temporaryDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-logs-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** The scripts are started by Node, which leaves them what is not close-on-exec; the addon closes what is not theirs. */
function pipeOfOurs() {
  const ends = native().pipe()
  for (const fd of [ends.read, ends.write]) native().cloexec(fd, true)
  return ends
}

/** What is put off in `work`, on a clock that stands where the last of it is due. */
export function createBackground() {
  const work: (() => void)[] = []
  let nowMs = 0
  const background: Background = {
    nowMs: () => nowMs,
    later(each, ms) {
      nowMs += ms
      work.push(each)
    },
    deflate: (bytes, told) => work.push(() => told(deflateRawSync(bytes))),
    sync: (_, told) => work.push(() => told(true)),
  }
  const catchUp = () => {
    for (let next = work.shift(); next; next = work.shift()) next()
  }
  return { background, work, catchUp }
}

/** Logs as the daemon has them, ended with the test. */
export function openLogs(t: ExecutionContext, settings: Partial<LogsSettings> = {}) {
  const warnings: string[] = []
  const directory = settings.directory === undefined ? temporaryDirectory(t) : settings.directory
  const logs = createLogs({
    native: { ...native(), pipe: pipeOfOurs },
    directory,
    rotateBytes: 10_000_000,
    keep: 5,
    warn: message => warnings.push(message),
    ...settings,
  })
  t.teardown(() => logs.finish(10_000))

  /** Opens a run and starts a shell script in it. */
  const start = (unit: string, script: string, run = runId(1), more: Partial<RunLog> = {}) => {
    const ends = logs.open({
      unit,
      invocationId: run,
      identifier: 'sh',
      console: false,
      ...more,
    })
    const child = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', ends.out, ends.err] })
    if (child.pid) logs.setPid(unit, run, child.pid)
    return child
  }

  /** Runs a shell script as a run of the unit, to its end. */
  const run = async (unit: string, script: string, id = runId(1)) => {
    await ended(start(unit, script, id))
    logs.close(unit, id)
  }

  const ask = async (query: Partial<LogQuery>) => {
    const records: LogRecord[] = []
    const { signal } = new AbortController()
    for await (const batch of logs.query({ ...ALL, ...query }, signal)) records.push(...batch)
    return records
  }
  return { logs, directory: directory ?? '', warnings, start, run, ask }
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** What the files of a unit hold, the oldest first. */
export const files = (directory: string, unit: string) =>
  readdirSync(join(directory, unit))
    .sort()
    .map(name => readFileSync(join(directory, unit, name)))
