// The files and sockets of OpenFile=, opened by the daemon for a service that could not (systemd.service(5)).
import { constants, openSync, statSync } from 'node:fs'
import { err, ok, type Result } from 'neverthrow'
import type { OpenFile } from '../units/unit.ts'
import { EXIT, errnoOf, inWords, type SpawnFailure } from './failure.ts'
import type { Native } from './native.ts'

export type Opened = { fd: number; name: string }

const FLAGS: Readonly<Record<OpenFile['access'], number>> = {
  'read-write': constants.O_RDWR,
  'read-only': constants.O_RDONLY,
  append: constants.O_RDWR | constants.O_APPEND,
  truncate: constants.O_RDWR | constants.O_TRUNC,
}
/** The daemon waits for nobody: neither at a FIFO nor at a device. */
const COMMON = constants.O_NOCTTY | constants.O_NONBLOCK

type Calls = Pick<Native, 'connectUnix' | 'setNonblock' | 'close'>

/** Opens them in their order; with `graceful` what cannot be opened is left out. On failure nothing stays open. */
export function openFiles(
  files: readonly OpenFile[],
  native: Calls,
): Result<readonly Opened[], SpawnFailure> {
  const opened: Opened[] = []
  for (const { path, name, access, graceful } of files) {
    try {
      opened.push({ fd: openOne(path, access, native), name })
    } catch (error) {
      const errno = errnoOf(error)
      if (graceful) continue
      for (const { fd } of opened) native.close(fd)
      return err({
        step: 'FDS',
        exitStatus: EXIT.fds,
        errno,
        message: `cannot open OpenFile=${path}: ${inWords(errno)}; make it, or add the option graceful`,
      })
    }
  }
  return ok(opened)
}

function openOne(path: string, access: OpenFile['access'], native: Calls): number {
  if (statSync(path).isSocket()) return native.connectUnix(path)
  const fd = openSync(path, FLAGS[access] | COMMON)
  native.setNonblock(fd, false)
  return fd
}
