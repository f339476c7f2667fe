// What the parts of the daemon keep over a re-execution or a crash, and get back on the other side: plain data, and the
// descriptors that go with it. A descriptor that is kept is not close-on-exec; a service never gets it, as the addon closes
// all but its own in the child.

/** Plain JSON: no Infinity, no undefined. */
export type KeptData =
  | null
  | boolean
  | number
  | string
  | readonly KeptData[]
  | { readonly [name: string]: KeptData | undefined }

export type Kept = { data: KeptData; fds: readonly number[] }

/** One part's share, by keys of its own. */
export interface KeptPart {
  /** What the image before this one has left, and since then what was put: empty at a first start. */
  readonly entries: ReadonlyMap<string, Kept>
  /** Keeps the data and the descriptors, in place of what was kept under that key. The descriptors go on being the part's, to
   * be closed after `drop`. On record when it returns. */
  put(key: string, data: KeptData, fds?: readonly number[]): void
  /** Keeps it no longer; descriptors are close-on-exec again. */
  drop(key: string): void
  /** From here on the part itself is asked for what it keeps when all is written anew, so that nothing is held twice: `entries`
   * is empty, and its descriptors, never close-on-exec, are its own matter. */
  tellBy(all: () => Iterable<readonly [key: string, kept: Kept]>): void
}

export interface Keep {
  /** The share of the part of that name: the same object for the same name. */
  part(name: string): KeptPart
}

export type KeepParts = {
  /** Puts a change on record. */
  write: (record: KeepRecord) => void
  /** Sets or clears close-on-exec. */
  cloexec: (fd: number, on: boolean) => void
}

export type KeepRecord =
  | readonly [type: 'put', part: string, key: string, data: KeptData, fds: readonly number[]]
  | readonly [type: 'drop', part: string, key: string]

export interface KeepStore extends Keep {
  /** From here on changes are written; before, nothing is kept over anything. */
  join(parts: KeepParts): void
  /** Takes a record that an earlier image wrote. */
  replay(record: KeepRecord): void
  /** Everything that is kept, as records. */
  records(): Iterable<KeepRecord>
  /** Every descriptor that is kept. */
  fds(): Set<number>
}

export function createKeep(): KeepStore {
  let write: KeepParts['write'] = () => {}
  let cloexec: KeepParts['cloexec'] = () => {}
  const parts = new Map<string, Map<string, Kept>>()
  /** How the parts that hold what they keep themselves tell it. */
  const tellers = new Map<string, () => Iterable<readonly [key: string, kept: Kept]>>()
  const shares = new Map<string, KeptPart>()
  const entriesOf = (part: string) => {
    let entries = parts.get(part)
    if (!entries) {
      entries = new Map()
      parts.set(part, entries)
    }
    return entries
  }
  function* everything(): Generator<readonly [part: string, key: string, kept: Kept]> {
    for (const [part, entries] of parts)
      for (const [key, kept] of tellers.get(part)?.() ?? entries) yield [part, key, kept]
  }
  return {
    join(joined) {
      write = joined.write
      cloexec = joined.cloexec
    },
    part(name) {
      let share = shares.get(name)
      if (share) return share
      const entries = entriesOf(name)
      share = {
        entries,
        put(key, data, fds = NONE) {
          if (tellers.has(name)) return write(['put', name, key, data, fds])
          const before = entries.get(key)?.fds ?? NONE
          for (const fd of fds) if (!before.includes(fd)) cloexec(fd, false)
          write(['put', name, key, data, fds])
          entries.set(key, { data, fds })
          for (const fd of before) if (!fds.includes(fd)) cloexec(fd, true)
        },
        drop(key) {
          if (tellers.has(name)) return write(['drop', name, key])
          const kept = entries.get(key)
          if (!kept) return
          write(['drop', name, key])
          entries.delete(key)
          for (const fd of kept.fds) cloexec(fd, true)
        },
        tellBy(all) {
          tellers.set(name, all)
          entries.clear()
        },
      }
      shares.set(name, share)
      return share
    },
    replay(record) {
      const entries = entriesOf(record[1])
      if (record[0] === 'put') entries.set(record[2], { data: record[3], fds: record[4] })
      else entries.delete(record[2])
    },
    *records() {
      for (const [part, key, { data, fds }] of everything()) yield ['put', part, key, data, fds]
    },
    fds: () => new Set([...everything()].flatMap(([, , { fds }]) => fds)),
  }
}

const NONE: readonly number[] = []
