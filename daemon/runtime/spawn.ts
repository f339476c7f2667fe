// Starting a command of a unit: from its settings to what the addon is to do, and the answer.
import { err, ok, type Result } from 'neverthrow'
import type { Effect } from '../engine/effect.ts'
import type { EngineEvent } from '../engine/event.ts'
import { commandsOf } from '../engine/exec-lists.ts'
import type { ExecKind } from '../engine/state.ts'
import { SERVICE_DEFAULTS } from '../units/defaults.ts'
import type { Abilities } from '../units/directives/need.ts'
import type { Assigned } from '../units/load.ts'
import { notifyAccess } from '../units/notify-access.ts'
import type {
  ExecCommand,
  ExecSettings,
  ResourceLimit,
  SandboxSettings,
  ServiceSettings,
  Unit,
  UnitName,
  Units,
} from '../units/unit.ts'
import { templateOf } from '../units/values/unit-name.ts'
import { appArmorCalls } from './apparmor.ts'
import { capabilityCalls } from './capabilities.ts'
import type { Cgroups } from './cgroups/cgroups.ts'
import { expandArguments, findExecutable, shellArguments } from './command.ts'
import { type Directory, directoryVariables } from './directories.ts'
import {
  type Environment,
  startEnvironment,
  type UnitEnvironment,
  unitEnvironment,
  variable,
} from './environment.ts'
import { readEnvironmentFiles } from './environment-file.ts'
import { EXIT, errnoOf, forkFailure, NO_PROCESS, orShortage, type SpawnFailure } from './failure.ts'
import type { Guard } from './guard.ts'
import { handOver } from './handed.ts'
import { keyringCalls } from './keyring.ts'
import { nativeLimits } from './limits.ts'
import type { Loggers } from './loggers.ts'
import { markerLimit } from './marker.ts'
import type { ChildCall, Native, SpawnRequest } from './native.ts'
import { openFiles } from './open-files.ts'
import { withPlace } from './place.ts'
import type { Processes } from './processes.ts'
import type { RunResources } from './run-resources.ts'
import type { Run, Runs } from './runs.ts'
import type { Prepared, Sandboxes } from './sandbox/sandbox.ts'
import { allowedCpusCalls, schedulingCalls } from './scheduling.ts'
import { seccompOf } from './seccomp/seccomp.ts'
import { inSentence, notFound } from './spawn-failure.ts'
import { openStreams, type Streams, writesToLog } from './streams.ts'
import { termOf } from './terminal.ts'
import type { Descriptors } from './unit-descriptors.ts'
import { type Identity, OWN_IDENTITY, type Users } from './users.ts'

export type SpawnEffect = Extract<Effect, { type: 'spawn' }>
export type SpawnLog = (level: 'info' | 'warn', unit: UnitName, message: string) => void

export type SpawnParts = {
  native: Native
  units: Units
  processes: Processes
  runs: Runs
  loggers: Pick<Loggers, 'open'>
  users: Users
  cgroups: Cgroups | null
  sandboxes: Sandboxes
  descriptors: Descriptors
  /** What the machine allows. */
  abilities: Abilities
  guard: Guard
  resources: RunResources
  directoriesOf: (exec: ExecSettings) => readonly Directory[]
  /** What the unit's files set, for the place in a message. */
  assignments: (unit: UnitName) => readonly Assigned[]
  /** The daemon's own user and environment. */
  isRoot: boolean
  environment: Readonly<Record<string, string | undefined>>
  capabilities: bigint
  managerEnvironment: () => readonly string[]
  notifyPath: string | null
  /** What services get who ask for no LimitNOFILE=; null: as the daemon has it. */
  nofile: ResourceLimit | null
  log: SpawnLog
}

/** What of a start stays the same until the unit is read anew or its user or the manager's environment change. */
type Plan = {
  identity: Identity
  manager: readonly string[]
  sandbox: SandboxSettings | undefined
  environment: UnitEnvironment
  request: Omit<
    SpawnRequest,
    | 'path'
    | 'argv'
    | 'env'
    | 'fds'
    | 'pidVariables'
    | 'cgroupFd'
    | 'controllingTty'
    | 'before'
    | 'after'
  >
  before: readonly ChildCall[]
  after: readonly ChildCall[]
}
/** What a command is, with what its list and its prefixes make of the unit's settings. */
type Place = {
  unit: Unit
  exec: ExecSettings
  command: ExecCommand
  /** Sandboxed and with the unit's capabilities: not with `+`, nor beside ExecStart= with PermissionsStartOnly=. */
  isConfined: boolean
  /** As the unit's user: not with `!` either. */
  changesUser: boolean
  mayNotify: boolean
  root: string | null
}

