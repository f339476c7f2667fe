// What the loader asks of the file system: it is given from outside, so that this room stays pure.
import type { Result } from 'neverthrow'

export type DirectoryEntry = { name: string; kind: 'file' | 'directory' | 'symlink' | 'other' }

export interface UnitReader {
  /** What is in a directory, in any order; null when it is not there or may not be read. */
  list(directory: string): readonly DirectoryEntry[] | null
  /** A file's bytes, symlinks followed; the error is what the system said, e.g. `ENOENT`. */
  read(path: string): Result<Uint8Array, string>
  /** What a symlink holds, as written; null when it is none. */
  readlink(path: string): string | null
  /** The path without any symlink in it; null when there is nothing. */
  realpath(path: string): string | null
}
