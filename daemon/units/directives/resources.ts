// systemd.resource-control(5): what a unit may take of the machine. A cgroup v2 with the controller carries them out.
import { ok } from 'neverthrow'
import { plain, usec, yesNo } from '../print.ts'
import {
  type AddressRange,
  type Amount,
  type DeviceSetting,
  deviceAllow,
  devicePolicy,
  type PortRule,
  type ResourceSettings,
} from '../resources.ts'
import type { Unit } from '../unit.ts'
import { boolean } from '../values/boolean.ts'
import { numberSetText, readNumberSet } from '../values/number-set.ts'
import { oneOf, type Parse } from '../values/parse.ts'
import {
  addressRanges,
  blockIoWeight,
  controllers,
  cpuQuota,
  cpuQuotaPeriod,
  cpuShares,
  cpuWeight,
  delegation,
  deviceLimit,
  devicePermission,
  ioWeight,
  memoryAmount,
  memoryLimit,
  networkInterfaces,
  portRule,
  portRuleText,
  slice,
  subgroup,
  tasksLimit,
} from '../values/resource.ts'
import { addressText } from '../values/socket.ts'
import { custom, type Directive, type DirectiveOptions, list, setting, take } from './directive.ts'
import type { Need } from './need.ts'

type Settings = ResourceSettings
type Field<T> = { [K in keyof Settings]: Settings[K] extends T ? K : never }[keyof Settings]

/** A limit or a share: without its controller it is left out, and the unit runs the same. */
const resource = <K extends keyof Settings>(
  need: Need,
  name: string,
  field: K,
  parse: Parse<Settings[K]>,
  print: (value: Settings[K]) => string,
  options: DirectiveOptions & { property?: string } = {},
): Directive => setting('resources', name, field, parse, { needs: [need], print, ...options })

const amountText = (value: Amount) =>
  typeof value === 'number'
    ? value === Number.POSITIVE_INFINITY
      ? 'infinity'
      : String(value)
    : `${value.permyriad / 100}%`
const orNotSet = (value: number | string | null) => (value === null ? '[not set]' : String(value))

const memory = (
  name: string,
  field: Field<Amount>,
  parse: Parse<Amount>,
  aliases: readonly string[] = [],
): Directive => resource('cgroup-memory', name, field, parse, amountText, { aliases })

/** One that may not be set: `unset` is what is shown then. */
const memoryIfSet = (
  name: string,
  field: Field<Amount | null>,
  parse: Parse<Amount>,
  unset: Amount,
): Directive => resource('cgroup-memory', name, field, parse, value => amountText(value ?? unset))

const INFINITY = Number.POSITIVE_INFINITY

/** The sums are told from /proc where there is no controller. */
const accounting = (
  need: Need,
  name: string,
  field: Field<boolean | null>,
  aliases: readonly string[] = [],
): Directive =>
  resource(need, name, field, boolean, value => yesNo(value ?? true), {
    aliases,
    fallback: 'emulated',
    note: 'told from /proc where no cgroup counts it',
  })

/** Assignments add up; an empty one takes back those of its own kind. */
const device = (
  name: string,
  setting: DeviceSetting,
  kind: Parameters<typeof deviceLimit>[1],
): Directive => {
  const read = deviceLimit(setting, kind)
  const print = ({ resources }: Unit) =>
    (resources?.devices ?? [])
      .filter(one => one.setting === setting)
      .map(({ path, value }) => `${path} ${amountText(value)}`)
  return custom(
    name,
    (draft, text, context) => {
      const known = draft.resources.devices ?? []
      if (text === '') {
        draft.resources.devices = known.filter(one => one.setting !== setting)
        return ok()
      }
      return take(read(text, context), added => {
        draft.resources.devices = [...known, added]
      })
    },
    [],
    { needs: ['cgroup-io'], properties: [{ name, print }] },
  )
}

/** Assignments add up. */
const numbers = (
  name: string,
  field: Field<readonly number[]>,
  options: DirectiveOptions = {},
): Directive =>
  custom(
    name,
    (draft, text) => {
      if (text === '') {
        delete draft.resources[field]
        return ok()
      }
      return take(readNumberSet(text), added => {
        const all = new Set([...(draft.resources[field] ?? []), ...added])
        draft.resources[field] = [...all].sort((a, b) => a - b)
      })
    },
    [],
    {
      needs: ['cgroup-cpuset'],
      ...options,
      properties: [{ name, print: ({ resources }) => numberSetText(resources?.[field] ?? []) }],
    },
  )

