// Values of systemd.resource-control(5).
import { err, ok, type Result } from 'neverthrow'
import type {
  AddressRange,
  Amount,
  DeviceLimit,
  DevicePermission,
  DeviceSetting,
  PortRule,
  ResourceSettings,
} from '../resources.ts'
import { readBoolean } from './boolean.ts'
import { integer, readSize, readUnsigned } from './number.ts'
import type { Parse } from './parse.ts'
import { absolutePath } from './path.ts'
import { addressBytes } from './socket.ts'
import { readTimespan } from './timespan.ts'
import { isUnitName } from './unit-name.ts'
import { words } from './words.ts'

const INFINITY = Number.POSITIVE_INFINITY

/** `12.5%`, `125‰`, `1250‱` in ten-thousandths; null: not of that form. */
function readPermyriad(text: string): number | null {
  const match = /^\+?(\d+)(?:\.(\d{1,2}))?([%‰‱])$/u.exec(text)
  if (!match) return null
  const [, whole = '', fraction = '', sign = ''] = match
  const places = { '%': 2, '‰': 1, '‱': 0 }[sign] ?? 0
  return fraction.length > places ? null : Number(whole + fraction.padEnd(places, '0'))
}

type Range = { zero: boolean; what: string; read: (text: string) => number | null }

const amount =
  ({ zero, what, read }: Range): Parse<Amount> =>
  text => {
    if (text === 'infinity') return ok(INFINITY)
    const part = readPermyriad(text)
    if (part !== null && part <= 10_000 && (zero || part > 0)) return ok({ permyriad: part })
    const value = part === null ? read(text) : null
    return value !== null && (zero || value > 0) ? ok(value) : err(`expected ${what}`)
  }

const bytes = (text: string) => readSize(text).unwrapOr(null)

/** A limit of memory: nothing could live within 0. */
export const memoryLimit = amount({
  zero: false,
  what: 'a size such as 512M, a part of the memory such as 20%, or infinity',
  read: bytes,
})
/** Memory that is kept for the unit, or swap space that it may use: 0 has a meaning. */
export const memoryAmount = amount({
  zero: true,
  what: 'a size such as 512M, a part of the memory such as 20%, or infinity',
  read: bytes,
})
export const tasksLimit = amount({
  zero: false,
  what: 'a number of tasks, a part of what the system can have such as 20%, or infinity',
  read: readUnsigned,
})

const weight = integer(1, 10_000)
export const ioWeight: Parse<number> = weight
export const cpuWeight: Parse<number | 'idle'> = (text, context) =>
  text === 'idle' ? ok('idle') : weight(text, context).mapErr(error => `${error}, or idle`)
export const cpuShares: Parse<number> = integer(2, 262_144)
export const blockIoWeight: Parse<number> = integer(10, 1000)

/** `20%` of one processor: microseconds a second. */
export const cpuQuota: Parse<number> = text => {
  const part = readPermyriad(text)
  return part !== null && part > 0
    ? ok(part * 100)
    : err('expected a part of a processor above 0%, such as 20% or 250%')
}

/** systemd takes what is too short or too long as the nearest that the kernel allows. */
export const cpuQuotaPeriod: Parse<number | null> = (text, context) => {
  const read = readTimespan(text)
  if (read === 'infinity') return ok(null)
  if (read === null) return err('expected a time span, such as 10ms')
  const usec = Number(read)
  const nearest = Math.min(1_000_000, Math.max(1000, usec))
  if (nearest !== usec) context.warn(`the kernel takes 1ms to 1s: ${nearest / 1000}ms it is`)
  return ok(nearest)
}

/** A slice by its name, as written or after its specifiers. */
export const slice: Parse<string> = (text, context) =>
  context
    .expand(text)
    .andThen(name =>
      name.endsWith('.slice') && isUnitName(name)
        ? ok(name)
        : err(`${name} is no slice; expected one such as web.slice`),
    )

