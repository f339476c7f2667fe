// What is tried in a child stays there, and what the machine forbids is told with its reason.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import test from 'ava'
import { createAbilities } from '../../daemon/runtime/abilities.ts'
import { type Abilities, NEEDS } from '../../daemon/units/directives/need.ts'
import { isRoot, native } from './children.ts'

test('the place and the errno of the first call that fails are told, and null when none does', t => {
  const getpid = { call: 'getpid', args: [] }
  const close = { call: 'close', args: [-1] }
  t.is(native.attempt([]), null)
  t.is(native.attempt([getpid, getpid]), null)
  t.deepEqual(native.attempt([getpid, close, getpid]), { index: 1, errno: 'EBADF' })
  t.is(native.attempt([{ ...close, ignore: ['EBADF'] }]), null)
})

test('a call may take what an earlier one gave', t => {
  const open = { call: 'openat', args: [-100, '/dev/null', 1, 0] }
  const write = { call: 'write', args: [{ result: 0 }, 'x', 1] }
  t.is(native.attempt([open, write]), null)
})

test('what the calls change is gone with the child', t => {
  const read = (file: string) => readFileSync(`/proc/self/${file}`, 'latin1')
  const state = () => [
    read('status').match(/^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp).*/gm),
    ...['limits', 'oom_score_adj', 'mountinfo'].map(read),
  ]
  const before = state()
  const abilities = createAbilities(native, { whyNot: 'not asked for' })
  for (const need of NEEDS) t.true(abilities[need] === null || abilities[need] !== '', need)
  t.deepEqual(state(), before)
})

/** The abilities of a process that setpriv(1) has changed. */
function abilitiesOf(...options: readonly string[]): Abilities {
  const script = `
    const { createAbilities } = await import('${import.meta.dirname}/../../daemon/runtime/abilities.ts')
    const { native } = await import('${import.meta.dirname}/../../daemon/runtime/native.ts')
    console.log(JSON.stringify(createAbilities(native(), { whyNot: 'not asked for' })))`
  const { stdout, stderr } = spawnSync(
    'setpriv',
    [...options, process.execPath, '--input-type=module-typescript', '-e', script],
    { encoding: 'utf8' },
  )
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout)
}

const privileged = isRoot ? test : test.skip

privileged('a capability that is not there is the reason why not', t => {
  const dropped = ['sys_admin', 'sys_chroot', 'sys_nice', 'sys_resource', 'setpcap']
  const abilities = abilitiesOf(`--bounding-set=${dropped.map(name => `-${name}`).join()}`)
  t.is(abilities['mount-namespace'], 'no CAP_SYS_ADMIN')
  t.is(abilities['uts-namespace'], 'no CAP_SYS_ADMIN')
  t.is(abilities.chroot, 'no CAP_SYS_CHROOT')
  t.is(abilities.realtime, 'no CAP_SYS_NICE')
  t.is(abilities['raise-limits'], 'no CAP_SYS_RESOURCE')
  t.is(abilities.capabilities, 'no CAP_SETPCAP')
  t.is(abilities.setuid, null)
})

privileged('an ordinary user may still filter its own system calls', t => {
  const abilities = abilitiesOf('--reuid=65534', '--regid=65534', '--clear-groups')
  t.is(abilities.setuid, 'no CAP_SETUID')
  // Inside a user namespace, where everybody may have one.
  const inside = abilities['user-namespace'] === null ? null : 'no CAP_SYS_ADMIN'
  t.is(abilities['network-namespace'], inside)
  t.is(abilities['mount-namespace'], inside)
  t.is(abilities.seccomp, null)
  t.is(abilities.inotify, null)
})
