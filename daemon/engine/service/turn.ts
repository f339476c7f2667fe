// One step of a service's machine while it is being taken: the facts so far, what is wanted done, and the small moves that
// every stage makes. It lives for one step; the state it began with is never edited.

import { isLimit } from '../../units/notify-access.ts'
import type { KillSettings, ServiceSettings, UnitName } from '../../units/unit.ts'
import type { Effect } from '../effect.ts'
import type { MachineContext, MachineRequest } from '../machine.ts'
import type { CommandRun, ServiceFacts, ServiceResult, ServiceSub } from '../state.ts'

export type Turn = {
  readonly context: MachineContext
  readonly name: UnitName
  readonly service: ServiceSettings
  readonly kill: KillSettings
  facts: ServiceFacts
  invocationId: string | null
  conditionResult: boolean
  readonly effects: Effect[]
  readonly requests: MachineRequest[]
}

/** What a sub-state may hold; what is not named here is let go when the sub-state is entered. */
type Holds = { main?: true; control?: true; timer?: true; watchdog?: true; runtime?: true }

const STARTING: Holds = { main: true, control: true, timer: true }
const RELOADING: Holds = { main: true, control: true, timer: true, watchdog: true, runtime: true }
const STOPPING: Holds = { main: true, control: true, timer: true }

const HOLDS: Record<ServiceSub, Holds> = {
  dead: {},
  condition: { control: true, timer: true },
  'start-pre': { control: true, timer: true },
  start: STARTING,
  'start-post': { ...STARTING, watchdog: true },
  running: { main: true, watchdog: true, runtime: true },
  exited: {},
  reload: RELOADING,
  'reload-signal': RELOADING,
  'reload-notify': RELOADING,
  stop: STOPPING,
  'stop-watchdog': STOPPING,
  'stop-sigterm': STOPPING,
  'stop-sigkill': STOPPING,
  'stop-post': STOPPING,
  'final-watchdog': STOPPING,
  'final-sigterm': STOPPING,
  'final-sigkill': STOPPING,
  failed: {},
  'auto-restart': { timer: true },
}

/** Replaces some of the facts. */
export function set(turn: Turn, facts: Partial<ServiceFacts>): void {
  turn.facts = { ...turn.facts, ...facts }
}

/** Goes to `sub`: lets go of the processes and deadlines that have no place there, and of any answer still awaited. */
export function setSub(turn: Turn, sub: ServiceSub): void {
  const { facts } = turn
  const holds = HOLDS[sub]
  if (facts.pidFileWatched) turn.effects.push({ type: 'unwatch-pid-file', unit: turn.name })
  set(turn, {
    sub,
    pidFileWatched: false,
    awaiting: null,
    token: 0,
    mainPid: holds.main ? facts.mainPid : null,
    mainIndex: holds.main ? facts.mainIndex : null,
    controlPid: holds.control ? facts.controlPid : null,
    command: holds.control ? facts.command : null,
    deadlineUsec: holds.timer ? facts.deadlineUsec : null,
    watchdogDeadlineUsec: holds.watchdog ? facts.watchdogDeadlineUsec : null,
    runtimeDeadlineUsec: holds.runtime ? facts.runtimeDeadlineUsec : null,
  })
}

/** Keeps the first thing that went wrong. */
export function setResult(turn: Turn, result: ServiceResult): void {
  if (turn.facts.result === 'success' && result !== 'success') set(turn, { result })
}

/** Awaits the answer that carries the token returned. */
export function awaitAnswer(turn: Turn, awaiting: Exclude<ServiceFacts['awaiting'], null>): number {
  const token = turn.context.token()
  set(turn, { awaiting, token })
  return token
}

/** The moment `usec` from now; null for Infinity. */
export const inUsec = (turn: Turn, usec: number): number | null =>
  usec === Infinity ? null : turn.context.now.monotonicUsec + usec

/** Sets the one deadline of the stage. Infinity: none. */
export const arm = (turn: Turn, usec: number): void =>
  set(turn, { deadlineUsec: inUsec(turn, usec) })

/** A line for the daemon's log, about this unit. */
export function log(
  turn: Turn,
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, string | number>>,
): void {
  turn.effects.push({
    type: 'log',
    level,
    unit: turn.name,
    message,
    ...(fields ? { fields } : {}),
  })
}

/** A process that is being spawned counts as there: its answer comes. */
export const hasMain = ({ facts }: Turn): boolean =>
  facts.mainPid !== null || facts.awaiting === 'main'
export const hasControl = ({ facts }: Turn): boolean =>
  facts.controlPid !== null || facts.awaiting === 'control'
export const isSpawning = ({ facts }: Turn): boolean =>
  facts.awaiting === 'main' || facts.awaiting === 'control'

/** The watchdog in force, microseconds; null: none. */
export function watchdogUsec({ facts, service }: Turn): number | null {
  const usec = facts.watchdogUsec ?? service.watchdogUsec
  return isLimit(usec) ? usec : null
}

/** Counts the watchdog from now. */
export function resetWatchdog(turn: Turn): void {
  const usec = watchdogUsec(turn)
  set(turn, { watchdogDeadlineUsec: usec === null ? null : inUsec(turn, usec) })
}

/** Whether a watchdog counts in this stage. */
export const isWatched = ({ facts }: Turn): boolean => HOLDS[facts.sub].watchdog === true

/** Writes a run down: the last of each command is kept. */
export function recordRun(turn: Turn, run: CommandRun): void {
  const { runs } = turn.facts
  const at = runs.findIndex(({ exec, index }) => exec === run.exec && index === run.index)
  set(turn, { runs: at < 0 ? runs.concat(run) : runs.with(at, run) })
}

/** `pid` is the main process from now on. */
export function setMain(turn: Turn, pid: number, index: number | null): void {
  const run: CommandRun = {
    exec: 'start',
    index: index ?? 0,
    pid,
    startedUsec: turn.context.now.realtimeUsec,
    endedUsec: null,
    exit: null,
  }
  set(turn, { mainPid: pid, mainPidKnown: true, mainIndex: index, main: run })
}
