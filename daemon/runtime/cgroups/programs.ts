// Programs of the kernel's BPF (bpf(2), linux/bpf.h) that hold a cgroup's processes to some devices, addresses, network
// interfaces and ports. Rules come to straight comparisons: a unit has a handful, and there is no map to look after. libbpf
// would have to be in the image and reads compiled objects; this is two dozen instructions.
import type { AddressRange, DeviceAccess, PortRule } from '../../units/resources.ts'

/** Which programs of a cgroup there are: at opening a device, at packets that come in and go out, at bind(2). */
export type ProgramKind = 'device' | 'ingress' | 'egress' | 'bind4' | 'bind6'
export const PROGRAM_KINDS: readonly ProgramKind[] = [
  'device',
  'ingress',
  'egress',
  'bind4',
  'bind6',
]

/** What a cgroup's processes are held to; `devices` and `interfaces` null: to none in particular. */
export type Hold = {
  devices: readonly DeviceRule[] | null
  allow: readonly AddressRange[]
  deny: readonly AddressRange[]
  /** Network interfaces by their numbers: these alone, or all others. */
  interfaces: { allowed: boolean; numbers: readonly number[] } | null
  bindAllow: readonly PortRule[]
  bindDeny: readonly PortRule[]
}

/** Null: no program is wanted. */
export function programOf(kind: ProgramKind, hold: Hold): Uint8Array | null {
  switch (kind) {
    case 'device':
      return hold.devices && deviceProgram(hold.devices)
    case 'ingress':
    case 'egress':
      return packetProgram(kind, hold)
    case 'bind4':
      return bindProgram('ipv4', hold)
    case 'bind6':
      return bindProgram('ipv6', hold)
  }
}

/** A device, or every one of a driver (`minor` null) or of a kind (`major` null too), and what may be done with it. */
export type DeviceRule = {
  kind: 'char' | 'block'
  major: number | null
  minor: number | null
  access: DeviceAccess
}

/** struct bpf_insn: jumps count the instructions that are left out. */
type Instruction = readonly [
  code: number,
  destination: number,
  source: number,
  offset: number,
  immediate: number,
]

const LOAD_WORD = 0x61
const MOVE_64 = 0xbf
const MOVE_NUMBER = 0xb7
const ADD_64 = 0x07
const AND = 0x54
const MOVE_32 = 0xbc
const SHIFT_RIGHT = 0x74
const TO_BIG_ENDIAN = 0xdc
const IF_ABOVE = 0x26
const IF_BELOW = 0xa6
const UNLESS_EQUAL = 0x56
const UNLESS_EQUAL_REGISTER = 0x5e
const IF_EQUAL = 0x16
const CALL = 0x85
const EXIT = 0x95

const BLOCK = 1
const CHAR = 2
const MAKE = 1
const READ = 2
const WRITE = 4
const ALL = MAKE | READ | WRITE

const verdict = (allowed: boolean): Instruction[] => [
  [MOVE_NUMBER, 0, 0, 0, allowed ? 1 : 0],
  [EXIT, 0, 0, 0, 0],
]

/** `then` when all tests hold; a test jumps over its distance when it does not. */
function when(
  tests: readonly ((distance: number) => Instruction[])[],
  then: Instruction[],
): Instruction[] {
  let after = then
  for (const one of tests.toReversed()) after = one(after.length).concat(after)
  return after
}

const equals = (register: number, value: number) => (distance: number) => [
  [UNLESS_EQUAL, register, 0, distance, value | 0] as const,
]

