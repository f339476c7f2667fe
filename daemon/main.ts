// Boot and wiring: the only file that knows every room.
import { existsSync } from 'node:fs'
import { fromThrowable } from 'neverthrow'
import manifest from '../package.json' with { type: 'json' }
import { indexRun } from './adopt.ts'
import type { ControlServer } from './control/server.ts'
import { counted, crashAsTold, crashWhenTold } from './crash-at.ts'
import { createDefects } from './defects.ts'
import { dumpState } from './dump.ts'
import { createEngine } from './engine/engine.ts'
import type { EngineEvent, Now } from './engine/event.ts'
import { giveBackLater } from './give-back.ts'
import { keepUnits, readKeptUnits } from './kept-units.ts'
import { leave } from './leave.ts'
import { type LeftoverParts, takeLeftover, takeUp } from './leftover.ts'
import { type DaemonLog, keepLevel, openLog } from './log.ts'
import { createClock } from './logs/clock.ts'
import { createLogs } from './logs/hub.ts'
import { createShipping } from './logs/shipping.ts'
import { openLogSockets } from './logs/sockets.ts'
import { createLoop, type Loop } from './loop.ts'
import { forgetPauses } from './minimal.ts'
import { openControl, reopenControl } from './open-control.ts'
import { type Options, readOptions } from './options.ts'
import { createRecorder, recordingOf } from './recorder.ts'
import { checkState, createReexec } from './reexec.ts'
import { createRequests } from './requests.ts'
import { resume } from './resume.ts'
import { logNameOf, type RunEnds, runEnd } from './run-ends.ts'
import { initialEnvironment } from './runtime/environment.ts'
import { readHostFacts } from './runtime/facts.ts'
import { errnoOf, inWords } from './runtime/failure.ts'
import { CAUSE, type Inheritance, readInheritance } from './runtime/image.ts'
import type { KeptPart } from './runtime/keep.ts'
import { beginMachine, isMachine as isPid1OfMachine } from './runtime/machine.ts'
import { makeDirectory } from './runtime/make-directory.ts'
import { native as loadNative } from './runtime/native.ts'
import { createRuntime, type LogLine } from './runtime/perform.ts'
import type { Leftover } from './runtime/persist.ts'
import { mountPoints } from './runtime/presence.ts'
import { listenToSignals } from './runtime/signals.ts'
import { takeThreads } from './runtime/threads.ts'
import { createTimer } from './runtime/timers.ts'
import { createUnitFacts } from './runtime/unit-facts.ts'
import { createUnitFileActions } from './runtime/unit-files.ts'
import { createUnitMemory, openUnitLedger } from './runtime/unit-memory.ts'
import { unitReader } from './runtime/unit-reader.ts'
import { localZone } from './runtime/zone.ts'
import { describeCause, type Takeover, takeOver } from './takeover.ts'
import { describeProblem } from './units/errors.ts'
import { createUnits } from './units/load.ts'
import type { ResourceLimit, Unit, UnitName } from './units/unit.ts'
import { templateOf } from './units/values/unit-name.ts'

const RLIMIT_NOFILE = 7
const VERSION: string = manifest.version

const ASKED = 'asked'
/** An image that came up after a crash and has lived so long, milliseconds, is one that works. */
const LIVED_MS = 60_000
const realtimeUsec = createClock()

const now = (): Now => ({
  realtimeUsec: realtimeUsec(),
  monotonicUsec: loadNative().monotonicUsec(),
})

