// A world for the engine to run in: the daemon's own loop and its memory, with processes, signals, conditions and a clock
// that exist only here. Nothing happens by itself but what `behave` says; time passes when `pass` says so. After every step the
// state is held against what must always be true (invariants.ts). The daemon may die at any point, and goes on from its memory.
import { unitTypeOf } from '../../daemon/engine/draft.ts'
import type { Effect } from '../../daemon/engine/effect.ts'
import { createEngine, type Engine, type EngineParts } from '../../daemon/engine/engine.ts'
import type { EngineEvent, ProcessExit } from '../../daemon/engine/event.ts'
import { initialUnitState } from '../../daemon/engine/initial.ts'
import type { Host, Machine } from '../../daemon/engine/machine.ts'
import { machineOf } from '../../daemon/engine/machines.ts'
import type { ActiveState, Changes, JobType } from '../../daemon/engine/state.ts'
import { createLoop, type Loop } from '../../daemon/loop.ts'
import type { Recording } from '../../daemon/record.ts'
import { createRecorder, type Recorder, recordingOf } from '../../daemon/recorder.ts'
import { resume } from '../../daemon/resume.ts'
import {
  type Account,
  createPersist,
  type Persist,
  readLedger,
  SLOT,
} from '../../daemon/runtime/persist.ts'
import type { JobMode, Unit, UnitName, UnitType } from '../../daemon/units/unit.ts'
import { type Behaviour, ends, LIVES, SECOND } from '../../simulation/behaviour.ts'
import { type Command, type Process, Surroundings } from '../../simulation/surroundings.ts'
import { type Checker, createChecker } from './invariants.ts'
import { MemoryLedger } from './ledger.ts'
import { expectSame } from './plain.ts'
import { FakeUnits } from './units.ts'

export { type Behaviour, ends, LIVES, SECOND }

export type WorldParts = {
  units: readonly Unit[]
  /** What the process of a command does. By default a service's main process lives and all others exit with 0 at once. */
  behave?: (command: Command) => Behaviour
  /** Whether the unit's conditions and asserts hold, each time they are asked for. */
  conditions?: (unit: UnitName) => { condition: boolean; assert: boolean }
  /** A number in [0, 1): decides between what is due at the same moment. By default it is what was planned first. */
  random?: () => number
  /** How late the next answer is that the daemon does not wait for (conditions, PID files, sockets ...), microseconds. */
  lateUsec?: () => number
  /** The state machines, if not the real ones. */
  machineOf?: (type: UnitType) => Machine
  seed?: string
  /** Where the daemon's records go. */
  ledger?: MemoryLedger
  host?: Host
  zone?: string
}

/** The daemon dies here. Made once: a stack is of no use. */
const CRASH = new Error('the daemon dies')

/** How many steps a recording has at most. */
const RECORDED = 100
/** Answers of late, to be given once more. */
const LATEST = 8

export class World {
  readonly units: FakeUnits
  /** Effects so far, oldest first. */
  readonly history: Effect[] = []
  readonly around: Surroundings
  readonly checker: Checker
  steps = 0
  crashes = 0

  readonly #parts: WorldParts
  readonly #ledger: MemoryLedger
  #persist: Persist
  #engine: Engine
  #loop: Loop
  #recorder!: Recorder
  /** Whether the loop is at work: what is posted comes of an effect. */
  #isInLoop = false
  /** What came from outside and is not on record: it is still there for the next image. */
  #inHand: EngineEvent | null = null
  /** On record, and not committed. */
  #uncommitted: Changes | null = null
  /** Effects on record that have not been carried out. */
  #wanted: Effect[] = []
  /** Events on record that have not been stepped. */
  #waiting: EngineEvent[] = []
  /** How many points are left to live for; null: no end is planned. */
  #pointsLeft: number | null = null
  #latest: EngineEvent[] = []
  #request = 0

