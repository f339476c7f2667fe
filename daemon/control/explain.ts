// Why a job failed: the one or two lines that spare people a look into the logs.
import { describeJobResult } from '../engine/describe-error.ts'
import { execDirective } from '../engine/exec-lists.ts'
import type {
  CommandRun,
  JobResult,
  MountFacts,
  ServiceFacts,
  ServiceResult,
  SocketFacts,
  UnitState,
} from '../engine/state.ts'
import type { Unit, UnitName } from '../units/unit.ts'
import { formatTimespan } from '../units/values/format-timespan.ts'
import type { Backend } from './backend.ts'
import { lastLines, logUnitOf } from './log-lines.ts'
import { commandLine, commandOf, endInWords, exitInWords, isRunOk, refusedCall } from './runs.ts'
import type { Explanation, JobVerb } from './schema.ts'

/** Output lines that an explanation carries. */
const LINES = 5

/** Results that are no failure of the job (systemctl's exit status 0). */
const FINE: ReadonlySet<JobResult> = new Set(['done', 'skipped'])

/** Why `unit`'s job ended with `result`; null when that is no failure. */
export async function explain(
  backend: Backend,
  verb: JobVerb,
  unit: UnitName,
  result: JobResult,
  signal: AbortSignal,
): Promise<Explanation | null> {
  if (FINE.has(result)) return null
  const cause = result === 'dependency' ? failedDependency(backend, unit) : unit
  const { why, run } = reason(backend, cause, result)
  const failed = backend.state.units.get(cause) ?? null
  const told = result === 'dependency' ? `${cause}, which it requires, failed: ${why}` : why
  const lines =
    failed === null || run === null
      ? []
      : await lastLines(
          backend,
          { units: [logUnitOf(backend, cause)], lines: LINES, invocationId: failed.invocationId },
          signal,
        )
  const loaded = backend.units.get(cause)
  return {
    summary: `cannot ${verb} ${unit}: ${told}`,
    result: failed?.service || failed?.socket || failed?.mount ? backend.result(cause) : null,
    exit: run?.exit ? exitInWords(run.exit) : null,
    command: run ? commandLine(commandOf(loaded, run)) : null,
    cause,
    lines: lines.map(line => line.message),
    hint: hintOf(cause, failed, run),
  }
}

/** The results of a service whose command could not be run (`success`: the command was not needed for it to be up). */
const NOT_RUN: ReadonlySet<ServiceResult> = new Set(['exit-code', 'exec-condition', 'success'])

type Reason = { why: string; run: CommandRun | null }

function reason(backend: Backend, name: UnitName, result: JobResult): Reason {
  const state = backend.state.units.get(name)
  const unit = backend.units.get(name)
  if (result === 'assert') {
    return {
      why: `an assertion does not hold (${state?.conditionFailed ?? 'Assert…='})`,
      run: null,
    }
  }
  if (result === 'timeout') {
    const limit = unit.unit.jobTimeoutUsec
    const span = Number.isFinite(limit) ? ` (JobTimeoutSec=${formatTimespan(limit)})` : ''
    return { why: `the job timed out${span}`, run: null }
  }
  if (result !== 'failed' && result !== 'dependency') {
    return { why: `the job ${describeJobResult(result)}`, run: null }
  }
  if (unit.type === 'socket' && state?.socket) return socketReason(unit, state.socket)
  if (state?.mount) return mountReason(unit, state.mount)
  if (unit.timer || unit.path) return { why: triggerReason(backend, unit), run: null }
  if (!state?.service) return { why: whyNotLoaded(unit) ?? 'it failed', run: null }
  return serviceReason(unit, state.service)
}

function socketReason(unit: Unit, facts: SocketFacts): Reason {
  const run = facts.runs.findLast(one => isRunOk(unit, one) === false) ?? null
  if (facts.spawnError !== null) return { why: facts.spawnError, run: null }
  if (run) {
    return {
      why: endInWords(run, `${execDirective('socket', run.exec)}=`, commandOf(unit, run)),
      run,
    }
  }
  if (facts.result === 'timeout') return { why: 'it took longer than TimeoutSec=', run: null }
  return { why: facts.result === 'success' ? 'it ended' : facts.result, run: null }
}

