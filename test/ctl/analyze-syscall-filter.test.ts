// ctl analyze syscall-filter, as systemd-analyze prints it.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const ctl = fileURLToPath(new URL('../../dist/ctl', import.meta.url))
const analyze = (...groups: readonly string[]) =>
  spawnSync(ctl, ['analyze', 'syscall-filter', ...groups], { encoding: 'utf8' })

test('a group is printed with what it is and a line for each of its members', t => {
  const { stdout, status } = analyze('@swap', '@pkey')
  t.is(status, 0)
  t.is(
    stdout,
    `@swap
    # Enable/disable swap devices
    swapoff
    swapon

@pkey
    # System calls used for memory protection keys
    pkey_alloc
    pkey_free
    pkey_mprotect
`,
  )
})

test('without a name all groups are printed, other groups in them by name', t => {
  const { stdout, status } = analyze()
  t.is(status, 0)
  t.regex(stdout, /^@system-service\n {4}# .*\n(?: {4}.*\n)* {4}@network-io\n/m)
  t.regex(stdout, /^@known\n/m)
})

test('a group that is not there is told with the nearest one', t => {
  const { stdout, stderr, status } = analyze('@sawp')
  t.is(status, 1)
  t.is(stdout, '')
  t.regex(stderr, /^cannot find the group of system calls '@sawp'; did you mean @swap\?$/m)
})
