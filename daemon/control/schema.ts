// The control protocol: all that ctl may know of the daemon. Types and a few constants, so that ctl loads nothing for it.
// docs/protocol.md tells it in prose; validate.ts checks what comes in.
/** How spans of time are written, in the answers and by who shows them. */
export { formatTimespan } from '../units/values/format-timespan.ts'

/** The version of the messages. A daemon answers the versions that it knows and refuses others with `unsupported-version`. */
export const PROTOCOL_VERSION = 1
/** node-ipc frames: one JSON object `{"type": EVENT, "data": {...}}` a line. */
export const FRAME_DELIMITER = '\n'
export const SOCKET_NAME = 'control.sock'
/** The largest message that the daemon takes, bytes. */
export const MAX_REQUEST_BYTES = 1024 * 1024
/** The largest message that the daemon sends, bytes. */
export const MAX_REPLY_BYTES = 64 * 1024 * 1024

/** The events of the protocol: a client sends the first two, the daemon the others. */
export const REQUEST_EVENT = 'request'
export const CANCEL_EVENT = 'cancel'
export const REPLY_EVENT = 'reply'
export const PART_EVENT = 'part'

/** What the daemon's own log holds: that and what is more urgent. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

// Envelopes -----------------------------------------------------------------------------------------------------------

/** `id` is the client's own number for the request; replies carry it back, in the order of the requests. */
export type Request<M extends MethodName = MethodName> = {
  v: number
  id: number
  method: M
  params: Methods[M]['params']
}
/** Ends the request of that id, running or waiting: it is answered with the error `cancelled`. */
export type Cancel = { v: number; id: number }
/** A piece of a streamed answer; the reply comes after the last one. */
export type Part<M extends MethodName = MethodName> = {
  v: number
  id: number
  part: Methods[M]['part']
}
/** `id` is null when the message it answers could not be read, or the connection is refused: the daemon closes it then. */
export type Reply<M extends MethodName = MethodName> =
  | { v: number; id: number; ok: true; result: Methods[M]['result'] }
  | { v: number; id: number | null; ok: false; error: ControlError }

/** RuntimeDirectory= and its like. */
export type DirectoryKind = 'runtime' | 'state' | 'cache' | 'logs' | 'configuration'

export type ErrorCode =
  /** Not a message of this protocol. */
  | 'bad-request'
  | 'unsupported-version'
  | 'unknown-method'
  | 'not-permitted'
  | 'too-many-connections'
  | 'message-too-large'
  | 'cancelled'
  /** No unit, unit file or match of a pattern; `near` has the nearest names. */
  | 'unit-not-found'
  | 'unit-masked'
  | 'unit-not-loaded'
  /** A valid unit on which the job cannot be done: a cycle, a conflict, RefuseManualStart= … */
  | 'job-refused'
  /** Not a kind of job for this unit: a reload of one that cannot reload. */
  | 'job-not-applicable'
  | 'no-such-job'
  /** The operation itself failed: a file could not be written, a signal not be sent. */
  | 'failed'

export type ControlError = {
  code: ErrorCode
  /** For people: begins with "cannot". */
  message: string
  /** What to do about it, one sentence. */
  hint?: string
  unit?: string
  /** The nearest names, best first, when a unit was not found. */
  near?: readonly string[]
}

// Jobs ----------------------------------------------------------------------------------------------------------------

export type JobVerb =
  | 'start'
  | 'stop'
  | 'restart'
  | 'try-restart'
  | 'reload'
  | 'reload-or-restart'
  | 'try-reload-or-restart'
  | 'isolate'
/** systemctl(1), --job-mode=. */
export type JobModeName =
  | 'replace'
  | 'replace-irreversibly'
  | 'fail'
  | 'isolate'
  | 'ignore-dependencies'
  | 'ignore-requirements'
  | 'flush'
  | 'restart-dependencies'
export type JobResultName =
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

/** Why a job failed, as far as the daemon can tell. */
export type Explanation = {
  /** One sentence: `cannot start web.service: the main process exited with status 1 (FAILURE)`. */
  summary: string
  /** systemd's Result=, e.g. `exit-code`; null for a unit type without one. */
  result: string | null
  /** `exited with status 203 (EXEC)`, `was killed by SIGSEGV`; null when no process ended. */
  exit: string | null
  /** The command that failed, as in the unit file; null when none did. */
  command: string | null
  /** The unit (a dependency) that the failure comes from; `unit` itself most often. */
  cause: string
  /** The last lines that the failed run wrote, oldest first. */
  lines: readonly string[]
  hint: string
}

