// Changes an input a little, in the ways that find what a parser has overlooked.
import type { Random } from './random.ts'

const LONGEST = 8192
/** What means something to most of the parsers. */
const WORDS = [
  ...[
    '\0',
    '\n',
    '\r\n',
    '\\\n',
    '\t',
    '\\',
    '"',
    "'",
    '%',
    '%%',
    '$',
    '${',
    '=',
    '[',
    ']',
    ':',
    ';',
    '#',
    '-',
    '@',
    '..',
    '/',
    '~',
  ],
  ...[
    '\ufeff',
    'é',
    '\u2028',
    '😀',
    '\ud83d',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
  ],
  ...[
    '0',
    '-1',
    '1e9',
    '0x10',
    '255',
    '65536',
    '2147483648',
    '4294967296',
    '9007199254740993',
    '18446744073709551615',
    '1'.repeat(40),
  ],
  ...['infinity', 'nan', 'true', 'null', '{}', '[]', 'yes'],
].map(word => Buffer.from(word))
const NASTY = [0x00, 0x0a, 0x0d, 0x20, 0x22, 0x27, 0x5c, 0x7f, 0x80, 0xc0, 0xed, 0xf4, 0xff]

/** `corpus`: other inputs, to take pieces of. `words`: what the target's inputs are made of. */
export function mutate(
  input: Uint8Array,
  corpus: readonly Uint8Array[],
  words: readonly Uint8Array[],
  random: Random,
): Uint8Array {
  let bytes = Buffer.from(input)
  for (let left = 1 + random.below(random.below(4) === 0 ? 12 : 3); left > 0; left--)
    bytes = change(bytes, corpus, words, random)
  return bytes.subarray(0, LONGEST)
}

function change(
  bytes: Buffer<ArrayBuffer>,
  corpus: readonly Uint8Array[],
  words: readonly Uint8Array[],
  random: Random,
): Buffer<ArrayBuffer> {
  const at = random.below(bytes.length + 1)
  const end = Math.min(bytes.length, at + 1 + random.below(random.below(4) === 0 ? 64 : 8))
  const splice = (middle: Uint8Array) =>
    Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(end)])
  const insert = (middle: Uint8Array) =>
    Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(at)])
  switch (random.below(9)) {
    case 0: {
      const changed = Buffer.from(bytes)
      if (at < changed.length) changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8))
      return changed
    }
    case 1:
      return insert(Buffer.of(random.of(NASTY)))
    case 2:
      return insert(random.of(WORDS))
    case 3:
      return words.length > 0 ? insert(random.of(words)) : insert(random.of(WORDS))
    case 4:
      return words.length > 0 ? splice(random.of(words)) : splice(random.of(WORDS))
    case 5:
      return splice(Buffer.alloc(0))
    case 6:
      return insert(bytes.subarray(at, end))
    case 7: {
      // The rest is another's.
      const other = random.of(corpus)
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))])
    }
    default: {
      const repeated = bytes.subarray(at, Math.min(end, at + 4))
      const times = random.below(20) === 0 ? 500 : random.below(8)
      return insert(Buffer.concat(Array.from({ length: times }, () => repeated)))
    }
  }
}
