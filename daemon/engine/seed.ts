// Invocation ids out of a seed that is part of the state: the engine needs no randomness of its own.

const BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
// By table: a boot draws thousands, and Number.toString(16) is slow beyond 31 bits.
const hex = (word: number): string =>
  `${BYTES[word >>> 24]}${BYTES[(word >>> 16) & 255]}${BYTES[(word >>> 8) & 255]}${BYTES[word & 255]}`

const rotate = (x: number, k: number) => (x << k) | (x >>> (32 - k))
const mix = (x: number) => {
  let y = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  y = Math.imul(y ^ (y >>> 13), 0xc2b2ae35)
  return y ^ (y >>> 16)
}

export interface Ids {
  /** An id of 32 hex digits, in the form of a random UUID (RFC 9562), new each time. */
  draw(): string
  /** The seed to go on from. */
  seed(): string
}

/** A source of ids. `seed`: 32 hex digits. */
export function createIds(seed: string): Ids {
  let [a = 0, b = 0, c = 0, d = 0] = [0, 8, 16, 24].map(
    at => Number.parseInt(seed.slice(at, at + 8), 16) | 0,
  )
  // All zero would stay so.
  if ((a | b | c | d) === 0) a = 1
  /** xoshiro128: one round for each word. */
  const word = () => {
    const drawn = mix(Math.imul(rotate(Math.imul(b, 5), 7), 9))
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = rotate(d, 11)
    return drawn
  }
  return {
    draw() {
      const version = (word() & 0xffff0fff) | 0x4000
      const variant = (word() & 0x3fffffff) | 0x80000000
      return hex(word()) + hex(version) + hex(variant) + hex(word())
    },
    seed: () => hex(a) + hex(b) + hex(c) + hex(d),
  }
}
