// What a unit is once it has been read: plain data, the same for the engine, the runtime and `ctl show`.
// Numbers carry their unit in the name (`...Usec` microseconds); "no limit" is `Infinity`.

import type { ResourceSettings } from './resources.ts'
import type { Calendar } from './values/calendar.ts'

export type UnitName = string

export type UnitType =
  | 'service'
  | 'target'
  | 'socket'
  | 'timer'
  | 'path'
  | 'mount'
  | 'automount'
  | 'swap'
  | 'slice'
  | 'scope'
  | 'device'

/** systemd's LoadState= (systemctl(1), org.freedesktop.systemd1(5)). */
export type LoadState = 'loaded' | 'not-found' | 'bad-setting' | 'error' | 'masked'

/** systemd's UnitFileState= as `systemctl is-enabled` prints it. */
export type UnitFileState =
  | 'enabled'
  | 'enabled-runtime'
  | 'linked'
  | 'alias'
  | 'masked'
  | 'masked-runtime'
  | 'static'
  | 'indirect'
  | 'disabled'
  | 'generated'
  | 'bad'
  | 'not-found'

/** Dependencies as a unit states them or as its type implies them; the inverse ones are derived by the engine's graph. */
export type DependencyKind =
  | 'requires'
  | 'requisite'
  | 'wants'
  | 'bindsTo'
  | 'partOf'
  | 'upholds'
  | 'conflicts'
  | 'before'
  | 'after'
  | 'onFailure'
  | 'onSuccess'
  | 'propagatesReloadTo'
  | 'reloadPropagatedFrom'
  | 'propagatesStopTo'
  | 'stopPropagatedFrom'
  | 'joinsNamespaceOf'
  | 'triggers'
  | 'triggeredBy'
  | 'references'

/** Where a setting stands, for messages. `line` counts from 1; `column` too, where it is known. */
export type Place = { file: string; line: number; column?: number }

/** What a reader of the unit should know. An `error` makes the unit `bad-setting`; a `warning` never stops it. */
export type Problem = {
  severity: 'error' | 'warning'
  place: Place
  /** `Section.Directive`, when it is about one. */
  directive?: string
  /** What is wrong, what was expected and the mend: one sentence, no trailing period. */
  message: string
}

/** One command of an Exec…= line, before `$` expansion (systemd.service(5), COMMAND LINES). */
export type ExecCommand = {
  /** The executable: absolute, or a bare name to be looked up in the search path. */
  path: string
  /** argv as written, argv[0] included (it differs from `path` with the prefix `@`). */
  argv: readonly string[]
  /** `-`: a failure counts as success. */
  ignoreFailure: boolean
  /** `:`: no expansion of `$`. */
  noExpand: boolean
  /** `+`: all privileges; `!`/`!!`: no User=, Group= but sandboxing. */
  privilege: 'none' | 'full' | 'no-setuid' | 'ambient'
  /** `|`: the arguments behind argv[0] are a command line for the shell of the unit's user, which is to be `path`. */
  viaShell?: true
}

export type Condition = {
  /** The directive without `Condition`/`Assert`, e.g. `PathExists`. */
  kind: string
  value: string
  negated: boolean
  /** `|`: one of the triggering ones must hold. */
  trigger: boolean
}

export type JobMode =
  | 'replace'
  | 'replace-irreversibly'
  | 'fail'
  | 'isolate'
  | 'ignore-dependencies'
  | 'ignore-requirements'
  | 'flush'
  | 'restart-dependencies'
export type UnitAction =
  | 'none'
  | 'exit'
  | 'exit-force'
  | 'reboot'
  | 'reboot-force'
  | 'reboot-immediate'
  | 'poweroff'
  | 'poweroff-force'
  | 'poweroff-immediate'

