// Methods about the daemon as a whole.
import { err, ok } from 'neverthrow'
import type { Backend } from './backend.ts'
import type { Call, Handler } from './call.ts'
import { type ManagerStatus, PROTOCOL_VERSION, type SystemState } from './schema.ts'

/** What a reply takes to be written. */
const REPLY_MS = 10

/** As `systemctl is-system-running`: `degraded` when a unit has failed, or the daemon itself. */
export function systemState(backend: Backend): SystemState {
  const { phase } = backend.state.manager
  if (phase !== 'running') return phase
  return failedUnits(backend).length > 0 || backend.defects().length > 0 ? 'degraded' : phase
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
    defects: backend.defects(),
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
  ok({
    version: backend.version,
    protocol: PROTOCOL_VERSION,
    pid: process.pid,
    image: backend.image,
  })

export const isSystemRunning: Handler<'isSystemRunning'> = ({ backend }) =>
  ok({ state: systemState(backend) })

export const logLevel: Handler<'logLevel'> = ({ backend }, { level }) => {
  if (level !== undefined) backend.setLogLevel(level)
  return ok({ level: backend.logLevel() })
}

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

export const reexec: Handler<'reexec'> = async ({ backend }) => {
  const problem = await backend.checkReexec()
  if (problem !== null)
    return err({
      code: 'failed',
      message: `cannot execute the daemon again: ${problem}`,
      hint: 'the one that runs goes on; install a version that works, or see its log',
    })
  // The reply goes first.
  setTimeout(() => backend.reexec(), REPLY_MS)
  return ok({})
}