async function main(
  options: Options,
  log: DaemonLog,
  isMachine: boolean,
  inheritance: Inheritance | null,
  before: Takeover,
) {
  const native = loadNative()
  const isPid1 = process.pid === 1
  const tell: LogLine = (level, unit, message, fields) =>
    log[level](unit === null ? { ...fields } : { unit, ...fields }, message)
  const unwatched = takeThreads(native, options.hangLimitSec)
  if (unwatched !== null) tell('warn', null, unwatched)

  const { persist } = before
  const { keep } = persist
  const defects = createDefects(keep.part('defects'))
  const logLevel = keepLevel(log, keep.part('log level'))
  /** Whether the target has been asked for: an image may have died before. */
  const booted = keep.part('boot')
  const sockets = {
    control: `${options.runtimeDirectory}/control.sock`,
    notify: `${options.runtimeDirectory}/notify.sock`,
  }
  const left: LeftoverParts = {
    native,
    before,
    defects,
    booted: () => booted.put(ASKED, true),
    tell,
  }
  let leftover: Leftover | null = null
  if (inheritance) {
    leftover = await takeLeftover(left, sockets)
  } else if (isMachine) {
    for (const problem of beginMachine(native)) tell('warn', null, problem)
  }
  const facts = readHostFacts(native, process.env)
  if (!isPid1) native.setSubreaper()
  // Each service has two log pipes here, each client a connection; services get the limit that we were given.
  const nofile = keptLimit(keep.part('nofile'), () => native.getRlimit(RLIMIT_NOFILE))
  native.setNofile(nofile.hard, nofile.hard)
  makeDirectory(options.runtimeDirectory, 0o755)
  if (!inheritance && existsSync(sockets.control)) await refuseSecondDaemon(sockets.control)
  let childEnded = Promise.withResolvers<void>()
  let control: ControlServer | null = null
  /** What comes up while what an earlier image has left is still to be done. */
  let early: EngineEvent[] | null = []
  const post = (event: EngineEvent): void => {
    if (early) early.push(event)
    else loop.post(event)
  }

  const readAt = new WeakMap<Unit, number>()
  if (before.lost !== null) {
    leftover = takeUp(left, before.lost, options.target, sockets, now())
  }
  const memory = createUnitMemory(unitReader, openUnitLedger(native, keep.part('unit files')))
  /** Once there is a runtime to look. */
  let onLoaded: ((unit: Unit) => void) | null = null
  const units = createUnits({
    services: options.services,
    runtime: options.runtimeUnits,
    vendorUnits: options.vendorUnits,
    presets: options.presets,
    reader: memory,
    host: createUnitFacts(native, facts),
    strict: options.strict,
    isMounted: path => mountPoints().has(path),
    onLoad(unit) {
      readAt.set(unit, memory.readAtMs(unit.fragmentPath ?? '') ?? Date.now())
      onLoaded?.(unit)
      // An earlier image has said it.
      if (early && leftover) return
      for (const problem of unit.problems) {
        tell(problem.severity === 'error' ? 'error' : 'warn', unit.id, describeProblem(problem))
      }
    },
  })
  const host = {
    machineId: facts.machineId ?? '',
    isContainer: facts.virtualization?.kind === 'container',
  }
  const engine = createEngine({
    units,
    seed: native.randomId(),
    started: now(),
    host,
    zone: localZone(process.env),
    kept: readKeptUnits(keep.part('kept units')),
    ...(leftover && { state: leftover.state }),
  })
  const logs = createLogs({
    native,
    directory: options.logDirectory,
    rotateBytes: options.logRotateBytes,
    keep: options.logKeep,
    rotateUsec: options.logRotateSec * 1_000_000,
    retention: {
      totalBytes: options.logTotalBytes,
      maxAgeUsec: options.logMaxAgeSec * 1_000_000,
    },
    compress: options.logCompress,
    consoleFormat: options.consoleFormat,
    consoleWaitMs: options.consoleWaitSec * 1000,
    warn: message => tell('warn', null, message),
    kept: keep,
    ...(before.program && { program: before.program }),
  })
  const recorder = createRecorder(options.recordSteps, engine)
  const reexec = createReexec({
    native,
    image: () => before.image,
    state: persist.fd,
    index: before.index.fd,
    environment: before.environment,
    args: process.argv.slice(2),
    leave: before.leave,
  })
  const changed = new Set<(unit: UnitName) => void>()
  const requests = createRequests(post, keep.part('requests'))

  const runtime = createRuntime({
    native,
    units,
    directives: units.directives,
    logs,
    post,
    keep,
    facts,
    notify: { path: sockets.notify },
    runtimeDirectory: options.runtimeDirectory,
    managerEnvironment: () => engine.state.manager.environment,
    nofile,
    console: { all: options.console ?? (isPid1 && !isMachine), format: options.consoleFormat },
    cgroups: options.cgroups,
    isStarting: () => engine.state.manager.phase !== 'running',
    stateDirectory: options.stateDirectory,
    answer: requests.answer,
    log: tell,
    finish: effect =>
      void leave(effect, {
        native,
        logs,
        log: tell,
        isMachine,
        collect: () => runtime.collectExits(loop.batch),
        childEnded: () => childEnded.promise,
        removed: runtime.removed,
        loggersEnded: runtime.loggersEnded,
        shipped: timeoutMs => shipping.finish(timeoutMs),
        close() {
          control?.close()
          logSockets?.close()
          runtime.close()
        },
      }),
  })
  const logSockets =
    options.logSockets.length > 0
      ? openLogSockets(options.logSockets, {
          native,
          logs,
          kept: keep.part('log sockets'),
          sender: runtime.sender,
          warn: message => tell('warn', null, message),
        })
      : null
  const shipping = createShipping({
    logs,
    directory: options.logDirectory,
    urls: options.logForward,
    sinceUsec: engine.state.manager.started.realtimeUsec,
    version: VERSION,
    nowUsec: realtimeUsec,
    warn: message => tell('warn', null, message),
    ...(before.program && { program: before.program }),
  })
  const loaded = (unit: Unit) => {
    runtime.loaded(unit)
    const { logForward } = unit.hearth
    shipping.unit(unit.id, logForward)
    // The services of connections have one log.
    const template = logForward && templateOf(unit.id)
    if (template) shipping.unit(template, logForward)
  }
  const keepEnd = (effect: RunEnds) => {
    // Before the step counts: what began the run is not overwritten by the next one.
    const state = engine.state.units.get(effect.unit)
    if (!state) return
    const end = runEnd(state, effect, () => runtime.usage(effect.unit), now().realtimeUsec)
    if (end) logs.runEnded(logNameOf(state), end)
  }
  const loop: Loop = createLoop({
    engine,
    perform: runtime.perform,
    record(event, changes, wanted, at) {
      // Not when it is performed: the next run may have begun by then.
      for (const effect of wanted) if (effect.type === 'run-ends') keepEnd(effect)
      if (event.type === 'exited') reexec.ended(event.pid, event.exit)
      if (event.type === 'spawned') {
        const unit = changes.units.get(event.unit)
        if (unit) indexRun(before.index, unit, event.pid, engine.state)
      }
      recorder.record(event, at, changes, wanted)
      if (changed.size === 0) return
      for (const unit of changes.units.keys()) for (const listener of changed) listener(unit)
    },
    account: counted(persist),
    now,
    arm: createTimer(native.monotonicUsec),
    settled: runtime.settled,
    defect: error => defect(error),
  })

  const defect = (error: unknown): never => {
    log.fatal({ err: error, events: recorder.latest().slice(-8) }, 'a defect in hearth itself')
    // The step that threw was not written down: the next image goes on from the state before it.
    return native.die(CAUSE.exception)
  }
  hasBegun = true
  crashWhenTold(process.env)
  process.on('uncaughtException', defect)
  process.on('unhandledRejection', defect)
  if (leftover) resume(leftover, { native, engine, runtime, loop, persist })
  requests.resumed(engine.state.jobs)
  const waiting = early
  early = null
  for (const event of waiting) loop.post(event)
  onLoaded = loaded
  for (const unit of units.loaded()) loaded(unit)
  native.onChild(() => {
    runtime.collectExits(loop.batch)
    childEnded.resolve()
    childEnded = Promise.withResolvers<void>()
  })

  const reload = (): readonly string[] => {
    memory.forget()
    units.reload()
    loop.post({ type: 'units-reloaded' })
    keepUnits(keep.part('kept units'), engine.graph.kept())
    runtime.refresh()
    tell('info', null, 'Reloaded the units')
    return [...units.loaded()].flatMap(unit => unit.problems.map(describeProblem))
  }
  listenToSignals(native, isMachine, {
    shutdown: (kind, again) =>
      loop.post({ type: 'shutdown-requested', kind, exitStatus: null, force: again }),
    reload,
    reopen: () => void reopenControl(control, tell),
    dump: () => dumpState(engine, units, recorder, tell),
  })

  if (!booted.entries.has(ASKED)) {
    loop.post({
      type: 'environment-changed',
      set: initialEnvironment(process.env, facts.user.uid === 0),
      unset: [],
    })
    await boot(options.target, requests, tell)
    booted.put(ASKED, true)
  }

  control = await openControl({
    options,
    path: sockets.control,
    uid: facts.user.uid,
    kept: keep.part('control'),
    native,
    backend: {
      version: VERSION,
      image: {
        number: before.number,
        cause: inheritance && describeCause(before.cause),
        asked: before.cause === CAUSE.reexec,
      },
      defects,
      defect(error, method) {
        const what = method === null ? 'a connection' : `the request ${method}`
        log.error({ err: error }, `a defect in hearth itself, at ${what}`)
        defects.add(`${what} failed: ${error instanceof Error ? error.message : error}`)
      },
      logLevel,
      reexec,
      reexecFailed: why => tell('error', null, `cannot execute the daemon again: ${why}`),
      engine,
      recording: () => recordingOf(recorder, { engine, host, program: VERSION, now }),
      units,
      unitFiles: createUnitFileActions(units.files),
      requests,
      processes: runtime.processes,
      usage: runtime.usage,
      abilities: runtime.abilities,
      clean: runtime.clean,
      descriptors: runtime.descriptors,
      logs,
      native,
      post: event => loop.post(event),
      reload,
      readAtMs: unit => readAt.get(unit) ?? 0,
      changed,
    },
    now,
    tell,
  })
  if (control === null) {
    // A machine goes on without ctl: a signal can still end it.
    if (!isMachine) loop.post({ type: 'shutdown-requested', kind: 'exit', exitStatus: 1 })
    return
  }
  before.complete()
  if (inheritance) setTimeout(() => forgetPauses(persist.slots), LIVED_MS)
  giveBackLater({
    engine,
    memory,
    before,
    isFirst: inheritance === null,
    readEnds: logs.readEnds,
  })
}