/** What a start runs first: a unit that is up can always be stopped. */
const STARTS: ReadonlySet<ExecKind> = new Set(['condition', 'start-pre', 'start'])

export interface Spawner {
  /** Performs the effect `spawn`: the answer is the event. */
  spawn(effect: SpawnEffect): EngineEvent
  /** Starts the command of the unit's LogPipe= with that standard input; gives its pid. */
  startLogger(unit: UnitName, invocationId: string, input: number): Result<number, SpawnFailure>
}

export function createSpawner(parts: SpawnParts): Spawner {
  const { native, units, processes, runs, users, cgroups } = parts
  /** By the settings, which units without any of their own share, and by what makes plans differ beside them. */
  const plans = new WeakMap<ExecSettings, Plan[]>()
  /** Where bare names were found; forgotten when one is not there any more. */
  const found = new WeakMap<ExecCommand, string>()

  const makePlan = (place: Place, identity: Identity): Result<Plan, SpawnFailure> => {
    const { unit, exec, isConfined, changesUser, mayNotify, root } = place
    const manager = parts.managerEnvironment()
    const cwd = workingDirectory(exec, identity)
    if (cwd.isErr()) return err(cwd.error)
    const capabilities = isConfined
      ? capabilityCalls(exec, parts.capabilities, parts.abilities)
      : null
    const left = (names: readonly string[], why: string) => {
      if (names.length > 0)
        parts.log('warn', unit.id, `AmbientCapabilities= leaves out ${names.join(' ')}: ${why}`)
    }
    left(capabilities?.missing ?? [], 'hearth itself does not have it here')
    left(capabilities?.unbounded ?? [], 'CapabilityBoundingSet= does not have it; add it there')
    const { uid, gid, groups } = changesUser ? identity : OWN_IDENTITY
    const isAdmin = keepsAdmin(exec, parts.capabilities, uid === null ? parts.isRoot : uid === 0)
    const seccomp = isConfined
      ? seccompOf({ exec, sandbox: unit.sandbox }, isAdmin, parts.abilities)
      : ok(null)
    if (seccomp.isErr()) return err(seccomp.error)
    const { program = null, calls = [] } = seccomp.value ?? {}
    return ok({
      identity,
      manager,
      sandbox: unit.sandbox,
      environment: unitEnvironment({
        manager,
        own: parts.environment,
        exec,
        identity,
        notifySocket: mayNotify ? parts.notifyPath : null,
        directories: directoryVariables(parts.directoriesOf(exec)),
        managerPid: parts.isRoot ? null : process.pid,
        term: termOf(exec, parts.environment.TERM),
      }),
      request: {
        cwd: cwd.value,
        // An ordinary user's services run though its home directory is missing, as systemd has it.
        cwdMissingOk: exec.workingDirectory?.missingOk ?? true,
        uid,
        gid,
        groups,
        umask: exec.umask,
        rlimits: nativeLimits(exec.limits, parts.nofile),
        nice: exec.nice,
        oomScoreAdjust: exec.oomScoreAdjust,
        ignoreSigpipe: exec.ignoreSigpipe,
        filter: program,
      },
      before: [
        ...schedulingCalls(exec, parts.abilities),
        ...(isConfined ? appArmorCalls(exec, parts.abilities) : []),
        ...(root === null ? [] : [chroot(root)]),
        ...(capabilities?.before ?? []),
      ],
      after: [...(capabilities?.after ?? []), ...calls],
    })
  }

  const planOf = (place: Place, identity: Identity): Result<Plan, SpawnFailure> => {
    let known = plans.get(place.exec)
    if (!known) {
      known = []
      plans.set(place.exec, known)
    }
    const key =
      (place.isConfined ? 1 : 0) +
      (place.changesUser ? 2 : 0) +
      (place.mayNotify ? 4 : 0) +
      (place.root === null ? 0 : 8)
    const plan = known[key]
    const isFresh =
      plan?.identity === identity &&
      plan.manager === parts.managerEnvironment() &&
      plan.sandbox === place.unit.sandbox
    if (plan && isFresh) return ok(plan)
    const made = makePlan(place, identity)
    if (made.isOk()) known[key] = made.value
    return made
  }

  /** `~` is the home of the unit's user; without a word the root directory or, for an ordinary user's daemon, its home. */
  const workingDirectory = (
    exec: ExecSettings,
    identity: Identity,
  ): Result<string, SpawnFailure> => {
    const set = exec.workingDirectory?.path
    if (set !== undefined && set !== '~') return ok(set)
    if (set === undefined && parts.isRoot) return ok('/')
    const home = identity.name === null ? users.ownHome() : identity.home
    if (home !== null) return ok(home)
    if (set === undefined) return ok('/')
    return err({
      step: 'CHDIR',
      exitStatus: EXIT.chdir,
      errno: 'ENOENT',
      message: `cannot change to WorkingDirectory=~: the user has no home directory; name a directory instead`,
    })
  }

  const executable = (
    { command, exec, root }: Place,
    inSandbox: Prepared['locate'] | undefined,
  ): string | null => {
    if (command.path.startsWith('/')) return command.path
    const known = found.get(command)
    if (known !== undefined) return known
    const locate = inSandbox ?? (path => `${root ?? ''}${path}`)
    const path = findExecutable(command.path, exec.execSearchPath, locate)
    if (path !== null) found.set(command, path)
    return path
  }

  /** An ordinary user's services stay in its session, as systemd has it. */
  const keyringOf = ({ request }: Plan, { keyringMode }: ExecSettings, invocationId: string) =>
    keyringMode === 'inherit' || (keyringMode === null && !parts.isRoot) || parts.abilities.keyring
      ? []
      : keyringCalls(keyringMode, request, invocationId)

  const prepareSandbox = (
    { unit, exec, isConfined, mayNotify, root }: Place,
    run: Run,
    { uid, gid }: Identity,
    credentials: string | null,
  ): Result<Prepared | null, SpawnFailure> => {
    return parts.sandboxes.prepare({
      unit,
      exec,
      invocationId: run.invocationId,
      isConfined,
      root,
      notifySocket: mayNotify ? parts.notifyPath : null,
      uid,
      gid,
      directories: parts.directoriesOf(exec),
      credentials,
    })
  }

  const start = (effect: SpawnEffect): Result<number, SpawnFailure> => {
    const unit = units.get(effect.unit)
    const { exec } = unit
    // A socket's commands have what they share with a service's.
    const service = unit.service ?? SERVICE_DEFAULTS
    const command = commandsOf(unit, effect.exec)[effect.index]
    if (!exec || !command) {
      return err({
        step: 'COMMAND',
        exitStatus: NO_PROCESS,
        errno: 'ENOENT',
        message: `cannot run a command of ${effect.unit}: its unit file has changed and no longer has it`,
      })
    }
    const refused = STARTS.has(effect.exec) ? parts.guard(unit) : null
    if (refused) return err(refused)
    const place = placeOf(unit, exec, service, command, effect.exec)
    const run = runs.of(effect.unit, effect.invocationId)

    const files =
      exec.environmentFiles.length > 0 ? readEnvironmentFiles(exec.environmentFiles) : ok([])
    if (files.isErr()) return err(files.error)
    const identity = users.identity(unit, exec)
    if (identity.isErr()) return err(identity.error)
    const credentials = parts.resources.prepare(unit.id, exec, run, effect.exec, identity.value)
    if (credentials.isErr()) return err(credentials.error)
    const sandbox = prepareSandbox(place, run, identity.value, credentials.value)
    if (sandbox.isErr()) return err(sandbox.error)
    const rooted = sandbox.value?.locate ? { ...place, root: null } : place
    const plan = planOf(rooted, identity.value)
    if (plan.isErr()) return err(plan.error)
    const shell = command.viaShell ? (identity.value.shell ?? command.path) : null
    const path = shell ?? executable(place, sandbox.value?.locate)
    if (path === null) return err(notFound(command.path))

    const opened = openFiles(effect.exec === 'start' ? service.openFiles : [], native)
    if (opened.isErr()) return err(opened.error)
    const handed = handOver(effect, service, exec, parts.descriptors, native, opened.value)
    const facts = [
      `INVOCATION_ID=${effect.invocationId}`,
      ...effect.environment,
      ...handed.environment,
    ]
    if (credentials.value !== null) facts.push(`CREDENTIALS_DIRECTORY=${credentials.value}`)
    const environment = startEnvironment(plan.value.environment, facts, files.value, exec)
    const { argv, unset } = command.noExpand
      ? { argv: command.argv, unset: [] }
      : expandArguments(command.argv, name => variable(environment, name))
    for (const name of unset) {
      parts.log(
        'warn',
        effect.unit,
        `$${name} is not set: it counts as empty in the command line of ${path}`,
      )
    }

    const piped =
      unit.hearth.logPipe && writesToLog(exec) ? parts.loggers.open(unit, run.invocationId) : null
    if (piped?.isErr()) {
      for (const { fd } of opened.value) native.close(fd)
      return err(piped.error)
    }
    const logPipe = piped?.isOk() ? { out: piped.value, err: piped.value } : null
    const streams = openStreams(exec, {
      native,
      uid: plan.value.request.uid,
      // Connections come by the thousand: what serves them has one log, by the name of the template.
      log: () =>
        logPipe ??
        runs.log(unit, run, effect.connection === undefined ? unit.id : logName(unit.id)),
      handed,
      warn: message => parts.log('warn', effect.unit, message),
    })
    if (streams.isErr()) {
      for (const { fd } of opened.value) native.close(fd)
      return err(streams.error)
    }
    const cgroupFd = cgroups ? cgroups.enter(unit, identity.value) : -1
    try {
      const keyring = keyringOf(plan.value, exec, effect.invocationId)
      const cpus = allowedCpusCalls(unit, parts.abilities)
      return launch(plan.value, streams.value, [...keyring, ...cpus], sandbox.value, {
        fds: [...streams.value.fds, ...handed.fds],
        path,
        argv: shell === null ? argv : shellArguments(shell, argv),
        env: [...environment.values()],
        rlimits: exec.limits.locks
          ? plan.value.request.rlimits
          : [...plan.value.request.rlimits, markerLimit(effect.invocationId)],
        pidVariables: pidVariables(environment, exec),
        cgroupFd,
      })
    } finally {
      for (const fd of streams.value.opened) native.close(fd)
      for (const { fd } of opened.value) native.close(fd)
      if (cgroupFd >= 0) native.close(cgroupFd)
    }
  }

  const launch = (
    plan: Plan,
    streams: Streams,
    ofTheUnit: readonly ChildCall[],
    sandbox: Prepared | null,
    what: Pick<
      SpawnRequest,
      'fds' | 'path' | 'argv' | 'env' | 'rlimits' | 'pidVariables' | 'cgroupFd'
    >,
  ): Result<number, SpawnFailure> => {
    const { calls, controllingTty } = streams
    const before = [...calls, ...ofTheUnit, ...plan.before]
    let outcome: ReturnType<Native['spawn']>
    try {
      outcome = native.spawn({
        ...plan.request,
        ...what,
        controllingTty,
        sandbox: sandbox?.request ?? null,
        before,
        after: plan.after,
      })
    } catch (error) {
      // vfork itself has failed.
      return err(forkFailure(errnoOf(error)))
    }
    if ('pid' in outcome) return ok(outcome.pid)
    const { step, exitStatus, errno, operation = -1 } = outcome
    const message = sandbox?.explain(outcome, operation) ?? null
    if (message !== null) return err({ step, exitStatus, errno, message })
    const { identity, request } = plan
    return err(inSentence(outcome, { path: what.path, cwd: request.cwd, user: identity.name }))
  }

  const logger: Spawner['startLogger'] = (name, invocationId, input) => {
    const unit = units.get(name)
    const { exec } = unit
    const command = unit.hearth.logPipe
    if (!exec || !command) {
      return err({
        step: 'COMMAND',
        exitStatus: NO_PROCESS,
        errno: 'ENOENT',
        message: `cannot start a logger of ${name}: its unit file has changed and no longer has LogPipe=`,
      })
    }
    const place: Place = {
      unit,
      exec,
      command,
      // It writes where the unit itself may not.
      isConfined: false,
      changesUser: command.privilege === 'none',
      mayNotify: false,
      root: null,
    }
    const files =
      exec.environmentFiles.length > 0 ? readEnvironmentFiles(exec.environmentFiles) : ok([])
    if (files.isErr()) return err(files.error)
    const identity = users.identity(unit, exec)
    if (identity.isErr()) return err(identity.error)
    const plan = planOf(place, identity.value)
    if (plan.isErr()) return err(plan.error)
    const shell = command.viaShell ? (identity.value.shell ?? command.path) : null
    const path = shell ?? executable(place, undefined)
    if (path === null) return err(notFound(command.path))
    const environment = startEnvironment(plan.value.environment, [], files.value, exec)
    const { argv } = command.noExpand
      ? { argv: command.argv }
      : expandArguments(command.argv, each => variable(environment, each))
    const log = runs.openLogger(unit, invocationId, path)
    try {
      const streams = { fds: [input, log.out, log.err] as const, opened: [], calls: [] }
      return launch(plan.value, { ...streams, controllingTty: false }, [], null, {
        fds: streams.fds,
        path,
        argv: shell === null ? argv : shellArguments(shell, argv),
        env: [...environment.values()],
        // Without the mark: it is none of the unit's processes, which are waited for and ended.
        rlimits: plan.value.request.rlimits,
        pidVariables: [],
        cgroupFd: -1,
      })
    } finally {
      log.close()
    }
  }

  const spawn = (effect: SpawnEffect): EngineEvent => {
    const { unit, token } = effect
    const started = orShortage(() => start(effect))
    if (started.isErr()) {
      const message = withPlace(started.error.message, () => parts.assignments(unit))
      return { type: 'spawn-failed', unit, token, ...started.error, message }
    }
    processes.started(unit, started.value, effect.invocationId)
    if (effect.exec === 'start') {
      runs.started(unit, runs.of(unit, effect.invocationId), started.value)
    }
    return { type: 'spawned', unit, token, pid: started.value }
  }

  return { spawn, startLogger: (...args) => orShortage(() => logger(...args)) }
}

