// The end of a service's main or control process, and what it leads to.

import { notifyAccess } from '../../units/notify-access.ts'
import type { ProcessExit } from '../event.ts'
import { describeExit, exitResult } from '../exit-status.ts'
import type { CommandRun, ExecKind, ServiceFacts, ServiceResult, ServiceSub } from '../state.ts'
import { unreachable } from '../unreachable.ts'
import { command, DIRECTIVES, spawnControl, spawnMain } from './commands.ts'
import { reloadCommandEnded } from './reload.ts'
import { awaitEmpty, enterRunning } from './running.ts'
import { enterStart, enterStartPost, enterStartPre, findMain } from './start.ts'
import { enterSignal, enterStop, enterStopPost, finalEnded } from './stop.ts'
import {
  awaitAnswer,
  hasControl,
  hasMain,
  isSpawning,
  log,
  recordRun,
  set,
  setResult,
  type Turn,
} from './turn.ts'

/** The stages in which a daemon may hand over to another process by its PID file. */
const LIVING: readonly ServiceSub[] = [
  'start',
  'start-post',
  'running',
  'reload',
  'reload-signal',
  'reload-notify',
]

/** The main process has ended. */
export function mainExited(turn: Turn, exit: ProcessExit): void {
  const { facts, service } = turn
  const main = ended(turn, facts.main, exit)
  set(turn, { mainPid: null, main })
  if (main !== null && facts.mainIndex !== null) recordRun(turn, main)
  if (service.pidFile !== null && LIVING.includes(facts.sub) && !isSpawning(turn)) {
    // A daemon may move to a new process, as long as its PID file says so before the old one ends.
    if (facts.awaiting === 'pid-file') return // its answer will tell
    const token = awaitAnswer(turn, 'pid-file')
    turn.effects.push({ type: 'read-pid-file', unit: turn.name, token, watch: false })
    return
  }
  mainEnded(turn)
}

/** Whether the main process has ended and the PID file is being asked for its heir. */
export const isMainLost = (facts: ServiceFacts): boolean =>
  facts.awaiting === 'pid-file' &&
  facts.mainPidKnown &&
  facts.mainPid === null &&
  facts.main?.exit != null

/** The main process has ended (its end stands in the facts) and nothing has taken its place. */
export function mainEnded(turn: Turn): void {
  const { facts, service } = turn
  const exit = facts.main?.exit ?? { kind: 'unknown' }
  const index = facts.mainIndex ?? 0
  const result = command(turn, 'start', index)?.ignoreFailure
    ? 'success'
    : exitResult(exit, service.type === 'oneshot' ? 'command' : 'daemon', service.successExitStatus)
  logExit(turn, 'Main process', 'start', result === 'success', exit)
  setResult(turn, result)
  // Only the start itself goes on: a oneshot that is being stopped and ends cleanly begins nothing new.
  const goesOn = facts.sub === 'start' && service.type === 'oneshot' && result === 'success'
  if (goesOn && command(turn, 'start', index + 1) !== null) {
    spawnMain(turn, index + 1, service.timeoutStartUsec)
    return
  }
  set(turn, { mainIndex: null })
  if (service.exitType === 'cgroup') awaitEmpty(turn)
  else afterMain(turn, result)
}

function afterMain(turn: Turn, result: ServiceResult): void {
  const { sub } = turn.facts
  switch (sub) {
    case 'start':
      mainEndedInStart(turn, result)
      return
    case 'running':
      enterRunning(turn, result)
      return
    case 'start-post':
    case 'reload':
    case 'reload-signal':
    case 'reload-notify':
      // With a control process under way its end is waited for.
      if (!hasControl(turn)) enterStop(turn, result)
      return
    case 'stop': // ExecStop= is to end first
      return
    case 'stop-watchdog':
    case 'stop-sigterm':
    case 'stop-sigkill':
      if (!hasControl(turn)) enterStopPost(turn, result)
      return
    case 'stop-post':
      if (!hasControl(turn)) enterSignal(turn, 'final-sigterm', result)
      return
    case 'final-watchdog':
    case 'final-sigterm':
    case 'final-sigkill':
      if (!hasControl(turn)) finalEnded(turn, sub, result)
      return
    case 'dead': // no main process is kept in these
    case 'condition':
    case 'start-pre':
    case 'exited':
    case 'failed':
    case 'auto-restart':
      return
    default:
      unreachable(sub)
  }
}