/** An empty Delegate= takes back the controllers, not the delegation (systemd.resource-control(5)). */
const delegate = custom(
  'Delegate',
  (draft, text, context) =>
    take(text === '' ? ok([]) : delegation(text, context), value => {
      const known = draft.resources.delegate
      const isList = Array.isArray(value) && Array.isArray(known) && text !== ''
      draft.resources.delegate = isList ? [...new Set([...known, ...value])] : value
    }),
  null,
  {
    needs: ({ resources }) => (resources?.delegate ? ['cgroup'] : []),
    fallback: 'missed',
    properties: [
      { name: 'Delegate', print: ({ resources }) => yesNo((resources?.delegate ?? null) !== null) },
      {
        name: 'DelegateControllers',
        print: ({ resources }) => {
          const chosen = resources?.delegate ?? []
          return chosen === 'all' ? 'cpu cpuset io memory pids' : chosen.join(' ')
        },
      },
    ],
  },
)

const PROGRAMS: readonly Need[] = ['cgroup', 'bpf']
const NO_NEED: readonly Need[] = []

/** systemd sorts them and leaves out what a wider one has; here they stand as they were written. */
const addresses = (name: string, field: Field<readonly AddressRange[]>): Directive =>
  list('resources', name, field, addressRanges, {
    needs: ({ resources }) => (resources?.[field].length ? PROGRAMS : NO_NEED),
    security: true,
    print: all =>
      all.map(({ bytes, prefix }: AddressRange) => `${addressText(bytes)}/${prefix}`).join(' '),
  })

const ports = (name: string, field: Field<readonly PortRule[]>): Directive =>
  list('resources', name, field, (text, context) => portRule(text, context).map(one => [one]), {
    needs: ({ resources }) => (resources?.[field].length ? PROGRAMS : NO_NEED),
    security: true,
    print: all => all.map(portRuleText),
  })

/** Lists add up as those of SystemCallFilter= do: the first says which kind it is, one of the other kind takes away. */
const restrictNetworkInterfaces = custom(
  'RestrictNetworkInterfaces',
  (draft, text, context) => {
    if (text === '') {
      delete draft.resources.restrictNetworkInterfaces
      return ok()
    }
    return take(networkInterfaces(text, context), ({ allowed, names }) => {
      const known = draft.resources.restrictNetworkInterfaces
      if (!known) draft.resources.restrictNetworkInterfaces = { allowed, names }
      else {
        const others = known.names.filter(name => !names.includes(name))
        draft.resources.restrictNetworkInterfaces = {
          allowed: known.allowed,
          names: known.allowed === allowed ? [...others, ...names] : others,
        }
      }
    })
  },
  null,
  {
    needs: ({ resources }) => (resources?.restrictNetworkInterfaces ? PROGRAMS : NO_NEED),
    security: true,
    properties: [
      {
        name: 'RestrictNetworkInterfaces',
        print({ resources }) {
          const set = resources?.restrictNetworkInterfaces
          return set ? `${set.allowed ? '' : '~'}${set.names.join(' ')}` : ''
        },
      },
    ],
  },
)