/** [Unit]; dependencies are in `Unit.dependencies`. */
export type UnitSettings = {
  description: string
  documentation: readonly string[]
  defaultDependencies: boolean
  stopWhenUnneeded: boolean
  refuseManualStart: boolean
  refuseManualStop: boolean
  allowIsolate: boolean
  ignoreOnIsolate: boolean
  onFailureJobMode: JobMode
  onSuccessJobMode: JobMode
  collectMode: 'inactive' | 'inactive-or-failed'
  conditions: readonly Condition[]
  asserts: readonly Condition[]
  requiresMountsFor: readonly string[]
  wantsMountsFor: readonly string[]
  startLimitIntervalUsec: number
  startLimitBurst: number
  startLimitAction: UnitAction
  failureAction: UnitAction
  successAction: UnitAction
  failureActionExitStatus: number | null
  successActionExitStatus: number | null
  jobTimeoutUsec: number
  jobRunningTimeoutUsec: number
  jobTimeoutAction: UnitAction
  sourcePath: string | null
}

export type ServiceType =
  | 'simple'
  | 'exec'
  | 'forking'
  | 'oneshot'
  | 'dbus'
  | 'notify'
  | 'notify-reload'
  | 'idle'
export type RestartPolicy =
  | 'no'
  | 'on-success'
  | 'on-failure'
  | 'on-abnormal'
  | 'on-watchdog'
  | 'on-abort'
  | 'always'
export type NotifyAccess = 'none' | 'main' | 'exec' | 'all'
export type KillMode = 'control-group' | 'mixed' | 'process' | 'none'
export type ExitStatusSet = { statuses: readonly number[]; signals: readonly number[] }

/** [Service], without the execution environment. */
export type ServiceSettings = {
  type: ServiceType
  exitType: 'main' | 'cgroup'
  remainAfterExit: boolean
  guessMainPid: boolean
  pidFile: string | null
  busName: string | null
  execCondition: readonly ExecCommand[]
  execStartPre: readonly ExecCommand[]
  execStart: readonly ExecCommand[]
  execStartPost: readonly ExecCommand[]
  execReload: readonly ExecCommand[]
  execStop: readonly ExecCommand[]
  execStopPost: readonly ExecCommand[]
  restart: RestartPolicy
  restartMode: 'normal' | 'direct'
  restartUsec: number
  restartSteps: number
  restartMaxDelayUsec: number
  timeoutStartUsec: number
  timeoutStopUsec: number
  /** `null`: as TimeoutStopSec=. */
  timeoutAbortUsec: number | null
  timeoutStartFailureMode: 'terminate' | 'abort' | 'kill'
  timeoutStopFailureMode: 'terminate' | 'abort' | 'kill'
  runtimeMaxUsec: number
  runtimeRandomizedExtraUsec: number
  /** 0 or Infinity: off. */
  watchdogUsec: number
  successExitStatus: ExitStatusSet
  restartPreventExitStatus: ExitStatusSet
  restartForceExitStatus: ExitStatusSet
  rootDirectoryStartOnly: boolean
  permissionsStartOnly: boolean
  nonBlocking: boolean
  /** `null`: the default of the type (`main` for notify and WatchdogSec=, else `none`). */
  notifyAccess: NotifyAccess | null
  sockets: readonly UnitName[]
  fileDescriptorStoreMax: number
  fileDescriptorStorePreserve: 'no' | 'restart' | 'yes'
  openFiles: readonly OpenFile[]
  oomPolicy: 'continue' | 'stop' | 'kill' | null
  reloadSignal: number
}

/** [Mount]: systemd.mount(5). */
export type MountSettings = {
  /** `null`: the unit has no file, it is mounted already. */
  what: string | null
  where: string
  type: string | null
  options: string | null
  sloppyOptions: boolean
  lazyUnmount: boolean
  forceUnmount: boolean
  readWriteOnly: boolean
  directoryMode: number
  timeoutUsec: number
}

/** [Swap]: systemd.swap(5). */
export type SwapSettings = {
  what: string | null
  /** `null`: the kernel chooses. */
  priority: number | null
  options: string | null
  timeoutUsec: number
}