/** Why a timer or path unit is not up: it has nothing of its own that could fail but what it triggers. */
function triggerReason(backend: Backend, unit: Unit): string {
  const own = whyNotLoaded(unit)
  if (own !== null) return own
  const [name] = backend.related(unit.id, 'triggers')
  const why = name === undefined ? null : whyNotLoaded(backend.units.get(name))
  return why === null
    ? `it failed with the result ${backend.result(unit.id)}`
    : `${name}, which it triggers, is not loaded: ${why}`
}

function mountReason(unit: Unit, { command, problem, result }: MountFacts): Reason {
  if (problem !== null) return { why: problem, run: null }
  if (result === 'timeout')
    return { why: 'its command took longer than TimeoutSec= allows', run: command }
  if (!command?.exit) return { why: whyNotLoaded(unit) ?? 'it failed', run: null }
  const program = commandOf(unit, command)?.path ?? 'its command'
  return { why: `${program} ${exitInWords(command.exit)}`, run: command }
}

function whyNotLoaded(unit: Unit): string | null {
  if (unit.loadState === 'loaded') return null
  return unit.loadError ?? `it is ${unit.loadState}`
}

/** The runtime's sentence why the command that brought the service down could not be run; null when it ran. */
const whyNotRun = (facts: ServiceFacts, run: CommandRun | null): string | null =>
  run?.pid === 0 || facts.result === 'resources' ? facts.spawnError : null

function serviceReason(unit: Unit, facts: ServiceFacts): Reason {
  const run = failedRun(unit, facts)
  const unable = whyNotRun(facts, run)
  // A result of its own, such as the start limit, tells more.
  if (unable !== null && NOT_RUN.has(facts.result)) return { why: unable, run }
  const ran = run === null ? 'it' : subject(facts, run)
  const settings = unit.service
  switch (facts.result) {
    case 'exit-code':
    case 'signal':
    case 'core-dump': {
      const end = run?.exit ? endInWords(run, ran, commandOf(unit, run)) : 'a process failed'
      const refused = refusedCall(unit, run?.exit ?? null)
      return { why: refused === null ? end : `${end}: ${refused}`, run }
    }
    case 'timeout':
      return { why: whyTimeout(unit, facts, run), run }
    case 'watchdog': {
      const span = facts.watchdogUsec ?? settings?.watchdogUsec ?? 0
      return { why: `it sent no WATCHDOG=1 within ${formatTimespan(span)} (WatchdogSec=)`, run }
    }
    case 'protocol':
      return { why: whyProtocol(unit, run, ran), run }
    case 'start-limit-hit': {
      const { startLimitBurst, startLimitIntervalUsec } = unit.unit
      const limit = `${startLimitBurst} starts within ${formatTimespan(startLimitIntervalUsec)}`
      return { why: `it was started too often (StartLimitBurst=, ${limit})`, run }
    }
    case 'oom-kill':
      return { why: 'the kernel killed one of its processes for want of memory', run }
    case 'exec-condition':
      return {
        why: run?.exit ? endInWords(run, ran, commandOf(unit, run)) : `${ran} did not hold`,
        run,
      }
    case 'resources':
      // Not even a child could be made; `run` is an earlier one.
      return { why: facts.spawnError ?? 'it has no command that could be run', run: null }
    case 'success':
      // Ended well, but the job was for more than that.
      return { why: run?.exit ? endInWords(run, ran, commandOf(unit, run)) : 'it ended', run }
  }
}

/** The run that the result comes from: the last one that did not end well, or else the main process. */
function failedRun(unit: Unit, facts: ServiceFacts): CommandRun | null {
  const bad = facts.runs.findLast(run => isRunOk(unit, run) === false)
  return bad ?? facts.main ?? facts.runs.at(-1) ?? null
}

