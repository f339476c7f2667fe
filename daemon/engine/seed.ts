// Invocation ids out of a seed that is part of the state: the engine needs no randomness of its own.

const rotate = (x: number, k: number) => (x << k) | (x >>> (32 - k))
const mix = (x: number) => {
  let y = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  y = Math.imul(y ^ (y >>> 13), 0xc2b2ae35)
  return (y ^ (y >>> 16)) >>> 0
}
const hex = (words: readonly number[]) =>
  words.map(word => (word >>> 0).toString(16).padStart(8, '0')).join('')

/** The next id, 32 hex digits (a random UUID's, RFC 9562), and the seed after it. `seed`: 32 hex digits. */
export function drawId(seed: string): { id: string; seed: string } {
  // xoshiro128: four words of state, one round for each word of the id.
  let [a = 1, b = 0, c = 0, d = 0] = [0, 8, 16, 24].map(at => parseInt(seed.slice(at, at + 8), 16))
  const words = [0, 0, 0, 0].map(() => {
    const word = mix(rotate(Math.imul(b, 5), 7) * 9)
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = rotate(d, 11)
    return word
  })
  const digits = hex(words)
  const variant = '89ab'[parseInt(digits[16] ?? '0', 16) & 3]
  return {
    id: `${digits.slice(0, 12)}4${digits.slice(13, 16)}${variant}${digits.slice(17)}`,
    seed: hex([a, b, c, d]),
  }
}
