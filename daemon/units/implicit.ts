// What a unit has without saying so: the defaults that hang on its type, and dependencies (systemd.service(5) and
// systemd.target(5), IMPLICIT and DEFAULT DEPENDENCIES). That a target comes after what it pulls in is the engine's
// business: it alone knows all units that want the target.
import type { Draft } from './directives.ts'
import { isNetworkMount, mountUnitOf, pathOfName } from './mounts.ts'
import { parentSlice, ROOT_SLICE } from './resources.ts'
import type {
  DependencyKind,
  MountSettings,
  PathSettings,
  Problem,
  ServiceSettings,
  SocketSettings,
  TimerSettings,
  Unit,
  UnitName,
  UnitType,
} from './unit.ts'
import { acceptsConnections, nodeOf } from './values/socket.ts'
import { prefixOf } from './values/unit-name.ts'

/** Fills in what depends on other settings: Type=, the start time-out of oneshot services, the standard streams. */
export function completeService(draft: Draft): void {
  const { service } = draft
  service.type ??= service.busName ? 'dbus' : service.execStart ? 'simple' : 'oneshot'
  if (service.type === 'oneshot') service.timeoutStartUsec ??= Number.POSITIVE_INFINITY
  completeStreams(draft)
}

/** Fills in the standard streams that hang on each other. */
export function completeStreams({ exec }: Draft): void {
  if (exec.standardInputData && (exec.standardInput?.kind ?? 'null') === 'null')
    exec.standardInput = { kind: 'data' }
  // A user that is gone tomorrow leaves no set-id file and no IPC object behind (systemd.exec(5), DynamicUser=).
  if (exec.dynamicUser) {
    exec.noNewPrivileges = true
    exec.restrictSuidSgid = true
    exec.removeIpc = true
  }
  switch (exec.standardInput?.kind) {
    // Streams of two directions: the output goes where the input comes from.
    case 'tty':
    case 'tty-force':
    case 'tty-fail':
    case 'socket':
    case 'fd':
      exec.standardOutput ??= { kind: 'inherit' }
      break
    default:
      if (exec.standardOutput?.kind === 'inherit') exec.standardOutput = { kind: 'journal' }
  }
}

/** Why a service cannot be run as it is described, in systemd's order; null: it can. */
export function serviceProblem(draft: Draft, service: ServiceSettings): string | null {
  const starts = service.execStart.length
  const hasSuccessAction = (draft.unit.successAction ?? 'none') !== 'none'
  if (starts === 0 && service.execStop.length === 0 && !hasSuccessAction)
    return 'cannot run a service without ExecStart=, ExecStop= or SuccessAction=; give it an ExecStart='
  if (service.type !== 'oneshot' && starts === 0)
    return 'cannot run a service without ExecStart=, unless it has Type=oneshot'
  if (!service.remainAfterExit && starts === 0 && !hasSuccessAction)
    return 'cannot run a service without ExecStart=, unless it has RemainAfterExit=yes or SuccessAction='
  if (service.type !== 'oneshot' && starts > 1)
    return `cannot run a service with ${starts} ExecStart= commands, unless it has Type=oneshot; an empty ExecStart= before the new one replaces what came before`
  if (service.type === 'oneshot') {
    if (service.restart === 'always' || service.restart === 'on-success')
      return `cannot use Restart=${service.restart} with Type=oneshot: it would start for ever`
    const forced = service.restartForceExitStatus
    if (forced.statuses.length + forced.signals.length > 0)
      return 'cannot use RestartForceExitStatus= with Type=oneshot'
    if (service.exitType === 'cgroup') return 'cannot use ExitType=cgroup with Type=oneshot'
  }
  if (service.type === 'forking' && draft.sandbox.privatePids)
    return 'cannot run Type=forking with PrivatePIDs=: all of its processes would end with the first one'
  if (service.type === 'dbus' && !service.busName) return 'cannot run Type=dbus without BusName='
  const killMode = draft.kill.killMode ?? 'control-group'
  if (draft.exec.pamName && killMode !== 'control-group' && killMode !== 'mixed')
    return `cannot use PAMName= with KillMode=${killMode}: it needs control-group or mixed`
  return null
}