/** What became of one unit of a `jobs` request. */
export type JobOutcome = {
  unit: string
  /** Null when no job was queued: see `error`. */
  job: number | null
  /** Null when the job was not waited for, or none was queued. */
  result: JobResultName | null
  /** With a result that is a failure. */
  explanation: Explanation | null
  error: ControlError | null
}

// Units ---------------------------------------------------------------------------------------------------------------

export type UnitListItem = {
  unit: string
  load: string
  active: string
  sub: string
  job: { id: number; type: string } | null
  description: string
}
export type UnitFileItem = {
  unit: string
  state: string
  path: string
  /** enabled or disabled, as the preset files say; null where that means nothing. */
  preset: string | null
}
export type JobListItem = { id: number; unit: string; type: string; state: 'waiting' | 'running' }
export type TimerListItem = {
  unit: string
  active: string
  /** What it triggers. */
  activates: string | null
  /** When it elapses next and when it last triggered; null: not again, never. */
  nextUsec: number | null
  lastUsec: number | null
}
/** One path that a path unit watches. */
export type PathListItem = {
  unit: string
  active: string
  /** What it triggers. */
  activates: string | null
  /** The directive: `PathExists`, `PathExistsGlob`, `PathChanged`, `PathModified` or `DirectoryNotEmpty`. */
  condition: string
  path: string
}
/** One line of a socket's Listen…=. */
export type SocketListItem = {
  address: string
  /** `Stream`, `Datagram`, `FIFO` … */
  type: string
  unit: string
  active: string
  /** What it starts; with Accept=yes a service for each connection that there is. */
  activates: readonly string[]
}
export type DependencyNode = {
  unit: string
  active: string
  /** Empty too where the unit was already shown above it. */
  children: readonly DependencyNode[]
}

export type ProcessNode = { pid: number; command: string; children: readonly ProcessNode[] }
/** A command that the unit ran itself (ExecStartPre=, the main process …), ended or not. */
export type CommandStatus = {
  /** The directive, e.g. `ExecStartPre`. */
  directive: string
  command: string
  pid: number
  /** CLOCK_REALTIME, microseconds; `endedUsec` null while it runs. */
  startedUsec: number
  endedUsec: number | null
  /** In words, as `exited, status=1/FAILURE`; null while it runs. */
  outcome: string | null
  ok: boolean | null
}
export type LogLine = {
  /** CLOCK_REALTIME, microseconds. */
  timeUsec: number
  unit: string
  identifier: string
  pid: number | null
  stream: 'out' | 'err' | 'log'
  /** syslog(3), 0 to 7. */
  priority: number
  invocationId: string
  /** Bytes in latin1 with `binary`. */
  message: string
  binary?: true
  partial?: true
  /** What its sender has told by sd_journal_send(3), and LogExtraFields= of the unit as it is loaded now, by name. */
  fields?: Readonly<Record<string, string>>
}
export type RunHistory = {
  unit: string
  runs: readonly {
    invocationId: string
    /** CLOCK_REALTIME, microseconds. */
    startedUsec: number
    endedUsec: number
    /** In words: `a job`, `an automatic restart`, `web.timer` … */
    startedBy: string
    /** Result= of the service. */
    result: string
    /** As `code=exited, status=1/FAILURE`; null: it is not known, or there was no main process. */
    outcome: string | null
    mainPid: number | null
    /** Why a command could not be run at all. */
    error: string | null
    /** Whether it was to be started again by itself. */
    restarting: boolean
    cpuUsec: number | null
    memoryPeakBytes: number | null
    /** Its last lines. */
    lines: readonly string[]
  }[]
}
export type ProblemInfo = {
  /** A `note` is about a directive that is known and not enforced. */
  severity: 'error' | 'warning' | 'note'
  /** Null when it is about the unit as a whole. */
  file: string | null
  line: number | null
  directive: string | null
  message: string
}

/**
 * How a directive that a unit sets is carried out on this machine. enforced: as systemd does it. emulated: by other means.
 * ignored: left out, and nothing is lost but what the reason says. weakened: left out, and the unit is less confined than
 * its file says. unsupported: left out, and the unit may miss it.
 */
