// A world for the engine to run in: the daemon's own loop and its memory, with processes, signals, conditions and a clock
// that exist only here. Nothing happens by itself but what `behave` says; time passes when `pass` says so. After every step the
// state is held against what must always be true (invariants.ts). The daemon may die at any point, and goes on from its memory.

import { deepStrictEqual } from 'node:assert'

import type { Effect } from '../../daemon/engine/effect.ts'
import { createEngine, type Engine, type EngineParts } from '../../daemon/engine/engine.ts'
import type { EngineEvent, ProcessExit } from '../../daemon/engine/event.ts'
import { initialUnitState } from '../../daemon/engine/initial.ts'
import type { Host, Machine } from '../../daemon/engine/machine.ts'
import { machineOf } from '../../daemon/engine/machines.ts'
import type { ActiveState, Changes, ExecKind, JobType } from '../../daemon/engine/state.ts'
import { createLoop, type Loop } from '../../daemon/loop.ts'
import { resume } from '../../daemon/resume.ts'
import {
  type Account,
  createPersist,
  type Persist,
  readLedger,
  SLOT,
} from '../../daemon/runtime/persist.ts'
import type { JobMode, Unit, UnitName, UnitType } from '../../daemon/units/unit.ts'
import { type Checker, createChecker } from './invariants.ts'
import { MemoryLedger } from './ledger.ts'
import { FakeUnits } from './units.ts'

export const SECOND = 1_000_000
const SIGKILL = 9
const SIGCONT = 18

/** What a process does. Spans are microseconds. */
export type Behaviour = {
  /** How long it runs; null: until it is killed. */
  livesUsec: number | null
  exit: ProcessExit
  /** When it sends READY=1, if its unit is of a type that listens; null: never. */
  readyUsec: number | null
  /** How long it takes to end after a signal that asks it to; null: it is deaf to all but SIGKILL. */
  obeysUsec: number | null
  /** How it ends when it obeys; null: killed by the signal. */
  obeysWith: ProcessExit | null
  /** A daemon that it leaves behind when it ends. */
  forks: Behaviour | null
  /** It cannot be spawned at all. */
  isMissing: boolean
  /** With that failure; its executable is not there if nothing is said. */
  failure?: SpawnFailure
}
type SpawnFailure = Omit<Extract<EngineEvent, { type: 'spawn-failed' }>, 'type' | 'unit' | 'token'>
const NOT_FOUND: SpawnFailure = {
  step: 'exec',
  exitStatus: 203,
  errno: 'ENOENT',
  message: 'not found',
}

export const LIVES: Behaviour = {
  livesUsec: null,
  exit: { kind: 'exited', status: 0 },
  readyUsec: 0,
  obeysUsec: 0,
  obeysWith: null,
  forks: null,
  isMissing: false,
}
export const ends = (status: number, livesUsec = 0): Behaviour => ({
  ...LIVES,
  livesUsec,
  exit: { kind: 'exited', status },
})

export type Command = { unit: UnitName; exec: ExecKind; index: number; run: number }
type Process = { pid: number; unit: UnitName; behaviour: Behaviour; ending: boolean }
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

/** Where the daemon died. */
class Crash extends Error {}

/** Answers of late, to be given once more. */
const LATEST = 8

type Planned = { atUsec: number; order: number; happen: () => void }

export class World {
  readonly units: FakeUnits
  /** Effects so far, oldest first. */
  readonly history: Effect[] = []
  readonly processes = new Map<number, Process>()
  readonly checker: Checker
  monotonicUsec = 1000 * SECOND
  /** CLOCK_REALTIME less CLOCK_MONOTONIC. */
  offsetUsec = 1_700_000_000 * SECOND
  /** The stamps of timers on disk. */
  readonly stamps = new Map<UnitName, number>()
  /** Mounts, swaps and devices that are there. */
  readonly present = new Set<UnitName>()
  /** What has come in at sockets that are open, and whether somebody watches. */
  readonly sockets = new Map<UnitName, { isWatched: boolean; isPending: boolean }>()
  steps = 0
  crashes = 0
  finished: Extract<Effect, { type: 'finish' }> | null = null

