// What the engine wants done. The runtime performs each kind in one file; facts come back as events.
import type { UnitName } from '../units/unit.ts'
import type { ExecKind, JobResult, JobType, ServiceFacts, ShutdownKind } from './state.ts'

export type Effect =
  /** Evaluate Condition…= and Assert…= -> `conditions-checked`. */
  | { type: 'check-conditions'; unit: UnitName; token: number }
  /** Start command `index` of the Exec…= list `exec` -> `spawned` or `spawn-failed`. `environment` is what the engine
   * knows (MAINPID, SERVICE_RESULT, EXIT_CODE, EXIT_STATUS, WATCHDOG_USEC, …); the rest is the runtime's. */
  | {
      type: 'spawn'
      unit: UnitName
      token: number
      exec: ExecKind
      index: number
      invocationId: string
      environment: readonly string[]
      /** Sockets whose descriptors a service is handed; the runtime has them while the socket is open. */
      sockets?: readonly UnitName[]
      /** The connection that it was started for. */
      connection?: number
    }
  /** Send `signal` to the main and control process given (null: none) and, with `others`, to every other process of
   * the unit, then SIGCONT and, with `sighup`, SIGHUP -> `killed`. From then on `emptied` is told when none is left. */
  | {
      type: 'kill'
      unit: UnitName
      token: number
      signal: number
      main: number | null
      control: number | null
      others: boolean
      sighup: boolean
    }
  /** The end of no single process tells when the unit is down: tell `emptied` once it has none left (at once, if so). */
  | { type: 'await-empty'; unit: UnitName }
  /** Read PIDFile= now and, with `watch`, again whenever it changes, until `unwatch-pid-file` -> `pid-file`. */
  | { type: 'read-pid-file'; unit: UnitName; token: number; watch: boolean }
  | { type: 'unwatch-pid-file'; unit: UnitName }
  | { type: 'remove-pid-file'; unit: UnitName }
  | { type: 'guess-main-pid'; unit: UnitName; token: number }
  /** Watch for the unit's BusName=, to the end of the run -> `bus-name`, at once if somebody has it or there is no bus. */
  | { type: 'watch-bus-name'; unit: UnitName }
  /** The main process was told by PID file or MAINPID=: watch it, child of ours or not -> `exited`. */
  | { type: 'watch-process'; unit: UnitName; pid: number }
  /** A start begins: a run with its log pipes, notify socket and directories. */
  | { type: 'run-begins'; unit: UnitName; invocationId: string }
  /** The unit is down: close the run's pipes, remove its runtime directories and its stored descriptors unless they are
   * preserved. `restarting`: it comes up again at once, by itself or by a restart job. */
  | {
      type: 'run-ends'
      unit: UnitName
      invocationId: string
      restarting: boolean
      /** What a service knew of itself then: the step that ends a run may begin the next. */
      facts?: ServiceFacts
    }
  /** Create, bind and listen as a socket unit says -> `sockets-opened`. */
  | { type: 'open-sockets'; unit: UnitName; token: number }
  /** Watch the unit's sockets: what comes in is told by `socket-ready` or, with Accept=yes, is taken and told by
   * `connection`. False: nobody looks any more. */
  | { type: 'watch-sockets'; unit: UnitName; watch: boolean }
  /** Throw away what has come in (FlushPending=). */
  | { type: 'flush-sockets'; unit: UnitName }
  /** Close the unit's sockets, and remove their files with RemoveOnStop=. */
  | { type: 'close-sockets'; unit: UnitName }
  /** A connection is refused, or its service is down. */
  | { type: 'close-connection'; connection: number }
  /** Nobody needs the unit as it was read any more. */
  | { type: 'unload-unit'; unit: UnitName }
  /** Keep those of the descriptors that came with the message being told, `most` in all (FDSTORE=1). `poll`: one whose other
   * end is gone is dropped. */
  | {
      type: 'store-descriptors'
      unit: UnitName
      fds: readonly number[]
      name: string
      poll: boolean
      most: number
    }
  /** Close the stored descriptors of that name (FDSTOREREMOVE=1). */
  | { type: 'remove-descriptors'; unit: UnitName; name: string }
  /** `stops`: with a stop, the jobs that stop what depends on the unit. They may end after its own (a part is ordered before
   * the whole), and who asked wants all of it down: kinder than systemctl, which waits for the unit's job alone. */
  | { type: 'job-accepted'; request: number; job: number; stops: readonly number[] }
  | { type: 'job-refused'; request: number; error: TransactionError }
  | { type: 'job-finished'; job: number; jobType: JobType; unit: UnitName; result: JobResult }
  /** Look whether a mount, swap or device is there -> `presence`; the mount point of one that is not is made. */
  | { type: 'check-presence'; unit: UnitName; token: number }
  /** Watch the unit's paths until `unwatch-paths` -> `path-triggered` as soon as one has come about, at once if it has, or
   * `path-failed`. `why`: at its start, directories are made (MakeDirectory=) and what is there is no change yet; when its
   * unit is down again (`done`), neither is what came and went meanwhile. */
  | { type: 'watch-paths'; unit: UnitName; token: number; why: 'start' | 'done' }
  | { type: 'unwatch-paths'; unit: UnitName }
  /** A timer is up: `clock-set` and `zone-changed` are wanted until `timer-ends`. With a token its stamp is read, or made when
   * there is none -> `timer-stamp`. */
  | { type: 'timer-begins'; unit: UnitName; token: number | null }
  | { type: 'timer-ends'; unit: UnitName }
  | { type: 'write-timer-stamp'; unit: UnitName; realtimeUsec: number }
  /** A line for the daemon's log. */
  | {
      type: 'log'
      level: 'debug' | 'info' | 'warn' | 'error'
      unit: UnitName | null
      message: string
      fields?: Readonly<Record<string, string | number>>
    }
  /** Every unit is down: leave, by exit or reboot(2). `exitStatus` null: 0. `force`: without having stopped anything. */
  | { type: 'finish'; kind: ShutdownKind; exitStatus: number | null; force: boolean }

/** Why a job cannot be done. Put into words by `describeTransactionError`. */
export type TransactionError =
  | { type: 'unit-not-found'; unit: UnitName; wantedBy: UnitName | null }
  | {
      type: 'unit-not-loaded'
      unit: UnitName
      loadState: string
      reason: string
      wantedBy: UnitName | null
    }
  | { type: 'unit-masked'; unit: UnitName; wantedBy: UnitName | null }
  | { type: 'ordering-cycle'; path: readonly UnitName[] }
  | { type: 'destructive'; unit: UnitName; job: JobType; pending: JobType }
  | { type: 'conflicting-jobs'; unit: UnitName; jobs: readonly JobType[] }
  | { type: 'job-not-applicable'; unit: UnitName; job: JobType }
  | { type: 'refused-manual'; unit: UnitName; job: JobType }
  | { type: 'no-isolate'; unit: UnitName }
  | { type: 'shutting-down'; unit: UnitName }
  /** The daemon has died of the request, again and again. */
  | { type: 'set-aside'; unit: UnitName; job: JobType }
