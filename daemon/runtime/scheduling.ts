// CPUScheduling…=, CPUAffinity=, NUMAPolicy=, IOScheduling…=, TimerSlackNSec=, Personality= and CoredumpFilter= as system
// calls of the child, in systemd's order (systemd.exec(5), SCHEDULING and PROCESS PROPERTIES).
import { readFileSync } from 'node:fs'
import type { Abilities } from '../units/directives/need.ts'
import type { ExecSettings, Unit } from '../units/unit.ts'
import { readNumberSet } from '../units/values/number-set.ts'
import { EXIT } from './failure.ts'
import type { ChildCall } from './native.ts'

const AT_FDCWD = -100
const O_WRONLY = 1
const O_CLOEXEC = 0x80000
const PR_SET_TIMERSLACK = 29
// linux/sched.h
const SCHED_FIFO = 1
const SCHED_RR = 2
const SCHED_RESET_ON_FORK = 0x40000000
// linux/ioprio.h
const IOPRIO_WHO_PROCESS = 1
const IOPRIO_CLASS_SHIFT = 13
const IO_NONE = 0
const IO_REALTIME = 1
const IO_BEST_EFFORT = 2
const DEFAULT_IO_PRIORITY = 4
// linux/mempolicy.h
const NUMA_MODES = { default: 0, preferred: 1, bind: 2, interleave: 3, local: 4 } as const

/** AllowedCPUs= where no cgroup holds the unit to it: its processes begin there, but may leave. CPUAffinity= comes after. */
export function allowedCpusCalls(
  { resources }: Unit,
  abilities: Pick<Abilities, 'cgroup-cpuset'>,
): ChildCall[] {
  const cpus = resources?.allowedCpus ?? []
  if (cpus.length === 0 || abilities['cgroup-cpuset'] === null) return []
  const mask = bitMask(cpus)
  return [
    {
      call: 'sched_setaffinity',
      args: [0, mask.length, mask],
      step: 'CPUAFFINITY',
      exitStatus: EXIT.cpuAffinity,
      // None of them is there: as in a cgroup, nothing holds then.
      ignore: ['EINVAL'],
    },
  ]
}

/** The unit's calls, in order; what the container forbids is left out: the guard tells. */
export function schedulingCalls(
  exec: ExecSettings,
  abilities: Pick<Abilities, 'realtime'>,
): ChildCall[] {
  const calls: ChildCall[] = []
  if (exec.coredumpFilter !== null) calls.push(...filterCalls(exec.coredumpFilter))

  const policy = exec.cpuSchedulingPolicy
  if (policy !== null) {
    const isRealtime = policy === SCHED_FIFO || policy === SCHED_RR
    if (!isRealtime || abilities.realtime === null) {
      const priority = isRealtime ? Math.max(1, exec.cpuSchedulingPriority) : 0
      const flags = exec.cpuSchedulingResetOnFork ? SCHED_RESET_ON_FORK : 0
      calls.push({
        call: 'sched_setscheduler',
        args: [0, policy | flags, new Uint8Array(Int32Array.of(priority).buffer)],
        step: 'SETSCHEDULER',
        exitStatus: EXIT.setScheduler,
      })
    }
  }

  const nodes = exec.numaMask === 'all' ? nodesOnline() : exec.numaMask
  const cpus = exec.cpuAffinity === 'numa' ? (nodes ?? []).flatMap(cpusOfNode) : exec.cpuAffinity
  if (cpus !== null && cpus.length > 0) {
    const mask = bitMask(cpus)
    calls.push({
      call: 'sched_setaffinity',
      args: [0, mask.length, mask],
      step: 'CPUAFFINITY',
      exitStatus: EXIT.cpuAffinity,
    })
  }
  if (exec.numaPolicy !== null) calls.push(numaCall(exec.numaPolicy, nodes ?? []))

  if (exec.ioSchedulingClass !== null || exec.ioSchedulingPriority !== null) {
    const level = exec.ioSchedulingPriority ?? DEFAULT_IO_PRIORITY
    const given = exec.ioSchedulingClass ?? IO_BEST_EFFORT
    // None stands for what the kernel does by itself, which is this (systemd's ioprio_normalize()).
    const value =
      given === IO_NONE
        ? (IO_BEST_EFFORT << IOPRIO_CLASS_SHIFT) | DEFAULT_IO_PRIORITY
        : (given << IOPRIO_CLASS_SHIFT) | level
    if (given !== IO_REALTIME || abilities.realtime === null) {
      calls.push({
        call: 'ioprio_set',
        args: [IOPRIO_WHO_PROCESS, 0, value],
        step: 'IOPRIO',
        exitStatus: EXIT.ioprio,
      })
    }
  }
  if (exec.timerSlackNsec !== null) {
    calls.push({
      call: 'prctl',
      args: [PR_SET_TIMERSLACK, exec.timerSlackNsec, 0, 0, 0],
      step: 'TIMERSLACK',
      exitStatus: EXIT.timerSlack,
    })
  }
  if (exec.personality !== null) {
    calls.push({
      call: 'personality',
      args: [exec.personality.domain],
      step: 'PERSONALITY',
      exitStatus: EXIT.personality,
    })
  }
  return calls
}

function filterCalls(mask: number): ChildCall[] {
  const text = `0x${mask.toString(16)}`
  const step = { step: 'COREDUMP_FILTER', exitStatus: EXIT.limits }
  return [
    {
      call: 'openat',
      args: [AT_FDCWD, '/proc/self/coredump_filter', O_WRONLY | O_CLOEXEC, 0],
      ...step,
    },
    { call: 'write', args: [{ result: -1 }, text, text.length], ...step },
    { call: 'close', args: [{ result: -2 }], ...step },
  ]
}

function numaCall(policy: keyof typeof NUMA_MODES, nodes: readonly number[]): ChildCall {
  // These two take no nodes.
  const mask = bitMask(policy === 'default' || policy === 'local' ? [] : nodes)
  return {
    call: 'set_mempolicy',
    // The kernel takes one bit off the length.
    args:
      mask.length === 0
        ? [NUMA_MODES[policy], 0, 0]
        : [NUMA_MODES[policy], mask, mask.length * 8 + 1],
    step: 'NUMA_POLICY',
    exitStatus: EXIT.numaPolicy,
    // A kernel without NUMA has nothing to place.
    ignore: ['ENOSYS'],
  }
}

/** Bits in the kernel's words of 64. */
function bitMask(numbers: readonly number[]): Uint8Array {
  const last = Math.max(-1, ...numbers)
  const mask = new Uint8Array(Math.ceil((last + 1) / 64) * 8)
  for (const number of numbers) mask[number >> 3] = (mask[number >> 3] ?? 0) | (1 << (number & 7))
  return mask
}

const NODES = '/sys/devices/system/node'
const nodesOnline = () => listed(`${NODES}/online`)
const cpusOfNode = (node: number) => listed(`${NODES}/node${node}/cpulist`)

function listed(path: string): readonly number[] {
  try {
    return readNumberSet(readFileSync(path, 'latin1').trim()).unwrapOr([])
  } catch {
    return []
  }
}