  readonly #parts: WorldParts
  readonly #runs = new Map<string, number>()
  readonly #awaitsEmpty = new Set<UnitName>()
  /** Path units whose paths are watched, by which token. */
  readonly #watched = new Map<UnitName, number>()
  readonly #ledger: MemoryLedger
  #persist: Persist
  #engine: Engine
  #loop: Loop
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
  /** Tokens of the spawns whose process was started. */
  readonly #started = new Set<number>()
  /** How many points are left to live for; null: no end is planned. */
  #pointsLeft: number | null = null
  #latest: EngineEvent[] = []
  #plans: Planned[] = []
  #wakeUsec: number | null = null
  #wake: () => void = () => {}
  #order = 0
  #pid = 100
  #request = 0

  constructor(parts: WorldParts) {
    this.#parts = parts
    this.units = new FakeUnits(parts.units)
    this.#ledger = parts.ledger ?? new MemoryLedger()
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
    return {
      realtimeUsec: this.offsetUsec + this.monotonicUsec,
      monotonicUsec: this.monotonicUsec,
    }
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
    return machineOf(this.#typeOf(name)).activeState(this.stateOf(name))
  }
  sub(name: UnitName): string {
    return machineOf(this.#typeOf(name)).subState(this.stateOf(name))
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
    this.#end(this.main(name), typeof exit === 'number' ? { kind: 'exited', status: exit } : exit)
    return this
  }

  /** Time passes, and what is planned on the way happens. */
  pass(usec = 0): this {
    const until = this.monotonicUsec + usec
    for (;;) {
      const next = this.#nextUsec()
      if (next === null || next > until) break
      this.#advance()
    }
    this.monotonicUsec = Math.max(until, this.monotonicUsec)
    return this
  }
  /** What the path unit waits for is there, if it waits. */
  comesAbout(unit: UnitName, path: string): this {
    const token = this.#watched.get(unit)
    return token === undefined ? this : this.post({ type: 'path-triggered', unit, token, path })
  }
  /** Something comes in at the socket unit's sockets, if they are open. */
  comesIn(unit: UnitName): this {
    const socket = this.sockets.get(unit)
    if (!socket) return this
    socket.isPending = true
    return socket.isWatched ? this.post({ type: 'socket-ready', unit }) : this
  }
  /** Somebody else mounts or unmounts it. */
  setPresence(unit: UnitName, isThere: boolean): this {
    if (isThere) this.present.add(unit)
    else this.present.delete(unit)
    return this.post({ type: 'presence', unit, token: 0, isThere, problem: null })
  }
  /** The time of day is set: forward, or back. */
  setClock(byUsec: number): this {
    this.offsetUsec += byUsec
    return this.post({ type: 'clock-set' })
  }
  /** Lets everything happen that is planned, for an hour at most; false: there was more. */
  settle(): boolean {
    const until = this.monotonicUsec + 3600 * SECOND
    for (let next = this.#nextUsec(); next !== null; next = this.#nextUsec()) {
      if (next > until) return false
      this.#advance()
    }
    return true
  }

  /** Nothing is planned and no deadline is armed: unless something comes from outside, all stays as it is. */
  get isQuiet(): boolean {
    return this.#nextUsec() === null
  }

  #nextUsec(): number | null {
    let next = this.#wakeUsec
    for (const { atUsec } of this.#plans) next = next === null ? atUsec : Math.min(next, atUsec)
    return next
  }

  /** Does one of the things that are next. */
  #advance(): void {
    const at = this.#nextUsec()
    if (at === null) return
    this.monotonicUsec = Math.max(at, this.monotonicUsec)
    const due = this.#plans.filter(plan => plan.atUsec <= at).sort((a, b) => a.order - b.order)
    const choices = due.length + (this.#wakeUsec !== null && this.#wakeUsec <= at ? 1 : 0)
    const choice = Math.floor((this.#parts.random?.() ?? 0) * choices)
    const plan = due[choice]
    if (plan) {
      this.#plans = this.#plans.filter(other => other !== plan)
      plan.happen()
    } else {
      this.#wakeUsec = null
      this.#live(this.#wake, null)
    }
  }

  #plan(afterUsec: number, happen: () => void): void {
    this.#plans.push({ atUsec: this.monotonicUsec + afterUsec, order: this.#order++, happen })
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
      if (!(error instanceof Crash)) throw error
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
    throw new Crash()
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
    this.#wakeUsec = null
    if (!leftover) return
    deepStrictEqual(leftover.state, { ...before.state, manager: before.state.manager })
    const isAnswered = leftover.effects.length === this.#wanted.length - 1
    deepStrictEqual(leftover.effects, isAnswered ? this.#wanted.slice(1) : this.#wanted)
    deepStrictEqual(leftover.events, this.#waiting)
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
            runtime: { restore() {}, startedBefore },
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
      perform: effect => this.#perform(effect),
      record: () => {},
      now: () => this.now,
      arm: (atUsec, wake) => {
        this.#wakeUsec = atUsec
        this.#wake = wake
      },
      settled: () => {},
    })
  }

  #typeOf(name: UnitName): UnitType {
    return name.slice(name.lastIndexOf('.') + 1) as UnitType
  }

  #behave(effect: Extract<Effect, { type: 'spawn' }>): Behaviour {
    const { unit, exec, index } = effect
    const key = `${unit} ${exec} ${index}`
    const run = (this.#runs.get(key) ?? 0) + 1
    this.#runs.set(key, run)
    const said = this.#parts.behave?.({ unit, exec, index, run })
    return said ?? (exec === 'start' ? LIVES : ends(0))
  }

  #perform(effect: Effect): void {
    this.history.push(effect)
    switch (effect.type) {
      case 'check-conditions': {
        const { unit, token } = effect
        const answer = this.#parts.conditions?.(unit) ?? { condition: true, assert: true }
        const failed = answer.condition && answer.assert ? null : 'PathExists=/nowhere'
        this.#answer({ type: 'conditions-checked', unit, token, ...answer, failed })
        return
      }
      case 'spawn': {
        const { unit, token } = effect
        const behaviour = this.#behave(effect)
        if (behaviour.isMissing) {
          this.post({ type: 'spawn-failed', unit, token, ...(behaviour.failure ?? NOT_FOUND) })
          return
        }
        if (this.#started.has(token)) throw new Error(`a process of ${unit} is started twice`)
        this.#started.add(token)
        const pid = this.#spawn(unit, behaviour)
        for (const name of effect.sockets ?? []) {
          const socket = this.sockets.get(name)
          if (socket) socket.isPending = false
        }
        // As the kernel does (native/spawn.c).
        new Int32Array(this.#ledger.slots)[2 * SLOT.spawned] = pid
        this.#point()
        this.post({ type: 'spawned', unit, token, pid })
        return
      }
      case 'kill': {
        const { unit, token } = effect
        for (const process of this.#of(unit)) {
          const isNamed = process.pid === effect.main || process.pid === effect.control
          if (isNamed || effect.others) this.#signal(process, effect.signal)
        }
        const waiting = this.#of(unit).length > 0
        if (waiting) this.#awaitsEmpty.add(unit)
        this.post({ type: 'killed', unit, token, waiting })
        return
      }
      case 'await-empty':
        this.#awaitsEmpty.add(effect.unit)
        this.#tellEmpty(effect.unit)
        return
      case 'guess-main-pid': {
        const { unit, token } = effect
        const pid = this.#of(unit)[0]?.pid ?? null
        this.#answer({ type: 'main-pid-guessed', unit, token, pid })
        return
      }
      case 'read-pid-file': {
        const { unit, token } = effect
        const pid = this.#of(unit)[0]?.pid ?? null
        this.#answer({ type: 'pid-file', unit, token, pid, problem: pid ? null : 'no such file' })
        return
      }
      case 'check-presence': {
        const { unit, token } = effect
        const isThere = this.present.has(unit)
        const problem = unit.endsWith('.device') ? 'no such device' : null
        this.#answer({ type: 'presence', unit, token, isThere, problem })
        return
      }
      case 'open-sockets': {
        const { unit, token } = effect
        this.sockets.set(unit, { isWatched: false, isPending: false })
        this.#answer({ type: 'sockets-opened', unit, token, problem: null })
        return
      }
      case 'watch-sockets': {
        const { unit, watch } = effect
        const socket = this.sockets.get(unit)
        if (!socket) return
        socket.isWatched = watch
        if (watch && socket.isPending)
          this.#plan(0, () => {
            if (socket.isWatched && socket.isPending) this.post({ type: 'socket-ready', unit })
          })
        return
      }
      case 'flush-sockets': {
        const socket = this.sockets.get(effect.unit)
        if (socket) socket.isPending = false
        return
      }
      case 'close-sockets': {
        const socket = this.sockets.get(effect.unit)
        if (socket) socket.isWatched = false
        this.sockets.delete(effect.unit)
        return
      }
      case 'watch-paths':
        this.#watched.set(effect.unit, effect.token)
        return
      case 'unwatch-paths':
        this.#watched.delete(effect.unit)
        return
      case 'timer-begins': {
        const { unit, token } = effect
        if (token === null) return
        const realtimeUsec = this.stamps.get(unit) ?? null
        if (realtimeUsec === null) this.stamps.set(unit, this.now.realtimeUsec)
        this.#answer({ type: 'timer-stamp', unit, token, realtimeUsec })
        return
      }
      case 'write-timer-stamp':
        this.stamps.set(effect.unit, effect.realtimeUsec)
        return
      case 'finish':
        this.finished ??= effect
        return
      default: // a word to somebody outside
        return
    }
  }

  #answer(event: EngineEvent): void {
    const lateUsec = this.#parts.lateUsec?.() ?? 0
    if (lateUsec > 0) this.#plan(lateUsec, () => this.post(event))
    else this.post(event)
  }

