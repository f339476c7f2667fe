// What stands in for the machine that the daemon runs on: processes, signals, conditions, sockets, paths and a clock. It carries
// out the engine's effects, as daemon/runtime does. Nothing happens by itself but what `behave` says; time passes when it is
// told to.
import type { Effect } from '../daemon/engine/effect.ts'
import type { EngineEvent, ProcessExit } from '../daemon/engine/event.ts'
import type { ExecKind } from '../daemon/engine/state.ts'
import type { Unit, UnitName } from '../daemon/units/unit.ts'
import { type Behaviour, NOT_FOUND, SECOND } from './behaviour.ts'

const SIGKILL = 9
const SIGCONT = 18

export type Command = { unit: UnitName; exec: ExecKind; index: number; run: number }
export type Process = {
  pid: number
  unit: UnitName
  behaviour: Behaviour
  ending: boolean
}

/** What conditions and asserts come to; `failed`: which of them does not hold. */
export type Conditions = { condition: boolean; assert: boolean; failed?: string }

export type SurroundingsParts = {
  /** Tells the daemon. */
  post: (event: EngineEvent) => void
  unit: (name: UnitName) => Unit
  /** What the process of a command does. */
  behave: (command: Command) => Behaviour
  conditions?: (unit: UnitName) => Conditions
  /** A number in [0, 1): decides between what is due at the same moment. By default it is what was planned first. */
  random?: () => number
  /** How late the next answer is that the daemon does not wait for (conditions, PID files, sockets ...), microseconds. */
  lateUsec?: () => number
  /** A process is there, and the daemon does not know yet. */
  started?: (pid: number) => void
  /** A process has ended, or was sent a signal. */
  ended?: (process: Process, exit: ProcessExit) => void
}

type Planned = { atUsec: number; happen: () => void }

export class Surroundings {
  readonly processes = new Map<number, Process>()
  monotonicUsec = 1000 * SECOND
  /** CLOCK_REALTIME less CLOCK_MONOTONIC. */
  offsetUsec = 1_700_000_000 * SECOND
  /** The stamps of timers on disk. */
  readonly stamps = new Map<UnitName, number>()
  /** Mounts, swaps and devices that are there. */
  readonly present = new Set<UnitName>()
  /** Devices that are not there may come. */
  devicesCome = false
  /** What has come in at sockets that are open, and whether somebody watches. */
  readonly sockets = new Map<UnitName, { isWatched: boolean; isPending: boolean }>()
  /** Path units whose paths are watched, by which token. */
  readonly watched = new Map<UnitName, number>()
  finished: Extract<Effect, { type: 'finish' }> | null = null

  readonly #parts: SurroundingsParts
  readonly #runs = new Map<string, number>()
  readonly #awaitsEmpty = new Set<UnitName>()
  /** Tokens of the spawns whose process was started. */
  readonly #started = new Set<number>()
  #plans: Planned[] = []
  #wakeUsec: number | null = null
  #wake: () => void = () => {}
  #pid = 100
  #connection = 0

  constructor(parts: SurroundingsParts) {
    this.#parts = parts
  }

  get now() {
    return {
      realtimeUsec: this.offsetUsec + this.monotonicUsec,
      monotonicUsec: this.monotonicUsec,
    }
  }

  /** The daemon's one timer. */
  readonly arm = (atUsec: number | null, wake: () => void): void => {
    this.#wakeUsec = atUsec
    this.#wake = wake
  }

