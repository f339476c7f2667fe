// What the state machine of a unit type is given and gives back. The manager (engine.ts) owns jobs, dependencies,
// stamps and time; a machine knows one unit only.
import type { LoadState, Unit, UnitName } from '../units/unit.ts'
import type { Effect, TransactionError } from './effect.ts'
import type { EngineEvent, Now, ProcessExit } from './event.ts'
import type { ActiveState, Stamp, UnitState } from './state.ts'

/** What holds as long as the daemon runs. `machineId`: machine-id(5), '' where there is none. */
export type Host = { machineId: string; isContainer: boolean }

/** What a unit is told of one that it triggers. */
export type Triggered = {
  unit: UnitName
  loadState: LoadState
  active: ActiveState
  sub: string
  /** Whether a job is queued or running for it. */
  hasJob: boolean
  /** Its latest start was refused because StartLimitBurst= is reached. */
  failedByStartLimit: boolean
  /** Its latest command could not be run for want of what all share: that start did not count. */
  isShort?: boolean
  /** When it last left inactive or failed, and when it last came back there. */
  inactiveExit: Stamp
  inactiveEnter: Stamp
}

export type MachineInput =
  /** A start job runs: conditions hold and the start limit is not reached. */
  | { type: 'start' }
  | { type: 'stop' }
  | { type: 'reload' }
  | { type: 'reset-failed' }
  /** The start was refused because StartLimitBurst= is reached. */
  | { type: 'start-limit-hit' }
  /** One of the unit's own deadlines has come (several may have). */
  | { type: 'deadline' }
  /** A unit that this one triggers is in another state, or its job has ended. Several changes in one step of the engine are
   * told as one, when all that can run has run; `previous` is what it was before the first. */
  | ({ type: 'triggered-changed'; previous: ActiveState } & Triggered)
  /** The answer to `await-idle`: the queue of jobs is empty. */
  | { type: 'idle' }
  /** The unit's files were read anew. */
  | { type: 'reloaded' }
  /** The time of day was set, or the machine was asleep; or its time zone is another. */
  | { type: 'clock-changed'; what: 'clock' | 'zone' }
  /** The answer to the request `trigger` when no job could be queued. */
  | { type: 'trigger-refused'; unit: UnitName; error: TransactionError }
  /** One of the unit's processes (`Machine.pids`) has ended. */
  | { type: 'exited'; pid: number; exit: ProcessExit }
  | Extract<
      EngineEvent,
      {
        type:
          | 'spawned'
          | 'spawn-failed'
          | 'killed'
          | 'emptied'
          | 'oom-killed'
          | 'pid-file'
          | 'main-pid-guessed'
          | 'bus-name'
          | 'notify'
          | 'timer-stamp'
          | 'sockets-opened'
          | 'socket-ready'
          | 'socket-broken'
          | 'connection'
          | 'path-triggered'
          | 'path-failed'
          | 'presence'
      }
    >

export type MachineContext = {
  /** As loaded now; it may differ from the one the unit was started with. */
  unit: Unit
  now: Now
  /** Whether a stop job is queued or running for the unit: an automatic restart gives way to it. */
  stopPending: boolean
  /** Whether a restart job is queued or running for the unit: RestartKillSignal= is for it. */
  restartPending?: boolean
  /** A number for an effect whose answer is awaited, new each time. */
  token: () => number
  /** An INVOCATION_ID, 32 hex digits, new each time. */
  invocationId: () => string
  /** Everything is being stopped. */
  isShutdown?: boolean
  /** A number in [0, 1), new each time. */
  random: () => number
  host: Host
  /** When the daemon was started. */
  started: Stamp
  /** The machine's time zone: a name of the IANA database. */
  zone: string
  /** The unit that this one triggers (Unit=, Service=), as it is now; null: it triggers none. */
  triggered: () => Triggered | null
  /** All that it triggers: more than one where services name a socket by Sockets=. Absent: none. */
  allTriggered?: () => readonly Triggered[]
}

export type MachineRequest =
  /** The pause before an automatic restart is over: queue the job. */
  | { type: 'restart' }
  /** Tell `idle` as soon as no unit has a job. */
  | { type: 'await-idle' }
  /** A start was ended by ExecCondition=: the job's result is `skipped`. */
  | { type: 'skipped' }
  /** The unit has begun to reload of its own accord: PropagatesReloadTo= passes that on. */
  | { type: 'propagate-reload' }
  /** Start the unit, as if by a job of mode `replace`. What triggered it is told to its processes by `environment`
   * (systemd.exec(5), $TRIGGER_…). `connection`: the one that it is started for. A refusal comes back as `trigger-refused`. */
  | { type: 'trigger'; unit: UnitName; environment?: readonly string[]; connection?: number }
  /** The start that was begun does not count for StartLimitBurst=. */
  | { type: 'start-uncounted' }
  /** A start that cannot be: the unit stays as it was, and its job fails. */
  | { type: 'start-refused' }

export type MachineStep = {
  /** `name`, `job` and the stamps are the manager's: a machine leaves them as they are. */
  state: UnitState
  effects: readonly Effect[]
  requests: readonly MachineRequest[]
}

/** The state machine of one unit type. Pure: an input that does not fit the state gives the state back, with no effect. */
export interface Machine {
  step(context: MachineContext, state: UnitState, input: MachineInput): MachineStep
  activeState(state: UnitState): ActiveState
  subState(state: UnitState): string
  /** `Result=` as `systemctl show` prints it; `success` where the type has none. */
  result(state: UnitState): string
  /** The processes whose `exited` events are the unit's. */
  pids(state: UnitState): readonly number[]
  /** The earliest monotonic deadline, microseconds; null: none. */
  deadlineUsec(state: UnitState): number | null
  /** Whether the unit can be reloaded (systemctl reload on another gives `job-not-applicable`). */
  canReload(unit: Unit): boolean
}
