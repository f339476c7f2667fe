// SipHash-2-4 (Aumasson and Bernstein, 2012), as systemd uses it where a name has to give the same number everywhere.

const MASK = (1n << 64n) - 1n
const rotate = (word: bigint, by: bigint) => ((word << by) | (word >> (64n - by))) & MASK

/** The 64-bit hash of the UTF-8 of `text`, keyed by 16 bytes. */
export function siphash24(text: string, key: Uint8Array): bigint {
  const bytes = new TextEncoder().encode(text)
  const keys = new DataView(key.buffer, key.byteOffset, 16)
  const k0 = keys.getBigUint64(0, true)
  const k1 = keys.getBigUint64(8, true)
  let v0 = k0 ^ 0x736f6d6570736575n
  let v1 = k1 ^ 0x646f72616e646f6dn
  let v2 = k0 ^ 0x6c7967656e657261n
  let v3 = k1 ^ 0x7465646279746573n
  const round = () => {
    v0 = (v0 + v1) & MASK
    v1 = rotate(v1, 13n) ^ v0
    v0 = rotate(v0, 32n)
    v2 = (v2 + v3) & MASK
    v3 = rotate(v3, 16n) ^ v2
    v0 = (v0 + v3) & MASK
    v3 = rotate(v3, 21n) ^ v0
    v2 = (v2 + v1) & MASK
    v1 = rotate(v1, 17n) ^ v2
    v2 = rotate(v2, 32n)
  }
  // Blocks of 8 bytes; the last one holds the length in its highest byte.
  const padded = new Uint8Array((bytes.length & ~7) + 8)
  padded.set(bytes)
  padded[padded.length - 1] = bytes.length & 0xff
  const view = new DataView(padded.buffer)
  for (let at = 0; at < padded.length; at += 8) {
    const block = view.getBigUint64(at, true)
    v3 ^= block
    round()
    round()
    v0 ^= block
  }
  v2 ^= 0xffn
  for (let i = 0; i < 4; i++) round()
  return v0 ^ v1 ^ v2 ^ v3
}