  /** When something is due next; null: unless something comes from outside, all stays as it is. */
  nextUsec(): number | null {
    let next = this.#wakeUsec
    for (const { atUsec } of this.#plans) if (next === null || atUsec < next) next = atUsec
    return next
  }

  /** Does one of the things that are next. */
  advance(): void {
    const at = this.nextUsec()
    if (at === null) return
    this.monotonicUsec = Math.max(at, this.monotonicUsec)
    // In the order in which they were planned: that is how they stand.
    const due = this.#plans.filter(plan => plan.atUsec <= at)
    const choices = due.length + (this.#wakeUsec !== null && this.#wakeUsec <= at ? 1 : 0)
    const plan = due[Math.floor((this.#parts.random?.() ?? 0) * choices)]
    if (plan) {
      this.#plans.splice(this.#plans.indexOf(plan), 1)
      plan.happen()
    } else {
      this.#wakeUsec = null
      this.#wake()
    }
  }

  /** Time passes up to that moment, and what is planned on the way happens. */
  passUntil(untilUsec: number): void {
    for (;;) {
      const next = this.nextUsec()
      if (next === null || next > untilUsec) break
      this.advance()
    }
    this.monotonicUsec = Math.max(untilUsec, this.monotonicUsec)
  }

  plan(afterUsec: number, happen: () => void): void {
    this.#plans.push({ atUsec: this.monotonicUsec + afterUsec, happen })
  }

  of(unit: UnitName): Process[] {
    const found: Process[] = []
    for (const process of this.processes.values()) if (process.unit === unit) found.push(process)
    return found
  }

  /** The process ends, told to or not. */
  end(pid: number, exit: ProcessExit): void {
    const process = this.processes.get(pid)
    if (!process) return
    this.processes.delete(pid)
    this.#parts.ended?.(process, exit)
    if (process.behaviour.forks && exit.kind === 'exited') {
      this.#start(process.unit, process.behaviour.forks)
    }
    this.#parts.post({ type: 'exited', pid, exit })
    this.#tellEmpty(process.unit)
  }

  /** The kernel kills it for want of memory. */
  endOfMemory(pid: number): void {
    const process = this.processes.get(pid)
    if (!process) return
    this.#parts.post({ type: 'oom-killed', unit: process.unit })
    this.end(pid, { kind: 'killed', signal: SIGKILL })
  }

  signal(process: Process, signal: number): void {
    const { pid, behaviour, unit } = process
    if (signal === SIGKILL) {
      this.plan(0, () => this.end(pid, { kind: 'killed', signal }))
      return
    }
    const { service } = this.#parts.unit(unit)
    if (service?.type === 'notify-reload' && signal === service.reloadSignal) {
      const { readyUsec } = behaviour
      if (readyUsec === null) return
      const stamp = { RELOADING: '1', MONOTONIC_USEC: `${this.monotonicUsec}` }
      this.plan(0, () => this.say(pid, stamp))
      this.plan(readyUsec, () => this.say(pid, { READY: '1' }))
      return
    }
    if (signal === SIGCONT || behaviour.obeysUsec === null || process.ending) return
    process.ending = true
    const exit = behaviour.obeysWith ?? { kind: 'killed', signal }
    this.plan(behaviour.obeysUsec, () => this.end(pid, exit))
  }

  /** The process tells its manager something, if it is there. */
  say(pid: number, fields: Readonly<Record<string, string>>): void {
    const process = this.processes.get(pid)
    if (process) this.#parts.post({ type: 'notify', unit: process.unit, pid, fields })
  }

  /** What the path unit waits for is there, if it waits. */
  comesAbout(unit: UnitName, path: string): void {
    const token = this.watched.get(unit)
    if (token !== undefined) this.#parts.post({ type: 'path-triggered', unit, token, path })
  }

  /** Something comes in at the socket unit's sockets; false: they are not open. */
  comesIn(unit: UnitName): boolean {
    const socket = this.sockets.get(unit)
    if (!socket) return false
    if (this.#parts.unit(unit).socket?.accept && socket.isWatched) {
      this.#connect(unit)
      return true
    }
    socket.isPending = true
    if (socket.isWatched) this.#parts.post({ type: 'socket-ready', unit })
    return true
  }

  /** Somebody else mounts or unmounts it. */
  setPresence(unit: UnitName, isThere: boolean): void {
    if (isThere) this.present.add(unit)
    else this.present.delete(unit)
    this.#parts.post({ type: 'presence', unit, token: 0, isThere, problem: null })
  }

  /** The time of day is set: forward, or back. */
  setClock(byUsec: number): void {
    this.offsetUsec += byUsec
    this.#parts.post({ type: 'clock-set' })
  }

  /** Carries out what the engine wants done. */
  perform(effect: Effect): void {
    const { post } = this.#parts
    switch (effect.type) {
      case 'check-conditions': {
        const { unit, token } = effect
        const { failed, ...answer } = this.#parts.conditions?.(unit) ?? HOLD
        const holds = answer.condition && answer.assert
        this.#answer(() => ({
          type: 'conditions-checked',
          unit,
          token,
          ...answer,
          failed: holds ? null : (failed ?? 'PathExists=/nowhere'),
        }))
        return
      }
      case 'spawn': {
        const { unit, token } = effect
        const behaviour = this.#behave(effect)
        if (behaviour.isMissing) {
          post({ type: 'spawn-failed', unit, token, ...(behaviour.failure ?? NOT_FOUND) })
          return
        }
        if (this.#started.has(token)) throw new Error(`a process of ${unit} is started twice`)
        this.#started.add(token)
        const pid = this.#start(unit, behaviour)
        for (const name of effect.sockets ?? []) {
          const socket = this.sockets.get(name)
          if (socket) socket.isPending = false
        }
        this.#parts.started?.(pid)
        post({ type: 'spawned', unit, token, pid })
        return
      }
      case 'kill': {
        const { unit, token } = effect
        for (const process of this.of(unit)) {
          const isNamed = process.pid === effect.main || process.pid === effect.control
          if (isNamed || effect.others) this.signal(process, effect.signal)
        }
        const waiting = this.of(unit).length > 0
        if (waiting) this.#awaitsEmpty.add(unit)
        post({ type: 'killed', unit, token, waiting })
        return
      }
      case 'await-empty':
        this.#awaitsEmpty.add(effect.unit)
        this.#tellEmpty(effect.unit)
        return
      case 'guess-main-pid': {
        const { unit, token } = effect
        const pid = this.of(unit)[0]?.pid ?? null
        this.#answer(() => ({ type: 'main-pid-guessed', unit, token, pid }))
        return
      }
      case 'watch-bus-name': {
        // A process is ready when it has its name.
        const { unit } = effect
        const readyUsec = this.of(unit).at(-1)?.behaviour.readyUsec ?? null
        const tell = () => post({ type: 'bus-name', unit, isOwned: true, problem: null })
        if (readyUsec === 0) tell()
        else if (readyUsec !== null) this.plan(readyUsec, tell)
        return
      }
      case 'read-pid-file': {
        const { unit, token } = effect
        const pid = this.of(unit)[0]?.pid ?? null
        const problem = pid ? null : 'no such file'
        this.#answer(() => ({ type: 'pid-file', unit, token, pid, problem }))
        return
      }
      case 'watch-process':
        // Its end came before it was named (runtime/watch.ts).
        if (!this.processes.has(effect.pid))
          post({ type: 'exited', pid: effect.pid, exit: { kind: 'unknown' } })
        return
      case 'check-presence': {
        const { unit, token } = effect
        const isThere = this.present.has(unit)
        const problem = unit.endsWith('.device') && !this.devicesCome ? 'no such device' : null
        this.#answer(() => ({ type: 'presence', unit, token, isThere, problem }))
        return
      }
      case 'open-sockets': {
        const { unit, token } = effect
        this.sockets.set(unit, { isWatched: false, isPending: false })
        this.#answer(() => ({ type: 'sockets-opened', unit, token, problem: null }))
        return
      }
      case 'watch-sockets': {
        const { unit, watch } = effect
        const socket = this.sockets.get(unit)
        if (!socket) return
        socket.isWatched = watch
        if (watch && socket.isPending)
          this.plan(0, () => {
            if (socket.isWatched && socket.isPending) post({ type: 'socket-ready', unit })
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
        this.watched.set(effect.unit, effect.token)
        return
      case 'unwatch-paths':
        this.watched.delete(effect.unit)
        return
      case 'timer-begins': {
        const { unit, token } = effect
        if (token === null) return
        const realtimeUsec = this.stamps.get(unit) ?? null
        if (realtimeUsec === null) this.stamps.set(unit, this.now.realtimeUsec)
        this.#answer(() => ({ type: 'timer-stamp', unit, token, realtimeUsec }))
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

  #answer(tell: () => EngineEvent): void {
    const lateUsec = this.#parts.lateUsec?.() ?? 0
    if (lateUsec > 0) this.plan(lateUsec, () => this.#parts.post(tell()))
    else this.#parts.post(tell())
  }

  #behave({ unit, exec, index }: Extract<Effect, { type: 'spawn' }>): Behaviour {
    const key = `${unit} ${exec} ${index}`
    const run = (this.#runs.get(key) ?? 0) + 1
    this.#runs.set(key, run)
    return this.#parts.behave({ unit, exec, index, run })
  }

  #start(unit: UnitName, behaviour: Behaviour): number {
    const process: Process = { pid: ++this.#pid, unit, behaviour, ending: false }
    const { pid } = process
    this.processes.set(pid, process)
    const { livesUsec, readyUsec, isOom, says = [], pings } = behaviour
    if (livesUsec !== null)
      this.plan(livesUsec, () => (isOom ? this.endOfMemory(pid) : this.end(pid, behaviour.exit)))
    const listens = this.#parts.unit(unit).service?.type.startsWith('notify')
    if (readyUsec !== null && listens) this.plan(readyUsec, () => this.say(pid, { READY: '1' }))
    for (const { afterUsec, fields } of says) this.plan(afterUsec, () => this.say(pid, fields))
    if (pings) this.#ping(pid, pings.everyUsec, pings.forUsec)
    return pid
  }

  #ping(pid: number, everyUsec: number, leftUsec: number | null): void {
    if (leftUsec !== null && leftUsec < everyUsec) return
    this.plan(everyUsec, () => {
      if (!this.processes.has(pid)) return
      this.say(pid, { WATCHDOG: '1' })
      this.#ping(pid, everyUsec, leftUsec === null ? null : leftUsec - everyUsec)
    })
  }

  #connect(unit: UnitName): void {
    const connection = ++this.#connection
    const instance = `${connection}-127.0.0.1:1-127.0.0.1:${40_000 + connection}`
    this.#parts.post({ type: 'connection', unit, connection, instance, source: '127.0.0.1' })
  }

  #tellEmpty(unit: UnitName): void {
    if (!this.#awaitsEmpty.has(unit) || this.of(unit).length > 0) return
    this.#awaitsEmpty.delete(unit)
    this.#parts.post({ type: 'emptied', unit })
  }
}

const HOLD: Conditions = { condition: true, assert: true }
