// Runs a test: builds its world, does its steps, and stops at the first that is not as it is expected.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { describeTransactionError } from '../../daemon/engine/describe-error.ts'
import type { Effect } from '../../daemon/engine/effect.ts'
import { unitReader } from '../../daemon/runtime/unit-reader.ts'
import { describeProblem } from '../../daemon/units/errors.ts'
import { createUnits } from '../../daemon/units/load.ts'
import type { Unit, UnitName } from '../../daemon/units/unit.ts'
import { formatTimespan } from '../../daemon/units/values/format-timespan.ts'
import { signalName } from '../../daemon/units/values/signal.ts'
import { readTimestamp } from '../../daemon/units/values/timestamp.ts'
import { findZone, UTC } from '../../daemon/units/values/zone.ts'
import { type Happening, SimulatedDaemon } from '../daemon.ts'
import { HOST, withFiles } from './host.ts'
import { type Asked, judge, known, Unknown } from './judge.ts'
import { behaviourOf } from './processes.ts'
import type { Action, Expectation, Setup, Step, Trial, When } from './script.ts'

export type Failure = { line: number; usec: number; expected: string; actual: string }
export type Outcome = {
  title: string
  line: number
  failure: Failure | null
  /** What happened, oldest first. */
  timeline: readonly Happening[]
  /** What is wrong with the units that were read. */
  problems: readonly string[]
  /** The simulated time that has passed, microseconds. */
  usec: number
}

/** A daemon that takes so many events while no time passes does not come to rest. */
const MOST_EVENTS_AT_ONCE = 100_000
/** Crash signals end a process whatever it does with others. */
const FATAL: ReadonlySet<string> = new Set('QUIT ILL TRAP ABRT BUS FPE KILL SEGV SYS'.split(' '))

/** What is not as expected. */
class Failed extends Error {
  readonly expected: string
  constructor(expected: string, actual: string) {
    super(actual)
    this.expected = expected
  }
}

/** Runs the test of the file `path`. */
export function runTrial(path: string, trial: Trial): Outcome {
  const run = new Run(path, trial.setup)
  let failure: Failure | null = null
  for (const step of trial.steps) {
    try {
      run.take(step)
    } catch (error) {
      failure = failureOf(step, run, error)
      break
    }
  }
  failure ??= run.refusedUnseen()
  return {
    title: trial.title,
    line: trial.line,
    failure,
    timeline: run.daemon.timeline,
    problems: run.problems(path),
    usec: run.daemon.usec,
  }
}

function failureOf(step: Step, run: Run, error: unknown): Failure {
  const at = { line: step.line, usec: run.daemon.usec }
  if (error instanceof Failed) return { ...at, expected: error.expected, actual: error.message }
  if (error instanceof Unknown) return { ...at, expected: step.text, actual: error.message }
  throw error
}

class Run {
  readonly daemon: SimulatedDaemon
  readonly #asked: (Asked & { request: number; job: number | null; line: number })[] = []
  readonly #failing = new Set<UnitName>()
  readonly #zone: string
  readonly #problems: Unit[] = []
  #effects = 0
  #seen = 0

  constructor(path: string, setup: Setup) {
    const directory = resolve(path)
    const missing = [...setup.services, ...setup.vendorUnits].find(each => !existsSync(each))
    this.#zone = setup.zone
    const units = createUnits({
      services: [directory, ...setup.services],
      vendorUnits: setup.vendorUnits,
      reader: withFiles(unitReader, directory, setup.files),
      host: HOST,
      onLoad: unit => void this.#problems.push(unit),
    })
    this.daemon = new SimulatedDaemon({
      units,
      zone: setup.zone,
      realtimeUsec: this.#moment(setup.clock, 0),
      behave: command =>
        behaviourOf(command, this.daemon.engine.graph.unit(command.unit), setup.rules),
      conditions: unit => this.#conditions(unit),
    })
    if (missing !== undefined) this.daemon.note(null, `there is no directory ${missing}`)
  }