export type Verdict = 'enforced' | 'emulated' | 'ignored' | 'weakened' | 'unsupported'
export type DirectiveFidelity = {
  /** By its name of today, with its section: `Service.MemoryMax`. */
  directive: string
  value: string
  verdict: Verdict
  /** Null with `enforced` alone. */
  reason: string | null
  /** Whether that can be another on another machine. */
  depends: boolean
  file: string
  line: number
}
export type UnitFidelity = {
  unit: string
  /** Whether it does not start when something weakens its security. */
  strict: boolean
  /** In the order of its files. */
  directives: readonly DirectiveFidelity[]
}

/** Everything that `systemctl status UNIT` shows. */
export type UnitStatus = {
  unit: string
  description: string
  loadState: string
  /** Why it is not loaded. */
  loadError: string | null
  fragmentPath: string | null
  dropInPaths: readonly string[]
  unitFileState: string
  /** Whether a unit file has changed since it was read. */
  needDaemonReload: boolean
  activeState: string
  subState: string
  result: string
  /** The moment of the last change of the active state, CLOCK_REALTIME microseconds; 0: never. */
  sinceUsec: number
  /** The daemon's clock at the answer, for "3min ago". */
  nowUsec: number
  /** How long the unit was up, when it is down now and once was; microseconds. */
  durationUsec: number | null
  job: { id: number; type: string } | null
  /** When a timer elapses next; null: it does not, or it is none. */
  nextElapseUsec: number | null
  triggeredBy: readonly { unit: string; active: string }[]
  triggers: readonly { unit: string; active: string }[]
  docs: readonly string[]
  /** Where a socket listens; empty for other units. */
  listen: readonly { address: string; type: string }[]
  /** Of a socket with Accept=yes: the connections that were taken, that there are, that were refused; null for others. */
  connections: { accepted: number; connected: number; refused: number } | null
  /** The last failed Condition…= as written (`ConditionPathExists=/x was not met`), with its moment. */
  condition: { text: string; atUsec: number } | null
  /** The running main process, or the last one. */
  main: {
    pid: number
    command: string
    running: boolean
    outcome: string | null
    startedUsec: number
    endedUsec: number | null
  } | null
  control: { pid: number; command: string } | null
  /** The commands besides the main process that ran since the last start. */
  commands: readonly CommandStatus[]
  /** Why the last command could not be run at all, or a system call that it was killed for: one sentence; else null. */
  spawnError: string | null
  statusText: string
  nRestarts: number
  /** Monotonic deadline turned into CLOCK_REALTIME, of an automatic restart to come. */
  restartAtUsec: number | null
  /** What its processes take: by its cgroup, or summed up over /proc. Null: not known, or there is nobody. */
  tasks: number | null
  memoryBytes: number | null
  memoryPeakBytes: number | null
  cpuUsec: number | null
  ioReadBytes: number | null
  ioWrittenBytes: number | null
  /** The limits that hold; null: none. */
  tasksMax: number | null
  memoryMin: number
  memoryLow: number
  memoryHigh: number | null
  memoryMax: number | null
  memorySwapMax: number | null
  /** Its place in the daemon's tree of cgroups; empty: none. */
  controlGroup: string
  processes: readonly ProcessNode[]
  problems: readonly ProblemInfo[]
  log: readonly LogLine[]
}
/** What `systemctl status` shows of the manager. */
/** Of the daemon's image, which another takes the place of under the same pid (daemon-reexec, a crash). */
export type ImageInfo = {
  /** 1 for the first. */
  number: number
  /** Why the one before was left, in words; null for the first. */
  cause: string | null
  /** It was left since that was asked for. */
  asked: boolean
}

export type ManagerStatus = {
  /** What went wrong in the daemon itself, in sentences; the latest last. */
  defects: readonly string[]
  version: string
  pid: number
  state: SystemState
  jobs: number
  failed: number
  units: number
  startedUsec: number
  nowUsec: number
}
export type SystemState = 'starting' | 'running' | 'degraded' | 'stopping'

/** A change to unit files, as systemctl tells it: `Created symlink PATH → TARGET`, `Removed PATH`. */
export type UnitFileChangeInfo = {
  action: 'symlink' | 'unlink'
  path: string
  target: string | null
}
export type UnitFileParams = {
  units: readonly string[]
  runtime?: boolean
  force?: boolean
  /** Also start (enable) or stop (disable, mask). */
  now?: boolean
}
/** What of it is done (systemctl(1), --preset-mode=). */
export type PresetMode = 'full' | 'enable-only' | 'disable-only'
export type UnitFileResult = {
  changes: readonly UnitFileChangeInfo[]
  /** Words about what was done that the user did not ask for or expect. */
  notes: readonly string[]
  /** Of --now. */
  jobs: readonly JobOutcome[]
}

