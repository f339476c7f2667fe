// Which state machine runs units of which type.
import type { UnitType } from '../units/unit.ts'
import { inertMachine } from './inert.ts'
import type { Machine } from './machine.ts'
import { mountMachine } from './mount.ts'
import { pathMachine } from './path.ts'
import { serviceMachine } from './service.ts'
import { socketMachine } from './socket.ts'
import { targetMachine } from './target.ts'
import { timerMachine } from './timer.ts'

/** The state machine of a unit type. */
export function machineOf(type: UnitType): Machine {
  switch (type) {
    case 'service':
      return serviceMachine
    case 'socket':
      return socketMachine
    case 'target':
      return targetMachine
    case 'mount':
    case 'swap':
    case 'device':
      return mountMachine
    case 'path':
      return pathMachine
    case 'timer':
      return timerMachine
    default:
      return inertMachine
  }
}
