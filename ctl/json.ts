// What `--json` prints: one document on standard output for each verb, of the type given here. Fields may be added in later
// versions; none goes or changes its meaning without a new major version. Errors go to standard error, one line each:
// {"error": ControlError}.
import type {
  ControlError,
  DependencyNode,
  JobListItem,
  JobOutcome,
  LogLevel,
  LogLine,
  ManagerStatus,
  PathListItem,
  ProblemInfo,
  RunHistory,
  SystemState,
  UnitFidelity,
  UnitFileItem,
  UnitFileResult,
  UnitListItem,
  UnitStatus,
} from '../daemon/control/schema.ts'

export type JsonOutput = {
  /** start, stop, restart, try-restart, reload, reload-or-restart, try-reload-or-restart, isolate. */
  jobs: readonly JobOutcome[]
  kill: readonly { unit: string; signalled: number }[]
  status: readonly UnitStatus[]
  /** Without units: the daemon, and the units that have failed. */
  'status-manager': { manager: ManagerStatus; failed: readonly UnitStatus[] }
  /** A property of several lines (ExecStart= of several commands) has them joined by newlines. `unit` is empty for the
   * daemon itself. */
  show: readonly { unit: string; properties: Readonly<Record<string, string>> }[]
  cat: readonly { unit: string; files: readonly { path: string; text: string }[] }[]
  'list-units': readonly UnitListItem[]
  'list-unit-files': readonly UnitFileItem[]
  'list-sockets': readonly {
    listen: string
    type: string
    unit: string
    active: string
    activates: readonly string[]
  }[]
  /** Moments are microseconds of CLOCK_REALTIME; `left` and `passed` spans of microseconds. Null: not again, never. */
  'list-timers': readonly {
    next: number | null
    left: number | null
    last: number | null
    passed: number | null
    unit: string
    activates: string | null
    active: string
  }[]
  'list-paths': readonly PathListItem[]
  'list-dependencies': readonly DependencyNode[]
  /** The units that were cleaned. */
  clean: readonly string[]
  'list-jobs': readonly JobListItem[]
  'is-active': readonly { unit: string; state: string }[]
  'is-failed': readonly { unit: string; state: string }[]
  'is-enabled': readonly { unit: string; state: string }[]
  'is-system-running': { state: SystemState }
  /** enable, disable, mask, unmask. */
  'unit-files': UnitFileResult
  'reset-failed': Record<string, never>
  'daemon-reload': { problems: readonly string[] }
  cancel: { cancelled: readonly number[] }
  'log-level': { level: LogLevel }
  'show-environment': Readonly<Record<string, string>>
  /** set-environment, unset-environment, and the verbs that shut down. */
  done: Record<string, never>
  verify: readonly { unit: string; loadState: string; problems: readonly ProblemInfo[] }[]
  fidelity: readonly UnitFidelity[]
  history: readonly RunHistory[]
  /** `daemon` is null when it cannot be reached. */
  version: { ctl: string; daemon: { version: string; protocol: number; pid: number } | null }
}
/** `ctl --json logs` and `ctl logs -o json`: a line of JSON for each line. */
export type JsonLogLine = LogLine
export type JsonError = { error: ControlError }
