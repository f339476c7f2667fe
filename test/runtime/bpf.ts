// The kernel's side of a filter: runs classic BPF on a struct seccomp_data, with the checks that the kernel makes before.
export type Call = {
  /** An AUDIT_ARCH_ number. */
  architecture: number
  number: number
  /** 64 bits each. */
  arguments: readonly bigint[]
}

const DATA_BYTES = 64
const MOST_INSTRUCTIONS = 4096

/** What the program returns for the call. Throws where the kernel would refuse the program. */
export function interpret(program: Uint8Array, call: Call): number {
  const count = program.length / 8
  if (!Number.isInteger(count) || count < 1 || count > MOST_INSTRUCTIONS)
    throw new Error(`a program of ${count} instructions`)
  const code = new DataView(program.buffer, program.byteOffset, program.length)
  const data = new DataView(new ArrayBuffer(DATA_BYTES))
  data.setInt32(0, call.number, true)
  data.setUint32(4, call.architecture, true)
  for (const [i, value] of call.arguments.entries())
    data.setBigUint64(16 + 8 * i, BigInt.asUintN(64, value), true)
  let accumulator = 0
  for (let at = 0; ; at++) {
    if (at >= count) throw new Error(`instruction ${at} of ${count}`)
    const operand = code.getUint32(8 * at + 4, true)
    const jump = (holds: boolean) => code.getUint8(8 * at + (holds ? 2 : 3))
    switch (code.getUint16(8 * at, true)) {
      case 0x20:
        if (operand % 4 !== 0) throw new Error(`a load from ${operand}`)
        accumulator = data.getUint32(operand, true)
        break
      case 0x54:
        accumulator = (accumulator & operand) >>> 0
        break
      case 0x05:
        at += operand
        break
      case 0x15:
        at += jump(accumulator === operand)
        break
      case 0x35:
        at += jump(accumulator >= operand)
        break
      case 0x25:
        at += jump(accumulator > operand)
        break
      case 0x06:
        return operand
      default:
        throw new Error(`instruction ${at} is unknown`)
    }
  }
}
