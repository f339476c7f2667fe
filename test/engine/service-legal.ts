// What holds in every state of a service, whatever led to it.
import { serviceMachine } from '../../daemon/engine/service.ts'
import type { UnitState } from '../../daemon/engine/state.ts'
import type { ServiceSettings } from '../../daemon/units/unit.ts'

const IDLE = ['dead', 'failed', 'auto-restart', 'exited']
const WATCHED = ['start-post', 'running', 'reload', 'reload-signal', 'reload-notify']
/** Stages that last as long as their control process. */
const CONTROLLED = ['condition', 'start-pre', 'stop']

/** What is wrong with the state, or null. */
export function illegality(state: UnitState, service: ServiceSettings): string | null {
  const facts = state.service
  if (facts === null) return 'no facts'
  const { sub } = facts
  if (JSON.stringify(JSON.parse(JSON.stringify(facts))) !== JSON.stringify(facts))
    return 'not plain'
  for (const value of Object.values(facts)) {
    if (value === undefined || value === Infinity || Number.isNaN(value)) return 'not plain data'
  }
  if ((facts.awaiting === null) !== (facts.token === 0)) return 'a token without an answer awaited'
  if (serviceMachine.pids(state).some(pid => pid <= 1)) return 'a pid that is none'
  if (facts.mainPid !== null && facts.mainPid === facts.controlPid) return 'one pid, two roles'
  if (facts.controlPid !== null && facts.command === null) return 'a control process of no command'
  if (facts.mainPid !== null && facts.main?.pid !== facts.mainPid) return 'a main process of no run'
  if (facts.watchdogDeadlineUsec !== null && !WATCHED.includes(sub)) return 'watched'
  if (facts.pidFileWatched && facts.awaiting !== 'pid-file') return 'a watch that nobody awaits'
  if (IDLE.includes(sub)) {
    if (facts.mainPid !== null || facts.controlPid !== null) return 'a process'
    if (facts.awaiting !== null) return 'an answer awaited'
    if (facts.deadlineUsec !== null && sub !== 'auto-restart') return 'a deadline'
    if (facts.runtimeDeadlineUsec !== null) return 'a time to run'
  }
  if (sub === 'failed' && facts.result === 'success') return 'failed with success'
  if (sub === 'exited' && facts.result !== 'success') return 'exited with a failure'
  const hasControl = facts.controlPid !== null || facts.awaiting === 'control'
  if (CONTROLLED.includes(sub) && !hasControl) return 'nothing to wait for'
  if (sub === 'running') {
    if (facts.controlPid !== null) return 'a control process'
    const unknown = !facts.mainPidKnown && service.type === 'forking'
    const moving = facts.awaiting === 'pid-file'
    if (facts.mainPid === null && !unknown && !moving && service.exitType !== 'cgroup') {
      return 'up without a main process'
    }
  }
  return null
}
