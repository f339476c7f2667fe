// Lines that are in no file (yet): bounded for each unit, and for all together.
import { NEWLINE } from './line.ts'

/** Whole lines, and the position in the unit's log of the first of them. */
export type Chunk = { from: number; bytes: Buffer }
/** Those of a unit, the oldest first. */
export type Held = { chunks: Chunk[]; bytes: number }

export interface Memory {
  /** Copies lines. The oldest of the unit go when it has too many, and those of the unit that has most when all have. */
  keep(held: Held, from: number, lines: Uint8Array): void
  /** Lets go of the oldest chunk, which is in the file now. */
  drop(held: Held): void
  /** How many lines there was no room for since the last question. */
  takeLost(): number
}

const UNIT_BYTES = 256 * 1024
const BYTES = 8 * 1024 * 1024

export const nothing = (): Held => ({ chunks: [], bytes: 0 })

export function createMemory(): Memory {
  const holders = new Set<Held>()
  let bytes = 0
  let lost = 0

  const drop = (held: Held): Buffer | undefined => {
    const dropped = held.chunks.shift()?.bytes
    const length = dropped?.length ?? 0
    held.bytes -= length
    bytes -= length
    if (held.bytes === 0) holders.delete(held)
    return dropped
  }
  const lose = (held: Held) => {
    lost += linesOf(drop(held))
  }

  return {
    keep(held, from, lines) {
      held.chunks.push({ from, bytes: Buffer.from(lines) })
      held.bytes += lines.length
      bytes += lines.length
      holders.add(held)
      while (held.bytes > UNIT_BYTES && held.chunks.length > 1) lose(held)
      while (bytes > BYTES) {
        let largest = held
        for (const other of holders) if (other.bytes > largest.bytes) largest = other
        lose(largest)
      }
    },
    drop,
    takeLost() {
      const count = lost
      lost = 0
      return count
    },
  }
}

function linesOf(bytes: Buffer | undefined): number {
  let count = 0
  for (let at = bytes?.indexOf(NEWLINE) ?? -1; at !== -1; count++)
    at = bytes?.indexOf(NEWLINE, at + 1) ?? -1
  return count
}