/** Asks for the boot target. One that cannot be started leaves a daemon that runs and can be told what to do. */
async function boot(target: UnitName, requests: ReturnType<typeof createRequests>, tell: LogLine) {
  const { describeTransactionError } = await import('./engine/describe-error.ts')
  const answer = await requests.ask('start', target, 'replace', 'the boot')
  if ('type' in answer) tell('error', null, describeTransactionError(answer))
}

/** What the limit was before the daemon raised its own. */
function keptLimit(part: KeptPart, read: () => ResourceLimit): ResourceLimit {
  const known = part.entries.get('limit')?.data as { soft: number | null; hard: number | null }
  if (known) return { soft: known.soft ?? Infinity, hard: known.hard ?? Infinity }
  const limit = read()
  part.put('limit', {
    soft: Number.isFinite(limit.soft) ? limit.soft : null,
    hard: Number.isFinite(limit.hard) ? limit.hard : null,
  })
  return limit
}

async function refuseSecondDaemon(path: string) {
  const { clearSocketPath, describeSocketPathError } = await import('./control/socket-path.ts')
  const cleared = await clearSocketPath(path)
  if (cleared.isErr()) throw new CannotStart(describeSocketPathError(cleared.error))
}

class CannotStart extends Error {}

/** Services may run: there is no way back. */
let hasBegun = false

