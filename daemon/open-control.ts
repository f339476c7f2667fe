// The control socket, opened once the services are on their way: what answers there is loaded only then.
import { type BackendParts, createBackend } from './backend.ts'
import type { ControlServer } from './control/server.ts'
import type { Options } from './options.ts'
import type { KeptPart } from './runtime/keep.ts'
import type { Native } from './runtime/native.ts'
import type { LogLine } from './runtime/perform.ts'

export type OpenControlParts = {
  options: Pick<Options, 'controlGroup'>
  path: string
  /** The daemon's own user. */
  uid: number
  kept: KeptPart
  native: Native
  backend: BackendParts
  now: Parameters<typeof import('./control/server.ts').openControlServer>[0]['now']
  tell: LogLine
}

/** Null: it cannot be opened, and that was said. */
export async function openControl(parts: OpenControlParts): Promise<ControlServer | null> {
  const { openControlServer } = await import('./control/server.ts')
  const { describeSocketPathError } = await import('./control/socket-path.ts')
  const { native, tell } = parts
  const { controlGroup } = parts.options
  const opened = await openControlServer({
    path: parts.path,
    groupId: controlGroup === null ? null : groupId(native.group(controlGroup), controlGroup, tell),
    uid: parts.uid,
    backend: createBackend(parts.backend),
    kept: parts.kept,
    peerCredentials: native.peerCredentials,
    userName: uid => native.user(String(uid))?.name ?? null,
    now: parts.now,
    warn: message => tell('warn', null, message),
  })
  if (opened.isOk()) return opened.value
  tell('error', null, describeSocketPathError(opened.error))
  return null
}

function groupId(group: { gid: number } | null, name: string, tell: LogLine): number | null {
  if (group === null)
    tell('error', null, `cannot let group ${name} read by ctl: there is no such group`)
  return group?.gid ?? null
}

/** Opens the socket that is there again, of which somebody may have removed the name. */
export async function reopenControl(control: ControlServer | null, tell: LogLine): Promise<void> {
  const result = await control?.reopen()
  result?.mapErr(error =>
    tell('error', null, `cannot open the control socket again: ${error.type}`),
  )
}