function subject(facts: ServiceFacts, run: CommandRun): string {
  if (run.exec === 'start' && (facts.main === null || facts.main.pid === run.pid)) {
    return 'the main process'
  }
  return `${execDirective('service', run.exec)}=`
}

function whyTimeout(unit: Unit, facts: ServiceFacts, run: CommandRun | null): string {
  const settings = unit.service
  if (settings === undefined) return 'it timed out'
  if (run !== null && (run.exec === 'stop' || run.exec === 'stop-post')) {
    return `${execDirective('service', run.exec)}= took longer than ${limit('TimeoutStopSec', settings.timeoutStopUsec)}`
  }
  const within = limit('TimeoutStartSec', settings.timeoutStartUsec)
  if (run !== null && run.exec !== 'start') {
    return `${execDirective('service', run.exec)}= took longer than ${within}`
  }
  if (facts.sub === 'running')
    return `it ran longer than ${limit('RuntimeMaxSec', settings.runtimeMaxUsec)}`
  switch (settings.type) {
    case 'notify':
    case 'notify-reload':
      return `it did not send READY=1 within ${within}`
    case 'forking':
      return `the first process did not end within ${within}`
    case 'dbus':
      return `it did not take its bus name within ${within}`
    default:
      return `it took longer than ${within}`
  }
}

const limit = (directive: string, usec: number) => `${formatTimespan(usec)} (${directive}=)`

function whyProtocol(unit: Unit, run: CommandRun | null, ran: string): string {
  const ended = run?.exit ? endInWords(run, ran, commandOf(unit, run)) : 'it ended'
  switch (unit.service?.type) {
    case 'notify':
    case 'notify-reload':
      return `${ended} without having sent READY=1 (Type=${unit.service.type})`
    case 'forking':
      return unit.service.pidFile === null
        ? `${ended} and left no process (Type=forking)`
        : `${ended} and left no valid PID in ${unit.service.pidFile} (PIDFile=)`
    default:
      return `${ended} before the unit was up`
  }
}

/** The first unit behind `name` that failed by itself, along the requirements. */
function failedDependency(backend: Backend, name: UnitName): UnitName {
  const seen = new Set([name])
  const queue = [name]
  let found = name
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const kind of ['requires', 'requisite', 'bindsTo'] as const) {
      for (const other of backend.related(at, kind)) {
        if (seen.has(other)) continue
        seen.add(other)
        if (backend.activeState(other) === 'failed') return other
        // One that did not come up at all stands for the failure until a culprit is found behind it.
        if (found === name && backend.activeState(other) !== 'active') found = other
        queue.push(other)
      }
    }
  }
  return found
}

/** What to look at for the exit statuses by which a child tells why it could not become the service (systemd.exec(5)). */
const STATUS_HINTS: ReadonlyMap<number, string> = new Map([
  [200, 'check that WorkingDirectory= exists'],
  [203, 'check that the command exists and may be executed'],
  [209, 'check StandardOutput='],
  [216, 'check that Group= exists'],
  [217, 'check that User= exists'],
  [233, 'check RuntimeDirectory='],
  [238, 'check StateDirectory='],
  [239, 'check CacheDirectory='],
  [240, 'check LogsDirectory='],
])

function hintOf(name: UnitName, state: UnitState | null, run: CommandRun | null): string {
  if (state?.service?.result === 'start-limit-hit') {
    return `'ctl reset-failed ${name}' lets it start again`
  }
  // It has written nothing, and the sentence names what is to be mended.
  if (state?.service && whyNotRun(state.service, run) !== null) return `see 'ctl status ${name}'`
  const exit = run?.exit
  const special = exit?.kind === 'exited' ? STATUS_HINTS.get(exit.status) : undefined
  const look = `see 'ctl status ${name}' and 'ctl logs ${name}'`
  return special === undefined ? look : `${special}; ${look}`
}
