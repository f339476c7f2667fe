// Type=dbus: the service is up while somebody has its BusName= (systemd's service_bus_name_owner_change()).
import type { MachineInput } from '../machine.ts'
import { enterRunning } from './running.ts'
import { enterStartPost } from './start.ts'
import { hasMain, log, set, type Turn } from './turn.ts'

export function busNameTold(
  turn: Turn,
  { isOwned, problem }: Extract<MachineInput, { type: 'bus-name' }>,
): void {
  const { service, facts } = turn
  if (service.type !== 'dbus') return
  const isStarting = facts.sub === 'start' && hasMain(turn)
  if (problem !== null) {
    if (!isStarting) return
    const message = `cannot watch for BusName=${service.busName}: ${problem}; the service counts as started once it is executed`
    log(turn, 'warn', message)
    enterStartPost(turn)
    return
  }
  set(turn, { hasBusName: isOwned })
  if (isStarting && isOwned) enterStartPost(turn)
  // Elsewhere it is looked at when the stage is over.
  else if (facts.sub === 'running' && !isOwned) {
    log(turn, 'info', `BusName=${service.busName} has no owner any more: stopping`)
    enterRunning(turn, 'success')
  }
}