  #of(unit: UnitName): Process[] {
    return [...this.processes.values()].filter(process => process.unit === unit)
  }

  #spawn(unit: UnitName, behaviour: Behaviour): number {
    const process: Process = { pid: ++this.#pid, unit, behaviour, ending: false }
    const { pid } = process
    this.processes.set(pid, process)
    const { livesUsec, readyUsec } = behaviour
    if (livesUsec !== null) this.#plan(livesUsec, () => this.#end(pid, behaviour.exit))
    const listens = this.#engine.graph.unit(unit).service?.type.startsWith('notify')
    if (readyUsec !== null && listens) {
      this.#plan(readyUsec, () => {
        if (this.processes.has(pid))
          this.post({ type: 'notify', unit, pid, fields: { READY: '1' } })
      })
    }
    return pid
  }

  #signal(process: Process, signal: number): void {
    const { pid, behaviour } = process
    if (signal === SIGKILL) this.#plan(0, () => this.#end(pid, { kind: 'killed', signal }))
    else if (signal !== SIGCONT && behaviour.obeysUsec !== null && !process.ending) {
      process.ending = true
      const exit = behaviour.obeysWith ?? { kind: 'killed', signal }
      this.#plan(behaviour.obeysUsec, () => this.#end(pid, exit))
    }
  }

  #end(pid: number, exit: ProcessExit): void {
    const process = this.processes.get(pid)
    if (!process) return
    this.processes.delete(pid)
    if (process.behaviour.forks && exit.kind === 'exited') {
      this.#spawn(process.unit, process.behaviour.forks)
    }
    this.post({ type: 'exited', pid, exit })
    this.#tellEmpty(process.unit)
  }

  #tellEmpty(unit: UnitName): void {
    if (!this.#awaitsEmpty.has(unit) || this.#of(unit).length > 0) return
    this.#awaitsEmpty.delete(unit)
    this.post({ type: 'emptied', unit })
  }
}

export const world = (units: readonly Unit[], parts: Omit<WorldParts, 'units'> = {}) =>
  new World({ units, ...parts })
