// The state in words, for the daemon's log (SIGUSR2): one line a unit that is or was up, one a job, one a recent event.
import type { Engine } from './engine/engine.ts'
import { machineOf } from './engine/machines.ts'
import type { Recorder } from './recorder.ts'
import type { LogLine } from './runtime/perform.ts'
import type { Units } from './units/unit.ts'

export function dumpState(engine: Engine, units: Units, recorder: Recorder, log: LogLine): void {
  const { manager, units: states, jobs } = engine.state
  log('info', null, `state: ${manager.phase}, ${states.size} units, ${jobs.size} jobs`)
  for (const state of states.values()) {
    const machine = machineOf(units.get(state.name).type)
    const pids = machine.pids(state)
    log('info', state.name, `${machine.activeState(state)} (${machine.subState(state)})`, {
      result: machine.result(state),
      ...(pids.length > 0 ? { pids: pids.join(' ') } : {}),
    })
  }
  for (const job of jobs.values()) log('info', job.unit, `job ${job.id}: ${job.type} ${job.state}`)
  for (const { atUsec, event } of recorder.latest()) {
    log('info', null, `event at ${new Date(atUsec / 1000).toISOString()}: ${JSON.stringify(event)}`)
  }
}
