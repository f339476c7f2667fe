// The control socket's place in the file system: whether another daemon has it, and what is left of a dead one.
import { lstatSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { err, ok, type Result } from 'neverthrow'

export type SocketPathError =
  /** Another daemon answers there. */
  | { type: 'in-use'; path: string }
  | { type: 'not-a-socket'; path: string }
  | { type: 'errno'; path: string; errno: string; message: string }

/** Says why the control socket could not be opened, and what to do. */
export function describeSocketPathError(error: SocketPathError): string {
  const cannot = `cannot listen on ${error.path}`
  switch (error.type) {
    case 'in-use':
      return `${cannot}: another daemon answers there; stop it, or set HEARTH_RUNTIME to another directory`
    case 'not-a-socket':
      return `${cannot}: a file that is no socket is in the way; remove it`
    case 'errno':
      return `${cannot}: ${error.message}`
  }
}

/** An errno of the system as a value. Anything else is a defect and thrown on. */
export function toSocketPathError(path: string, error: unknown): SocketPathError {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') throw error
  if (error.code === 'EADDRINUSE') return { type: 'in-use', path }
  return { type: 'errno', path, errno: error.code, message: error.message }
}

/** Makes room at `path`: removes the socket of a daemon that is no more, and nothing else. */
export async function clearSocketPath(path: string): Promise<Result<void, SocketPathError>> {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined) return ok()
    if (!found.isSocket()) return err({ type: 'not-a-socket', path })
    if (await answers(path)) return err({ type: 'in-use', path })
    unlinkSync(path)
    return ok()
  } catch (error) {
    const failed = toSocketPathError(path, error)
    return failed.type === 'errno' && failed.errno === 'ENOENT' ? ok() : err(failed)
  }
}

/** Whether somebody listens on the socket. A full backlog (EAGAIN) is an answer too. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') resolve(false)
      else if (error.code === 'EAGAIN') resolve(true)
      else reject(error)
    })
  })
}