/** What is watched for at a path (systemd.path(5)). */
export type PathCondition =
  | 'PathExists'
  | 'PathExistsGlob'
  | 'PathChanged'
  | 'PathModified'
  | 'DirectoryNotEmpty'

/** [Path]: systemd.path(5). */
export type PathSettings = {
  /** In the order of the file; `path` is absolute, with PathExistsGlob= a pattern. */
  watched: readonly { condition: PathCondition; path: string }[]
  /** `null`: the service of the same name. */
  unit: UnitName | null
  makeDirectory: boolean
  directoryMode: number
  /** 0 of either: no limit. */
  triggerLimitIntervalUsec: number
  triggerLimitBurst: number
}

/** What a span of a timer is counted from (systemd.timer(5), OnActiveSec= and so on). */
export type TimerBase = 'active' | 'boot' | 'startup' | 'unit-active' | 'unit-inactive'

/** [Timer]: systemd.timer(5). */
export type TimerSettings = {
  spans: readonly { base: TimerBase; usec: number }[]
  calendars: readonly Calendar[]
  onClockChange: boolean
  onTimezoneChange: boolean
  /** `null`: the service of the same name. */
  unit: UnitName | null
  persistent: boolean
  accuracyUsec: number
  randomizedDelayUsec: number
  fixedRandomDelay: boolean
  remainAfterElapse: boolean
  wakeSystem: boolean
}

/** Where a socket is bound. A path of `unix` that begins with `@` is in the abstract name space. */
export type SocketAddress =
  | { family: 'unix'; path: string }
  /** `scope` is the interface of a link-local IPv6 address. */
  | { family: 'inet' | 'inet6'; address: string; port: number; scope?: string }
  | { family: 'vsock'; cid: number; port: number }

/** One Listen…= line. */
export type ListenPort =
  | { kind: 'stream' | 'datagram' | 'sequential-packet'; address: SocketAddress }
  | { kind: 'netlink'; protocol: number; name: string; group: number }
  | { kind: 'fifo' | 'special' | 'message-queue'; path: string }

/** [Socket], without the execution environment. Absent options are `null`: the kernel's default stays. */
export type SocketSettings = {
  /** In the order of the file: it is that of the descriptors. */
  listen: readonly ListenPort[]
  socketProtocol: 'udplite' | 'sctp' | 'mptcp' | null
  bindIpv6Only: 'default' | 'both' | 'ipv6-only'
  backlog: number
  bindToDevice: string | null
  execStartPre: readonly ExecCommand[]
  execStartPost: readonly ExecCommand[]
  execStopPre: readonly ExecCommand[]
  execStopPost: readonly ExecCommand[]
  timeoutUsec: number
  socketUser: string | null
  socketGroup: string | null
  socketMode: number
  directoryMode: number
  accept: boolean
  flushPending: boolean
  writable: boolean
  maxConnections: number
  maxConnectionsPerSource: number
  keepAlive: boolean
  keepAliveTimeUsec: number
  keepAliveIntervalUsec: number
  keepAliveProbes: number
  deferAcceptUsec: number
  noDelay: boolean
  priority: number | null
  receiveBuffer: number
  sendBuffer: number
  ipTos: number | null
  ipTtl: number | null
  mark: number | null
  pipeSize: number
  freeBind: boolean
  transparent: boolean
  broadcast: boolean
  passCredentials: boolean
  passSecurity: boolean
  passPacketInfo: boolean
  timestamping: 'off' | 'us' | 'ns'
  tcpCongestion: string | null
  reusePort: boolean
  messageQueueMaxMessages: number
  messageQueueMessageSize: number
  removeOnStop: boolean
  symlinks: readonly string[]
  /** `null`: the name of the unit, or `connection` with Accept=yes. */
  fileDescriptorName: string | null
  /** `null`: the service of the same name. */
  service: UnitName | null
  triggerLimitIntervalUsec: number
  /** `null`: 200 with Accept=yes, else 20. */
  triggerLimitBurst: number | null
  /** How often one descriptor is looked at; null: as often as something comes in. */
  pollLimitIntervalUsec: number | null
  pollLimitBurst: number | null
}

