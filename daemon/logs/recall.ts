// What the log worker has read and not yet stored: the bytes of the turn in hand, and the lines that are not whole yet. It is
// in memory that outlives the worker and the daemon's image, so that whoever comes after goes on without a line lost or told
// twice.
import type { CaptureMemory, Ledger } from '../runtime/native.ts'

/** The line of a stream that is not whole yet; `continues` as in cut.ts. */
export type Carried = { continues: number; bytes: Buffer }
/** A turn that was not finished; `length` null: it was to end the stream. The unit's log ended at `size` of the file with that
 * inode number before anything of the turn was stored; 0: nothing was. */
export type Interrupted = { key: number; length: number | null; inode: number; size: number }

export interface Recall {
  /** What `read` reads into. */
  readonly input: Buffer
  /** A turn: how many bytes it brought, 0 at the end of the stream, -1 when there are none now. */
  read(fd: number, key: number): number
  /** A turn that ends the stream. */
  end(key: number): void
  /** The turn is over. */
  done(): void
  /** Told before the first bytes of a turn are written to the unit's log. */
  storing(inode: number, size: number): void
  /** The stream carries these bytes now, or with `more` these in addition. */
  carry(key: number, carried: Carried, more: boolean): void
  /** Of the worker before: by stream, and what it had in hand. */
  readonly carried: ReadonlyMap<number, Carried>
  readonly interrupted: Interrupted | null
}

const STATE = 0
const KEY = 1
const LENGTH = 2
const NONE = -1
const IDLE = 0
const READ = 2
const END = 3
/** Doubles of the header (capture.c). */
const SEQUENCE = 2
const INODE = 3
const SIZE = 4
const ATTEMPTS = 5
/** A turn that the worker has died of so often is left out. */
const MOST_ATTEMPTS = 2
/** A new account is written when the records take up so much. */
const MOST_BYTES = 1 << 20

const CARRY_VERSION = 1
export const openCarryLedger = (native: {
  ledger(name: string, version: number): Ledger
}): Ledger => native.ledger('carry', CARRY_VERSION)

/** `present` gives the streams that carry something, for a new account. */
export function createRecall(
  memory: CaptureMemory,
  ledger: Ledger,
  present: () => Iterable<readonly [key: number, carried: Carried]>,
): Recall {
  const words = new Int32Array(memory.header, 0, 4)
  const numbers = new Float64Array(memory.header)
  const input = Buffer.from(memory.buffer)
  /** Of the turn in hand; what is written between turns is of none. */
  const sequence = () => (words[STATE] === IDLE ? NONE : (numbers[SEQUENCE] as number))
  const carried = readCarried(ledger, sequence())
  const interrupted = findInterrupted(words, numbers)
  const write = (key: number, { continues, bytes }: Carried, more: boolean) => {
    const head = `${key} ${sequence()} ${continues} ${more ? '+' : '='}\n`
    ledger.append(head + bytes.toString('latin1'))
  }

  const account = (entries: Iterable<readonly [number, Carried]>) => {
    ledger.begin()
    for (const [key, carry] of entries) write(key, carry, false)
    ledger.flip()
  }

  // Without the records of a turn that is done again.
  const isNew = words[STATE] === IDLE && ledger.bytes() === 0
  if (!isNew) {
    const state = words[STATE] as number
    words[STATE] = IDLE
    account(carried)
    words[STATE] = state
  }

  const begin = () => {
    numbers[SEQUENCE] = (numbers[SEQUENCE] as number) + 1
    numbers[INODE] = 0
    numbers[ATTEMPTS] = 0
  }

  return {
    input,
    carried,
    interrupted,
    read(fd, key) {
      begin()
      return memory.read(fd, key)
    },
    end(key) {
      begin()
      words[KEY] = key
      words[LENGTH] = 0
      words[STATE] = END
    },
    done() {
      words[STATE] = IDLE
      if (ledger.bytes() > MOST_BYTES) account(present())
    },
    storing(inode, size) {
      if (words[STATE] === IDLE || numbers[INODE] !== 0) return
      numbers[SIZE] = size
      numbers[INODE] = inode
    },
    carry: write,
  }
}

/** Records of the turn `sequence` do not count: it is done again. */
function readCarried(ledger: Ledger, sequence: number): Map<number, Carried> {
  const found = new Map<number, Carried>()
  for (const record of ledger.read()) {
    const at = record.indexOf('\n')
    const [key, turn, continues, how] = record.slice(0, at).split(' ')
    if (sequence !== NONE && Number(turn) === sequence) continue
    const bytes = Buffer.from(record.slice(at + 1), 'latin1')
    const before = how === '+' ? found.get(Number(key))?.bytes : undefined
    if (bytes.length === 0 && continues === '-1' && how === '=') found.delete(Number(key))
    else
      found.set(Number(key), {
        continues: Number(continues),
        bytes: before ? Buffer.concat([before, bytes]) : bytes,
      })
  }
  return found
}

function findInterrupted(words: Int32Array, numbers: Float64Array): Interrupted | null {
  const state = words[STATE]
  if (state !== READ && state !== END) return null
  numbers[ATTEMPTS] = (numbers[ATTEMPTS] as number) + 1
  if ((numbers[ATTEMPTS] as number) > MOST_ATTEMPTS) {
    words[STATE] = IDLE
    return null
  }
  return {
    key: words[KEY] as number,
    length: state === END ? null : (words[LENGTH] as number),
    inode: numbers[INODE] as number,
    size: numbers[SIZE] as number,
  }
}