/** Whether the world around keeps the daemon from coming up: then it ends and says so. What else is thrown is a defect. */
const isRefusal = (error: unknown) =>
  error instanceof CannotStart || fromThrowable(() => errnoOf(error))().isOk()

/** Why the daemon could not come up. */
const inOneSentence = ({ message, code, syscall, path }: NodeJS.ErrnoException) =>
  code !== undefined && path !== undefined
    ? `cannot start: ${syscall} ${path}: ${inWords(code)}; the runtime directory must be writable, HEARTH_RUNTIME names another`
    : message

async function start() {
  if (process.argv[2] === '--check') process.exit(checkState(loadNative(), process.env))
  const args = process.argv.slice(2)
  const inheritance = readInheritance(process.env)
  crashAsTold(process.env, inheritance === null)
  const native = loadNative()
  // First of all: from here on the image before takes the place of one that does not come up.
  const inherited = inheritance && takeOver(native, inheritance, process.env, args)
  const isMachine = isPid1OfMachine(native, process.env)
  const options = readOptions(process.argv.slice(2), process.env, VERSION, isMachine)
  const log = await openLog(native, options.logFormat, options.logLevel)
  try {
    const before = inherited ?? takeOver(native, null, process.env, args)
    await main(options, log, isMachine, inheritance, before)
  } catch (error) {
    if (isRefusal(error)) log.fatal(inOneSentence(error as NodeJS.ErrnoException))
    else log.fatal({ err: error }, 'a defect in hearth itself')
    if (inheritance || hasBegun || !isRefusal(error)) native.die(CAUSE.exception)
    native.leaving()
    process.exit(1)
  }
}

void start()
