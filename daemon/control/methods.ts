// Which function answers which method.
import { err, type Result } from 'neverthrow'
import type { Handler, StreamingCall } from './call.ts'
import { clean } from './clean.ts'
import { describeDefect } from './errors.ts'
import { fidelity } from './fidelity.ts'
import { history } from './history.ts'
import { cancel, jobs, kill, listJobs, resetFailed, waitInactive } from './jobs.ts'
import { isActive, isEnabled, listDependencies, listUnitFiles, listUnits } from './list.ts'
import { logs } from './logs.ts'
import {
  getEnvironment,
  isSystemRunning,
  logLevel,
  reexec,
  setEnvironment,
  shutdown,
  unsetEnvironment,
  version,
} from './manager.ts'
import { listPaths } from './paths.ts'
import { verify } from './problems.ts'
import { record } from './record.ts'
import type { ControlError, MethodName, Methods, Request } from './schema.ts'
import { show } from './show.ts'
import { listSockets } from './sockets.ts'
import { status } from './status.ts'
import { listTimers } from './timers.ts'
import { cat, disable, enable, mask, preset, reload, unmask } from './unit-files.ts'

const HANDLERS: { readonly [M in MethodName]: Handler<M> } = {
  version,
  isSystemRunning,
  jobs,
  waitInactive,
  listJobs,
  cancel,
  kill,
  clean,
  resetFailed,
  status,
  show,
  cat,
  listUnits,
  listUnitFiles,
  listTimers,
  listPaths,
  listSockets,
  listDependencies,
  isActive,
  isEnabled,
  verify,
  fidelity,
  enable,
  disable,
  preset,
  mask,
  unmask,
  reload,
  reexec,
  logLevel,
  getEnvironment,
  setEnvironment,
  unsetEnvironment,
  logs,
  history,
  record,
  shutdown,
}

/** Answers a request that was validated and is permitted. What throws is a defect: reported, and told to who asked. Nothing is
 * lost by it: what the engine and its effects throw does not come here, the loop leaves the image then. */
export async function runMethod<M extends MethodName>(
  call: StreamingCall<M>,
  request: Request<M>,
): Promise<Result<Methods[M]['result'], ControlError>> {
  const handler: Handler<M> = HANDLERS[request.method]
  try {
    return await handler(call, request.params)
  } catch (error) {
    call.backend.defect(error, request.method)
    return err(describeDefect(error))
  }
}