const CONTROLLERS = ['cpu', 'cpuset', 'io', 'memory', 'pids']
/** Names of cgroup v1 and of BPF that cgroup v2 has no directory attribute for. */
const OTHER_CONTROLLERS = ['cpuacct', 'blkio', 'devices', 'bpf-firewall', 'bpf-devices']

/** A boolean, or the controllers. */
export const delegation: Parse<ResourceSettings['delegate']> = (text, context) => {
  const truth = readBoolean(text)
  if (truth !== null) return ok(truth ? 'all' : null)
  return controllers(text, context)
}

/** Those of cgroup v2 among the names. */
export const controllers: Parse<string[]> = (text, context) =>
  words(text).andThen(names => {
    const unknown = names.find(
      name => !CONTROLLERS.includes(name) && !OTHER_CONTROLLERS.includes(name),
    )
    if (unknown !== undefined)
      context.warn(`${unknown} is no controller, ignored; there are ${CONTROLLERS.join(', ')}`)
    return ok(names.filter(name => CONTROLLERS.includes(name)))
  })

/** The name of a directory within the unit's cgroup. */
export const subgroup: Parse<string> = (text, context) =>
  context
    .expand(text)
    .andThen(name =>
      /^[^/]+$/.test(name) && !name.startsWith('.') && !name.startsWith('cgroup.')
        ? ok(name)
        : err('expected the name of a cgroup, without /'),
    )

/** To the base 1000 (systemd.resource-control(5), IOReadBandwidthMax=). */
function readRate(text: string): number | null {
  if (text === 'infinity') return INFINITY
  const value = readSize(text, 1000).unwrapOr(0)
  return value >= 1 ? value : null
}

const inRange = (least: number, most: number) => (text: string) =>
  /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : null

const VALUES: Readonly<Record<'rate' | 'weight' | 'blockWeight' | 'latency', DeviceValue>> = {
  rate: { read: readRate, what: 'a number above 0 (with K, M, G or T), or infinity' },
  weight: { read: inRange(1, 10_000), what: 'a weight from 1 to 10000' },
  blockWeight: { read: inRange(10, 1000), what: 'a weight from 10 to 1000' },
  latency: {
    read(text) {
      const span = readTimespan(text, 1000n)
      return span === null ? null : span === 'infinity' ? INFINITY : Number(span)
    },
    what: 'a time span, such as 25ms',
  },
}
type DeviceValue = { read: (text: string) => number | null; what: string }

/** `/dev/sda 10M`: a device, or a file on it, and a value. */
export const deviceLimit =
  (setting: DeviceSetting, kind: keyof typeof VALUES): Parse<DeviceLimit> =>
  (text, context) =>
    words(text, { unquote: true }).andThen(
      ([path, value, ...more]): Result<DeviceLimit, string> => {
        const { read, what } = VALUES[kind]
        const expected = `expected the path of a device or of a file on it, then ${what}`
        if (path === undefined || value === undefined || more.length > 0) return err(expected)
        const number = read(value)
        if (number === null) return err(expected)
        return absolutePath(path, context)
          .map(device => ({ setting, path: device, value: number }))
          .mapErr(error => (error.startsWith('expected') ? expected : error))
      },
    )

const NO_DEVICE =
  'expected the path of a device, char-DRIVER or block-DRIVER, then what is allowed of r, w and m, such as /dev/fuse rw'

/** `/dev/fuse rw`, `char-pts`: without a word on it all is allowed. */
export const devicePermission: Parse<DevicePermission> = (text, context) =>
  words(text, { unquote: true }).andThen(
    ([name = '', access = 'rwm', ...more]): Result<DevicePermission, string> => {
      if (more.length > 0 || !/^[rwm]+$/.test(access)) return err(NO_DEVICE)
      return context
        .expand(name)
        .andThen(path =>
          /^(?:\/dev\/|(?:char|block)-)/.test(path)
            ? ok({ path, access: [...'rwm'].filter(one => access.includes(one)).join('') })
            : err(NO_DEVICE),
        )
    },
  )

