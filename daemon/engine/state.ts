// The engine's state: plain data (no Infinity, no undefined, no cycles), so that it can be written down and read back.
import type { UnitName } from '../units/unit.ts'
import type { ProcessExit } from './event.ts'

/** systemd's job types; the merging rules are in job.ts. */
export type JobType =
  | 'start'
  | 'verify-active'
  | 'stop'
  | 'reload'
  | 'restart'
  | 'try-restart'
  | 'reload-or-start'
  | 'try-reload'
  | 'nop'
export type JobResult =
  | 'done'
  | 'canceled'
  | 'timeout'
  | 'failed'
  | 'dependency'
  | 'skipped'
  | 'invalid'
  | 'assert'
  | 'unsupported'
  | 'collected'
  | 'once'
export type ShutdownKind = 'exit' | 'poweroff' | 'reboot' | 'halt'

/** Which Exec…= list a command stands in. */
export type ExecKind =
  | 'condition'
  | 'start-pre'
  | 'start'
  | 'start-post'
  | 'reload'
  | 'stop'
  | 'stop-post'

export type ActiveState =
  | 'active'
  | 'reloading'
  | 'inactive'
  | 'failed'
  | 'activating'
  | 'deactivating'
  | 'maintenance'

export type ServiceSub =
  | 'dead'
  | 'condition'
  | 'start-pre'
  | 'start'
  | 'start-post'
  | 'running'
  | 'exited'
  | 'reload'
  | 'reload-signal'
  | 'reload-notify'
  | 'stop'
  | 'stop-watchdog'
  | 'stop-sigterm'
  | 'stop-sigkill'
  | 'stop-post'
  | 'final-watchdog'
  | 'final-sigterm'
  | 'final-sigkill'
  | 'failed'
  | 'auto-restart'
export type SocketSub =
  | 'dead'
  | 'start-pre'
  | 'start-chown'
  | 'start-post'
  | 'listening'
  | 'running'
  | 'stop-pre'
  | 'stop-pre-sigterm'
  | 'stop-pre-sigkill'
  | 'stop-post'
  | 'final-sigterm'
  | 'final-sigkill'
  | 'failed'
export type TargetSub = 'dead' | 'active'

/** systemd's Result= of a service. */
export type ServiceResult =
  | 'success'
  | 'resources'
  | 'protocol'
  | 'timeout'
  | 'exit-code'
  | 'signal'
  | 'core-dump'
  | 'watchdog'
  | 'start-limit-hit'
  | 'oom-kill'
  | 'exec-condition'

/** systemd's Result= of a socket. */
export type SocketResult =
  | 'success'
  | 'resources'
  | 'timeout'
  | 'exit-code'
  | 'signal'
  | 'core-dump'
  | 'start-limit-hit'
  | 'trigger-limit-hit'
  | 'service-start-limit-hit'

/** One process that a unit started by itself, ended or not: what `ctl status` and the Exec…= properties tell. */
export type CommandRun = {
  exec: ExecKind
  index: number
  pid: number
  startedUsec: number
  /** `null` while it runs. Realtime, as `startedUsec`. */
  endedUsec: number | null
  exit: ProcessExit | null
}

/** A moment on both clocks, microseconds; 0: never. */
export type Stamp = { realtimeUsec: number; monotonicUsec: number }

export type Job = {
  id: number
  type: JobType
  unit: UnitName
  state: 'waiting' | 'running'
  /** Asked for by name rather than pulled in. */
  anchor: boolean
  /** Later jobs may not displace it (shutdown). */
  irreversible: boolean
  ignoreOrder: boolean
  /** Monotonic moment at which the job times out; null: never. */
  deadlineUsec: number | null
  /** Requests (ctl calls) that wait for it. */
  requests: readonly number[]
  /** The `check-conditions` whose answer it waits for. */
  conditionToken?: number
  /** What tells the run of the unit that asked for it: MONITOR_…= (OnFailure=, OnSuccess=) or TRIGGER_…=. */
  cause?: readonly string[]
  /** Who or what asked for it, in words. */
  by?: string
}