  constructor(parts: WorldParts) {
    this.#parts = parts
    this.units = new FakeUnits(parts.units)
    this.#ledger = parts.ledger ?? new MemoryLedger()
    const { behave, conditions, random, lateUsec } = parts
    this.around = new Surroundings({
      post: event => void this.post(event),
      unit: name => this.#engine.graph.unit(name),
      behave: command => behave?.(command) ?? (command.exec === 'start' ? LIVES : ends(0)),
      ...(conditions && { conditions }),
      ...(random && { random }),
      ...(lateUsec && { lateUsec }),
      started: pid => {
        // As the kernel does (native/spawn.c).
        new Int32Array(this.#ledger.slots)[2 * SLOT.spawned] = pid
        this.#point()
      },
    })
    this.#persist = createPersist({ cloexec() {} }, this.#ledger, null)
    this.#engine = this.#createEngine()
    // The daemon's first step tells the environment; it puts the manager's state on record.
    this.#persist.account(this.#engine.state, [], [])
    this.checker = createChecker()
    this.#loop = this.#createLoop()
  }

  get engine(): Engine {
    return this.#engine
  }
  get now() {
    return this.around.now
  }
  get monotonicUsec(): number {
    return this.around.monotonicUsec
  }
  get offsetUsec(): number {
    return this.around.offsetUsec
  }
  set offsetUsec(usec: number) {
    this.around.offsetUsec = usec
  }
  get processes(): ReadonlyMap<number, Process> {
    return this.around.processes
  }
  get stamps(): Map<UnitName, number> {
    return this.around.stamps
  }
  get present(): Set<UnitName> {
    return this.around.present
  }
  get sockets() {
    return this.around.sockets
  }
  get finished() {
    return this.around.finished
  }

  post(event: EngineEvent): this {
    if ('token' in event || event.type === 'exited' || event.type === 'notify')
      this.#latest = [event, ...this.#latest.slice(0, LATEST - 1)]
    if (this.#isInLoop) this.#loop.post(event)
    else this.#live(() => this.#loop.post(event), event)
    return this
  }

  /** One of the latest answers is given once more. */
  again(nth: number): this {
    const event = this.#latest[nth % Math.max(1, this.#latest.length)]
    return event ? this.post(event) : this
  }

  /** The daemon dies after so many points more: before and after each step, record and effect there is one. */
  crashAfter(points: number): this {
    this.#pointsLeft = points
    return this
  }

  /** Asks for a job by hand; the number of the request. */
  ask(job: JobType, name: UnitName, mode: JobMode = 'replace'): number {
    const request = ++this.#request
    this.post({ type: 'job-requested', request, job, unit: name, mode, manual: true })
    return request
  }
  start(name: UnitName, mode: JobMode = 'replace'): this {
    this.ask('start', name, mode)
    return this
  }
  stop(name: UnitName, mode: JobMode = 'replace'): this {
    this.ask('stop', name, mode)
    return this
  }
  restart(name: UnitName): this {
    this.ask('restart', name)
    return this
  }
  shutdown(force = false): this {
    return this.post({ type: 'shutdown-requested', kind: 'exit', exitStatus: null, force })
  }
  reload(...units: readonly Unit[]): this {
    for (const unit of units) this.units.set(unit)
    this.units.reload()
    return this.post({ type: 'units-reloaded' })
  }
  /** What `ctl record` would give. */
  recording(): Recording {
    const { now } = this
    const host = this.#parts.host ?? { machineId: '', isContainer: true }
    const parts = { engine: this.#engine, host, program: 'test', now: () => now }
    return recordingOf(this.#recorder, parts)
  }
  /** The daemon is replaced: everything it knows goes through its records. */
  reexec(): this {
    this.#recover()
    return this
  }

  /** How many jobs were asked for by hand. */
  get requests(): number {
    return this.#request
  }

  /** The answer to a request: the result of the job, the kind of refusal, or `pending`. */
  answer(request: number): string {
    let job: number | null = null
    for (const effect of this.history) {
      if (effect.type === 'job-refused' && effect.request === request) return effect.error.type
      if (effect.type === 'job-accepted' && effect.request === request) job = effect.job
      if (effect.type === 'job-finished' && effect.job === job) return effect.result
    }
    return 'pending'
  }
  /** The results of the unit's jobs that have ended, in order: `start done`. */
  results(name: UnitName): string[] {
    return this.history.flatMap(effect =>
      effect.type === 'job-finished' && effect.unit === name
        ? [`${effect.jobType} ${effect.result}`]
        : [],
    )
  }
  get lines(): string[] {
    return this.history.flatMap(effect => (effect.type === 'log' ? [effect.message] : []))
  }
  /** What began to run, in order: a unit's name for its ExecStart=, else `name exec`. */
  get begun(): string[] {
    return this.history.flatMap(effect =>
      effect.type === 'spawn'
        ? [effect.exec === 'start' ? effect.unit : `${effect.unit} ${effect.exec}`]
        : [],
    )
  }
  stateOf(name: UnitName) {
    return (
      this.#engine.state.units.get(name) ??
      initialUnitState(name, name.slice(name.lastIndexOf('.') + 1) as UnitType)
    )
  }
  active(name: UnitName): ActiveState {
    return machineOf(unitTypeOf(name)).activeState(this.stateOf(name))
  }
  sub(name: UnitName): string {
    return machineOf(unitTypeOf(name)).subState(this.stateOf(name))
  }
  /** `active` of several, in order. */
  actives(...names: UnitName[]): ActiveState[] {
    return names.map(name => this.active(name))
  }
  /** The unit's pending job: `start waiting`; null: none. */
  job(name: UnitName): string | null {
    const id = this.stateOf(name).job
    const job = id === null ? undefined : this.#engine.state.jobs.get(id)
    return job ? `${job.type} ${job.state}` : null
  }
  main(name: UnitName): number {
    const pid = this.stateOf(name).service?.mainPid
    if (!pid) throw new Error(`${name} has no main process`)
    return pid
  }

  /** The unit's main process ends by itself. */
  die(name: UnitName, exit: ProcessExit | number = 1): this {
    this.around.end(
      this.main(name),
      typeof exit === 'number' ? { kind: 'exited', status: exit } : exit,
    )
    return this
  }

  /** Time passes, and what is planned on the way happens. */
  pass(usec = 0): this {
    this.around.passUntil(this.monotonicUsec + usec)
    return this
  }
  /** What the path unit waits for is there, if it waits. */
  comesAbout(unit: UnitName, path: string): this {
    this.around.comesAbout(unit, path)
    return this
  }
  /** Something comes in at the socket unit's sockets, if they are open. */
  comesIn(unit: UnitName): this {
    this.around.comesIn(unit)
    return this
  }
  /** Somebody else mounts or unmounts it. */
  setPresence(unit: UnitName, isThere: boolean): this {
    this.around.setPresence(unit, isThere)
    return this
  }
  /** The time of day is set: forward, or back. */
  setClock(byUsec: number): this {
    this.around.setClock(byUsec)
    return this
  }
  /** Lets everything happen that is planned, for an hour at most; false: there was more. */
  settle(): boolean {
    const until = this.monotonicUsec + 3600 * SECOND
    for (let next = this.around.nextUsec(); next !== null; next = this.around.nextUsec()) {
      if (next > until) return false
      this.around.advance()
    }
    return true
  }

  /** Nothing is planned and no deadline is armed: unless something comes from outside, all stays as it is. */
  get isQuiet(): boolean {
    return this.around.nextUsec() === null
  }

  #createEngine(more: Partial<EngineParts> = {}): Engine {
    const { seed, host, zone, machineOf: machine } = this.#parts
    return createEngine({
      units: this.units,
      seed: seed ?? '0123456789abcdef'.repeat(2),
      started: this.now,
      ...(host && { host }),
      ...(zone && { zone }),
      ...(machine && { machineOf: machine }),
      ...more,
    })
  }

  /** Lets the daemon do something; when it dies of it, another goes on, and is told what this one had not on record. */
  #live(act: () => void, event: EngineEvent | null): void {
    this.#inHand = event
    this.#isInLoop = true
    try {
      act()
      this.#isInLoop = false
    } catch (error) {
      if (error !== CRASH) throw error
      this.#isInLoop = false
      this.crashes++
      const lost = this.#inHand
      this.#recover()
      if (lost) this.post(lost)
    }
  }

  #point(): void {
    if (this.#pointsLeft === null || this.#pointsLeft-- > 0) return
    this.#pointsLeft = null
    throw CRASH
  }

  /** A new image takes the place of this one. */
  #recover(): void {
    const before = this.#engine
    if (this.#uncommitted) {
      before.commit(this.#uncommitted)
      this.checker.committed(before, this.#uncommitted)
      this.#uncommitted = null
    }
    const { leftover, keep } = readLedger(this.#ledger.reopen())
    this.#persist = createPersist({ cloexec() {} }, this.#ledger, keep)
    this.#persist.slots[SLOT.performed] = leftover?.performed ?? 0
    this.#persist.slots[SLOT.spawned] = 0
    const kept = before.graph.kept()
    this.#engine = this.#createEngine({ kept, ...(leftover && { state: leftover.state }) })
    this.#loop = this.#createLoop()
    this.around.arm(null, () => {})
    if (!leftover) return
    const { manager, units, jobs } = before.state
    expectSame(leftover.state, { manager, units, jobs })
    const isAnswered = leftover.effects.length === this.#wanted.length - 1
    expectSame(leftover.effects, isAnswered ? this.#wanted.slice(1) : this.#wanted)
    expectSame(leftover.events, this.#waiting)
    this.#wanted = [...leftover.effects]
    const startedBefore = ({ unit, token }: { unit: UnitName; token: number }, pid: number) => {
      this.#wanted.shift()
      this.#waiting.push({ type: 'spawned', unit, token, pid })
    }
    this.#live(
      () =>
        resume(
          leftover,
          {
            native: { children: () => new Int32Array() },
            engine: this.#engine,
            runtime: { restore() {}, startedBefore, delayedBefore: () => [] },
            loop: this.#loop,
            persist: this.#persist,
          },
          new Set(this.processes.keys()),
        ),
      null,
    )
  }

  /** The daemon's account, with points between at which it may die. */
  #createAccount(): Account {
    const persist = this.#persist
    let isOnRecord = false
    let stepped: EngineEvent | null = null
    return {
      stepping: event => {
        persist.stepping(event)
        stepped = event
        this.#point()
      },
      step: (changes, effects, isPosted) => {
        this.#point()
        persist.step(changes, effects, isPosted)
        this.#uncommitted = changes
        if (isPosted) this.#waiting.shift()
        this.#wanted.push(...effects.filter(effect => effect.type !== 'log'))
        if (this.#inHand === stepped) this.#inHand = null
        this.#point()
      },
      posted: event => {
        persist.posted(event)
        this.#waiting.push(event)
        this.#point()
      },
      performing: effect => {
        isOnRecord = effect.type !== 'log'
        persist.performing(effect)
        this.#point()
      },
      performed: () => {
        this.#point()
        persist.performed()
        if (isOnRecord) this.#wanted.shift()
        this.#point()
      },
      settled: state => persist.settled(state),
    }
  }

  #createLoop(): Loop {
    const engine = this.#engine
    this.#recorder = createRecorder(RECORDED, engine)
    return createLoop({
      account: this.#createAccount(),
      engine: {
        ...engine,
        state: engine.state,
        step: (event, now) => {
          const result = engine.step(event, now)
          this.steps++
          this.checker.step(engine, event, result, now)
          return result
        },
        commit: (changes: Changes) => {
          engine.commit(changes)
          this.#uncommitted = null
          this.checker.committed(engine, changes)
        },
      },
      perform: effect => {
        this.history.push(effect)
        this.around.perform(effect)
      },
      record: (event, changes, effects, now) => this.#recorder.record(event, now, changes, effects),
      now: () => this.now,
      arm: (atUsec, wake) => this.around.arm(atUsec, () => this.#live(wake, null)),
      settled: () => {},
    })
  }
}

export const world = (units: readonly Unit[], parts: Omit<WorldParts, 'units'> = {}) =>
  new World({ units, ...parts })