/** At each opening of a device and each mknod(2): struct bpf_cgroup_dev_ctx. What no rule allows is refused. */
export function deviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  const kind = 2
  const access = 3
  const major = 4
  const minor = 5
  return encode([
    [LOAD_WORD, kind, 1, 0, 0],
    [AND, kind, 0, 0, 0xffff],
    [LOAD_WORD, access, 1, 0, 0],
    [SHIFT_RIGHT, access, 0, 0, 16],
    [LOAD_WORD, major, 1, 4, 0],
    [LOAD_WORD, minor, 1, 8, 0],
    ...rules.flatMap(rule => {
      const mask = accessMask(rule.access)
      return when(
        [
          equals(kind, rule.kind === 'block' ? BLOCK : CHAR),
          ...(rule.major === null ? [] : [equals(major, rule.major)]),
          ...(rule.minor === null ? [] : [equals(minor, rule.minor)]),
          ...(mask === ALL
            ? []
            : [
                (distance: number): Instruction[] => [
                  [MOVE_32, 1, access, 0, 0],
                  [AND, 1, 0, 0, mask],
                  [UNLESS_EQUAL_REGISTER, 1, access, distance, 0],
                ],
              ]),
        ],
        verdict(true),
      )
    }),
    ...verdict(false),
  ])
}

const accessMask = (access: DeviceAccess) =>
  (access.includes('r') ? READ : 0) |
  (access.includes('w') ? WRITE : 0) |
  (access.includes('m') ? MAKE : 0)

/** Where struct __sk_buff has them; the protocol in the order of the network. */
const PROTOCOL = 16
const INTERFACE = 40
const ETH_P_IP = 0x0008
const ETH_P_IPV6 = 0xdd86
/** Where the addresses stand in the headers. */
const PLACES = {
  inet: { ingress: 12, egress: 16, bytes: 4 },
  inet6: { ingress: 8, egress: 24, bytes: 16 },
} as const
const SKB_LOAD_BYTES = 26
const FRAME = 10

/** How many rules there can be: a jump over them all has 15 bits. */
export const MOST_ADDRESSES = 6000

/**
 * At each packet. By its interface first (systemd.resource-control(5), RestrictNetworkInterfaces=), then with the peer's
 * address: what is in `allow` passes, else what is in `deny` does not, and all else passes (IPAddressAllow=). Null:
 * everything would.
 */
export function packetProgram(
  direction: 'ingress' | 'egress',
  { allow, deny, interfaces }: Pick<Hold, 'allow' | 'deny' | 'interfaces'>,
): Uint8Array | null {
  if (deny.length === 0 && interfaces === null) return null
  if (interfaces?.allowed && interfaces.numbers.length === 0) return encode(verdict(false))
  const packet = 6
  const protocol = 7
  const section = (family: AddressRange['family']): Instruction[] => {
    const { [direction]: place, bytes } = PLACES[family]
    const rules = [
      ...allow.map(range => ({ range, allowed: true })),
      ...deny.map(range => ({ range, allowed: false })),
    ].filter(({ range }) => range.family === family)
    // The kernel takes no program with instructions that nothing leads to.
    const end = rules.findIndex(({ range }) => range.prefix === 0)
    const counted = end === -1 ? rules : rules.slice(0, end + 1)
    const words = bytes / 4
    return [
      [MOVE_64, 1, packet, 0, 0],
      [MOVE_NUMBER, 2, 0, 0, place],
      [MOVE_64, 3, FRAME, 0, 0],
      [ADD_64, 3, 0, 0, -bytes],
      [MOVE_NUMBER, 4, 0, 0, bytes],
      [CALL, 0, 0, 0, SKB_LOAD_BYTES],
      // The words of the address are in the registers 2 to 5.
      ...Array.from(
        { length: words },
        (_, i): Instruction => [LOAD_WORD, 2 + i, FRAME, 4 * i - bytes, 0],
      ),
      ...counted.flatMap(({ range, allowed }) => when(testsOf(range), verdict(allowed))),
      ...(end === -1 ? verdict(true) : []),
    ]
  }
  const inet = section('inet')
  const inet6 = section('inet6')
  return encode([
    [MOVE_64, packet, 1, 0, 0],
    ...(interfaces === null ? [] : byInterface(interfaces)),
    [LOAD_WORD, protocol, packet, PROTOCOL, 0],
    [IF_EQUAL, protocol, 0, 3, ETH_P_IP],
    [IF_EQUAL, protocol, 0, 2 + inet.length, ETH_P_IPV6],
    ...verdict(true),
    ...inet,
    ...inet6,
  ])
}

