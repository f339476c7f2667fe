// Filters of system calls as programs: run by an interpreter, they do what the manual says (systemd.exec(5)).
import test from 'ava'
import fc from 'fast-check'
import { compileFilter } from '../../daemon/runtime/seccomp/filter.ts'
import type { Restrictions } from '../../daemon/runtime/seccomp/layers.ts'
import { LOCAL_ARCHITECTURES, type Machine } from '../../daemon/runtime/seccomp/program.ts'
import { seccompOf } from '../../daemon/runtime/seccomp/seccomp.ts'
import { EXEC_DEFAULTS } from '../../daemon/units/defaults.ts'
import type { Abilities } from '../../daemon/units/directives/need.ts'
import {
  type Architecture,
  systemCallGroups,
  systemCallNames,
  systemCallNumber,
} from '../../daemon/units/system-calls/names.ts'
import type { SystemCallError, SystemCallLine } from '../../daemon/units/unit.ts'
import { NAMESPACE_TYPES } from '../../daemon/units/values/system-calls.ts'
import { interpret } from './bpf.ts'
import { type Fate, fatesOf, NOTHING, nameOf, strictest } from './seccomp-specification.ts'

const AUDIT: Readonly<Record<Architecture, number>> = {
  'x86-64': 0xc000003e,
  x32: 0xc000003e,
  x86: 0x40000003,
  arm64: 0xc00000b7,
  arm: 0x40000028,
}
const X32_BIT = 0x40000000

function fateOf(returned: number): Fate {
  if (returned === 0x80000000) return 'kill'
  if (returned === 0x7ffc0000) return 'log'
  if (returned === 0x7fff0000) return 'allow'
  return (returned & 0xffff0000) === 0x00050000 ? returned & 0xffff : fateOf(0x80000000)
}

/** What the compiled filter does with a call. */
function filtered(
  { program }: { program: Uint8Array | null },
  architecture: Architecture,
  number: number,
  args: readonly bigint[] = [],
): Fate {
  if (program === null) return 'allow'
  const call = architecture === 'x32' ? (number | X32_BIT) >>> 0 : number
  return fateOf(
    interpret(program, { architecture: AUDIT[architecture], number: call, arguments: args }),
  )
}

const NAMES = [...systemCallNames()]
/** Those with arguments that count, so that they come up often. */
const TOUCHY = (
  'clone clone3 unshare setns socket socketcall ipc mmap mmap2 mprotect shmat openat openat2 open chmod fchmodat ' +
  'personality sched_setscheduler exit_group execve semget connect'
).split(' ')

const name = fc.oneof(fc.constantFrom(...NAMES), fc.constantFrom(...TOUCHY))
const word = fc.oneof(
  { weight: 3, arbitrary: name },
  { weight: 1, arbitrary: fc.constantFrom(...systemCallGroups()) },
)
const error: fc.Arbitrary<SystemCallError> = fc.oneof(
  fc.constant('kill' as const),
  fc.integer({ min: 0, max: 4095 }),
)
const line = (errors: boolean): fc.Arbitrary<SystemCallLine> =>
  fc.boolean().chain(inverted =>
    fc.record({
      inverted: fc.constant(inverted),
      calls: fc.array(
        fc.record({
          name: word,
          error: errors && inverted ? fc.option(error) : fc.constant(null),
        }),
        { maxLength: 12 },
      ),
    }),
  )
const sometimes = fc.oneof(
  { weight: 3, arbitrary: fc.constant(false) },
  { weight: 1, arbitrary: fc.constant(true) },
)
const restrictions: fc.Arbitrary<Restrictions> = fc.record({
  filter: fc.array(line(true), { maxLength: 3 }),
  errorNumber: error,
  log: fc.oneof(fc.constant([]), fc.array(line(false), { maxLength: 2 })),
  architectures: fc.option(
    fc
      .uniqueArray(fc.constantFrom('native', 'x86', 'x32', 'arm'), { minLength: 1 })
      .map(all => new Set(all)),
  ),
  addressFamilies: fc.option(
    fc.record({
      allow: fc.boolean(),
      families: fc.uniqueArray(fc.constantFrom('AF_UNIX', 'AF_INET', 'AF_INET6', 'AF_NETLINK')),
    }),
  ),
  namespaces: fc.option(fc.subarray([...NAMESPACE_TYPES])),
  realtime: sometimes,
  suidSgid: sometimes,
  memoryDenyWriteExecute: sometimes,
  personality: fc.option(fc.constantFrom(0, 8)),
  hostname: sometimes,
  sysctl: sometimes,
  kernelModules: sometimes,
  kernelLogs: sometimes,
  clock: sometimes,
  rawIo: sometimes,
})
const argument = fc.oneof(
  fc.bigInt({ min: 0n, max: 45n }),
  fc.constantFrom(
    0x20000n,
    0x10000000n,
    0x80n,
    0x8000n,
    0o4755n,
    0o2000n,
    0o644n,
    0o101n,
    0o20200000n,
    6n,
  ),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
)
const machine = fc.constantFrom<Machine>('x86-64', 'arm64')

