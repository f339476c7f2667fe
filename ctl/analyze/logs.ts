// The services' lines out of the log files themselves: of a daemon that does not run. In a bundle of its own: it knows the
// daemon's files.
import { readdirSync } from 'node:fs'
import { err, ok, type Result } from 'neverthrow'
import type { ControlError, LogLine, Methods, RunHistory } from '../../daemon/control/schema.ts'
import { readEnds } from '../../daemon/logs/history.ts'
import { createQuery } from '../../daemon/logs/query.ts'
import { createStore, type Store } from '../../daemon/logs/store.ts'
import { matchesGlob } from '../../daemon/units/glob.ts'
import type { UnitName } from '../../daemon/units/unit.ts'
import { isGlob, mangleName } from '../../daemon/units/values/unit-name.ts'

const PART = 500

/** Where the daemon of this user keeps its logs by default: HEARTH_LOGS, /var/log/hearth as root, or the user's state. */
export function defaultLogDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env.HEARTH_LOGS) return env.HEARTH_LOGS
  const uid = process.geteuid?.() ?? 0
  if (uid === 0) return '/var/log/hearth'
  const state = env.XDG_STATE_HOME ?? (env.HOME && `${env.HOME}/.local/state`)
  return state ? `${state}/hearth/log` : `/tmp/hearth-${uid}/log`
}

/** What `asked` finds in the files below `directory`, in parts; what follows later is not waited for. */
export function readLogFiles(
  directory: string,
  asked: Methods['logs']['params'],
): Result<Generator<readonly LogLine[]>, ControlError> {
  const opened = openFiles(directory)
  if (opened.isErr()) return err(opened.error)
  const store = opened.value
  if (asked.boot)
    return err({
      code: 'bad-request',
      message: 'cannot tell from the files when hearth was started',
      hint: 'use --since instead of --boot',
    })
  const units = unitsOf(store, asked.units ?? [])
  if (units.isErr()) return err(units.error)
  try {
    const query = createQuery(store, {
      units: units.value,
      lines: asked.lines ?? null,
      follow: false,
      reverse: asked.reverse ?? false,
      sinceUsec: asked.sinceUsec ?? null,
      untilUsec: asked.untilUsec ?? null,
      maxPriority: asked.priority ?? null,
      stream: asked.stream ?? null,
      grep: asked.grep ?? null,
      invocationId: asked.invocationId ?? null,
      run: asked.run ?? null,
    })
    return ok(inParts(query.history()))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return err({
      code: 'bad-request',
      message: `cannot search for '${asked.grep}': ${error.message}`,
    })
  }
}

/** How the runs of the units have ended, as far as the files below `directory` tell; `lines`: the last so many of each. */
export function readHistoryFiles(
  directory: string,
  patterns: readonly string[],
  lines: number | null,
): Result<RunHistory[], ControlError> {
  return openFiles(directory)
    .andThen(store => unitsOf(store, patterns))
    .map(units =>
      units.map(unit => {
        const runs = readEnds(directory, unit)
        return { unit, runs: lines === null ? runs : lines > 0 ? runs.slice(-lines) : [] }
      }),
    )
}

function openFiles(directory: string): Result<Store, ControlError> {
  try {
    readdirSync(directory)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return err({
      code: code === 'EACCES' ? 'not-permitted' : 'failed',
      message: `cannot read the logs in ${directory}: ${(error as Error).message}`,
      hint: 'name the directory that hearth was given with --logs by --directory',
    })
  }
  return ok(
    createStore({
      directory,
      rotateBytes: Number.POSITIVE_INFINITY,
      keep: Number.POSITIVE_INFINITY,
      warn() {},
      nowUsec: () => 0,
    }),
  )
}

function* inParts(lines: Iterable<LogLine | null>): Generator<readonly LogLine[]> {
  let part: LogLine[] = []
  for (const line of lines) {
    if (line === null) continue
    part.push(line)
    if (part.length < PART) continue
    yield part
    part = []
  }
  if (part.length > 0) yield part
}

function unitsOf(store: Store, patterns: readonly string[]): Result<UnitName[], ControlError> {
  const there = store.units()
  const found = new Set<UnitName>()
  for (const pattern of patterns) {
    const name = mangleName(pattern).unwrapOr(pattern)
    const meant = there.filter(unit => (isGlob(name) ? matchesGlob(name, unit) : unit === name))
    if (meant.length === 0)
      return err({
        code: 'unit-not-found',
        message: `cannot find a log of ${name}`,
        hint: `its files would be in ${name} in the log directory`,
        unit: name,
      })
    for (const unit of meant) found.add(unit)
  }
  return ok([...found])
}