/** Settings that have no effect beside others. */
export function serviceWarnings(service: ServiceSettings): string[] {
  const warnings: string[] = []
  if (service.type === 'oneshot' && service.runtimeMaxUsec !== Number.POSITIVE_INFINITY)
    warnings.push('RuntimeMaxSec= has no effect with Type=oneshot; TimeoutStartSec= is meant')
  if (service.runtimeMaxUsec === Number.POSITIVE_INFINITY && service.runtimeRandomizedExtraUsec > 0)
    warnings.push('RuntimeRandomizedExtraSec= has no effect without RuntimeMaxSec=')
  if (service.restartSteps > 0 && service.restartMaxDelayUsec === Number.POSITIVE_INFINITY)
    warnings.push('RestartSteps= has no effect without RestartMaxDelaySec=')
  if (service.restartMaxDelayUsec !== Number.POSITIVE_INFINITY && service.restartSteps === 0)
    warnings.push('RestartMaxDelaySec= has no effect without RestartSteps=')
  return warnings
}

/** Why a timer has nothing to wait for; null: it has. */
export const timerProblem = (timer: TimerSettings): string | null =>
  timer.spans.length > 0 ||
  timer.calendars.length > 0 ||
  timer.onClockChange ||
  timer.onTimezoneChange
    ? null
    : 'cannot run a timer that never elapses; give it an OnCalendar=, OnBootSec= or the like'

/** Why a path unit has nothing to watch; null: it has. */
export const pathProblem = (path: PathSettings): string | null =>
  path.watched.length > 0
    ? null
    : 'cannot run a path unit that watches nothing; give it a PathExists=, PathChanged= or the like'

/** The unit that a timer or path starts: Unit=, else the service of the same name. */
const triggeredUnit = (id: UnitName, unit: UnitName | null): UnitName =>
  unit ?? `${id.slice(0, id.lastIndexOf('.'))}.service`

/** Why a socket cannot be opened as it is described, in systemd's order; null: it can. */
export function socketProblem(draft: Draft, socket: SocketSettings): string | null {
  const { listen, accept, symlinks } = socket
  if (listen.length === 0)
    return 'cannot open a socket that listens nowhere; give it a ListenStream= or the like'
  if (accept && !listen.every(acceptsConnections))
    return 'cannot use Accept=yes here: nobody connects to datagram sockets, FIFOs and the like; leave it out or use ListenStream='
  if (accept && socket.maxConnections === 0)
    return 'cannot use Accept=yes with MaxConnections=0: no connection would be taken'
  if (accept && socket.service !== null)
    return 'cannot use Service= with Accept=yes: each connection has an instance of the template of the same name; leave Service= out'
  if (draft.exec.other?.PAMName && (draft.kill.killMode ?? 'control-group') !== 'control-group')
    return 'cannot use PAMName= unless KillMode= is control-group'
  if (symlinks.length > 0 && listen.filter(port => nodeOf(port) !== null).length !== 1)
    return 'cannot tell what Symlinks= are to lead to: exactly one Listen…= line has to name a file'
  return null
}

/** The service that a socket starts and whose descriptors it holds; null with Accept=yes, where each connection has its own. */
export const serviceOfSocket = (id: UnitName, socket: SocketSettings): UnitName | null =>
  socket.accept ? null : triggeredUnit(id, socket.service)

/** The service for a connection of a socket with Accept=yes. `instance` tells who is connected. */
export const serviceOfConnection = (id: UnitName, instance: string): UnitName =>
  `${prefixOf(id)}@${instance}.service`

export type Dependencies = { [K in DependencyKind]?: UnitName[] }

export const SHUTDOWN = 'shutdown.target'

