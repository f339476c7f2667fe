// What is told of sockets: where they listen, what they start (systemctl(1), list-sockets).
import { ok } from 'neverthrow'
import { initialUnitState } from '../engine/initial.ts'
import { socketFacts } from '../engine/socket.ts'
import type { SocketFacts } from '../engine/state.ts'
import type { Unit } from '../units/unit.ts'
import { listenText } from '../units/values/socket.ts'
import type { Backend } from './backend.ts'
import type { Handler } from './call.ts'
import { matchesAny } from './resolve.ts'
import { commandStatus, execProperties } from './runs.ts'
import type { SocketListItem, UnitStatus } from './schema.ts'

export const listSockets: Handler<'listSockets'> = ({ backend }, { patterns, all = false }) => {
  const sockets: SocketListItem[] = []
  for (const unit of backend.units.loaded()) {
    if (unit.type !== 'socket' || !matchesAny(patterns, unit.names)) continue
    const active = backend.activeState(unit.id)
    if (!all && active === 'inactive') continue
    const activates = activatedBy(backend, unit)
    for (const port of unit.socket?.listen ?? [])
      sockets.push({ ...listenText(port), unit: unit.id, active, activates })
  }
  const key = ({ address, unit }: SocketListItem) => `${address} ${unit}`
  return ok({ sockets: sockets.sort((a, b) => (key(a) < key(b) ? -1 : 1)) })
}

/** The services that it starts: with Accept=yes those of the connections that there are. */
function activatedBy(backend: Backend, unit: Unit): readonly string[] {
  const connections = factsOf(backend, unit).connections.map(connection => connection.unit)
  return [...backend.related(unit.id, 'triggers'), ...connections]
}

const factsOf = (backend: Backend, { id, type }: Unit): SocketFacts =>
  socketFacts(backend.state.units.get(id) ?? initialUnitState(id, type))

/** What `systemctl status` shows of a socket beside what it does of every unit. */
export function socketStatus(
  backend: Backend,
  unit: Unit,
): Pick<UnitStatus, 'listen' | 'connections' | 'commands' | 'spawnError'> {
  const { nAccepted, nRefused, connections, runs, spawnError } = factsOf(backend, unit)
  return {
    listen: (unit.socket?.listen ?? []).map(listenText),
    connections: unit.socket?.accept
      ? { accepted: nAccepted, connected: connections.length, refused: nRefused }
      : null,
    commands: runs.map(run => commandStatus(unit, run)),
    spawnError,
  }
}

/** The properties of a socket that `systemctl show` prints beside its settings. */
export function socketProperties(backend: Backend, unit: Unit): [name: string, value: string][] {
  const facts = factsOf(backend, unit)
  return [
    ['ControlPID', `${facts.controlPid ?? 0}`],
    ['Result', backend.result(unit.id)],
    ['NConnections', `${facts.connections.length}`],
    ['NAccepted', `${facts.nAccepted}`],
    ['NRefused', `${facts.nRefused}`],
    ...execProperties(unit, facts.runs),
  ]
}