function mainEndedInStart(turn: Turn, result: ServiceResult): void {
  const { service } = turn
  switch (service.type) {
    case 'oneshot':
      if (result === 'success') enterStartPost(turn)
      else enterSignal(turn, 'stop-sigterm', result)
      return
    case 'notify':
    case 'notify-reload':
      if (result !== 'success') enterSignal(turn, 'stop-sigterm', result)
      else if (!service.remainAfterExit || notifyAccess(service) === 'main') {
        // It never said READY=1 and nobody is left who may.
        enterSignal(turn, 'stop-sigterm', 'protocol')
      } else awaitEmpty(turn)
      return
    case 'simple':
    case 'idle':
    case 'exec':
    case 'dbus':
    case 'forking':
      // Not executed at all, for the most part. systemd takes a simple service as started before it knows; here the spawn
      // call knows, and a start that came to nothing is told as one.
      enterRunning(turn, result)
      return
    default:
      unreachable(service.type)
  }
}

/** The control process has ended. */
export function controlExited(turn: Turn, exit: ProcessExit): void {
  const { facts, service } = turn
  const { exec, index } = facts.command ?? { exec: 'start', index: 0 }
  const run = facts.runs.find(run => run.exec === exec && run.index === index) ?? null
  const over = ended(turn, run, exit)
  set(turn, { controlPid: null })
  if (over !== null) recordRun(turn, over)

  const kind = exec === 'start' && service.type !== 'oneshot' ? 'daemon' : 'command'
  let result = command(turn, exec, index)?.ignoreFailure
    ? 'success'
    : exitResult(exit, kind, service.successExitStatus)
  let isClean = result === 'success'
  if (facts.sub === 'condition') {
    if (result === 'exit-code' && exit.kind === 'exited' && exit.status < 255) {
      // 1 to 254 say that the service is not to run now, 255 and signals that the condition itself failed.
      result = 'exec-condition'
      isClean = true
    }
    turn.conditionResult = result === 'success'
  }
  const name = facts.sub === 'condition' ? 'Condition check process' : 'Control process'
  logExit(turn, name, exec, isClean, exit)
  // A reload that fails says nothing against the service.
  if (exec !== 'reload') setResult(turn, result)

  // Only in the stage it belongs to: a start that is being stopped runs no further command.
  const next = result === 'success' && exec === facts.sub ? command(turn, exec, index + 1) : null
  if (next !== null) {
    const stops = exec === 'stop' || exec === 'stop-post'
    spawnControl(turn, exec, index + 1, stops ? service.timeoutStopUsec : service.timeoutStartUsec)
    return
  }
  set(turn, { command: null })
  afterControl(turn, result)
}

function afterControl(turn: Turn, result: ServiceResult): void {
  const { sub } = turn.facts
  const isClean = result === 'success'
  switch (sub) {
    case 'condition':
      if (isClean) enterStartPre(turn)
      else enterSignal(turn, 'stop-sigterm', result)
      return
    case 'start-pre':
      if (isClean) enterStart(turn)
      else enterSignal(turn, 'stop-sigterm', result)
      return
    case 'start':
      if (turn.service.type !== 'forking') return // only if the type was changed meanwhile
      if (isClean) findMain(turn)
      else enterSignal(turn, 'stop-sigterm', result)
      return
    case 'start-post':
      if (isClean) findMain(turn)
      else enterSignal(turn, 'stop-sigterm', result)
      return
    case 'reload':
    case 'reload-signal':
    case 'reload-notify':
      reloadCommandEnded(turn, result)
      return
    case 'stop':
      enterSignal(turn, 'stop-sigterm', result)
      return
    case 'stop-watchdog':
    case 'stop-sigterm':
    case 'stop-sigkill':
      if (!hasMain(turn)) enterStopPost(turn, result)
      return
    case 'stop-post':
      if (!hasMain(turn)) enterSignal(turn, 'final-sigterm', result)
      return
    case 'final-watchdog':
    case 'final-sigterm':
    case 'final-sigkill':
      if (!hasMain(turn)) finalEnded(turn, sub, result)
      return
    case 'dead': // no control process is kept in these
    case 'running':
    case 'exited':
    case 'failed':
    case 'auto-restart':
      return
    default:
      unreachable(sub)
  }
}

function ended(turn: Turn, run: CommandRun | null, exit: ProcessExit): CommandRun | null {
  return run && { ...run, endedUsec: turn.context.now.realtimeUsec, exit }
}

function logExit(
  turn: Turn,
  name: string,
  exec: ExecKind,
  isClean: boolean,
  exit: ProcessExit,
): void {
  const level = isClean ? 'debug' : exit.kind === 'exited' ? 'info' : 'warn'
  const note = isClean && !(exit.kind === 'exited' && exit.status === 0) ? ' (success)' : ''
  log(turn, level, `${name} exited, ${describeExit(exit)}${note}`, {
    COMMAND: DIRECTIVES[exec].slice(0, -1),
  })
}
