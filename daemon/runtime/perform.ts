// Effects of the engine, each handed to the file that does its kind. Facts come back as events.
import type { Effect } from '../engine/effect.ts'
import type { EngineEvent, ProcessExit } from '../engine/event.ts'
import type { EngineState } from '../engine/state.ts'
import type { Logs, SenderOf } from '../logs/logs.ts'
import { SERVICE_DEFAULTS } from '../units/defaults.ts'
import type { Abilities } from '../units/directives/need.ts'
import type { DirectiveTable } from '../units/directives.ts'
import type { LoadedUnits } from '../units/load.ts'
import type {
  DirectoryKind,
  ExecSettings,
  ResourceLimit,
  Unit,
  UnitName,
  Units,
} from '../units/unit.ts'
import { createAbilities, guessed } from './abilities.ts'
import { createBusNames } from './bus-names.ts'
import { ownCapabilities } from './capabilities.ts'
import { type CgroupUse, openCgroups } from './cgroups/cgroups.ts'
import { cleanUnit } from './clean.ts'
import { createClockWatch } from './clock-watch.ts'
import { checkConditions } from './conditions.ts'
import { detectContainer } from './container.ts'
import { createCredentials } from './credentials.ts'
import { createDelayedSpawns } from './delayed-spawns.ts'
import { directoriesOf, directoryRoots, ownersOf } from './directories.ts'
import type { HostFacts } from './facts.ts'
import { createFdStore } from './fd-store.ts'
import { createGuard } from './guard.ts'
import type { Keep } from './keep.ts'
import { type KillEffect, kill } from './kill.ts'
import { createLoggers } from './loggers.ts'
import type { Native } from './native.ts'
import { openNotify } from './notify.ts'
import { createPathWatches } from './path-watches.ts'
import { createPidFileWatches, readPidFile, removePidFile } from './pid-file.ts'
import { createPresence } from './presence.ts'
import { createProcesses, type Processes } from './processes.ts'
import { readStat } from './procfs.ts'
import { createReadiness } from './readiness.ts'
import { collectExits } from './reap.ts'
import { type UnitUsage, usageOf } from './resources.ts'
import { createRunResources } from './run-resources.ts'
import { type ConsoleUse, createRuns } from './runs.ts'
import { createSandboxes } from './sandbox/sandbox.ts'
import { createSocketUnits } from './socket-units.ts'
import { createSpawner } from './spawn.ts'
import { createTimerStamps } from './timer-stamps.ts'
import { createDescriptors, type Descriptors } from './unit-descriptors.ts'
import { createUsers } from './users.ts'
import { createWatches } from './watch.ts'

type Of<Type extends Effect['type']> = Extract<Effect, { type: Type }>
export type Answer = Of<'job-accepted' | 'job-refused' | 'job-finished'>
export type LogLevel = Of<'log'>['level']
export type LogLine = (
  level: LogLevel,
  unit: UnitName | null,
  message: string,
  fields?: Readonly<Record<string, string | number>>,
) => void

export type RuntimeParts = {
  native: Native
  /** Looked up anew with each effect: a daemon-reload may have replaced the units. */
  units: Units & Partial<Pick<LoadedUnits, 'forget' | 'assignments'>>
  /** The table that the units are read by. */
  directives: DirectiveTable
  logs: Logs
  /** `loop.post`. */
  post: (event: EngineEvent) => void
  facts: HostFacts
  /** Where the notify socket is bound, unless it is kept from before; null: there is none. */
  notify: { path: string } | null
  keep: Keep
  /** Where the daemon has its sockets, and puts sandboxes together. */
  runtimeDirectory: string
  /** The manager's environment, `engine.state.manager.environment`; the same array as long as it has not changed. */
  managerEnvironment: () => readonly string[]
  /** What services get who set no LimitNOFILE=: the daemon's limit before it raised its own. Null: as the daemon. */
  nofile: ResourceLimit | null
  /** How services' lines also go to the daemon's stdout. */
  console: ConsoleUse
  /** Where what outlives the daemon is kept. */
  stateDirectory: string
  cgroups: CgroupUse
  /** Whether the system is coming up or going down: the Startup…= settings count. */
  isStarting: () => boolean
  answer: (effect: Answer) => void
  log: LogLine
  finish: (effect: Of<'finish'>) => void
}

