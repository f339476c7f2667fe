// The unit files as they were read: another image reads the same, whatever has become of the files on disk since, until the
// units are read anew.
import { err, ok } from 'neverthrow'
import type { DirectoryEntry, UnitReader } from '../units/reader.ts'
import type { KeptPart } from './keep.ts'
import type { Ledger, Native } from './native.ts'

/** Of the records. */
const VERSION = 2
const LEDGER = 'ledger'

export interface UnitMemory extends UnitReader {
  /** Milliseconds of CLOCK_REALTIME at which the file was read; null when it was not. */
  readAtMs(path: string): number | null
  /** From here on everything is read from disk. */
  forget(): void
  /** Packs what is written down: for when all is quiet. */
  pack(): void
}

type Row =
  | readonly ['read', path: string, text: string | null, error: string | null, atMs: number]
  | readonly ['list', path: string, entries: readonly DirectoryEntry[] | null]
  | readonly ['readlink' | 'realpath', path: string, target: string | null]

/** A reader that answers as the image before did, and otherwise asks `disk`; what it answers is written down. */
export function createUnitMemory(disk: UnitReader, ledger: Ledger): UnitMemory {
  const known = new Map<string, Row>()
  const written = new Set<string>()
  const readAt = new Map<string, number>()
  const keyOf = (row: Row) => `${row[0]} ${row[1]}`

  const rows = () => ledger.read().flatMap(text => JSON.parse(text) as Row[])
  for (const row of rows()) {
    known.set(keyOf(row), row)
    written.add(keyOf(row))
    if (row[0] === 'read') readAt.set(row[1], row[4])
  }

  const write = (row: Row) => {
    const key = keyOf(row)
    if (written.has(key)) return
    written.add(key)
    ledger.append(JSON.stringify([row]))
  }

  const look = (what: 'readlink' | 'realpath', path: string): string | null => {
    const before = known.get(`${what} ${path}`)
    if (before) return before[2] as string | null
    const target = disk[what](path)
    write([what, path, target])
    return target
  }

  return {
    list(path) {
      const before = known.get(`list ${path}`)
      if (before) return before[2] as readonly DirectoryEntry[] | null
      const entries = disk.list(path)
      write(['list', path, entries])
      return entries
    },
    read(path) {
      const before = known.get(`read ${path}`)
      if (before?.[0] === 'read') {
        const [, , text, error] = before
        return text === null ? err(error ?? '') : ok(Buffer.from(text, 'latin1'))
      }
      const bytes = disk.read(path)
      const atMs = Date.now()
      readAt.set(path, atMs)
      write(
        bytes.isOk()
          ? ['read', path, Buffer.from(bytes.value).toString('latin1'), null, atMs]
          : ['read', path, null, bytes.error, atMs],
      )
      return bytes
    },
    readlink: path => look('readlink', path),
    realpath: path => look('realpath', path),
    readAtMs: path => readAt.get(path) ?? null,
    forget() {
      known.clear()
      written.clear()
      readAt.clear()
      ledger.begin()
      ledger.flip()
    },
    pack() {
      const all = JSON.stringify(rows())
      ledger.begin()
      ledger.pack(all)
      ledger.flip()
    },
  }
}

/** The ledger of what was read, which is kept with `part`. */
export function openUnitLedger(native: Pick<Native, 'ledger'>, part: KeptPart): Ledger {
  const fd = part.entries.get(LEDGER)?.fds[0]
  const before = fd === undefined ? null : native.ledger(fd)
  if (before?.version === VERSION) return before
  const ledger = native.ledger('unit files', VERSION)
  part.put(LEDGER, null, [ledger.fd])
  return ledger
}