function placeOf(
  unit: Unit,
  exec: ExecSettings,
  service: ServiceSettings,
  command: ExecCommand,
  kind: ExecKind,
): Place {
  const isMain = kind === 'start'
  const isConfined = command.privilege !== 'full' && (isMain || !service.permissionsStartOnly)
  const { rootDirectory } = exec
  return {
    unit,
    exec,
    command,
    isConfined,
    changesUser: isConfined && command.privilege !== 'no-setuid',
    mayNotify: mayNotify(service, isMain),
    root:
      rootDirectory !== '/' && (isMain || !service.rootDirectoryStartOnly) ? rootDirectory : null,
  }
}

const PIDS: Readonly<Record<string, string>> = {
  WATCHDOG_USEC: 'WATCHDOG_PID',
  LISTEN_FDS: 'LISTEN_PID',
}
const EXEC_PID = ['SYSTEMD_EXEC_PID']

/** The variables that the child alone can fill in, unless the unit sets or unsets them. */
function pidVariables(environment: Environment, exec: ExecSettings): readonly string[] {
  const more = Object.keys(PIDS).filter(name => environment.has(name))
  const names = more.length === 0 ? EXEC_PID : [...EXEC_PID, ...more.map(name => PIDS[name] ?? '')]
  const isPlain = exec.unsetEnvironment.length === 0 && !names.some(name => environment.has(name))
  return isPlain
    ? names
    : names.filter(name => !environment.has(name) && !exec.unsetEnvironment.includes(name))
}

const chroot = (path: string): ChildCall => ({
  call: 'chroot',
  args: [path],
  step: 'CHROOT',
  exitStatus: EXIT.chroot,
})

/** Which processes are told of the notify socket (systemd.service(5), NotifyAccess=). */
function mayNotify(service: ServiceSettings, isMain: boolean): boolean {
  const access = notifyAccess(service)
  return isMain ? access !== 'none' : access === 'exec' || access === 'all'
}

const CAP_SYS_ADMIN = 21

/** Whether a process has CAP_SYS_ADMIN once it is the unit's user. */
const keepsAdmin = (exec: ExecSettings, own: bigint, isRoot: boolean) =>
  ((own >> BigInt(CAP_SYS_ADMIN)) & 1n) === 1n &&
  (isRoot || exec.ambientCapabilities.includes(CAP_SYS_ADMIN))

const logName = (unit: UnitName): UnitName => templateOf(unit) ?? unit
