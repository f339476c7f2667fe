// What libseccomp makes of the same lists of calls, where it is installed (Debian: libseccomp-dev).
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { compileFilter } from '../../daemon/runtime/seccomp/filter.ts'
import { ALLOW, failWith, KILL } from '../../daemon/runtime/seccomp/rules.ts'
import { mergeFilter } from '../../daemon/units/system-calls/lines.ts'
import type { Architecture } from '../../daemon/units/system-calls/names.ts'
import { systemCallNumber } from '../../daemon/units/system-calls/names.ts'
import type { SystemCallError } from '../../daemon/units/unit.ts'
import { unitsOf } from '../units/_files.ts'
import { interpret } from './bpf.ts'
import { NOTHING } from './seccomp-specification.ts'

const X32_BIT = 0x40000000
const AUDIT: Readonly<Record<Architecture, number>> = {
  'x86-64': 0xc000003e,
  x32: 0xc000003e,
  x86: 0x40000003,
  arm64: 0xc00000b7,
  arm: 0x40000028,
}
/** SCMP_ARCH_X32 alone is no number of the kernel's. */
const SCMP: Readonly<Record<Architecture, number>> = { ...AUDIT, x32: 0x4000003e }
const MACHINES = {
  'x86-64': 'x86-64',
  x32: 'x86-64',
  x86: 'x86-64',
  arm64: 'arm64',
  arm: 'arm64',
} as const

const FILTERS = {
  'what is allowed, by groups':
    'SystemCallFilter=@system-service\nSystemCallFilter=~@privileged @resources',
  'what is refused, with errors':
    'SystemCallFilter=~@mount @swap:EPERM ptrace:kill socket:38 shmget:7',
  'a short list': 'SystemCallFilter=read write @network-io\nSystemCallErrorNumber=EACCES',
  'everything known': 'SystemCallFilter=@known\nSystemCallFilter=~@obsolete:ENOSYS',
}

/** The newest call that libseccomp 2.5.4 knows; and those that have come to x86-64 since. */
const LAST = 450
const NEWER: readonly number[] = [335, 336]

const directory = mkdtempSync(join(tmpdir(), 'hearth-libseccomp-'))
test.after.always(() => rmSync(directory, { recursive: true }))
const isThere = existsSync('/usr/include/seccomp.h')
const program = join(directory, 'libseccomp')
test.before(() => {
  if (!isThere) return
  const source = fileURLToPath(new URL('libseccomp.c', import.meta.url))
  const { status, stderr } = spawnSync('cc', ['-o', program, source, '-lseccomp'])
  if (status !== 0) throw new Error(String(stderr))
})

const verdictOf = (error: SystemCallError) => (error === 'kill' ? KILL : failWith(error)) >>> 0

function compare(t: ExecutionContext, lines: string, architecture: Architecture): void {
  const text = `[Service]\nExecStart=/bin/true\n${lines}\n`
  const { exec } = unitsOf({ '/etc/units/a.service': text }).get('a.service')
  const set = mergeFilter(exec?.systemCallFilter ?? [])
  if (!exec || !set) throw new Error('no filter')
  const refused = verdictOf(exec.systemCallErrorNumber)
  const [listed, otherwise] = set.allow ? [ALLOW, refused] : [refused, ALLOW]
  const input = [...set.calls]
    .map(([name, error]) => `${error === null ? listed : verdictOf(error)} ${name}`)
    .join('\n')
  const made = spawnSync(program, {
    input: `${SCMP[architecture]} ${otherwise}\n${input}\n`,
    maxBuffer: 1 << 20,
  })
  t.is(made.status, 0, String(made.stderr))
  const own = compileFilter(
    { ...NOTHING, filter: exec.systemCallFilter, errorNumber: exec.systemCallErrorNumber },
    MACHINES[architecture],
  ).program
  const bit = architecture === 'x32' ? X32_BIT : 0
  const parts = ['socketcall', 'ipc'].map(name => systemCallNumber(name, architecture))
  for (let number = 0; number <= LAST; number++) {
    if (architecture === 'x86-64' && NEWER.includes(number)) continue
    const firsts = parts.includes(number) ? Array.from({ length: 26 }, (_, i) => BigInt(i)) : [0n]
    for (const first of firsts) {
      const call = { architecture: AUDIT[architecture], number: number | bit, arguments: [first] }
      const theirs = interpret(made.stdout, call)
      const ours = own === null ? ALLOW : interpret(own, call)
      if (ours !== theirs)
        t.fail(
          `${architecture} ${number}(${first}): ${ours.toString(16)}, not ${theirs.toString(16)}`,
        )
    }
  }
}

for (const [what, lines] of Object.entries(FILTERS))
  test(`libseccomp decides the same of every call: ${what}`, t => {
    if (!isThere) {
      t.log('skipped: libseccomp-dev is not installed')
      t.pass()
      return
    }
    for (const architecture of Object.keys(MACHINES) as Architecture[])
      compare(t, lines, architecture)
  })
