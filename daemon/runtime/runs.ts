// The run of a unit, from its start to its end: one invocation id, one pair of log pipes, its directories.

import type { ConsoleFormat } from '../logs/console-line.ts'
import type { LogLimits, Logs, RunLog } from '../logs/logs.ts'
import type { Unit, UnitName } from '../units/unit.ts'

export type Run = {
  invocationId: string
  /** The log's write ends, once a process has asked for them. */
  log: { out: number; err: number } | null
  /** Under which name its lines are kept; null: not decided yet. */
  logName: UnitName | null
  /** Whether the unit's directories have been made. */
  hasDirectories: boolean
  hasCredentials: boolean
}

/** Whether all services' lines go to the console, and how those that go there look. */
export type ConsoleUse = { all: boolean; format: ConsoleFormat }

export interface Runs {
  begin(unit: UnitName, invocationId: string): void
  /** The run that is on; a command without one (the unit was adopted) begins it. */
  of(unit: UnitName, invocationId: string): Run
  /** The run's log pipes; its lines are kept under `name`. Throws an errno error when there is no descriptor left. */
  log(unit: Unit, run: Run, name: UnitName): { out: number; err: number }
  /** Where the output of the unit's logger (LogPipe=) goes; to be closed when it has been started. */
  openLogger(
    unit: Unit,
    invocationId: string,
    path: string,
  ): { out: number; err: number; close(): void }
  /** How lines of a run are kept that come on other ways than by its pipes. */
  describe(unit: Unit, invocationId: string): RunLog
  /** Lines of processes that are of no unit. */
  readonly strangers: RunLog
  /** The run's main process has been started. */
  started(unit: UnitName, run: Run, pid: number): void
  end(unit: UnitName, invocationId: string): void
}

/** `console`: how services' lines also go to the daemon's stdout, unless a unit says otherwise. */
export function createRuns(logs: Logs, console: ConsoleUse): Runs {
  const runs = new Map<UnitName, Run>()
  /** Those that an earlier image has left open, until they are asked for. */
  const left = new Map<string, Run>()
  // Their directories are looked at again with their next command.
  for (const { run, write } of logs.opened())
    left.set(run.invocationId, {
      ...fresh(run.invocationId),
      log: write,
      logName: run.unit,
    })
  const begin = (unit: UnitName, invocationId: string): Run => {
    end(unit)
    const run = left.get(invocationId) ?? fresh(invocationId)
    left.delete(invocationId)
    runs.set(unit, run)
    return run
  }
  const describe = (unit: Unit, invocationId: string, name: UnitName): RunLog => ({
    unit: name,
    invocationId,
    identifier: identifierOf(unit),
    ...consoleOf(unit, console),
    ...syslogSettings(unit),
    ...limitsOf(unit),
  })
  const end = (unit: UnitName) => {
    const run = runs.get(unit)
    if (!run) return
    runs.delete(unit)
    if (run.log) logs.close(run.logName ?? unit, run.invocationId)
  }
  return {
    begin: (unit, invocationId) => void begin(unit, invocationId),
    of(unit, invocationId) {
      const run = runs.get(unit)
      return run?.invocationId === invocationId ? run : begin(unit, invocationId)
    },
    log(unit, run, name) {
      run.logName ??= name
      run.log ??= logs.open(describe(unit, run.invocationId, run.logName))
      return run.log
    },
    openLogger(unit, invocationId, path) {
      const run = runs.get(unit.id)
      // The streams may be the unit's own, which has some that do not go to its logger.
      const own = run?.invocationId === invocationId ? run.log : null
      if (own) return { ...own, close() {} }
      const identifier = path.split('/').at(-1) ?? path
      const ends = logs.open({ ...describe(unit, invocationId, unit.id), identifier })
      return { ...ends, close: () => logs.close(unit.id, invocationId) }
    },
    describe(unit, invocationId) {
      const run = runs.get(unit.id)
      const name = run?.invocationId === invocationId ? run.logName : null
      return describe(unit, invocationId, name ?? unit.id)
    },
    strangers: {
      unit: STRANGERS,
      invocationId: '',
      identifier: 'unknown',
      console: console.all,
      consoleFormat: console.format,
    },
    started(unit, run, pid) {
      if (run.log) logs.setPid(run.logName ?? unit, run.invocationId, pid)
    },
    end(unit, invocationId) {
      const run = left.get(invocationId)
      if (run) begin(unit, invocationId)
      if (runs.get(unit)?.invocationId === invocationId) end(unit)
    },
  }
}

/** Under which name lines are kept that are of no unit. */
const STRANGERS: UnitName = 'other.scope'

const fresh = (invocationId: string): Run => ({
  invocationId,
  log: null,
  logName: null,
  hasDirectories: false,
  hasCredentials: false,
})

/** As systemd: SyslogIdentifier=, or the name of the file that is executed. */
const identifierOf = (unit: Unit): string =>
  unit.exec?.syslogIdentifier ??
  unit.service?.execStart[0]?.path.split('/').at(-1) ??
  unit.id.replace(/\.[^.]*$/, '')

/** SyslogLevel= and SyslogLevelPrefix=, as far as they are set. */
function syslogSettings({ exec }: Unit): Pick<RunLog, 'priority' | 'levelPrefix'> {
  return {
    ...(exec && exec.syslogLevel !== null && { priority: exec.syslogLevel }),
    ...(exec && !exec.syslogLevelPrefix && { levelPrefix: false }),
  }
}

/** What of its output is kept, if not all. */
function limitsOf({ exec }: Unit): Pick<RunLog, 'limits'> {
  if (!exec) return {}
  const limits: LogLimits = {
    ...(exec.logLevelMax !== null && { maxPriority: exec.logLevelMax }),
    ...(exec.logRateLimitIntervalUsec !== null && {
      // As a number of JSON, which knows no Infinity.
      rateIntervalUsec: Math.min(exec.logRateLimitIntervalUsec, Number.MAX_SAFE_INTEGER),
    }),
    ...(exec.logRateLimitBurst !== null && { rateBurst: exec.logRateLimitBurst }),
    ...(exec.logFilterPatterns.length > 0 && { patterns: exec.logFilterPatterns }),
  }
  return Object.keys(limits).length > 0 ? { limits } : {}
}

function consoleOf(
  { exec, hearth }: Unit,
  { all, format }: ConsoleUse,
): Pick<RunLog, 'console' | 'consoleFormat'> {
  const { consoleOutput } = hearth
  if (consoleOutput === 'off') return { console: false }
  if (consoleOutput !== 'inherit') return { console: true, consoleFormat: consoleOutput }
  const isNamed =
    exec?.standardOutput.kind === 'journal+console' ||
    exec?.standardError.kind === 'journal+console'
  return all || isNamed ? { console: true, consoleFormat: format } : { console: false }
}