/** Adds a unit's default dependencies and those that its settings imply. */
export function addImplicit(
  dependencies: Dependencies,
  unit: Pick<
    Unit,
    'id' | 'type' | 'service' | 'socket' | 'resources' | 'timer' | 'path' | 'mount' | 'swap'
  > & {
    defaultDependencies: boolean
    /** The mount units that its paths need. */
    mounts: readonly UnitName[]
    /** Those that it can do without (WantsMountsFor=). */
    wantedMounts: readonly UnitName[]
  },
): void {
  const add = (kind: DependencyKind, ...names: UnitName[]) => {
    dependencies[kind] = [...(dependencies[kind] ?? []), ...names]
  }
  // The bus is somebody else's: a service that talks on it comes after it where there is one.
  if (unit.service?.busName) add('after', 'dbus.socket', 'dbus.service')
  if (unit.service && unit.service.sockets.length > 0) {
    add('wants', ...unit.service.sockets)
    add('after', ...unit.service.sockets)
    add('triggeredBy', ...unit.service.sockets)
  }
  const activated = unit.socket ? serviceOfSocket(unit.id, unit.socket) : null
  if (activated !== null) {
    add('triggers', activated)
    add('before', activated)
  }
  if (unit.mounts.length > 0) {
    add('requires', ...unit.mounts)
    add('after', ...unit.mounts)
  }
  if (unit.wantedMounts.length > 0) {
    add('wants', ...unit.wantedMounts)
    add('after', ...unit.wantedMounts)
  }
  const triggering = unit.timer ?? unit.path
  if (triggering) {
    const triggered = triggeredUnit(unit.id, triggering.unit)
    add('triggers', triggered)
    add('before', triggered)
  }
  // To wait for the first use of the path takes the kernel's autofs: what requires it finds it mounted all the same.
  const automounted = unit.type === 'automount' ? mountUnitOf(pathOfName(unit.id) ?? '') : null
  if (automounted !== null) {
    add('requires', automounted)
    add('after', automounted)
  }
  // The slices that everything is in by default are there without being asked for.
  const slice = unit.type === 'slice' ? parentSlice(unit.id) : (unit.resources?.slice ?? null)
  if (slice !== null && slice !== ROOT_SLICE) {
    add('requires', slice)
    add('after', slice)
  }
  if (!unit.defaultDependencies || unit.id === SHUTDOWN) return
  if (unit.timer && unit.timer.calendars.length > 0)
    add('after', 'time-set.target', 'time-sync.target')
  if (unit.mount && unit.mount.what !== null) addMountDefaults(add, unit.mount)
  if (unit.swap) add('before', 'swap.target', UMOUNT)
  if (unit.type === 'automount') {
    add('before', 'local-fs.target', UMOUNT)
    add('conflicts', UMOUNT)
  }
  const rule = DEFAULT[unit.type]
  if (rule === undefined) return
  if (rule !== 'target') {
    add('requires', 'sysinit.target')
    add('after', 'sysinit.target')
    if (rule === 'service') add('after', 'basic.target')
    else add('before', rule)
  }
  add('conflicts', SHUTDOWN)
  add('before', SHUTDOWN)
}

const UMOUNT = 'umount.target'

/** systemd.mount(5), DEFAULT DEPENDENCIES. */
function addMountDefaults(
  add: (kind: DependencyKind, ...names: UnitName[]) => void,
  mount: MountSettings,
): void {
  if (isNetworkMount(mount)) {
    add('wants', 'network-online.target')
    add('after', 'network.target', 'network-online.target', 'remote-fs-pre.target')
    add('before', 'remote-fs.target')
  } else {
    add('after', 'local-fs-pre.target')
    add('before', 'local-fs.target')
  }
  add('conflicts', UMOUNT)
  add('before', UMOUNT)
}

/** Services are behind basic.target; what activates them is before a target of its own that basic.target waits for. */
const DEFAULT: Partial<Record<UnitType, UnitName | 'service' | 'target'>> = {
  service: 'service',
  target: 'target',
  socket: 'sockets.target',
  timer: 'timers.target',
  path: 'paths.target',
}

const TYPE_NOTES: Partial<Record<UnitType, string>> = {
  automount:
    'an automount unit mounts its path as soon as it is started, not when it is first used',
  scope: 'scopes are made by programs, not by files: systemd does not read this one',
}

/** What is said of units of a type that is not carried out as in systemd. */
export function typeWarning(type: UnitType, file: string): Problem | null {
  const message = TYPE_NOTES[type]
  return message === undefined ? null : { severity: 'warning', place: { file, line: 0 }, message }
}
