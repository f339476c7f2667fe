// Layers of rules -> a program of the kernel's classic BPF (seccomp(2), bpf in linux/filter.h). The architecture comes
// first, then a binary search over ranges of call numbers that are treated alike, then the arguments where they matter.
import type { Architecture } from '../../units/system-calls/names.ts'
import { ALLOW, type Condition, KILL, type Layer, stricter, type Verdict } from './rules.ts'

/** `[code, jump if true, jump if false, operand]`; jumps count the instructions that are left out. */
export type Instruction = readonly [code: number, jt: number, jf: number, k: number]

const LOAD = 0x20
const JUMP = 0x05
const IF_EQUAL = 0x15
const IF_GREATER_OR_EQUAL = 0x35
const AND = 0x54
const RETURN = 0x06

/** Where struct seccomp_data has them; the lower half of an argument comes first (both machines are little-endian). */
const NUMBER = 0
const ARCHITECTURE = 4
const argumentAt = (index: number) => 16 + 8 * index

/** BPF_MAXINSNS. */
const MOST_INSTRUCTIONS = 4096
/** What a conditional jump can leave out. */
const MOST_LEFT_OUT = 255
export const X32_BIT = 0x40000000
const EVERY_BIT = 0xffffffff

const AUDIT: Readonly<Record<Exclude<Architecture, 'x32'>, number>> = {
  'x86-64': 0xc000003e,
  x86: 0x40000003,
  arm64: 0xc00000b7,
  arm: 0x40000028,
}

/** The ways into a kernel of each machine, its own first. */
export const LOCAL_ARCHITECTURES = {
  'x86-64': ['x86-64', 'x32', 'x86'],
  arm64: ['arm64', 'arm'],
} as const satisfies Partial<Record<Architecture, readonly Architecture[]>>
export type Machine = keyof typeof LOCAL_ARCHITECTURES

const give = (verdict: Verdict): Instruction => [RETURN, 0, 0, verdict >>> 0]

/** `then` when the test in `code` (and its operand) holds, else `other`. Neither falls through to what follows. */
function branch(
  code: number,
  operand: number,
  then: readonly Instruction[],
  other: readonly Instruction[],
): Instruction[] {
  if (then.length <= MOST_LEFT_OUT) return [[code, 0, then.length, operand], ...then, ...other]
  return [[code, 1, 0, operand], [JUMP, 0, 0, then.length], ...then, ...other]
}

function test(
  { argument, mask, values, negated }: Condition,
  then: readonly Instruction[],
  other: readonly Instruction[],
): Instruction[] {
  const [match, miss] = negated ? [other, then] : [then, other]
  const last = values.length - 1
  const end = branch(IF_EQUAL, values[last] ?? 0, match, miss)
  // Those before the last one jump to where it goes on when it holds.
  const toMatch = end.length - match.length - miss.length - 1
  return [
    [LOAD, 0, 0, argumentAt(argument)],
    ...(mask === EVERY_BIT ? [] : [[AND, 0, 0, mask] as const]),
    ...values.slice(0, -1).map((value, i) => [IF_EQUAL, last - i + toMatch, 0, value] as const),
    ...(last === -1 ? miss : end),
  ]
}

/** What one call, or any without rules (null), comes to: the layers from the last to the first. */
function decide(
  layers: readonly Layer[],
  call: number | null,
  at: number,
  verdict: Verdict,
): Instruction[] {
  const layer = layers[at]
  if (layer === undefined || verdict === KILL) return [give(verdict)]
  const goOn = (own: Verdict) => decide(layers, call, at - 1, stricter(verdict, own))
  const rules = call === null ? [] : (layer.calls.get(call) ?? [])
  const from = (index: number): Instruction[] => {
    const rule = rules[index]
    if (rule === undefined) return goOn(layer.otherwise)
    return rule.conditions.reduceRight<Instruction[]>(
      (then, condition) => test(condition, then, from(index + 1)),
      goOn(rule.verdict),
    )
  }
  return from(0)
}

type Range = { first: number; code: readonly Instruction[] }

/** Ranges of call numbers that end alike, the first from 0 on. */
function rangesOf(layers: readonly Layer[]): Range[] {
  const last = layers.length - 1
  const ranges: Range[] = []
  let known = ''
  const add = (first: number, call: number | null) => {
    const code = decide(layers, call, last, ALLOW)
    const text = String(code)
    if (text !== known) ranges.push({ first, code })
    known = text
  }
  let next = 0
  const listed = new Set(layers.flatMap(({ calls }) => [...calls.keys()]))
  for (const call of [...listed].sort((a, b) => a - b)) {
    if (call > next) add(next, null)
    add(call, call)
    next = call + 1
  }
  add(next, null)
  return ranges
}

/** With the number loaded: at or above the first of `ranges`. */
function search(ranges: readonly Range[]): readonly Instruction[] {
  const middle = ranges.length >> 1
  const { first, code } = ranges[middle] as Range
  return middle === 0
    ? code
    : branch(
        IF_GREATER_OR_EQUAL,
        first,
        search(ranges.slice(middle)),
        search(ranges.slice(0, middle)),
      )
}

const section = (layers: readonly Layer[]): readonly Instruction[] => search(rangesOf(layers))

/**
 * The program for a machine, given the layers for each of its architectures (the later one is the newer filter) and what
 * becomes of a call of any other. `null`: it would allow everything.
 */
export function program(
  machine: Machine,
  layersOf: (architecture: Architecture) => readonly Layer[],
  foreign: Verdict,
): readonly Instruction[] | null {
  const load: Instruction = [LOAD, 0, 0, NUMBER]
  const plain = (architecture: Architecture) => [load, ...section(layersOf(architecture))]
  const own =
    machine === 'arm64'
      ? plain('arm64')
      : [
          load,
          ...branch(
            IF_GREATER_OR_EQUAL,
            X32_BIT,
            [[AND, 0, 0, ~X32_BIT >>> 0], ...section(layersOf('x32'))],
            section(layersOf('x86-64')),
          ),
        ]
  const compatible = machine === 'arm64' ? 'arm' : 'x86'
  const all: Instruction[] = [
    [LOAD, 0, 0, ARCHITECTURE],
    ...branch(
      IF_EQUAL,
      AUDIT[machine],
      own,
      branch(IF_EQUAL, AUDIT[compatible], plain(compatible), [give(foreign)]),
    ),
  ]
  if (all.every(([code, , , k]) => code !== RETURN || k === ALLOW)) return null
  if (all.length > MOST_INSTRUCTIONS)
    throw new Error(`a filter of ${all.length} instructions: more than the kernel takes`)
  return all
}

/** As the kernel reads it: an array of struct sock_filter. */
export function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(8 * instructions.length))
  for (const [i, [code, jt, jf, k]] of instructions.entries()) {
    bytes.setUint16(8 * i, code, true)
    bytes.setUint8(8 * i + 2, jt)
    bytes.setUint8(8 * i + 3, jf)
    bytes.setUint32(8 * i + 4, k, true)
  }
  return new Uint8Array(bytes.buffer)
}