export interface Runtime {
  /** `LoopParts.perform`. */
  perform(effect: Effect): void
  /** `LoopParts.settled`. */
  settled(): void
  /** For `native.onChild`; `batch` is `loop.batch`. */
  collectExits(batch: (collect: () => void) => void): void
  readonly processes: Processes
  readonly descriptors: Descriptors
  /** Whose lines are those of a process that logs to a socket. */
  readonly sender: SenderOf
  /** What the unit's processes take now. */
  usage(unit: UnitName): UnitUsage
  /** Units were read anew. */
  refresh(): void
  /** What the machine allows, each tried when it is first asked for. */
  readonly abilities: Abilities
  /** Removes the directories of a unit that is down; what could not be removed, in words. */
  clean(unit: UnitName, kinds: readonly DirectoryKind[]): Promise<readonly string[]>
  /** A command was started by an earlier image, which did not come to tell it. */
  startedBefore(effect: Of<'spawn'>, pid: number): void
  /** Commands that an earlier image could not start at once, to be started anew. */
  delayedBefore(): readonly Of<'spawn'>[]
  /** A unit was read: the engine hears of those that are there without having been started. */
  loaded(unit: Unit): void
  /** Takes up what an earlier image has begun for the units in `state`, and in events that wait. `children`: ours, zombies
   * too. */
  restore(state: EngineState, events: readonly EngineEvent[], children: ReadonlySet<number>): void
  /** Resolves when the loggers of the units that are down have read everything. */
  loggersEnded(): Promise<void>
  /** Resolves when nothing of an ended run is to be removed any more. */
  removed(): Promise<void>
  close(): void
}

/** What brings a message bus up. */
const BUS_UNITS: ReadonlySet<UnitName> = new Set(['dbus.service', 'dbus-broker.service'])

const isKill = (exit: ProcessExit) => exit.kind === 'killed' && exit.signal === SIGKILL
const SIGKILL = 9

