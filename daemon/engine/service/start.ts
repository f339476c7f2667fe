// The way up: ExecCondition=, ExecStartPre=, ExecStart=, ExecStartPost=.
import { createServiceFacts } from '../initial.ts'
import { unreachable } from '../unreachable.ts'
import { command, commands, spawnControl, spawnMain } from './commands.ts'
import { awaitEmpty, enterRunning } from './running.ts'
import { enterSignal } from './stop.ts'
import { arm, awaitAnswer, log, resetWatchdog, set, setSub, type Turn } from './turn.ts'

/** Begins a new run, everything of the last one forgotten but the count of restarts. */
export function begin(turn: Turn): void {
  const { nRestarts, flushRestarts } = turn.facts
  turn.invocationId = turn.context.invocationId()
  turn.facts = {
    ...createServiceFacts(),
    idle: turn.service.type === 'idle',
    nRestarts: flushRestarts ? 0 : nRestarts,
  }
  turn.effects.push({ type: 'run-begins', unit: turn.name, invocationId: turn.invocationId })
  if (commands(turn.service, 'condition').length === 0) {
    enterStartPre(turn)
    return
  }
  setSub(turn, 'condition')
  spawnControl(turn, 'condition', 0, turn.service.timeoutStartUsec)
}

export function enterStartPre(turn: Turn): void {
  if (commands(turn.service, 'start-pre').length === 0) {
    enterStart(turn)
    return
  }
  setSub(turn, 'start-pre')
  spawnControl(turn, 'start-pre', 0, turn.service.timeoutStartUsec)
}

/** As long as systemd's (systemd.service(5), Type=idle). */
const IDLE_TIMEOUT_USEC = 5_000_000

export function enterStart(turn: Turn): void {
  const { service } = turn
  set(turn, { controlPid: null, command: null })
  setSub(turn, 'start')
  if (command(turn, 'start', 0) === null) {
    if (service.type === 'oneshot') {
      // Nothing but ExecStop= or ExecStartPost= is its work.
      enterStartPost(turn)
      return
    }
    log(turn, 'warn', "Failed to run 'start' task: There's no 'start' task anymore we could start.")
    enterSignal(turn, 'stop-sigterm', 'resources')
    return
  }
  switch (service.type) {
    case 'forking':
      // What it starts is the parent that will go: the daemon's own pid is learnt afterwards.
      spawnControl(turn, 'start', 0, service.timeoutStartUsec)
      return
    case 'simple':
      // Up as soon as it runs: no start to time.
      spawnMain(turn, 0, Infinity)
      return
    case 'idle':
      set(turn, { waitsForOthers: true })
      arm(turn, IDLE_TIMEOUT_USEC)
      turn.requests.push({ type: 'await-idle' })
      return
    case 'exec':
    case 'oneshot':
    case 'dbus':
    case 'notify':
    case 'notify-reload':
      spawnMain(turn, 0, service.timeoutStartUsec)
      return
    default:
      unreachable(service.type)
  }
}

/** The jobs of a boot are done, or have taken too long for a service of Type=idle to wait on. */
export function othersDone(turn: Turn): void {
  if (turn.facts.sub !== 'start' || !turn.facts.waitsForOthers) return
  set(turn, { waitsForOthers: false })
  spawnMain(turn, 0, Infinity)
}

/** The main process of a service in `start` runs: some types are up with that. */
export function mainStarted(turn: Turn): void {
  const { type } = turn.service
  switch (type) {
    case 'dbus': // its name has to have an owner
      turn.effects.push({ type: 'watch-bus-name', unit: turn.name })
      return
    case 'simple':
    case 'idle':
    case 'exec': // the spawn call has waited for the exec
      enterStartPost(turn)
      return
    case 'notify': // READY=1 is to come
    case 'notify-reload':
    case 'oneshot': // its end is what counts
    case 'forking': // only if the type was changed meanwhile
      return
    default:
      unreachable(type)
  }
}

/** The parent of a forking daemon has gone: which process is the daemon? */
export function findMain(turn: Turn): void {
  const { service, facts } = turn
  set(turn, { controlPid: null, command: null })
  if (facts.mainPidKnown) {
    mainFound(turn)
  } else if (service.pidFile !== null) {
    // ExecStartPost= may be what writes it: then it is looked for, not waited for, until that has run.
    const mayComeLater = facts.sub === 'start' && commands(service, 'start-post').length > 0
    readPidFile(turn, !mayComeLater)
  } else if (service.type === 'forking' && service.guessMainPid) {
    turn.effects.push({
      type: 'guess-main-pid',
      unit: turn.name,
      token: awaitAnswer(turn, 'guess'),
    })
  } else mainFound(turn)
}

/** Goes on from `start` or `start-post`, with what is known of the main process. */
export function mainFound(turn: Turn): void {
  if (turn.facts.sub === 'start') enterStartPost(turn)
  else enterRunning(turn, 'success')
}

function readPidFile(turn: Turn, watch: boolean): void {
  const token = awaitAnswer(turn, 'pid-file')
  set(turn, { pidFileWatched: watch })
  turn.effects.push({ type: 'read-pid-file', unit: turn.name, token, watch })
}

/** No pid in the PID file. Many daemons write it a moment after their parent has gone: it is waited for while the start
 * lasts and anything of the unit lives. */
export function pidFileMissing(turn: Turn, problem: string | null): void {
  const { facts, service } = turn
  if (!facts.pidFileWatched) {
    mainFound(turn)
    return
  }
  log(turn, 'info', `${problem ?? `cannot read ${service.pidFile}`} (waiting for it to come)`)
  awaitEmpty(turn)
}

export function enterStartPost(turn: Turn): void {
  set(turn, { controlPid: null, command: null })
  resetWatchdog(turn)
  if (commands(turn.service, 'start-post').length === 0) {
    enterRunning(turn, 'success')
    return
  }
  setSub(turn, 'start-post')
  spawnControl(turn, 'start-post', 0, turn.service.timeoutStartUsec)
}
