// The way up: ExecStartPre=, opening, ExecStartPost=, listening.
import { serviceOfSocket } from '../../units/implicit.ts'
import type { MachineInput } from '../machine.ts'
import { enterStopPre } from './stop.ts'
import {
  arm,
  awaitAnswer,
  commands,
  INITIAL_SOCKET_FACTS,
  log,
  set,
  setSub,
  spawnControl,
  type Turn,
} from './turn.ts'

/** Begins a new run; the connections of the last one live on, and what was counted counts on. */
export function begin(turn: Turn): void {
  const refusal = whyNotStart(turn)
  if (refusal !== null) {
    log(turn, 'warn', refusal)
    set(turn, { spawnError: refusal })
    turn.requests.push({ type: 'start-refused' })
    return
  }
  const { nAccepted, nRefused, connections } = turn.facts
  turn.invocationId = turn.context.invocationId()
  turn.facts = { ...INITIAL_SOCKET_FACTS, nAccepted, nRefused, connections }
  const { name: unit, invocationId } = turn
  turn.effects.push({ type: 'run-begins', unit, invocationId })
  if (commands(turn, 'start-pre').length === 0) enterOpen(turn)
  else {
    setSub(turn, 'start-pre')
    spawnControl(turn, 'start-pre', 0)
  }
}

/** Descriptors that come too late would be of no use to a service that runs already (socket.c, socket_start). */
function whyNotStart({ context, name, socket }: Turn): string | null {
  const wanted = serviceOfSocket(name, socket)
  if (wanted === null) return null
  const service = context.triggered()
  if (service?.loadState !== 'loaded')
    return `cannot listen for ${service?.unit ?? wanted}, which is not loaded; Service= names another service`
  const isDown =
    service.active === 'inactive' || service.active === 'failed' || service.sub === 'auto-restart'
  return isDown
    ? null
    : `cannot listen for ${service.unit}, which is up already; stop it first: it would not get the descriptors`
}

/** Has everything opened and, as SocketUser= and SocketGroup= say, given away: systemd's `start-chown`. */
export function enterOpen(turn: Turn): void {
  setSub(turn, 'start-chown')
  arm(turn)
  const token = awaitAnswer(turn, 'open')
  set(turn, { isOpen: true })
  turn.effects.push({ type: 'open-sockets', unit: turn.name, token })
}

export function opened(
  turn: Turn,
  { token, problem }: Extract<MachineInput, { type: 'sockets-opened' }>,
): void {
  if (turn.facts.awaiting !== 'open' || token !== turn.facts.token) return
  set(turn, { awaiting: null, token: 0 })
  if (problem !== null) {
    log(turn, 'warn', problem)
    set(turn, { spawnError: problem })
    enterStopPre(turn, 'resources')
  } else if (commands(turn, 'start-post').length === 0) enterListening(turn)
  else {
    setSub(turn, 'start-post')
    spawnControl(turn, 'start-post', 0)
  }
}

/** Waits for something to come in. */
export function enterListening(turn: Turn): void {
  if (!turn.socket.accept && turn.socket.flushPending) {
    turn.effects.push({ type: 'flush-sockets', unit: turn.name })
  }
  setSub(turn, 'listening')
}
