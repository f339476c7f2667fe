// A small world for a socket's machine: it performs the effects as the runtime does, at once and in order. What comes in,
// and what becomes of the services, is up to the test.
import type { Effect, TransactionError } from '../../daemon/engine/effect.ts'
import type { ProcessExit } from '../../daemon/engine/event.ts'
import { initialUnitState, NEVER } from '../../daemon/engine/initial.ts'
import type { MachineInput, MachineRequest, Triggered } from '../../daemon/engine/machine.ts'
import { killSettings, socketSettings } from '../../daemon/engine/socket/turn.ts'
import { socketFacts, socketMachine } from '../../daemon/engine/socket.ts'
import type { ActiveState, SocketFacts, UnitState } from '../../daemon/engine/state.ts'
import type { KillSettings, SocketSettings, Unit } from '../../daemon/units/unit.ts'
import { SURROUNDINGS } from './context.ts'
import { command, exited, killedBy, SECOND } from './service-world.ts'

type Commands = Partial<
  Record<'execStartPre' | 'execStartPost' | 'execStopPre' | 'execStopPost', readonly string[]>
>
export type Settings = Omit<Partial<SocketSettings & KillSettings>, keyof Commands> & Commands

/** web.socket with the defaults of the manual pages and what is given. */
export function socketUnit(settings: Settings = {}): Unit {
  const bare = {} as Unit
  const given: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(settings))
    given[key] = key.startsWith('exec') && Array.isArray(value) ? value.map(command) : value
  return {
    ...bare,
    id: 'web.socket',
    type: 'socket',
    socket: { ...socketSettings(bare), ...given },
    kill: { ...killSettings(bare), ...given },
  }
}

export const service = (given: Partial<Triggered> = {}): Triggered => ({
  unit: 'web.service',
  loadState: 'loaded',
  active: 'inactive',
  sub: 'dead',
  hasJob: false,
  failedByStartLimit: false,
  inactiveExit: NEVER,
  inactiveEnter: NEVER,
  ...given,
})

export class SocketWorld {
  unit: Unit
  state: UnitState = initialUnitState('web.socket', 'socket')
  monotonicUsec = 1000 * SECOND
  service: Triggered = service()
  /** Why the sockets cannot be opened; null: they can. */
  problem: string | null = null
  stopPending = false
  processes = new Map<number, string>()
  /** Programs that cannot be spawned, with the status of the step (0: before there is a child). */
  failures = new Map<string, number>()
  /** Whether SIGKILL ends processes. */
  mortal = true
  effects: Effect[] = []
  history: Effect[] = []
  requests: MachineRequest[] = []
  /** What the runtime has: open descriptors, watched ones, and connections. */
  isOpen = false
  isWatched = false
  connections = new Set<number>()
  check: (input: MachineInput) => void = () => {}

  #pid = 100
  #token = 0
  #connection = 0
  #awaitsEmpty = false
  #events: MachineInput[] = []

  constructor(settings: Settings = {}) {
    this.unit = socketUnit(settings)
  }

  get facts(): SocketFacts {
    return socketFacts(this.state)
  }
  /** `sub result`, for a glance. */
  get at(): string {
    return `${this.facts.sub} ${this.facts.result}`
  }