/** What a service knows of itself beside its sub-state. */
export type ServiceFacts = {
  sub: ServiceSub
  /** Type=idle: starting already counts as active. */
  idle: boolean
  /** Type=idle: its command is run when no other unit has a job, or a while has passed. */
  waitsForOthers: boolean
  result: ServiceResult
  /** Result of ExecReload= alone. */
  reloadResult: ServiceResult
  mainPid: number | null
  /** Whether `mainPid` tells the truth: with `true` and null the main process has ended, with `false` it is unknown. */
  mainPidKnown: boolean
  /** Which ExecStart= command the main process runs; null when it was not started as one (forking, PID file). */
  mainIndex: number | null
  controlPid: number | null
  /** The Exec list and index that `controlPid` runs. */
  command: { exec: ExecKind; index: number } | null
  /** The last run of each command since the last start, in order. */
  runs: readonly CommandRun[]
  /** ExecMain* properties: the last main process, kept after its end. */
  main: CommandRun | null
  /** The last command could not be run for want of what all share (SHORTAGES): that passes, and is not the service's fault. */
  isShort: boolean
  /** Why a command could not be run at all, in words: the latest of this run, null when all could. */
  spawnError: string | null
  /** STATUS= and ERRNO= of sd_notify(3). */
  statusText: string
  statusErrno: number
  nRestarts: number
  /** The next start is no automatic restart: it counts from 0 again. */
  flushRestarts: boolean
  /** A stop was asked for: Restart= does not apply to this ending. */
  forbidRestart: boolean
  /** The last of READY=1, RELOADING=1 and STOPPING=1. */
  notifyState: 'unknown' | 'ready' | 'reloading' | 'stopping'
  /** When the running reload began (monotonic): a RELOADING=1 stamped before it belongs to an older one. */
  reloadBeginUsec: number | null
  pidFileWatched: boolean
  /** Type=dbus, where there is a bus: whether somebody has its BusName=. */
  hasBusName?: boolean
  /** Monotonic deadlines, null when not armed. */
  deadlineUsec: number | null
  watchdogDeadlineUsec: number | null
  runtimeDeadlineUsec: number | null
  /** WATCHDOG_USEC= sent by the service overrides WatchdogSec=. */
  watchdogUsec: number | null
  /** Which answer of the runtime is awaited: that of a spawn (main or control process), of a kill, of reading the PID
   * file or of guessing the main process. */
  awaiting: 'main' | 'control' | 'kill' | 'pid-file' | 'guess' | null
  /** Answers of the runtime to an older token are stale. 0: none awaited. */
  token: number
}

export type TimerSub = 'dead' | 'waiting' | 'running' | 'elapsed' | 'failed'
/** Result= of units that trigger others and have nothing of their own that could fail. */
export type TriggerResult =
  | 'success'
  | 'resources'
  | 'start-limit-hit'
  /** Of path units: theirs was refused by its start limit, or they triggered too often (TriggerLimitBurst=). */
  | 'unit-start-limit-hit'
  | 'trigger-limit-hit'

/** What mounts, swaps and devices go through, by one name for the three types (their SubState is in mount.ts). */
export type MountStage =
  | 'dead'
  | 'starting'
  | 'up'
  | 'stopping'
  | 'stopping-sigterm'
  | 'stopping-sigkill'
  | 'failed'

export type MountFacts = {
  stage: MountStage
  result: ServiceResult
  /** It was brought about by us. */
  isOwn: boolean
  /** The command that mounts or unmounts, while it runs, and the last one of the unit's run. */
  controlPid: number | null
  command: CommandRun | null
  /** Why it is not there, in words, when no command can tell. */
  problem: string | null
  deadlineUsec: number | null
  /** The answer that is awaited; 0: none. */
  token: number
}

export type PathSub = 'dead' | 'waiting' | 'running' | 'failed'

/** What a path unit knows of itself. */
export type PathFacts = {
  sub: PathSub
  result: TriggerResult
  /** What is told of its paths under an older token is stale; 0: they are not watched. */
  token: number
  /** How often it has triggered since the beginning (monotonic) of the interval that TriggerLimitIntervalSec= counts. */
  triggers: { sinceUsec: number; count: number }
  /** When it watches again after its unit could not be started for want of what all share, monotonic microseconds. */
  deadlineUsec: number | null
}