/** OpenFile=: what the daemon opens for a service. */
export type OpenFile = {
  path: string
  /** In LISTEN_FDNAMES. */
  name: string
  access: 'read-write' | 'read-only' | 'append' | 'truncate'
  /** It may be missing. */
  graceful: boolean
}

/** [Service] and friends: systemd.kill(5). Signals are numbers. */
export type KillSettings = {
  killMode: KillMode
  killSignal: number
  /** `null`: as KillSignal=. */
  restartKillSignal: number | null
  finalKillSignal: number
  watchdogSignal: number
  sendSighup: boolean
  sendSigkill: boolean
}

export type StandardStream = {
  kind:
    | 'inherit'
    | 'null'
    | 'tty'
    | 'tty-force'
    | 'tty-fail'
    | 'journal'
    | 'journal+console'
    | 'kmsg'
    | 'kmsg+console'
    | 'file'
    | 'append'
    | 'truncate'
    | 'socket'
    | 'fd'
    | 'data'
  /** The path of file:, append:, truncate:; the name of fd:. */
  target?: string
}

export type DirectoryKind = 'runtime' | 'state' | 'cache' | 'logs' | 'configuration'
export type DirectorySettings = {
  paths: readonly { path: string; symlinks: readonly string[] }[]
  mode: number
}
/** A pair of setrlimit(2) values; Infinity is RLIM_INFINITY. */
export type ResourceLimit = { soft: number; hard: number }

/** What a refused system call does: it returns this errno (0: as if all were well), or the process is killed. */
export type SystemCallError = number | 'kill'
/** A line of SystemCallFilter= or SystemCallLog=: names of calls and of groups, those of a filter with what they give. */
export type SystemCallLine = {
  /** It began with `~`. */
  inverted: boolean
  calls: readonly { name: string; error: SystemCallError | null }[]
}
/** The families (`AF_UNIX` ...) that alone are allowed, or refused. */
export type AddressFamilies = { allow: boolean; families: readonly string[] }
export type NamespaceType = 'cgroup' | 'ipc' | 'net' | 'mnt' | 'pid' | 'user' | 'uts' | 'time'