  send(...inputs: MachineInput[]): this {
    this.effects = []
    this.requests = []
    this.#events.push(...inputs)
    do {
      const wanted: Effect[] = []
      for (const input of this.#events.splice(0)) wanted.push(...this.#step(input))
      for (const effect of wanted) this.#perform(effect)
      if (this.#awaitsEmpty && this.processes.size === 0) {
        this.#awaitsEmpty = false
        this.#events.push({ type: 'emptied', unit: 'web.socket' })
      }
    } while (this.#events.length > 0)
    return this
  }

  start(): this {
    return this.send({ type: 'start' })
  }
  stop(): this {
    return this.send({ type: 'stop' })
  }
  ready(): this {
    return this.send({ type: 'socket-ready', unit: 'web.socket' })
  }
  /** Somebody connects, and the runtime has taken the connection. */
  connect(source: string | null = 'here'): this {
    const connection = ++this.#connection
    this.connections.add(connection)
    const instance = `a-${source}`
    return this.send({ type: 'connection', unit: 'web.socket', connection, instance, source })
  }
  /** The service becomes something else; the socket hears of it. */
  becomes(active: ActiveState, sub: string, given: Partial<Triggered> = {}): this {
    const previous = this.service.active
    this.service = service({ active, sub, ...given })
    return this.send({ type: 'triggered-changed', previous, ...this.service })
  }
  refuse(error: TransactionError, unit = 'web.service'): this {
    return this.send({ type: 'trigger-refused', unit, error })
  }
  exit(line: string, exit: ProcessExit | number = 0): this {
    const [pid] = [...this.processes].find(([, runs]) => runs === line) ?? []
    if (pid === undefined) throw new Error(`nothing runs ${line}`)
    this.processes.delete(pid)
    return this.send({ type: 'exited', pid, exit: typeof exit === 'number' ? exited(exit) : exit })
  }
  /** Time passes; the deadlines on the way come. */
  pass(usec: number): this {
    const until = this.monotonicUsec + usec
    for (;;) {
      const next = socketMachine.deadlineUsec(this.state)
      if (next === null || next > until) break
      this.monotonicUsec = Math.max(next, this.monotonicUsec)
      this.send({ type: 'deadline' })
    }
    this.monotonicUsec = until
    return this
  }
  /** What has been wanted in the last `send`, by type. */
  get wanted(): string[] {
    return this.effects.flatMap(({ type }) => (type === 'log' ? [] : [type]))
  }
  get lines(): string[] {
    return this.history.flatMap(effect => (effect.type === 'log' ? [effect.message] : []))
  }

  #step(input: MachineInput): readonly Effect[] {
    const { state, effects, requests } = socketMachine.step(
      {
        unit: this.unit,
        now: { realtimeUsec: this.monotonicUsec, monotonicUsec: this.monotonicUsec },
        stopPending: this.stopPending,
        token: () => ++this.#token,
        invocationId: () => 'e'.repeat(32),
        ...SURROUNDINGS,
        triggered: () => (this.unit.socket?.accept ? null : this.service),
        allTriggered: () => (this.unit.socket?.accept ? [] : [this.service]),
      },
      this.state,
      input,
    )
    this.state = state
    this.effects.push(...effects)
    this.history.push(...effects)
    this.requests.push(...requests)
    this.check(input)
    return effects
  }

  #perform(effect: Effect): void {
    const unit = 'web.socket'
    switch (effect.type) {
      case 'open-sockets': {
        this.isOpen = this.problem === null
        const { token } = effect
        this.#events.push({ type: 'sockets-opened', unit, token, problem: this.problem })
        return
      }
      case 'watch-sockets':
        this.isWatched = effect.watch
        return
      case 'close-sockets':
        this.isOpen = false
        return
      case 'close-connection':
        this.connections.delete(effect.connection)
        return
      case 'spawn':
        this.#spawn(effect)
        return
      case 'kill': {
        const waiting = this.processes.size > 0
        this.#awaitsEmpty = true
        this.#events.push({ type: 'killed', unit, token: effect.token, waiting })
        if (this.mortal && effect.signal === 9) this.#killAll()
        return
      }
      default: // nothing comes back from the others
        return
    }
  }

  #spawn({ token, exec, index }: Extract<Effect, { type: 'spawn' }>): void {
    const unit = 'web.socket'
    const { socket } = this.unit
    const lists: Record<string, SocketSettings['execStartPre'] | undefined> = {
      'start-pre': socket?.execStartPre,
      'start-post': socket?.execStartPost,
      stop: socket?.execStopPre,
      'stop-post': socket?.execStopPost,
    }
    const line = lists[exec]?.[index]?.argv.join(' ') ?? ''
    const exitStatus = this.failures.get(line)
    if (exitStatus !== undefined) {
      const failure = { step: 'EXEC', exitStatus, errno: 'ENOENT', message: 'cannot run it' }
      this.#events.push({ type: 'spawn-failed', unit, token, ...failure })
      return
    }
    const pid = ++this.#pid
    this.processes.set(pid, line)
    this.#events.push({ type: 'spawned', unit, token, pid })
  }

  #killAll(): void {
    for (const pid of [...this.processes.keys()]) {
      this.processes.delete(pid)
      if (socketMachine.pids(this.state).includes(pid))
        this.#events.push({ type: 'exited', pid, exit: killedBy(9) })
    }
  }
}

export const world = (settings: Settings = {}) => new SocketWorld(settings)

/** What is wrong with the state, or null. */
export function illegality({ state, isOpen, isWatched, connections }: SocketWorld): string | null {
  const facts = socketFacts(state)
  const { sub } = facts
  if (JSON.stringify(JSON.parse(JSON.stringify(facts))) !== JSON.stringify(facts))
    return 'not plain'
  if ((facts.awaiting === null) !== (facts.token === 0)) return 'a token without an answer awaited'
  if (socketMachine.pids(state).some(pid => pid <= 1)) return 'a pid that is none'
  if (sub === 'failed' && facts.result === 'success') return 'failed with success'
  const isUp = sub === 'listening' || sub === 'running'
  if (isUp && facts.result !== 'success') return 'up with a failure'
  if (isUp || sub === 'dead' || sub === 'failed') {
    if (facts.controlPid !== null) return 'a process'
    if (facts.awaiting !== null) return 'an answer awaited'
    if (facts.deadlineUsec !== null) return 'a deadline'
  }
  if (isWatched !== (sub === 'listening')) return `watched: ${isWatched}`
  if (isUp && !isOpen) return 'up and closed'
  if (!isUp && !sub.startsWith('st') && isOpen) return 'down and open'
  if ((sub === 'stop-post' || sub.startsWith('final')) && isOpen) return 'stopped and open'
  const known = facts.connections.map(({ id }) => id).sort()
  if (JSON.stringify(known) !== JSON.stringify([...connections].sort())) return 'connections differ'
  return null
}
