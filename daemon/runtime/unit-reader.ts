// The file system as the unit loader sees it.
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { fromThrowable, type Result } from 'neverthrow'
import type { DirectoryEntry, UnitReader } from '../units/reader.ts'
import { errnoOf, inWords } from './failure.ts'

const orNull = <T>(look: () => T): T | null => {
  try {
    return look()
  } catch {
    return null
  }
}

const read: (path: string) => Result<Uint8Array, string> = fromThrowable(
  (path: string) => readFileSync(path),
  error => inWords(errnoOf(error)),
)

export const unitReader: UnitReader = {
  list: directory =>
    orNull(() =>
      readdirSync(directory, { withFileTypes: true }).map(
        (entry): DirectoryEntry => ({
          name: entry.name,
          kind: entry.isFile()
            ? 'file'
            : entry.isDirectory()
              ? 'directory'
              : entry.isSymbolicLink()
                ? 'symlink'
                : 'other',
        }),
      ),
    ),
  read,
  readlink: path => orNull(() => readlinkSync(path)),
  realpath: path => orNull(() => realpathSync(path)),
}