/** The execution environment: systemd.exec(5). */
export type ExecSettings = {
  user: string | null
  group: string | null
  supplementaryGroups: readonly string[]
  dynamicUser: boolean
  workingDirectory: { path: string; missingOk: boolean } | null
  rootDirectory: string | null
  umask: number
  /** `NAME=value`, in order, later ones win. */
  environment: readonly string[]
  environmentFiles: readonly { path: string; missingOk: boolean }[]
  passEnvironment: readonly string[]
  unsetEnvironment: readonly string[]
  standardInput: StandardStream
  standardOutput: StandardStream
  standardError: StandardStream
  /** StandardInputText=/StandardInputData=, decoded. */
  standardInputData: Uint8Array | null
  ttyPath: string | null
  ttyReset: boolean
  ttyVhangup: boolean
  ttyVtDisallocate: boolean
  ttyRows: number | null
  ttyColumns: number | null
  syslogIdentifier: string | null
  /** syslog(3)'s numbers: a facility from 0 to 23, levels from 0 to 7. */
  syslogFacility: number | null
  syslogLevel: number | null
  syslogLevelPrefix: boolean
  /** The least important level that is kept; null: all. */
  logLevelMax: number | null
  /** `FIELD=value`. */
  logExtraFields: readonly string[]
  logRateLimitIntervalUsec: number | null
  logRateLimitBurst: number | null
  /** Regular expressions; with `~` before it what matches is turned away. */
  logFilterPatterns: readonly string[]
  logNamespace: string | null
  /** Keyed by the setrlimit(2) name in lower case without `Limit`: `nofile`, `core`, `nproc` … */
  limits: Readonly<Record<string, ResourceLimit>>
  nice: number | null
  /** sched_setscheduler(2)'s number of it. */
  cpuSchedulingPolicy: number | null
  cpuSchedulingPriority: number
  cpuSchedulingResetOnFork: boolean
  /** Numbers of CPUs, in order; `numa`: those of the nodes of NUMAMask=. */
  cpuAffinity: readonly number[] | 'numa' | null
  numaPolicy: 'default' | 'preferred' | 'bind' | 'interleave' | 'local' | null
  numaMask: readonly number[] | 'all' | null
  /** ioprio_set(2): a class from 0 to 3, a level from 0 to 7. */
  ioSchedulingClass: number | null
  ioSchedulingPriority: number | null
  /** core(5)'s mask. */
  coredumpFilter: number | null
  /** null: `private` for root's services, else as they are. */
  keyringMode: 'inherit' | 'private' | 'shared' | null
  oomScoreAdjust: number | null
  timerSlackNsec: number | null
  /** The architecture's name and personality(2)'s number of its execution domain. */
  personality: { name: string; domain: number } | null
  /** AppArmorProfile=; `optional`: what goes wrong with it does not count. */
  appArmorProfile: { name: string; optional: boolean } | null
  ignoreSigpipe: boolean
  removeIpc: boolean
  /** null: with User= alone. */
  setLoginEnvironment: boolean | null
  pamName: string | null
  /** Numbers of capabilities, in order; null: all of the daemon's. */
  capabilityBoundingSet: readonly number[] | null
  ambientCapabilities: readonly number[]
  /** prctl(2), PR_SET_SECUREBITS. */
  secureBits: number
  noNewPrivileges: boolean
  /** `source`: an absolute path, or a name in the credential stores. */
  loadCredentials: readonly { name: string; source: string }[]
  setCredentials: readonly { name: string; data: Uint8Array }[]
  /** Patterns of names in the credential stores. */
  importCredentials: readonly string[]
  directories: Readonly<Partial<Record<DirectoryKind, DirectorySettings>>>
  runtimeDirectoryPreserve: 'no' | 'yes' | 'restart'
  timeoutCleanUsec: number
  execSearchPath: readonly string[]
  systemCallFilter: readonly SystemCallLine[]
  systemCallErrorNumber: SystemCallError
  systemCallLog: readonly SystemCallLine[]
  /** By systemd's names; the machine's own need not be among them. */
  systemCallArchitectures: readonly string[]
  restrictAddressFamilies: AddressFamilies | null
  /** The types that processes may still make and enter; null: nothing is restricted. */
  restrictNamespaces: readonly NamespaceType[] | null
  restrictRealtime: boolean
  restrictSuidSgid: boolean
  lockPersonality: boolean
  memoryDenyWriteExecute: boolean
  /** Everything of systemd.exec(5) and systemd.resource-control(5) that has no field above, by directive name,
   * each assignment as written (specifiers expanded, an empty assignment has cleared the list). */
  other: Readonly<Record<string, readonly string[]>>
}

/** A path that is protected or left open. */
export type PathRule = {
  path: string
  /** `-`: nothing is done where it does not exist. */
  missingOk: boolean
  /** `+`: inside RootDirectory=. */
  inRoot: boolean
}
export type BindMount = {
  source: string
  destination: string
  recursive: boolean
  missingOk: boolean
  readOnly: boolean
}
/** `options` as mount(8) takes them; '' for none. */
export type TemporaryFileSystem = { path: string; options: string }