const range = (address: string, prefix: number): AddressRange => {
  const bytes = addressBytes(address) ?? []
  return { family: bytes.length === 4 ? 'inet' : 'inet6', bytes: masked(bytes, prefix), prefix }
}
const masked = (bytes: readonly number[], prefix: number) =>
  bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * i))))

/** systemd.resource-control(5), IPAddressAllow=. */
const NAMED_RANGES: Readonly<Record<string, () => AddressRange[]>> = {
  any: () => [range('0.0.0.0', 0), range('::', 0)],
  localhost: () => [range('127.0.0.0', 8), range('::1', 128)],
  'link-local': () => [range('169.254.0.0', 16), range('fe80::', 64)],
  multicast: () => [range('224.0.0.0', 4), range('ff00::', 8)],
}

function readRange(word: string): AddressRange[] | null {
  const named = Object.hasOwn(NAMED_RANGES, word) ? NAMED_RANGES[word] : undefined
  if (named) return named()
  const [, address = '', length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(word) ?? []
  const bits = (addressBytes(address)?.length ?? 0) * 8
  const prefix = length === undefined ? bits : Number(length)
  return bits === 0 || prefix > bits ? null : [range(address, prefix)]
}

/** Addresses with or without a prefix's length, `any`, `localhost`, `link-local`, `multicast`. */
export const addressRanges: Parse<AddressRange[]> = text =>
  words(text).andThen(all => {
    const ranges: AddressRange[] = []
    for (const word of all) {
      const read = readRange(word)
      if (read === null)
        return err(
          `${word} is no address; expected such as 192.168.0.0/16, ::1, localhost, link-local, multicast or any`,
        )
      ranges.push(...read)
    }
    return ok(ranges)
  })

const NO_PORT =
  'expected any, or of address family (ipv4, ipv6), protocol (tcp, udp) and port or range of ports what matters, such as ipv4:tcp:8000-8080'

/** `any`, `ipv4:tcp:80`, `udp`, `1024-65535`. */
export const portRule: Parse<PortRule> = text => {
  if (text === 'any') return ok({ family: null, protocol: null, ports: null })
  const [all, family, protocol, first, last] =
    /^(?:(ipv4|ipv6)(?::(?=.)|$))?(?:(tcp|udp)(?::(?=.)|$))?(?:(\d{1,5})(?:-(\d{1,5}))?|any)?$/.exec(
      text,
    ) ?? []
  if (all === undefined || all === '') return err(NO_PORT)
  const ports = first === undefined ? null : { first: Number(first), last: Number(last ?? first) }
  if (ports && (ports.first < 1 || ports.last > 65535 || ports.first > ports.last))
    return err(NO_PORT)
  return ok({
    family: (family as PortRule['family']) ?? null,
    protocol: (protocol as PortRule['protocol']) ?? null,
    ports,
  })
}

/** As it is written. */
export const portRuleText = ({ family, protocol, ports }: PortRule): string => {
  const range = ports && (ports.first === ports.last ? ports.first : `${ports.first}-${ports.last}`)
  return [family, protocol, range].filter(part => part !== null).join(':') || 'any'
}

/** Names of network interfaces; behind `~` those that are kept from the unit. */
export const networkInterfaces: Parse<{ allowed: boolean; names: string[] }> = text => {
  const allowed = !text.startsWith('~')
  return words(allowed ? text : text.slice(1)).andThen(names => {
    const wrong = names.find(name => !/^(?!\.{1,2}$)[^\s/:]{1,15}$/.test(name))
    return wrong === undefined
      ? ok({ allowed, names })
      : err(`${wrong} is no name of a network interface; expected such as eth0 or ~eth0`)
  })
}
