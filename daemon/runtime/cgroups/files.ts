// The kernel's cgroup files: the few operations that there are on them, so that tests can have a kernel of their own.
import {
  chownSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  watch,
  writeSync,
} from 'node:fs'
import { errnoOf } from '../failure.ts'
import { native } from '../native.ts'
import type { ProgramKind } from './programs.ts'

export interface CgroupFiles {
  /** The text of a file; '' of one that is not there. */
  read(path: string): string
  /** An errno name, or null when written. A file that is not there is not made. */
  write(path: string, text: string): string | null
  /** An errno name, `EEXIST` among them, or null. */
  mkdir(path: string): string | null
  /** False when it could not be removed: something is in it. */
  rmdir(path: string): boolean
  directories(path: string): readonly string[]
  /** A descriptor of a directory; -1: there is none. */
  open(path: string): number
  chown(path: string, uid: number, gid: number): void
  /** Puts a program in the place of those of its kind that are attached to the directory itself (`isNew`: there are none); null:
   * takes them away. An errno name, or null. */
  attach(path: string, kind: ProgramKind, code: Uint8Array | null, isNew: boolean): string | null
  /** Calls back when the kernel has changed the file; gives what ends that. Does not keep the process alive. */
  watch(path: string, changed: () => void): () => void
}

/** The errno name of what failed, or null. */
function attempt(run: () => void): string | null {
  try {
    run()
    return null
  } catch (error) {
    return errnoOf(error)
  }
}

export const kernelFiles: CgroupFiles = {
  read(path) {
    try {
      return readFileSync(path, 'latin1')
    } catch {
      return ''
    }
  },
  write: (path, text) =>
    attempt(() => {
      const fd = openSync(path, constants.O_WRONLY)
      try {
        writeSync(fd, text)
      } finally {
        closeSync(fd)
      }
    }),
  mkdir: path => attempt(() => mkdirSync(path)),
  rmdir: path => attempt(() => rmdirSync(path)) === null,
  directories(path) {
    try {
      return readdirSync(path, { withFileTypes: true })
        .filter(entry => entry.isDirectory())
        .map(entry => entry.name)
    } catch {
      return []
    }
  },
  open(path) {
    try {
      return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
    } catch {
      return -1
    }
  },
  chown: (path, uid, gid) => void attempt(() => chownSync(path, uid, gid)),
  attach(path, kind, code, isNew) {
    const fd = kernelFiles.open(path)
    if (fd < 0) return 'ENOENT'
    const errno = native().cgroupProgram(fd, kind, code, isNew)
    closeSync(fd)
    return errno
  },
  watch(path, changed) {
    try {
      const watcher = watch(path, { persistent: false }, changed)
      // The file goes with its directory.
      watcher.on('error', () => watcher.close())
      return () => watcher.close()
    } catch {
      return () => {}
    }
  },
}