/** With the packet in register 1: what may not go by its interface ends here. */
function byInterface({ allowed, numbers }: NonNullable<Hold['interfaces']>): Instruction[] {
  const load: Instruction = [LOAD_WORD, 2, 1, INTERFACE, 0]
  const refuse = verdict(false)
  if (!allowed) return [load, ...numbers.flatMap(number => when([equals(2, number)], refuse))]
  const last = numbers.length + refuse.length
  return [
    load,
    // Each that may goes on behind the refusal.
    ...numbers.map((number, i): Instruction => [IF_EQUAL, 2, 0, last - i - 1, number]),
    ...refuse,
  ]
}

/** Where struct bpf_sock_addr has them; the port in the order of the network. */
const PORT = 24
const SOCKET_PROTOCOL = 36
const PROTOCOL_NUMBERS = { tcp: 6, udp: 17 } as const

/** At bind(2): what an allowing rule fits may, else what a denying one fits may not (systemd.resource-control(5),
 * SocketBindAllow=). Null: everything may. */
export function bindProgram(
  family: 'ipv4' | 'ipv6',
  { bindAllow, bindDeny }: Pick<Hold, 'bindAllow' | 'bindDeny'>,
): Uint8Array | null {
  const ofFamily = (rules: readonly PortRule[], allowed: boolean) =>
    rules.filter(rule => (rule.family ?? family) === family).map(rule => ({ rule, allowed }))
  if (ofFamily(bindDeny, false).length === 0) return null
  const port = 2
  const protocol = 3
  const all = [...ofFamily(bindAllow, true), ...ofFamily(bindDeny, false)]
  const end = all.findIndex(({ rule }) => rule.protocol === null && rule.ports === null)
  const counted = end === -1 ? all : all.slice(0, end + 1)
  return encode([
    [LOAD_WORD, port, 1, PORT, 0],
    [TO_BIG_ENDIAN, port, 0, 0, 16],
    [LOAD_WORD, protocol, 1, SOCKET_PROTOCOL, 0],
    ...counted.flatMap(({ rule, allowed }) =>
      when(
        [
          ...(rule.protocol === null ? [] : [equals(protocol, PROTOCOL_NUMBERS[rule.protocol])]),
          ...(rule.ports === null ? [] : [within(port, rule.ports)]),
        ],
        verdict(allowed),
      ),
    ),
    ...(end === -1 ? verdict(true) : []),
  ])
}

const within =
  (register: number, { first, last }: { first: number; last: number }) =>
  (distance: number): Instruction[] => [
    [IF_BELOW, register, 0, distance + 1, first],
    [IF_ABOVE, register, 0, distance, last],
  ]

/** The words that the prefix reaches into. As they come from memory, the machine's own order (little-endian on both). */
function testsOf({ bytes, prefix }: AddressRange): ((distance: number) => Instruction[])[] {
  const view = new DataView(Uint8Array.from(bytes).buffer)
  const mask = new DataView(new ArrayBuffer(4))
  return Array.from({ length: bytes.length / 4 }, (_, i) => i).flatMap(i => {
    const bits = Math.min(32, Math.max(0, prefix - 32 * i))
    if (bits === 0) return []
    const value = view.getUint32(4 * i, true)
    if (bits === 32) return [equals(2 + i, value)]
    mask.setUint32(0, (0xffffffff << (32 - bits)) >>> 0)
    const some = mask.getUint32(0, true)
    return [
      (distance: number): Instruction[] => [
        [MOVE_32, 1, 2 + i, 0, 0],
        [AND, 1, 0, 0, some | 0],
        [UNLESS_EQUAL, 1, 0, distance, (value & some) | 0],
      ],
    ]
  })
}

/** What the kernel takes: an array of struct bpf_insn. */
function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(8 * instructions.length)
  const view = new DataView(bytes.buffer)
  for (const [i, [code, destination, source, offset, immediate]] of instructions.entries()) {
    view.setUint8(8 * i, code)
    view.setUint8(8 * i + 1, destination | (source << 4))
    view.setInt16(8 * i + 2, offset, true)
    view.setInt32(8 * i + 4, immediate, true)
  }
  return bytes
}