/** The sandbox by namespaces: systemd.exec(5), SANDBOXING. */
export type SandboxSettings = {
  protectSystem: 'no' | 'yes' | 'full' | 'strict'
  protectHome: 'no' | 'yes' | 'read-only' | 'tmpfs'
  privateTmp: 'no' | 'yes' | 'disconnected'
  privateDevices: boolean
  privateMounts: boolean
  readWritePaths: readonly PathRule[]
  readOnlyPaths: readonly PathRule[]
  inaccessiblePaths: readonly PathRule[]
  execPaths: readonly PathRule[]
  noExecPaths: readonly PathRule[]
  /** BindPaths= and BindReadOnlyPaths= in the order of the file. */
  binds: readonly BindMount[]
  temporaryFileSystems: readonly TemporaryFileSystem[]
  protectKernelTunables: boolean
  protectKernelModules: boolean
  protectKernelLogs: boolean
  protectClock: boolean
  protectControlGroups: boolean
  protectHostname: boolean
  protectProc: 'default' | 'noaccess' | 'invisible' | 'ptraceable'
  procSubset: 'all' | 'pid'
  /** `null`: shared, inside the unit. */
  mountFlags: 'shared' | 'slave' | 'private' | null
  /** `null`: with RootDirectory=, if a setting asks for it. */
  mountApiVfs: boolean | null
  privateNetwork: boolean
  networkNamespacePath: string | null
  privateIpc: boolean
  privatePids: boolean
  ipcNamespacePath: string | null
  privateUsers: 'no' | 'yes' | 'self' | 'identity'
}

export type InstallSettings = {
  wantedBy: readonly UnitName[]
  requiredBy: readonly UnitName[]
  upheldBy: readonly UnitName[]
  alias: readonly UnitName[]
  also: readonly UnitName[]
  defaultInstance: string | null
}

/** [X-Hearth]: hearth's own directives; systemd ignores the section. */
export type HearthSettings = {
  /** What becomes of a dependant while a unit it requires is in automatic restart: held (ours) or failed (systemd's way). */
  dependants: 'hold' | 'fail'
  /** How its lines go to the daemon's standard output; inherit: as --console and --console-format have it. */
  consoleOutput: 'inherit' | 'prefix' | 'json' | 'raw' | 'off'
  /** What its output is given to, in place of the log; null: nothing. */
  logPipe: ExecCommand | null
  /** Where its lines are forwarded to; null: as --log-forward has it. */
  logForward: readonly string[] | null
  /** Whether the unit is not to start where its security would be weakened. */
  strict: boolean
}

export type Unit = {
  /** The canonical name (an alias is resolved). */
  id: UnitName
  /** All names, `id` among them. */
  names: readonly UnitName[]
  type: UnitType
  loadState: LoadState
  /** Why it is not loaded, in words; `null` when it is. */
  loadError: string | null
  fragmentPath: string | null
  dropInPaths: readonly string[]
  unitFileState: UnitFileState
  problems: readonly Problem[]
  unit: UnitSettings
  dependencies: Readonly<Partial<Record<DependencyKind, readonly UnitName[]>>>
  install: InstallSettings
  hearth: HearthSettings
  /** What its files set that this machine may not allow, or that is not carried out: directives such as `Service.PrivateTmp`
   * with their last value. Absent: nothing of the kind. */
  demands?: Readonly<Record<string, string>>
  /** What it may take of the machine; absent: nothing is set. */
  resources?: ResourceSettings
  /** With type `service` only. */
  service?: ServiceSettings
  /** With type `socket` only. */
  socket?: SocketSettings
  /** Of both. */
  kill?: KillSettings
  exec?: ExecSettings
  sandbox?: SandboxSettings
  /** With type `timer` only. */
  timer?: TimerSettings
  /** With type `mount` and type `swap` only; these have `kill` and `exec`, too. */
  mount?: MountSettings
  swap?: SwapSettings
  /** With type `path` only. */
  path?: PathSettings
}

/** The units by name. Loading reads files through the directory reader given to the loader; a name that has no
 * file gives a unit with `loadState: 'not-found'`, so a look-up never fails. */
export interface Units {
  /** The unit of that name, an alias followed, loaded if it has not been yet. */
  get(name: UnitName): Unit
  /** Those loaded so far. */
  loaded(): Iterable<Unit>
}
