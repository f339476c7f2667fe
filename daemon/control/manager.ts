// Methods about the daemon as a whole.
import { ok } from 'neverthrow'
import type { Backend } from './backend.ts'
import type { Call, Handler } from './call.ts'
import { type ManagerStatus, PROTOCOL_VERSION, type SystemState } from './schema.ts'

/** As `systemctl is-system-running`: `degraded` when a unit has failed. */
export function systemState(backend: Backend): SystemState {
  const { phase } = backend.state.manager
  return phase === 'running' && failedUnits(backend).length > 0 ? 'degraded' : phase
}

export const failedUnits = (backend: Backend) =>
  [...backend.units.loaded()]
    .map(unit => unit.id)
    .filter(unit => backend.activeState(unit) === 'failed')
    .sort()

export function managerStatus({ backend, now }: Call): ManagerStatus {
  let units = 0
  for (const unit of backend.units.loaded()) if (unit.loadState !== 'not-found') units++
  return {
    version: backend.version,
    pid: process.pid,
    state: systemState(backend),
    jobs: backend.state.jobs.size,
    failed: failedUnits(backend).length,
    units,
    startedUsec: backend.state.manager.started.realtimeUsec,
    nowUsec: now().realtimeUsec,
  }
}

export const version: Handler<'version'> = ({ backend }) =>
  ok({ version: backend.version, protocol: PROTOCOL_VERSION, pid: process.pid })

export const isSystemRunning: Handler<'isSystemRunning'> = ({ backend }) =>
  ok({ state: systemState(backend) })

export const getEnvironment: Handler<'getEnvironment'> = ({ backend }) =>
  ok({ environment: [...backend.state.manager.environment] })

export const setEnvironment: Handler<'setEnvironment'> = ({ backend }, { assignments }) => {
  backend.setEnvironment(assignments, [])
  return ok({})
}

export const unsetEnvironment: Handler<'unsetEnvironment'> = ({ backend }, { names }) => {
  backend.setEnvironment([], names)
  return ok({})
}

export const shutdown: Handler<'shutdown'> = ({ backend }, { kind, exitStatus }) => {
  // With nothing to stop the daemon is gone before it returns from there: the reply goes first.
  setImmediate(() => backend.shutdown(kind, exitStatus ?? null))
  return ok({})
}