export const resourceDirectives = (): Directive[] => [
  resource('cgroup', 'Slice', 'slice', slice, value => value ?? 'system.slice'),
  accounting('cgroup', 'CPUAccounting', 'cpuAccounting'),
  resource('cgroup-cpu', 'CPUWeight', 'cpuWeight', cpuWeight, orNotSet),
  resource('cgroup-cpu', 'StartupCPUWeight', 'startupCpuWeight', cpuWeight, orNotSet),
  resource('cgroup-cpu', 'CPUShares', 'cpuShares', cpuShares, orNotSet),
  resource('cgroup-cpu', 'StartupCPUShares', 'startupCpuShares', cpuShares, orNotSet),
  resource('cgroup-cpu', 'CPUQuota', 'cpuQuotaUsec', cpuQuota, usec, {
    property: 'CPUQuotaPerSecUSec',
  }),
  resource(
    'cgroup-cpu',
    'CPUQuotaPeriodSec',
    'cpuQuotaPeriodUsec',
    cpuQuotaPeriod,
    value => usec(value ?? Number.POSITIVE_INFINITY),
    { property: 'CPUQuotaPeriodUSec' },
  ),
  numbers('AllowedCPUs', 'allowedCpus', {
    fallback: 'emulated',
    note: 'without a cgroup as CPUAffinity=, which the processes may change',
  }),
  numbers('StartupAllowedCPUs', 'startupAllowedCpus'),
  numbers('AllowedMemoryNodes', 'allowedMemoryNodes'),
  numbers('StartupAllowedMemoryNodes', 'startupAllowedMemoryNodes'),
  accounting('cgroup-memory', 'MemoryAccounting', 'memoryAccounting'),
  memoryIfSet('MemoryMin', 'memoryMin', memoryAmount, 0),
  memoryIfSet('MemoryLow', 'memoryLow', memoryAmount, 0),
  memoryIfSet('StartupMemoryLow', 'startupMemoryLow', memoryAmount, 0),
  memoryIfSet('DefaultMemoryMin', 'defaultMemoryMin', memoryAmount, 0),
  memoryIfSet('DefaultMemoryLow', 'defaultMemoryLow', memoryAmount, 0),
  memoryIfSet('DefaultStartupMemoryLow', 'defaultStartupMemoryLow', memoryAmount, 0),
  memory('MemoryHigh', 'memoryHigh', memoryLimit),
  memory('MemoryMax', 'memoryMax', memoryLimit, ['MemoryLimit']),
  memory('MemorySwapMax', 'memorySwapMax', memoryAmount),
  memory('MemoryZSwapMax', 'memoryZswapMax', memoryAmount),
  memoryIfSet('StartupMemoryHigh', 'startupMemoryHigh', memoryLimit, INFINITY),
  memoryIfSet('StartupMemoryMax', 'startupMemoryMax', memoryLimit, INFINITY),
  memoryIfSet('StartupMemorySwapMax', 'startupMemorySwapMax', memoryAmount, INFINITY),
  memoryIfSet('StartupMemoryZSwapMax', 'startupMemoryZswapMax', memoryAmount, INFINITY),
  resource('cgroup-memory', 'MemoryZSwapWriteback', 'memoryZswapWriteback', boolean, yesNo, {
    needs: ({ resources }) => (resources?.memoryZswapWriteback === false ? ['cgroup-memory'] : []),
  }),
  accounting('cgroup-pids', 'TasksAccounting', 'tasksAccounting'),
  resource('cgroup-pids', 'TasksMax', 'tasksMax', tasksLimit, value =>
    amountText(value ?? Number.POSITIVE_INFINITY),
  ),
  // The kernel tells what has gone through a unit with the controller alone.
  resource('cgroup-io', 'IOAccounting', 'ioAccounting', boolean, value => yesNo(value ?? false), {
    aliases: ['BlockIOAccounting'],
    needs: ({ resources }) => (resources?.ioAccounting ? ['cgroup-io'] : []),
  }),
  resource('cgroup-io', 'IOWeight', 'ioWeight', ioWeight, orNotSet),
  resource('cgroup-io', 'StartupIOWeight', 'startupIoWeight', ioWeight, orNotSet),
  resource('cgroup-io', 'BlockIOWeight', 'blockIoWeight', blockIoWeight, orNotSet),
  resource('cgroup-io', 'StartupBlockIOWeight', 'startupBlockIoWeight', blockIoWeight, orNotSet),
  device('IODeviceWeight', 'weight', 'weight'),
  device('IOReadBandwidthMax', 'readBandwidth', 'rate'),
  device('IOWriteBandwidthMax', 'writeBandwidth', 'rate'),
  device('IOReadIOPSMax', 'readIops', 'rate'),
  device('IOWriteIOPSMax', 'writeIops', 'rate'),
  device('IODeviceLatencyTargetSec', 'latencyUsec', 'latency'),
  device('BlockIODeviceWeight', 'blockWeight', 'blockWeight'),
  device('BlockIOReadBandwidth', 'blockReadBandwidth', 'rate'),
  device('BlockIOWriteBandwidth', 'blockWriteBandwidth', 'rate'),
  delegate,
  list('resources', 'DisableControllers', 'disableControllers', controllers, {
    needs: ({ resources }) => (resources?.disableControllers.length ? ['cgroup'] : []),
    print: names => names.join(' '),
  }),
  resource('cgroup', 'DelegateSubgroup', 'delegateSubgroup', subgroup, plain),
  setting('resources', 'DevicePolicy', 'devicePolicy', oneOf('auto', 'closed', 'strict'), {
    needs: ({ resources }) => (resources?.devicePolicy === 'auto' ? NO_NEED : PROGRAMS),
    security: true,
    properties: [{ name: 'DevicePolicy', print: unit => devicePolicy(unit) }],
  }),
  list(
    'resources',
    'DeviceAllow',
    'deviceAllow',
    (text, context) => devicePermission(text, context).map(one => [one]),
    {
      needs: ({ resources }) => (resources?.deviceAllow.length ? PROGRAMS : NO_NEED),
      security: true,
      properties: [
        {
          name: 'DeviceAllow',
          print: unit => deviceAllow(unit).map(({ path, access }) => `${path} ${access}`),
        },
      ],
    },
  ),
  ports('SocketBindAllow', 'socketBindAllow'),
  ports('SocketBindDeny', 'socketBindDeny'),
  restrictNetworkInterfaces,
  addresses('IPAddressAllow', 'ipAddressAllow'),
  addresses('IPAddressDeny', 'ipAddressDeny'),
]
