// What comes in at a socket, and what becomes of the service that was started for it.
import { triggerLimitBurst } from '../../units/directives/socket.ts'
import { serviceOfConnection } from '../../units/implicit.ts'
import type { UnitName } from '../../units/unit.ts'
import { describeTransactionError } from '../describe-error.ts'
import type { MachineInput, Triggered } from '../machine.ts'
import { SHORTAGE_PAUSE_USEC } from '../shortage.ts'
import { enterListening } from './start.ts'
import { enterStopPre } from './stop.ts'
import { log, set, setSub, type Turn } from './turn.ts'

type Input<Type> = Extract<MachineInput, { type: Type }>

const isDown = ({ active }: Triggered) => active === 'inactive' || active === 'failed'

/** Something waits in the descriptors: the service gets them, and nobody else looks at them until it is down. */
export function ready(turn: Turn): void {
  if (turn.facts.sub !== 'listening' || turn.socket.accept) return
  if (turn.context.stopPending) {
    log(turn, 'debug', 'Suppressing connection request since unit stop is scheduled.')
    turn.effects.push({ type: 'flush-sockets', unit: turn.name })
    return
  }
  if (!takeTrigger(turn)) {
    enterStopPre(turn, 'trigger-limit-hit')
    return
  }
  const service = turn.context.triggered()
  // Who reads from them may also be another service, which has them by Sockets=.
  const isServed = turn.context.allTriggered?.().some(one => !isDown(one) || one.hasJob) ?? false
  setSub(turn, 'running')
  if (!isServed && service) turn.requests.push({ type: 'trigger', unit: service.unit })
}

/** A connection was taken (Accept=yes): a service of its own is started for it, or it is closed. */
export function connected(turn: Turn, input: Input<'connection'>): void {
  const { connection: id, instance, source } = input
  const { socket, facts, context } = turn
  const refuse = (why: string | null) => {
    if (why !== null) log(turn, 'warn', why)
    turn.effects.push({ type: 'close-connection', connection: id })
    set(turn, { nRefused: turn.facts.nRefused + 1 })
  }
  if (facts.sub !== 'listening' || !socket.accept || context.stopPending) {
    refuse(null)
    return
  }
  if (!takeTrigger(turn)) {
    refuse(null)
    enterStopPre(turn, 'trigger-limit-hit')
    return
  }
  const count = facts.connections.length
  if (count >= socket.maxConnections) {
    refuse(`Too many incoming connections (${count}), dropping connection.`)
    return
  }
  const { maxConnectionsPerSource: most } = socket
  const fromThere = facts.connections.filter(one => one.source === source).length
  if (most > 0 && source !== null && fromThere >= most) {
    refuse(
      `Too many incoming connections (${fromThere}) from source ${source}, dropping connection.`,
    )
    return
  }
  const unit = serviceOfConnection(turn.name, `${facts.nAccepted}-${instance}`)
  set(turn, {
    nAccepted: facts.nAccepted + 1,
    connections: [...facts.connections, { id, unit, source }],
  })
  turn.requests.push({ type: 'trigger', unit, connection: id })
}

/** Counts a start; false: TriggerLimitBurst= is reached (systemd.socket(5)). */
function takeTrigger(turn: Turn): boolean {
  const { socket, facts } = turn
  const { triggerLimitIntervalUsec: interval } = socket
  const burst = triggerLimitBurst(socket)
  if (interval === 0 || burst === 0) return true
  const now = turn.context.now.monotonicUsec
  if (facts.triggers === 0 || now - facts.triggersSinceUsec > interval) {
    set(turn, { triggersSinceUsec: now, triggers: 1 })
    return true
  }
  if (facts.triggers < burst) {
    set(turn, { triggers: facts.triggers + 1 })
    return true
  }
  log(turn, 'warn', 'Trigger limit hit, refusing further activation.')
  return false
}

/** The service could not even be queued. */
export function triggerRefused(turn: Turn, { unit, error }: Input<'trigger-refused'>): void {
  const isConnection = letGo(turn, unit)
  if (isConnection) set(turn, { nRefused: turn.facts.nRefused + 1 })
  // The socket is about to be stopped with everything else.
  if (error.type === 'shutting-down') return
  const { sub } = turn.facts
  if (sub !== 'running' && sub !== 'listening') return
  const template = isConnection
    ? `; Accept=yes needs a template for its services: ${serviceOfConnection(turn.name, '')}`
    : ''
  const problem = `${describeTransactionError(error)}${template}`
  log(turn, 'warn', `Failed to queue service startup job: ${problem}`)
  set(turn, { spawnError: problem })
  enterStopPre(turn, 'resources')
}

/** A service that was started for what came in has changed, or its job has ended. */
export function serviceChanged(turn: Turn, input: Input<'triggered-changed'>): void {
  if (isDown(input) && !input.hasJob && letGo(turn, input.unit)) return
  const { sub } = turn.facts
  if (turn.socket.accept || (sub !== 'running' && sub !== 'listening')) return
  if (input.failedByStartLimit) {
    log(turn, 'warn', `${input.unit} was started too often: nobody would take what comes in.`)
    enterStopPre(turn, 'service-start-limit-hit')
  } else if (!input.hasJob) {
    if (isDown(input)) {
      if (input.isShort) listenLater(turn)
      else enterListening(turn)
    } else if (input.sub === 'running') setSub(turn, 'running')
  }
}

/** What came in waits for what the service could not be started for want of: it would trigger it at once. That one does not count
 * for TriggerLimitBurst=. */
function listenLater(turn: Turn): void {
  const { sub, deadlineUsec, triggers } = turn.facts
  if (sub !== 'running' || deadlineUsec !== null) return
  set(turn, {
    deadlineUsec: turn.context.now.monotonicUsec + SHORTAGE_PAUSE_USEC,
    triggers: Math.max(0, triggers - 1),
  })
}

/** The connection of that service is closed on our side too; false: it has none. */
function letGo(turn: Turn, unit: UnitName): boolean {
  const { connections } = turn.facts
  const connection = connections.find(one => one.unit === unit)
  if (!connection) return false
  set(turn, { connections: connections.filter(one => one !== connection) })
  turn.effects.push({ type: 'close-connection', connection: connection.id })
  return true
}