/** Opens the notify socket (throws an errno error if it cannot be bound) and is ready for effects. */
export function createRuntime(parts: RuntimeParts): Runtime {
  const { native, units, post, log, facts, keep } = parts
  const isRoot = facts.user.uid === 0
  const roots = directoryRoots(isRoot, facts.environment)
  const opened = openCgroups({
    use: parts.cgroups,
    units,
    isStarting: parts.isStarting,
    warn: (unit, message) => log('warn', unit, message),
    oomKilled: unit => post({ type: 'oom-killed', unit }),
  })
  const cgroups = 'root' in opened ? opened : null
  let wasStarting = true
  const bus = createBusNames({
    isRoot,
    environment: facts.environment,
    post,
    warn: message => log('warn', null, message),
  })
  const abilities = createAbilities(native, opened, bus.whyNot)
  const guesses = guessed(abilities)
  const processes = createProcesses(
    native,
    cgroups,
    unit => post({ type: 'emptied', unit }),
    undefined,
    keep.part('processes'),
  )
  const watches = createWatches(
    native,
    processes,
    (pid, exit) => post({ type: 'exited', pid, exit }),
    keep.part('watches'),
  )
  const pidFiles = createPidFileWatches()
  const warn = (unit: UnitName, message: string) => log('warn', unit, message)
  // What root alone may reach, a mount namespace shows to the unit (systemd.exec(5), DynamicUser=).
  const directoriesBy = (can: Abilities) => (exec: ExecSettings) =>
    directoriesOf(exec, roots, isRoot && can['mount-namespace'] === null)
  const unitDirectories = directoriesBy(abilities)
  const leftDirectories = directoriesBy(guesses)
  const users = createUsers({
    native,
    own: { uid: facts.user.uid, gid: process.getegid?.() ?? 0 },
    dynamicDirectory: isRoot ? `${parts.runtimeDirectory}/dynamic-users` : null,
    ownersOf: exec => ownersOf(leftDirectories(exec)),
  })
  const credentialsRoot = `${roots.runtime}/credentials`
  const credentials = createCredentials({
    native,
    root: credentialsRoot,
    received: facts.environment.CREDENTIALS_DIRECTORY ?? null,
    canMount: () => isRoot && abilities['mount-namespace'] === null,
    warn,
  })
  const resources = createRunResources({
    ...{ native, users, credentials, warn },
    directoriesOf: unitDirectories,
    leftDirectoriesOf: leftDirectories,
  })
  const runs = createRuns(parts.logs, parts.console)
  const sandboxes = createSandboxes({
    native,
    units,
    abilities,
    isOrdinary: !isRoot,
    credentialsRoot,
    runtimeDirectory: parts.runtimeDirectory,
    keep: keep.part('sandbox'),
    log,
  })
  const readiness = createReadiness(native)
  const descriptors = createDescriptors(native, keep.part('descriptors'), held =>
    readiness.remove(held.fd),
  )
  const { namespaces } = sandboxes
  const socketParts = { native, units, descriptors, readiness, namespaces, post, log }
  const sockets = createSocketUnits(socketParts, keep.part('sockets'))
  const store = createFdStore(socketParts)
  const loggers = createLoggers(
    {
      native,
      readiness,
      start: (unit, invocationId, input) => spawner.startLogger(unit, invocationId, input),
      timeoutUsec: unit =>
        units.get(unit).service?.timeoutStopUsec ?? SERVICE_DEFAULTS.timeoutStopUsec,
      warn,
    },
    keep.part('loggers'),
  )
  const spawner = createSpawner({
    loggers,
    native,
    units,
    processes,
    runs,
    users,
    cgroups,
    sandboxes,
    descriptors,
    abilities,
    guard: createGuard({ directives: parts.directives, abilities, log }),
    resources,
    directoriesOf: unitDirectories,
    assignments: unit => units.assignments?.(unit) ?? [],
    isRoot,
    environment: facts.environment,
    capabilities: ownCapabilities(),
    managerEnvironment: parts.managerEnvironment,
    notifyPath: parts.notify?.path ?? null,
    nofile: parts.nofile,
    log,
  })
  const delayed = createDelayedSpawns({
    ...{ native, units, spawn: spawner.spawn, post },
    keep: keep.part('spawns'),
    give: credentials.give,
    hasCredentials: ({ unit, invocationId }) =>
      runs.of(unit, invocationId).hasCredentials && credentials.of(unit) !== null,
  })
  const notify = parts.notify
    ? openNotify(
        { native, processes, post, descriptors, log },
        keep.part('notify'),
        parts.notify.path,
      )
    : null

  const watchBusName = (unit: UnitName) => {
    const name = units.get(unit).service?.busName ?? null
    const problem = 'the unit no longer has a BusName='
    if (name === null) post({ type: 'bus-name', unit, isOwned: false, problem })
    else bus.watch(unit, name)
  }

  const check = ({ unit, token }: Of<'check-conditions'>) => {
    const { conditions, asserts } = units.get(unit).unit
    const condition = checkConditions(conditions, facts)
    const assert = checkConditions(asserts, facts)
    for (const warning of condition.warnings) log('warn', unit, `Condition${warning}`)
    for (const warning of assert.warnings) log('warn', unit, `Assert${warning}`)
    post({
      type: 'conditions-checked',
      unit,
      token,
      condition: condition.result,
      assert: assert.result,
      failed:
        condition.failed !== null
          ? `Condition${condition.failed}`
          : assert.failed !== null
            ? `Assert${assert.failed}`
            : null,
    })
  }

  const pidFileOf = (unit: UnitName) => units.get(unit).service?.pidFile ?? null

  const watchPidFile = (unit: UnitName, token: number, path: string) =>
    pidFiles.add(unit, path, () => {
      const answer = readPidFile(path, unit, processes)
      // Half written, or an old one: the next change tells.
      if (answer.pid !== null) post({ type: 'pid-file', unit, token, ...answer })
    })

  const lookAtPidFile = ({ unit, token, watch }: Of<'read-pid-file'>) => {
    const path = pidFileOf(unit)
    if (path === null) {
      const problem = 'cannot find the main process: the unit no longer has a PIDFile='
      post({ type: 'pid-file', unit, token, pid: null, problem })
      return
    }
    // Watched before it is read: what changes in between is seen.
    if (watch) watchPidFile(unit, token, path)
    post({ type: 'pid-file', unit, token, ...readPidFile(path, unit, processes) })
  }

  /** A single child of ours can only be the daemon; of several nobody knows (systemd.service(5), GuessMainPID=). */
  const guessMain = ({ unit, token }: Of<'guess-main-pid'>) => {
    const living = processes.childrenOf(unit).filter(pid => {
      const stat = readStat(pid)
      return stat && stat.state !== 'Z' && stat.state !== 'X'
    })
    const pid = living.length === 1 ? (living[0] ?? null) : null
    post({ type: 'main-pid-guessed', unit, token, pid })
  }

  const clock = createClockWatch({
    native,
    environment: facts.environment,
    post,
    warn: message => log('warn', null, message),
  })
  const presence = createPresence({
    native,
    units,
    post,
    warn: (unit, message) => log('warn', unit, message),
    devicesCome: () => detectContainer(facts.environment) === null,
    whyNotMount: () => (isRoot ? guesses['mount-namespace'] : 'it does not run as root'),
  })
  const paths = createPathWatches({
    native,
    settings: unit => units.get(unit).path ?? null,
    post,
    warn: (unit, message) => log('warn', unit, message),
  })
  const stamps = createTimerStamps(`${parts.stateDirectory}/timers`)
  const beginTimer = ({ unit, token }: Of<'timer-begins'>) => {
    clock.add(unit)
    if (token === null) return
    const stamp = stamps.read(unit)
    if (stamp.isErr()) log('warn', unit, stamp.error)
    post({ type: 'timer-stamp', unit, token, realtimeUsec: stamp.unwrapOr(null) })
  }

  const end = ({ unit, invocationId, restarting }: Of<'run-ends'>) => {
    pidFiles.remove(unit)
    bus.unwatch(unit)
    runs.end(unit, invocationId)
    if (!restarting || units.get(unit).hearth.logPipe === null) loggers.release(unit)
    sandboxes.end(unit)
    processes.forget(unit)
    cgroups?.remove(unit)
    resources.release(units.get(unit), restarting)
    const preserve = units.get(unit).service?.fileDescriptorStorePreserve ?? 'restart'
    if (preserve === 'no' || (preserve === 'restart' && !restarting)) store.drop(unit)
  }

  const killUnit = (effect: KillEffect) => {
    const { unit, token } = effect
    post({ type: 'killed', unit, token, waiting: kill(effect, processes, watches) })
  }

  return {
    perform(effect) {
      switch (effect.type) {
        case 'check-conditions':
          return check(effect)
        case 'spawn':
          return delayed.start(effect)
        case 'kill':
          return killUnit(effect)
        case 'await-empty':
          return processes.awaitEmpty(effect.unit)
        case 'read-pid-file':
          return lookAtPidFile(effect)
        case 'unwatch-pid-file':
          return pidFiles.remove(effect.unit)
        case 'remove-pid-file': {
          const path = pidFileOf(effect.unit)
          if (path !== null) removePidFile(path)
          return
        }
        case 'guess-main-pid':
          return guessMain(effect)
        case 'watch-bus-name':
          return watchBusName(effect.unit)
        case 'watch-process':
          return watches.add(effect.unit, effect.pid)
        case 'run-begins':
          processes.awaitNothing(effect.unit)
          return runs.begin(effect.unit, effect.invocationId)
        case 'run-ends':
          return end(effect)
        case 'check-presence':
          return presence.check(effect.unit, effect.token)
        case 'watch-paths':
          return paths.watch(effect)
        case 'unwatch-paths':
          return paths.unwatch(effect.unit)
        case 'timer-begins':
          return beginTimer(effect)
        case 'timer-ends':
          return clock.remove(effect.unit)
        case 'write-timer-stamp': {
          const { unit, realtimeUsec } = effect
          stamps.write(unit, realtimeUsec).mapErr(problem => log('warn', unit, problem))
          return
        }
        case 'open-sockets': {
          const { unit, token } = effect
          return post({ type: 'sockets-opened', unit, token, problem: sockets.open(unit) })
        }
        case 'watch-sockets':
          return sockets.watch(effect.unit, effect.watch)
        case 'flush-sockets':
          return sockets.flush(effect.unit)
        case 'close-sockets':
          return sockets.close(effect.unit)
        case 'close-connection':
          return descriptors.release(effect.connection)
        case 'unload-unit':
          return units.forget?.(effect.unit)
        case 'store-descriptors':
          return store.store(effect)
        case 'remove-descriptors':
          return store.remove(effect.unit, effect.name)
        case 'job-finished':
          if (BUS_UNITS.has(effect.unit)) bus.retry()
          return parts.answer(effect)
        case 'job-accepted':
        case 'job-refused':
          return parts.answer(effect)
        case 'log':
          return log(effect.level, effect.unit, effect.message, effect.fields)
        case 'finish':
          return parts.finish(effect)
        default:
          return effect satisfies never
      }
    },
    settled() {
      processes.settle()
      if (wasStarting === parts.isStarting()) return
      wasStarting = !wasStarting
      cgroups?.refresh()
    },
    collectExits(batch) {
      batch(() =>
        collectExits({
          native,
          post(event) {
            // The kernel's own kill is told before the end that it brings: it is the reason.
            if (cgroups && event.type === 'exited' && isKill(event.exit)) {
              const unit = processes.unitOf(event.pid)
              if (unit !== null) cgroups.checkOom(unit)
            }
            post(event)
          },
          ended(pid) {
            watches.ended(pid)
            processes.ended(pid)
            loggers.ended(pid)
          },
          strangersEnded: processes.strangersEnded,
        }),
      )
    },
    processes,
    descriptors,
    sender(pid, marker) {
      const found = processes.senderOf(pid, marker)
      if (found) return runs.describe(units.get(found.unit), found.invocationId ?? '')
      const identifier = readStat(pid)?.command
      return identifier === undefined ? runs.strangers : { ...runs.strangers, identifier }
    },
    usage: unit => usageOf(unit, processes, cgroups),
    refresh: () => cgroups?.refresh(),
    abilities: guesses,
    clean: (name, kinds) =>
      cleanUnit(units.get(name), kinds, {
        directoriesOf: ({ exec }, hides) => (exec ? directoriesOf(exec, roots, hides) : []),
        removeStamp: ({ id }) => stamps.remove(id),
      }),
    startedBefore({ unit, exec, invocationId }, pid) {
      processes.started(unit, pid, invocationId)
      if (exec === 'start') runs.started(unit, runs.of(unit, invocationId), pid)
    },
    loaded: presence.loaded,
    delayedBefore: delayed.left,
    restore(state, events, children) {
      // Before all else: the exit of a process that is not known would be taken for a stranger's.
      for (const event of events) {
        if (event.type !== 'spawned' || !children.has(event.pid)) continue
        const invocationId = state.units.get(event.unit)?.invocationId ?? null
        if (invocationId === null) processes.adopt(event.unit, event.pid)
        else processes.started(event.unit, event.pid, invocationId)
      }
      for (const {
        name,
        service,
        invocationId,
        timer,
        path: watching,
        mount,
      } of state.units.values()) {
        if (timer && timer.sub !== 'dead' && timer.sub !== 'failed') clock.add(name)
        if (watching?.sub === 'waiting') {
          paths.watch({ type: 'watch-paths', unit: name, token: watching.token, why: 'done' })
        }
        for (const pid of [service?.mainPid, service?.controlPid, mount?.controlPid]) {
          if (pid == null || pid === 0) continue
          // Written down as the unit's, it may not have been as one of its processes.
          if (!children.has(pid)) watches.add(name, pid)
          else if (invocationId === null) processes.adopt(name, pid)
          else processes.started(name, pid, invocationId)
        }
        const isOnBus = service && (service.hasBusName !== undefined || service.sub === 'start')
        if (isOnBus && units.get(name).service?.type === 'dbus') watchBusName(name)
        const path = service?.pidFileWatched ? pidFileOf(name) : null
        if (service && path !== null) watchPidFile(name, service.token, path)
      }
    },
    removed: sandboxes.removed,
    loggersEnded: loggers.finished,
    close() {
      notify?.close()
      bus.close()
      pidFiles.close()
      clock.close()
      readiness.close()
      paths.close()
      presence.close()
      cgroups?.close()
    },
  }
}
