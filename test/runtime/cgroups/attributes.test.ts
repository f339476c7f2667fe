// What settings come to in the files of a cgroup, through the unit file and the table of directives.

import test from 'ava'
import fc from 'fast-check'
import {
  attributesOf,
  type MachineSize,
  quotaOf,
  resetOf,
} from '../../../daemon/runtime/cgroups/attributes.ts'
import { unitsOf } from '../../units/_files.ts'

const machine: MachineSize = {
  memoryBytes: () => 1_000_000,
  tasks: () => 32_768,
  device: path => ({ '/dev/sda': '8:0', '/var': '8:0', '/dev/sdb': '8:16' })[path] ?? null,
  isStarting: () => false,
}

const written = (lines: string, size: Partial<MachineSize> = {}) => {
  const text = `[Service]\nExecStart=/bin/true\n${lines.replaceAll('; ', '\n')}\n`
  const unit = unitsOf({ '/etc/units/a.service': text }).get('a.service')
  if (unit.loadError) throw new Error(unit.loadError)
  return attributesOf(unit, { ...machine, ...size }).map(({ file, value }) => `${file}=${value}`)
}

const CASES: readonly (readonly [lines: string, ...attributes: string[]])[] = [
  [''],
  ['MemoryMax=1G', 'memory.max=1073741824'],
  ['MemoryMax=20%', 'memory.max=200000'],
  ['MemoryMax=12.5%', 'memory.max=125000'],
  ['MemoryMax=5‰', 'memory.max=5000'],
  ['MemoryMax=1G; MemoryMax=infinity'],
  ['MemoryMax=1G; MemoryMax='],
  ['StartupMemoryMax=1M'],
  ['MemoryZSwapWriteback=no', 'memory.zswap.writeback=0'],
  ['MemoryLimit=64K', 'memory.max=65536'],
  [
    'MemoryMin=1M; MemoryLow=2M; MemoryHigh=3M',
    'memory.min=1048576',
    'memory.low=2097152',
    'memory.high=3145728',
  ],
  ['MemorySwapMax=0', 'memory.swap.max=0'],
  ['MemoryZSwapMax=0', 'memory.zswap.max=0'],
  ['OOMPolicy=kill', 'memory.oom.group=1'],
  ['OOMPolicy=stop'],
  ['TasksMax=42', 'pids.max=42'],
  ['TasksMax=15%', 'pids.max=4915'],
  ['TasksMax=infinity', 'pids.max=max'],
  ['CPUWeight=500', 'cpu.weight=500'],
  ['CPUWeight=idle', 'cpu.idle=1'],
  ['CPUShares=2048', 'cpu.weight=200'],
  ['CPUShares=2', 'cpu.weight=1'],
  ['CPUShares=2048; CPUWeight=7', 'cpu.weight=7'],
  ['StartupCPUWeight=9'],
  ['CPUQuota=20%', 'cpu.max=20000 100000'],
  ['CPUQuota=250%', 'cpu.max=250000 100000'],
  ['CPUQuota=20%; CPUQuotaPeriodSec=10ms', 'cpu.max=2000 10000'],
  ['CPUQuota=0.1%', 'cpu.max=1000 1000000'],
  ['CPUQuota=20%; CPUQuota='],
  ['AllowedCPUs=0-2 5; AllowedCPUs=7', 'cpuset.cpus=0,1,2,5,7'],
  ['AllowedMemoryNodes=0', 'cpuset.mems=0'],
  ['IOWeight=50', 'io.weight=default 50'],
  ['BlockIOWeight=1000', 'io.weight=default 200'],
  ['BlockIOWeight=1000; IOWeight=50', 'io.weight=default 50'],
  ['IODeviceWeight=/dev/sdb 10', 'io.weight=8:16 10'],
  ['IOReadBandwidthMax=/dev/sda 5M', 'io.max=8:0 rbps=5000000'],
  ['IOReadBandwidthMax=/dev/sda 5M; IOWriteIOPSMax=/var 1K', 'io.max=8:0 rbps=5000000 wiops=1000'],
  ['IOReadBandwidthMax=/dev/sda 5M; IOReadBandwidthMax='],
  ['BlockIOReadBandwidth=/dev/sda 1K', 'io.max=8:0 rbps=1000'],
  ['BlockIOReadBandwidth=/dev/sda 1K; IOWeight=1', 'io.weight=default 1'],
  ['IODeviceLatencyTargetSec=/dev/sda 25ms', 'io.latency=8:0 target=25000'],
  ['IOReadBandwidthMax=/no/such 5M'],
]