// Methods -------------------------------------------------------------------------------------------------------------

type Method<Params, Result, Part = never> = { params: Params; result: Result; part: Part }
type NoParams = Record<string, never>
type Done = Record<string, never>

/** `units` and `patterns` are names (`web` is `web.service`) or globs as of glob(7), resolved by the daemon. What one
 * name cannot be resolved to is told in `errors`; the others are answered. */
export type Methods = {
  version: Method<NoParams, { version: string; protocol: number; pid: number; image: ImageInfo }>
  isSystemRunning: Method<NoParams, { state: SystemState }>

  /** Queues a job for each unit. `wait` (default true): the reply comes when all are finished. A request that is sent again
   * with the same `key`, 32 hexadecimal digits, since the connection ended is not carried out twice. */
  jobs: Method<
    { verb: JobVerb; units: readonly string[]; mode?: JobModeName; wait?: boolean; key?: string },
    { jobs: readonly JobOutcome[] }
  >
  /** Replies when each of the units is inactive or failed (systemctl --wait). */
  waitInactive: Method<
    { units: readonly string[] },
    {
      units: readonly { unit: string; active: string; result: string }[]
      errors: readonly ControlError[]
    }
  >
  listJobs: Method<{ patterns?: readonly string[] }, { jobs: readonly JobListItem[] }>
  /** Cancels those jobs; with none given, all. */
  cancel: Method<
    { jobs: readonly number[] },
    { cancelled: readonly number[]; errors: readonly ControlError[] }
  >
  kill: Method<
    {
      units: readonly string[]
      /** Number of the signal; default 15. */
      signal?: number
      whom?: 'main' | 'control' | 'all'
    },
    {
      units: readonly { unit: string; signalled: number }[]
      errors: readonly ControlError[]
    }
  >
  /** Removes the directories of units that are down; default: runtime and cache. */
  clean: Method<
    { units: readonly string[]; what?: readonly DirectoryKind[] },
    { cleaned: readonly string[]; errors: readonly ControlError[] }
  >
  /** With none given, all units. */
  resetFailed: Method<{ units?: readonly string[] }, { errors: readonly ControlError[] }>

  /** Without units: the manager's own state, and `units` are the failed ones. */
  status: Method<
    { units?: readonly string[]; lines?: number },
    {
      manager: ManagerStatus | null
      units: readonly UnitStatus[]
      errors: readonly ControlError[]
    }
  >
  /** Without units: the manager's properties (`unit` is ''). A unit that is not found has properties too, as with
   * systemctl. `properties`: names in any case to show, all when absent. */
  show: Method<
    { units?: readonly string[]; properties?: readonly string[] },
    {
      units: readonly {
        unit: string
        properties: readonly (readonly [name: string, value: string])[]
      }[]
      errors: readonly ControlError[]
    }
  >
  cat: Method<
    { units: readonly string[] },
    {
      units: readonly { unit: string; files: readonly { path: string; text: string }[] }[]
      errors: readonly ControlError[]
    }
  >
  /** Units in memory. Without `all` and `states`, only those active, failed, or with a job. */
  listUnits: Method<
    {
      patterns?: readonly string[]
      all?: boolean
      /** LoadState, ActiveState or SubState; `failed` is ctl's --failed. */
      states?: readonly string[]
      types?: readonly string[]
    },
    {
      units: readonly UnitListItem[]
      /** How many there are without the restriction to the active ones. */
      total: number
    }
  >
  listUnitFiles: Method<
    { patterns?: readonly string[]; states?: readonly string[]; types?: readonly string[] },
    { files: readonly UnitFileItem[] }
  >
  /** Timers in memory, the next one first. Without `all`, those that are not inactive. */
  listTimers: Method<
    { patterns?: readonly string[]; all?: boolean },
    { timers: readonly TimerListItem[]; nowUsec: number }
  >
  /** The paths of path units in memory. Without `all`, of those that are not inactive. */
  listPaths: Method<
    { patterns?: readonly string[]; all?: boolean },
    { paths: readonly PathListItem[] }
  >
  /** Where sockets in memory listen, by address. Without `all`, those that are not inactive. */
  listSockets: Method<
    { patterns?: readonly string[]; all?: boolean },
    { sockets: readonly SocketListItem[] }
  >
  /** Without units: of default.target. */
  listDependencies: Method<
    {
      units?: readonly string[]
      reverse?: boolean
      /** Ordering in place of requirement. */
      order?: 'before' | 'after'
      /** Follow every unit, not targets alone. */
      all?: boolean
    },
    { trees: readonly DependencyNode[]; errors: readonly ControlError[] }
  >
  /** `state` is the ActiveState; of a unit that is not found `inactive`, with its load state beside it. */
  isActive: Method<
    { units: readonly string[] },
    { units: readonly { unit: string; state: string; load: string }[] }
  >
  isEnabled: Method<
    { units: readonly string[] },
    { units: readonly { unit: string; state: string }[]; errors: readonly ControlError[] }
  >
  /** Problems of the units as they are loaded; of all loaded ones when none is given. */
  verify: Method<
    { units?: readonly string[] },
    {
      units: readonly { unit: string; loadState: string; problems: readonly ProblemInfo[] }[]
      errors: readonly ControlError[]
    }
  >
  /** Of all loaded units that have a file when none is given. */
  fidelity: Method<
    { units?: readonly string[] },
    { units: readonly UnitFidelity[]; errors: readonly ControlError[] }
  >

  enable: Method<UnitFileParams, UnitFileResult>
  disable: Method<UnitFileParams, UnitFileResult>
  /** Enables or disables as the preset files say; without `units`, everything that can be. */
  preset: Method<
    Omit<UnitFileParams, 'units'> & { units?: readonly string[]; mode?: PresetMode },
    UnitFileResult
  >
  mask: Method<UnitFileParams, UnitFileResult>
  unmask: Method<UnitFileParams, UnitFileResult>
  /** daemon-reexec: another image takes the place of the daemon's, of the version that is installed now, if that comes up. The
   * reply comes before; the connection ends, and the next one is the new image's. */
  reexec: Method<NoParams, Done>
  /** daemon-reload: reads all units anew. */
  reload: Method<NoParams, { problems: readonly string[] }>

  /** What the daemon's own log holds, with `level` from now on, other images included. */
  logLevel: Method<{ level?: LogLevel }, { level: LogLevel }>
  getEnvironment: Method<NoParams, { environment: readonly string[] }>
  /** `NAME=value` each. */
  setEnvironment: Method<{ assignments: readonly string[] }, Done>
  /** `NAME`, or `NAME=value` to remove it only with that value. */
  unsetEnvironment: Method<{ names: readonly string[] }, Done>

  /** Parts of the lines, oldest first. With `follow` it ends when cancelled, or when the client closes its side. */
  logs: Method<
    {
      /** Empty: of all units. */
      units?: readonly string[]
      /** The last ones only; absent or null: all. */
      lines?: number | null
      follow?: boolean
      /** CLOCK_REALTIME, microseconds. */
      sinceUsec?: number
      untilUsec?: number
      /** syslog(3): 0 to 7; those of that priority and more urgent ones. */
      priority?: number
      stream?: 'out' | 'err' | 'log'
      /** A regular expression of JavaScript, without lookaround and back references. */
      grep?: string
      invocationId?: string
      /** One run of each unit: 0 is the last, -1 the one before, as far as they have written anything. */
      run?: number
      /** Since the daemon was started. */
      boot?: boolean
      /** The latest first; not with `follow`. */
      reverse?: boolean
    },
    { errors: readonly ControlError[] },
    { lines: readonly LogLine[] }
  >

  /** How the runs of services have ended, oldest first; `lines`: the last ones of each unit. */
  history: Method<
    { units: readonly string[]; lines?: number | null },
    { units: readonly RunHistory[]; errors: readonly ControlError[] }
  >

  /** Parts of the lines of a recording: the latest steps of the engine, as `hearth replay` reads them. `sinceUsec`: of the first
   * of them; null where there is none. */
  record: Method<
    NoParams,
    { steps: number; units: number; sinceUsec: number | null },
    { lines: readonly string[] }
  >

  /** `exitStatus`, 0 to 255, with `exit` only. The reply comes before the daemon goes. */
  shutdown: Method<{ kind: 'exit' | 'poweroff' | 'reboot' | 'halt'; exitStatus?: number }, Done>
}
export type MethodName = keyof Methods