/** What a timer knows of itself. Moments are microseconds of the clock that their names say. */
export type TimerFacts = {
  sub: TimerSub
  result: TriggerResult
  /** When it last triggered its unit; a stamp on disk (Persistent=) knows the time of day alone. */
  lastTrigger: Stamp
  /** When it elapses next, with the random delay: by its spans, and by its calendar events. */
  nextMonotonicUsec: number | null
  nextRealtimeUsec: number | null
  /** The same of each span and each calendar event, in the order of the unit file, before the delay. */
  spansUsec: readonly (number | null)[]
  calendarsUsec: readonly (number | null)[]
  /** Places of the spans that elapse once, and have. */
  over: readonly number[]
  /** The earlier of the two on the monotonic clock, by what the clocks showed when it was reckoned. */
  deadlineUsec: number | null
  /** The stamp on disk is being read under that token; 0: it is not. */
  token: number
}

/** A connection that was taken from a socket with Accept=yes, and the service that has it. */
export type Connection = {
  /** The runtime's number for its descriptor. */
  id: number
  unit: UnitName
  /** Who is connected, for MaxConnectionsPerSource=; null where that cannot be told. */
  source: string | null
}

/** What a socket knows of itself beside its sub-state. */
export type SocketFacts = {
  sub: SocketSub
  result: SocketResult
  controlPid: number | null
  /** The Exec list and index that `controlPid` runs; `stop` stands for ExecStopPre=. */
  command: { exec: ExecKind; index: number } | null
  /** The last run of each command since the last start, in order. */
  runs: readonly CommandRun[]
  /** Why it could not be opened, or a command not be run, in words: the latest of this run, null when all could. */
  spawnError: string | null
  /** Monotonic; null when not armed. */
  deadlineUsec: number | null
  /** Which answer of the runtime is awaited: of a spawn, of opening, of a kill. 0: none awaited. */
  awaiting: 'control' | 'open' | 'kill' | null
  token: number
  /** Whether there are, or may be, descriptors. */
  isOpen: boolean
  /** Connections that were taken and that were refused, since the unit was loaded. */
  nAccepted: number
  nRefused: number
  connections: readonly Connection[]
  /** TriggerLimitBurst= is counted from this moment (monotonic). */
  triggersSinceUsec: number
  triggers: number
}

export type UnitState = {
  name: UnitName
  service: ServiceFacts | null
  /** Absent: a unit of another type, or a socket that was never touched. */
  socket?: SocketFacts
  target: TargetSub | null
  timer?: TimerFacts
  path?: PathFacts
  /** Of mounts, swaps and devices. */
  mount?: MountFacts
  invocationId: string | null
  stateChange: Stamp
  inactiveExit: Stamp
  activeEnter: Stamp
  activeExit: Stamp
  inactiveEnter: Stamp
  conditionResult: boolean
  assertResult: boolean
  /** The last Condition…= that did not hold, as written. */
  conditionFailed: string | null
  conditionStamp: Stamp
  /** Monotonic moments of the latest starts within StartLimitIntervalSec=. */
  starts: readonly number[]
  startLimitHit: boolean
  /** The job queued or running for it. */
  job: number | null
  /** Of a service that was started for one connection (Accept=yes): its socket, and the connection. */
  connection?: { socket: UnitName; id: number }
  /** MONITOR_…= or TRIGGER_…= of the unit for whose sake this run was started (systemd.exec(5)). */
  cause?: readonly string[]
  /** Who or what asked for the latest start, in words. */
  startedBy?: string
  /** Monotonic moments of starts and stops that no one asked for (Upholds=, BindsTo=, StopWhenUnneeded=), within ten
   * seconds of the first. */
  selfActs?: readonly number[]
  /** Monotonic moment at which what `selfActs` held back is looked at again. */
  recheckUsec?: number
}

export type ManagerState = {
  /** As `systemctl is-system-running`, of those that can occur here. */
  phase: 'starting' | 'running' | 'stopping'
  /** `finished`: the effect `finish` was given. */
  shutdown: { kind: ShutdownKind; exitStatus: number | null; finished?: true } | null
  environment: readonly string[]
  nextJob: number
  nextToken: number
  /** 32 hex digits; advanced with every invocation id drawn from it, so the engine needs no randomness of its own. */
  seed: string
  started: Stamp
  /** The machine's time zone: a name of the IANA database. */
  zone: string
}

export type EngineState = {
  manager: ManagerState
  units: ReadonlyMap<UnitName, UnitState>
  jobs: ReadonlyMap<number, Job>
}

/** What one step changed: whole values by key, `null` for gone. Applied at once or not at all. */
export type Changes = {
  manager: ManagerState | null
  units: ReadonlyMap<UnitName, UnitState | null>
  jobs: ReadonlyMap<number, Job | null>
}
