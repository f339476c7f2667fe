// A small world for a service's machine: it performs the effects as the runtime does, at once and in order, and keeps the
// processes, the clock and what was said. What the processes do is up to the test.

import type { Effect } from '../../daemon/engine/effect.ts'
import type { ProcessExit } from '../../daemon/engine/event.ts'
import { initialUnitState } from '../../daemon/engine/initial.ts'
import type { MachineInput, MachineRequest } from '../../daemon/engine/machine.ts'
import { killSettings, serviceSettings } from '../../daemon/engine/service/settings.ts'
import { serviceMachine } from '../../daemon/engine/service.ts'
import type { ServiceFacts, UnitState } from '../../daemon/engine/state.ts'
import type { ExecCommand, KillSettings, ServiceSettings, Unit } from '../../daemon/units/unit.ts'
import { SURROUNDINGS } from './context.ts'

export const SECOND = 1_000_000
export const SIGHUP = 1
export const SIGINT = 2
export const SIGQUIT = 3
export const SIGABRT = 6
export const SIGKILL = 9
export const SIGUSR1 = 10
export const SIGUSR2 = 12
export const SIGTERM = 15

/** A command as the unit file `line` gives it; `-` before the path is understood. */
export const command = (line: string): ExecCommand => {
  const argv = line.replace(/^-/, '').split(' ')
  return {
    path: argv[0] ?? '',
    argv,
    ignoreFailure: line.startsWith('-'),
    noExpand: false,
    privilege: 'none',
  }
}

export const exited = (status: number): ProcessExit => ({ kind: 'exited', status })
export const killedBy = (signal: number): ProcessExit => ({ kind: 'killed', signal })
export const dumped = (signal: number): ProcessExit => ({ kind: 'dumped', signal })

type Commands = Partial<
  Record<
    | 'execCondition'
    | 'execStartPre'
    | 'execStart'
    | 'execStartPost'
    | 'execReload'
    | 'execStop'
    | 'execStopPost',
    readonly string[]
  >
>
export type Settings = Omit<Partial<ServiceSettings & KillSettings>, keyof Commands> & Commands

/** web.service with the defaults of the manual pages, `ExecStart=/bin/web` and what is given. */
export function serviceUnit(settings: Settings = {}): Unit {
  const bare = {} as Unit
  const given: Record<string, unknown> = {}
  for (const [key, value] of Object.entries({ execStart: ['/bin/web'], ...settings })) {
    given[key] = key.startsWith('exec') && Array.isArray(value) ? value.map(command) : value
  }
  // Only what a machine looks at; the rest of a unit is none of its business.
  return {
    ...bare,
    id: 'web.service',
    type: 'service',
    service: { ...serviceSettings(bare), ...given },
    kill: { ...killSettings(bare), ...given },
  }
}

type Failure = { step: string; exitStatus: number; errno: string; message: string }
export const NOT_FOUND: Failure = {
  step: 'exec',
  exitStatus: 203,
  errno: 'ENOENT',
  message: 'No such file or directory',
}
export const NO_FORK: Failure = {
  step: 'vfork',
  exitStatus: 0,
  errno: 'EAGAIN',
  message: 'Resource temporarily unavailable',
}

export class World {
  unit: Unit
  state: UnitState = initialUnitState('web.service', 'service')
  realtimeUsec = 1_700_000_000 * SECOND
  monotonicUsec = 1000 * SECOND
  /** The unit's living processes: pid -> the command it runs, or `child`. */
  processes = new Map<number, string>()
  /** Every effect so far, and those of the last `send`. */
  history: Effect[] = []
  effects: Effect[] = []
  requests: MachineRequest[] = []
  /** What the PID file says when it is read. */
  pidFile: { pid: number | null; problem: string | null } = { pid: null, problem: 'no such file' }
  guess: number | null = null
  /** By the program's path: why it cannot be spawned. */
  failures = new Map<string, Failure>()
  stopPending = false
  restartPending = false
  /** Whether SIGKILL ends processes, as it does unless they hang in the kernel. */
  mortal = false
  /** Whether the runtime tells of an empty unit without having been asked to, as it may. */
  isTalkative = false
  /** Called after each step of the machine. */
  check: (before: UnitState, input: MachineInput, after: UnitState) => void = () => {}

  #pid = 100
  #token = 0
  #invocations = 0
  #awaitsEmpty = false
  #emptied = true
  #watched: number | null = null
  #events: MachineInput[] = []

  constructor(settings: Settings = {}) {
    this.unit = serviceUnit(settings)
  }

