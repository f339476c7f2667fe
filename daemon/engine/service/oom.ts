// The kernel has killed a process of the service for want of memory (systemd.service(5), OOMPolicy=).
import { oomPolicy } from '../../units/resources.ts'
import { unreachable } from '../unreachable.ts'
import { enterSignal, enterStop } from './stop.ts'
import { log, setResult, type Turn } from './turn.ts'

export function oomKilled(turn: Turn): void {
  const policy = oomPolicy(turn.context.unit)
  log(turn, 'warn', 'A process of this unit has been killed by the OOM killer.')
  if (policy === 'continue') return
  const { sub } = turn.facts
  switch (sub) {
    case 'condition':
    case 'start-pre':
    case 'start':
    case 'start-post':
    case 'stop':
      enterSignal(turn, policy === 'kill' ? 'stop-sigkill' : 'stop-sigterm', 'oom-kill')
      return
    case 'running':
    case 'exited':
    case 'reload':
    case 'reload-signal':
    case 'reload-notify':
      if (policy === 'kill') enterSignal(turn, 'stop-sigkill', 'oom-kill')
      else enterStop(turn, 'oom-kill')
      return
    case 'stop-watchdog':
    case 'stop-sigterm':
      enterSignal(turn, 'stop-sigkill', 'oom-kill')
      return
    case 'stop-sigkill':
    case 'final-watchdog':
    case 'final-sigkill':
      setResult(turn, 'oom-kill')
      return
    case 'stop-post':
    case 'final-sigterm':
      enterSignal(turn, 'final-sigkill', 'oom-kill')
      return
    case 'dead': // it was on its way out
    case 'failed':
    case 'auto-restart':
      return
    default:
      unreachable(sub)
  }
}
