// One step of a socket's machine while it is being taken: the facts so far, what is wanted done, and the small moves that
// every stage makes.
import { KILL_DEFAULTS, SOCKET_DEFAULTS } from '../../units/defaults.ts'
import type { ExecCommand, KillSettings, SocketSettings, Unit, UnitName } from '../../units/unit.ts'
import type { Effect } from '../effect.ts'
import { socketCommands } from '../exec-lists.ts'
import type { MachineContext, MachineRequest } from '../machine.ts'
import type { CommandRun, ExecKind, SocketFacts, SocketResult, SocketSub } from '../state.ts'
import { defect } from '../unreachable.ts'

export type Turn = {
  readonly context: MachineContext
  readonly name: UnitName
  readonly socket: SocketSettings
  readonly kill: KillSettings
  facts: SocketFacts
  invocationId: string | null
  readonly effects: Effect[]
  readonly requests: MachineRequest[]
}

// A unit whose file has gone while it was up is still to be stopped: it goes by the defaults.
export const socketSettings = (unit: Unit): SocketSettings => unit.socket ?? SOCKET_DEFAULTS
export const killSettings = (unit: Unit): KillSettings => unit.kill ?? KILL_DEFAULTS

/** What a socket knows of itself before its first start. */
export const INITIAL_SOCKET_FACTS: SocketFacts = Object.freeze({
  sub: 'dead',
  result: 'success',
  controlPid: null,
  command: null,
  runs: [],
  spawnError: null,
  deadlineUsec: null,
  awaiting: null,
  token: 0,
  isOpen: false,
  nAccepted: 0,
  nRefused: 0,
  connections: [],
  triggersSinceUsec: 0,
  triggers: 0,
})

/** The stages in which the descriptors are kept. */
const OPEN: readonly SocketSub[] = [
  'start-chown',
  'start-post',
  'listening',
  'running',
  'stop-pre',
  'stop-pre-sigterm',
  'stop-pre-sigkill',
]
/** The stages that wait for something, within TimeoutSec=. */
const IDLE: readonly SocketSub[] = ['dead', 'listening', 'running', 'failed']

export function set(turn: Turn, facts: Partial<SocketFacts>): void {
  turn.facts = { ...turn.facts, ...facts }
}

/** Goes to `sub`: watches the descriptors or lets go of them as it has to be there. */
export function setSub(turn: Turn, sub: SocketSub): void {
  const { facts, name: unit } = turn
  if (facts.sub === 'listening' && sub !== 'listening') {
    turn.effects.push({ type: 'watch-sockets', unit, watch: false })
  }
  if (facts.isOpen && !OPEN.includes(sub)) turn.effects.push({ type: 'close-sockets', unit })
  if (facts.sub !== 'listening' && sub === 'listening') {
    turn.effects.push({ type: 'watch-sockets', unit, watch: true })
  }
  set(turn, {
    sub,
    isOpen: facts.isOpen && OPEN.includes(sub),
    awaiting: null,
    token: 0,
    ...(IDLE.includes(sub) && { controlPid: null, command: null, deadlineUsec: null }),
  })
}

/** Keeps the first thing that went wrong. */
export function setResult(turn: Turn, result: SocketResult): void {
  if (turn.facts.result === 'success' && result !== 'success') set(turn, { result })
}

export function log(
  turn: Turn,
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, string | number>>,
): void {
  turn.effects.push({ type: 'log', level, unit: turn.name, message, ...(fields && { fields }) })
}

/** Awaits the answer that carries the token returned. */
export function awaitAnswer(turn: Turn, awaiting: 'control' | 'open' | 'kill'): number {
  const token = turn.context.token()
  set(turn, { awaiting, token })
  return token
}

/** The stage may last that long from now. */
export function arm(turn: Turn): void {
  const { timeoutUsec } = turn.socket
  const deadlineUsec =
    timeoutUsec === Infinity ? null : turn.context.now.monotonicUsec + timeoutUsec
  set(turn, { deadlineUsec })
}

export const commands = (turn: Turn, exec: ExecKind): readonly ExecCommand[] =>
  socketCommands(turn.socket, exec)

/** Runs a command as control process. */
export function spawnControl(turn: Turn, exec: ExecKind, index: number): void {
  set(turn, { controlPid: null, command: { exec, index } })
  arm(turn)
  turn.effects.push({
    type: 'spawn',
    unit: turn.name,
    token: awaitAnswer(turn, 'control'),
    exec,
    index,
    invocationId: turn.invocationId ?? defect(`${turn.name} runs a command without a start`),
    environment: [],
  })
}

/** Writes a run down: the last of each command is kept. */
export function recordRun(turn: Turn, run: CommandRun): void {
  const { runs } = turn.facts
  const at = runs.findIndex(({ exec, index }) => exec === run.exec && index === run.index)
  set(turn, { runs: at < 0 ? runs.concat(run) : runs.with(at, run) })
}