  get facts(): ServiceFacts {
    if (this.state.service === null) throw new Error('no service')
    return this.state.service
  }
  get sub(): string {
    return serviceMachine.subState(this.state)
  }
  get active(): string {
    return serviceMachine.activeState(this.state)
  }
  get result(): string {
    return serviceMachine.result(this.state)
  }
  get main(): number {
    if (this.facts.mainPid === null) throw new Error(`no main process in ${this.sub}`)
    return this.facts.mainPid
  }
  get control(): number {
    if (this.facts.controlPid === null) throw new Error(`no control process in ${this.sub}`)
    return this.facts.controlPid
  }
  /** `sub result`, for a glance. */
  get at(): string {
    return `${this.sub} ${this.result}`
  }

  /** Sends inputs that come together, performs what follows until all is quiet. */
  send(...inputs: MachineInput[]): this {
    this.effects = []
    this.#events.push(...inputs)
    do {
      const wanted: Effect[] = []
      for (const input of this.#events.splice(0)) wanted.push(...this.#step(input))
      for (const effect of wanted) this.#perform(effect)
      this.#settle()
    } while (this.#events.length > 0)
    return this
  }

  start(): this {
    return this.send({ type: 'start' })
  }
  stop(): this {
    return this.send({ type: 'stop' })
  }
  reload(): this {
    return this.send({ type: 'reload' })
  }
  notify(pid: number, fields: Readonly<Record<string, string>>): this {
    return this.send({ type: 'notify', unit: 'web.service', pid, fields })
  }
  /** What the manager does for a restart job. */
  restart(): this {
    this.restartPending = true
    this.stop()
    this.restartPending = false
    return this.start()
  }

  /** A process ends. */
  exit(pid: number, exit: ProcessExit | number = 0): this {
    const end = typeof exit === 'number' ? exited(exit) : exit
    this.processes.delete(pid)
    return serviceMachine.pids(this.state).includes(pid)
      ? this.send({ type: 'exited', pid, exit: end })
      : this.send()
  }
  /** The process that runs `line` ends. */
  end(line: string, exit: ProcessExit | number = 0): this {
    return this.exit(this.pidOf(line), exit)
  }
  pidOf(line: string): number {
    for (const [pid, runs] of this.processes) if (runs === line) return pid
    throw new Error(`nothing runs ${line}: ${[...this.processes.values()]}`)
  }
  /** A process of the unit that hearth did not start. */
  child(): number {
    this.processes.set(++this.#pid, 'child')
    return this.#pid
  }
  writePidFile(pid: number): this {
    this.pidFile = { pid, problem: null }
    return this.#watched === null
      ? this
      : this.send({
          type: 'pid-file',
          unit: 'web.service',
          token: this.#watched,
          ...this.#readPidFile(),
        })
  }

  /** Time passes; the deadlines on the way come. */
  pass(usec: number): this {
    const until = this.monotonicUsec + usec
    for (;;) {
      const next = serviceMachine.deadlineUsec(this.state)
      if (next === null || next > until) break
      this.#moveTo(Math.max(next, this.monotonicUsec))
      this.send({ type: 'deadline' })
    }
    this.#moveTo(until)
    return this
  }

  /** Signals sent in the last `send`, as `pid signal`, and `others signal`. */
  get signals(): string[] {
    return this.effects.flatMap(effect =>
      effect.type === 'kill'
        ? [
            ...[effect.main, effect.control].flatMap(pid =>
              pid === null ? [] : [`${this.#nameOf(pid)} ${effect.signal}`],
            ),
            ...(effect.others ? [`others ${effect.signal}`] : []),
          ]
        : [],
    )
  }
  /** Commands begun in the last `send`. */
  get begun(): string[] {
    return this.effects.flatMap(effect =>
      effect.type === 'spawn' ? [`${effect.exec} ${effect.index}`] : [],
    )
  }
  get lines(): string[] {
    return this.history.flatMap(effect => (effect.type === 'log' ? [effect.message] : []))
  }
  environmentOf(exec: string): readonly string[] {
    for (const effect of this.history.toReversed()) {
      if (effect.type === 'spawn' && effect.exec === exec) return effect.environment
    }
    return []
  }
  count(type: Effect['type']): number {
    return this.history.filter(effect => effect.type === type).length
  }

  #nameOf(pid: number): string {
    return this.processes.get(pid) ?? (pid === this.facts.mainPid ? 'main' : `${pid}`)
  }

  #moveTo(usec: number): void {
    this.realtimeUsec += usec - this.monotonicUsec
    this.monotonicUsec = usec
  }

  #step(input: MachineInput): readonly Effect[] {
    const before = this.state
    const { state, effects, requests } = serviceMachine.step(
      {
        unit: this.unit,
        now: { realtimeUsec: this.realtimeUsec, monotonicUsec: this.monotonicUsec },
        stopPending: this.stopPending,
        restartPending: this.restartPending,
        token: () => ++this.#token,
        invocationId: () => `${++this.#invocations}`.padStart(32, '0'),
        ...SURROUNDINGS,
      },
      before,
      input,
    )
    this.state = state
    this.history.push(...effects)
    this.effects.push(...effects)
    this.requests.push(...requests)
    this.check(before, input, state)
    return effects
  }