for (const [lines, ...attributes] of CASES)
  test(`${lines.replaceAll('; ', ', then ') || 'nothing'} writes ${attributes.join(', ') || 'nothing'}`, t => {
    t.deepEqual(written(lines), attributes)
  })

test('while the system comes up or goes down the Startup…= settings come first', t => {
  const lines =
    'CPUWeight=10; StartupCPUWeight=20; IOWeight=30; StartupIOWeight=40; AllowedCPUs=0; StartupAllowedCPUs=1'
  t.deepEqual(written(lines), ['cpu.weight=10', 'cpuset.cpus=0', 'io.weight=default 30'])
  t.deepEqual(written(lines, { isStarting: () => true }), [
    'cpu.weight=20',
    'cpuset.cpus=1',
    'io.weight=default 40',
  ])
})

for (const [line, expected] of [
  ['MemoryMax=0', 'a size such as 512M'],
  ['MemoryMax=101%', 'a size such as 512M'],
  ['MemoryMax=lots', 'a size such as 512M'],
  ['TasksMax=0', 'a number of tasks'],
  ['CPUWeight=0', 'from 1 to 10000, or idle'],
  ['CPUQuota=20', 'a part of a processor'],
  ['IOReadBandwidthMax=/dev/sda', 'the path of a device'],
  ['IOReadBandwidthMax=sda 5M', 'the path of a device'],
  ['Slice=web.service', 'no slice'],
  ['AllowedCPUs=x', 'numbers and ranges'],
  ['DelegateSubgroup=a/b', 'the name of a cgroup'],
] as const)
  test(`${line} is refused with what is expected`, t => {
    t.throws(() => written(line), { message: new RegExp(expected) })
  })

test('a quota keeps its ratio to the period as far as the kernel allows', t => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 100_000_000 }),
      fc.option(fc.integer({ min: 1000, max: 1_000_000 })),
      (usec, period) => {
        const { quota, period: chosen } = quotaOf(usec, period)
        t.true(quota >= 1000 && chosen >= 1000 && chosen <= 1_000_000)
        const exact = (usec * chosen) / 1_000_000
        t.true(Math.abs(quota - exact) <= 1 || (quota === 1000 && exact < 1000))
      },
    ),
    { numRuns: 200 },
  )
})

test('each attribute has what takes it back', t => {
  const all =
    'MemoryMax=1G; MemoryMin=1M; TasksMax=5; CPUWeight=5; CPUQuota=5%; IOWeight=5; IODeviceWeight=/dev/sdb 10; IOReadBandwidthMax=/dev/sda 5M; AllowedCPUs=0'
  const text = `[Service]\nExecStart=/bin/true\n${all.replaceAll('; ', '\n')}\n`
  const unit = unitsOf({ '/etc/units/a.service': text }).get('a.service')
  t.deepEqual(
    attributesOf(unit, machine).map(attribute => {
      const { file, value } = resetOf(attribute)
      return `${file}=${value}`
    }),
    [
      'cpu.weight=100',
      'cpu.max=max 100000',
      'cpuset.cpus=',
      'memory.min=0',
      'memory.max=max',
      'pids.max=max',
      'io.weight=default 100',
      'io.weight=8:16 default',
      'io.max=8:0 rbps=max wbps=max riops=max wiops=max',
    ],
  )
})