const RUNS = Number(process.env.HEARTH_PROPERTY_RUNS ?? 60)

test('a filter does with any call on any architecture what the manual says of its directives', t => {
  const one = fc.record({
    machine,
    restrictions,
    calls: fc.array(
      fc.record({
        architecture: fc.nat({ max: 2 }),
        call: fc.oneof(name, fc.nat({ max: 600 })),
        args: fc.array(argument, { minLength: 6, maxLength: 6 }),
      }),
      { minLength: 60, maxLength: 60 },
    ),
  })
  fc.assert(
    fc.property(one, ({ machine: on, restrictions: set, calls }) => {
      const filter = compileFilter(set, on)
      const architectures = LOCAL_ARCHITECTURES[on]
      for (const { architecture: index, call, args } of calls) {
        const architecture = architectures[index % architectures.length] ?? on
        const number = typeof call === 'number' ? call : systemCallNumber(call, architecture)
        if (number === null) continue
        const known = typeof call === 'number' ? nameOf(architecture, call) : call
        const low = args.map(value => Number(BigInt.asUintN(32, value)))
        const expected = strictest(fatesOf(set, architecture, on, known, low))
        const found = filtered(filter, architecture, number, args)
        if (found !== expected)
          throw new Error(`${architecture} ${known}(${low}): ${found} in place of ${expected}`)
      }
    }),
    { numRuns: RUNS },
  )
  t.pass()
})

test('a call by an architecture that is not listed kills, the machine’s own is always allowed', t => {
  const filter = compileFilter({ ...NOTHING, architectures: new Set(['x86']) }, 'x86-64')
  t.is(filtered(filter, 'x86-64', 0), 'allow')
  t.is(filtered(filter, 'x86', 0), 'allow')
  t.is(filtered(filter, 'x32', 0), 'kill')
  t.is(filtered(filter, 'arm64', 0), 'kill')
  const own = compileFilter({ ...NOTHING, architectures: new Set(['native']) }, 'arm64')
  t.is(filtered(own, 'arm64', 0), 'allow')
  t.is(filtered(own, 'arm', 0), 'kill')
})

test('restrictions that come to nothing are no program', t => {
  t.is(compileFilter(NOTHING, 'x86-64').program, null)
})

test('a filter whose every call gives another error is still one that the kernel takes', t => {
  const calls = NAMES.map((name, i) => ({ name, error: i % 4000 }))
  const filter: SystemCallLine[] = [{ inverted: true, calls }]
  const log: SystemCallLine[] = [
    { inverted: false, calls: NAMES.map(name => ({ name, error: null })) },
  ]
  for (const on of ['x86-64', 'arm64'] as const) {
    const { program } = compileFilter(
      { ...NOTHING, filter, log, suidSgid: true, namespaces: [] },
      on,
    )
    t.is(filtered({ program }, on, systemCallNumber('read', on) ?? -1), NAMES.indexOf('read'))
  }
})

test('a filter under which nothing could start or end is known beforehand', t => {
  const of = (name: string, error: SystemCallError | null) =>
    compileFilter({ ...NOTHING, filter: [{ inverted: true, calls: [{ name, error }] }] }, 'x86-64')
      .hindrance
  t.is(of('execve', null), 'execve')
  t.is(of('exit_group', 1), 'exit_group')
  // It says by itself that it may not.
  t.is(of('execve', 1), null)
  t.is(of('read', null), null)
})

const exec = { ...EXEC_DEFAULTS, lockPersonality: true }
const allowed = { seccomp: null } as Abilities
const NO_NEW_PRIVILEGES = 38

test('without CAP_SYS_ADMIN a filter brings NoNewPrivileges=, with it it does not', t => {
  const calls = (isAdmin: boolean) =>
    seccompOf({ exec }, isAdmin, allowed)
      ._unsafeUnwrap()
      .calls.map(({ args }) => args[0])
  t.deepEqual(calls(false), [NO_NEW_PRIVILEGES])
  t.deepEqual(calls(true), [])
  t.deepEqual(seccompOf({ exec: EXEC_DEFAULTS }, false, allowed)._unsafeUnwrap(), {
    program: null,
    calls: [],
  })
})

test('where filters are forbidden the unit goes without one, and still gains no privileges', t => {
  const abilities = { seccomp: 'the kernel does not have it' } as Abilities
  const { program, calls } = seccompOf({ exec }, false, abilities)._unsafeUnwrap()
  t.is(program, null)
  t.is(calls.length, 1)
})

test('units with the same restrictions share one filter, made once', t => {
  const of = (lockPersonality: boolean) =>
    seccompOf(
      { exec: { ...EXEC_DEFAULTS, restrictRealtime: true, lockPersonality } },
      true,
      allowed,
    )._unsafeUnwrap().program
  t.is(of(true), of(true))
  t.not(of(true), of(false))
})