  #perform(effect: Effect): void {
    const unit = 'web.service'
    switch (effect.type) {
      case 'spawn': {
        const { token } = effect
        const line = this.#commandOf(effect.exec, effect.index)
        const failure = this.failures.get(line.split(' ')[0] ?? '')
        if (failure) {
          this.#events.push({ type: 'spawn-failed', unit, token, ...failure })
          return
        }
        const pid = ++this.#pid
        this.processes.set(pid, line)
        this.#events.push({ type: 'spawned', unit, token, pid })
        return
      }
      case 'kill': {
        const named = [effect.main, effect.control].some(
          pid => pid !== null && this.processes.has(pid),
        )
        const waiting = named || (effect.others && this.processes.size > 0)
        this.#awaitsEmpty = true
        this.#events.push({ type: 'killed', unit, token: effect.token, waiting })
        if (this.mortal && effect.signal === SIGKILL) this.#kill(effect)
        return
      }
      case 'await-empty':
        this.#awaitsEmpty = true
        return
      case 'read-pid-file':
        if (effect.watch) this.#watched = effect.token
        this.#events.push({ type: 'pid-file', unit, token: effect.token, ...this.#readPidFile() })
        return
      case 'unwatch-pid-file':
        this.#watched = null
        return
      case 'remove-pid-file':
        this.pidFile = { pid: null, problem: 'no such file' }
        return
      case 'guess-main-pid':
        this.#events.push({
          type: 'main-pid-guessed',
          unit,
          token: effect.token,
          pid: this.#guess(),
        })
        return
      default: // nothing comes back from the others
        return
    }
  }

  #guess(): number | null {
    return this.guess !== null && this.processes.has(this.guess) ? this.guess : null
  }

  /** The runtime gives no pid that is nobody's. */
  #readPidFile(): { pid: number | null; problem: string | null } {
    const { pid } = this.pidFile
    return pid === null || pid <= 1 || this.processes.has(pid)
      ? this.pidFile
      : { pid: null, problem: `it names process ${pid}, which is not there` }
  }

  #kill({ main, control, others }: Extract<Effect, { type: 'kill' }>): void {
    for (const pid of [...this.processes.keys()]) {
      if (pid !== main && pid !== control && !others) continue
      this.processes.delete(pid)
      if (!serviceMachine.pids(this.state).includes(pid)) continue
      this.#events.push({ type: 'exited', pid, exit: killedBy(SIGKILL) })
    }
  }

  #commandOf(exec: string, index: number): string {
    const service = serviceSettings(this.unit)
    const lists: Record<string, readonly ExecCommand[]> = {
      condition: service.execCondition,
      'start-pre': service.execStartPre,
      start: service.execStart,
      'start-post': service.execStartPost,
      reload: service.execReload,
      stop: service.execStop,
      'stop-post': service.execStopPost,
    }
    const found = lists[exec]?.[index]
    if (found === undefined) throw new Error(`there is no command ${exec} ${index}`)
    return found.argv.join(' ')
  }

  #settle(): void {
    if (this.processes.size > 0 || this.#awaitsEmpty) this.#emptied = false
    if (!(this.#awaitsEmpty || this.isTalkative) || this.processes.size > 0) return
    this.#awaitsEmpty = false
    if (this.#emptied) return
    this.#emptied = true
    this.#events.push({ type: 'emptied', unit: 'web.service' })
  }
}

export const world = (settings: Settings = {}) => new World(settings)

/** A world whose service is up. */
export function running(settings: Settings = {}): World {
  const w = world(settings).start()
  if (w.sub === 'start' && w.unit.service?.type.startsWith('notify'))
    w.notify(w.main, { READY: '1' })
  if (w.sub !== 'running') throw new Error(`not running but ${w.at}`)
  return w
}
