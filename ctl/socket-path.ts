// Where the daemon's control socket is.
import { SOCKET_NAME } from '../daemon/control/schema.ts'

/**
 * The path of the control socket: in HEARTH_RUNTIME, or where the daemon of this user puts it by default (/run/hearth as root,
 * $XDG_RUNTIME_DIR/hearth otherwise).
 */
export function defaultSocketPath(env: NodeJS.ProcessEnv = process.env): string {
  if (env.HEARTH_RUNTIME) return `${env.HEARTH_RUNTIME}/${SOCKET_NAME}`
  const uid = process.getuid?.() ?? 0
  const runtime = uid === 0 ? '/run' : env.XDG_RUNTIME_DIR || `/run/user/${uid}`
  return `${runtime}/hearth/${SOCKET_NAME}`
}