  /** Takes the step; throws when it is not as expected. */
  take(step: Step): void {
    const { when, action, text, line } = step
    this.#pass(when)
    if (action.do !== 'expect') {
      this.#refuseUnseen(line)
      if (action.do !== 'nothing') this.daemon.note(null, `> ${text}`)
      this.#act(action, line)
      this.#settle(this.daemon.usec)
      return
    }
    const { expectation } = action
    const isRefusal = expectation.about === 'job' && expectation.result === 'refused'
    if (!isRefusal) this.#refuseUnseen(line)
    this.#expect(when, expectation)
    if (isRefusal) this.#seen = this.#asked.length
  }

  /** A request that was refused, of which the test says nothing. */
  refusedUnseen(): Failure | null {
    this.#update()
    const refused = this.#asked.slice(this.#seen).find(({ result }) => result === 'refused')
    return refused
      ? {
          line: refused.line,
          usec: this.daemon.usec,
          expected: `${refused.verb} ${refused.unit}`,
          actual: refused.why ?? '',
        }
      : null
  }

  /** What is wrong with the files of the units; those of the test itself are named by it. */
  problems(path: string): string[] {
    const own = `${resolve(path)}/`
    return this.#problems.flatMap(unit =>
      unit.problems.map(problem => {
        const { file } = problem.place
        const place = file.startsWith(own) ? { ...problem.place, file: path } : problem.place
        return describeProblem({ ...problem, place })
      }),
    )
  }

  #refuseUnseen(line: number): void {
    const refused = this.refusedUnseen()
    this.#seen = this.#asked.length
    if (refused && refused.line !== line) throw new Failed(refused.expected, refused.actual)
  }

  #pass(when: When): void {
    const now = this.daemon.usec
    if (when?.word === 'at') {
      if (when.usec < now)
        throw new Failed(
          `a step at ${formatTimespan(when.usec)}`,
          `it is ${formatTimespan(now)} already: steps stand in the order of time`,
        )
      this.#settle(when.usec)
    } else this.#settle(when?.word === 'after' ? now + when.usec : now)
  }

  /** Everything that is due up to that moment happens. `until`: it ends there, too. */
  #settle(untilUsec: number, until: () => boolean = () => false): boolean {
    const { daemon } = this
    const { around } = daemon
    const end = around.monotonicUsec - daemon.usec + untilUsec
    let [atUsec, steps] = [around.monotonicUsec, daemon.steps]
    for (let next = around.nextUsec(); next !== null && next <= end; next = around.nextUsec()) {
      around.advance()
      if (until()) return true
      if (around.monotonicUsec > atUsec) [atUsec, steps] = [around.monotonicUsec, daemon.steps]
      else if (daemon.steps - steps > MOST_EVENTS_AT_ONCE)
        throw new Failed('the units to come to rest', 'they go on without end while no time passes')
    }
    around.passUntil(end)
    return false
  }

  #act(action: Action, line: number): void {
    const { daemon } = this
    switch (action.do) {
      case 'nothing':
      case 'expect':
        return
      case 'boot':
        this.#ask('start', action.target, { job: 'start', mode: 'replace' }, line)
        return
      case 'job':
        for (const unit of action.units) this.#ask(action.verb, unit, action, line)
        return
      case 'reset-failed':
        daemon.post({ type: 'reset-failed', unit: action.unit && known(daemon, action.unit) })
        return
      case 'daemon-reload':
        daemon.units.reload()
        daemon.post({ type: 'units-reloaded' })
        return
      case 'shutdown': {
        const { kind, exitStatus, force } = action
        daemon.post({ type: 'shutdown-requested', kind, exitStatus, force })
        return
      }
      case 'exit':
        daemon.around.end(this.#main(action.unit), { kind: 'exited', status: action.status })
        return
      case 'oom':
        daemon.around.endOfMemory(this.#main(action.unit))
        return
      case 'kill': {
        const pid = this.#main(action.unit)
        const { signal } = action
        const process = daemon.around.processes.get(pid)
        if (FATAL.has(signalName(signal))) daemon.around.end(pid, { kind: 'killed', signal })
        else if (process) daemon.around.signal(process, signal)
        return
      }
      case 'notify':
        daemon.around.say(this.#main(action.unit), action.fields)
        return
      case 'connect':
        if (!daemon.around.comesIn(known(daemon, action.unit)))
          throw new Failed(`a connection to ${action.unit}`, 'it is refused: nobody listens')
        return
      case 'create':
        this.#create(action.path)
        return
      case 'conditions':
        if (action.holds) this.#failing.delete(known(daemon, action.unit))
        else this.#failing.add(known(daemon, action.unit))
        return
      case 'presence':
        daemon.around.setPresence(known(daemon, action.unit), action.isThere)
        return
      case 'set-clock': {
        const { realtimeUsec } = daemon.around.now
        daemon.around.setClock(this.#moment(action.to, realtimeUsec) - realtimeUsec)
        return
      }
      default:
        action satisfies never
    }
  }

  #ask(
    verb: string,
    unit: UnitName,
    { job, mode }: Pick<Extract<Action, { do: 'job' }>, 'job' | 'mode'>,
    line: number,
  ): void {
    const request = this.daemon.ask(job, unit, mode)
    this.#asked.push({ verb, unit, request, line, job: null, result: 'pending', why: null })
    this.#update()
  }

  /** What has become of the jobs. */
  #update(): void {
    const { effects } = this.daemon
    for (; this.#effects < effects.length; this.#effects++) this.#follow(effects[this.#effects])
  }

  #follow(effect: Effect | undefined): void {
    if (effect?.type === 'job-accepted' || effect?.type === 'job-refused') {
      const mine = this.#asked.find(({ request }) => request === effect.request)
      if (!mine) return
      if (effect.type === 'job-accepted') mine.job = effect.job
      else Object.assign(mine, { result: 'refused', why: describeTransactionError(effect.error) })
    }
    if (effect?.type === 'job-finished')
      for (const each of this.#asked) if (each.job === effect.job) each.result = effect.result
  }

  #expect(when: When, expectation: Expectation): void {
    const { daemon } = this
    const look = () => {
      this.#update()
      return judge(daemon, this.#asked, expectation)
    }
    const not = expectation.isNegated ? 'not ' : ''
    const expected = `${not}${expectation.text}`
    let verdict = look()
    if (when?.word === 'within') {
      if (verdict.holds) return
      const until = daemon.usec + when.usec
      if (this.#settle(until, () => look().holds)) return
      verdict = look()
      if (!verdict.holds)
        throw new Failed(`${expected} within ${formatTimespan(when.usec)}`, verdict.actual)
      return
    }
    if (!verdict.holds) throw new Failed(expected, verdict.actual)
    if (when?.word !== 'for') return
    const isBroken = this.#settle(daemon.usec + when.usec, () => {
      verdict = look()
      return !verdict.holds
    })
    if (isBroken) throw new Failed(`${expected} for ${formatTimespan(when.usec)}`, verdict.actual)
  }

  #main(name: UnitName): number {
    const unit = known(this.daemon, name)
    const pid = this.daemon.stateOf(unit)?.service?.mainPid
    if (pid == null || !this.daemon.around.processes.has(pid))
      throw new Failed(`a main process of ${unit}`, 'it has none')
    return pid
  }

  #create(path: string): void {
    let isWatched = false
    for (const unit of this.daemon.units.loaded()) {
      if (!unit.path?.watched.some(each => each.path === path)) continue
      isWatched ||= this.daemon.around.watched.has(unit.id)
      this.daemon.around.comesAbout(unit.id, path)
    }
    if (!isWatched) throw new Failed(`a path unit that waits for ${path}`, 'none does')
  }

  #conditions(name: UnitName) {
    if (!this.#failing.has(name)) return { condition: true, assert: true }
    const { conditions, asserts } = this.daemon.engine.graph.unit(name).unit
    const [first] = conditions.length > 0 ? conditions : asserts
    const failed = first ? `${first.kind}=${first.negated ? '!' : ''}${first.value}` : ''
    return { condition: conditions.length === 0, assert: conditions.length > 0, failed }
  }

  #moment(text: string, nowUsec: number): number {
    return readTimestamp(text, nowUsec, findZone(this.#zone) ?? UTC).match(
      usec => usec,
      message => {
        throw new Failed(text, `cannot read the moment: ${message}`)
      },
    )
  }
}
