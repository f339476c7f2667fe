import test from 'ava'
import { authorise, permits, refusePeer } from '../../daemon/control/authorise.ts'
import type { MethodName } from '../../daemon/control/schema.ts'

const READERS: readonly MethodName[] = [
  'version',
  'isSystemRunning',
  'waitInactive',
  'listJobs',
  'status',
  'show',
  'cat',
  'listUnits',
  'listUnitFiles',
  'listTimers',
  'listPaths',
  'listSockets',
  'listDependencies',
  'isActive',
  'isEnabled',
  'verify',
  'logs',
  'history',
]
const ADMINS: readonly MethodName[] = [
  'jobs',
  'cancel',
  'kill',
  'resetFailed',
  'enable',
  'disable',
  'mask',
  'unmask',
  'reload',
  'logLevel',
  'getEnvironment',
  'setEnvironment',
  'unsetEnvironment',
  'record',
  'shutdown',
]

const PEERS: [string, Parameters<typeof authorise>[0], 'admin' | 'reader' | null][] = [
  ['root', { uid: 0, gid: 0, groups: [] }, 'admin'],
  ["the daemon's own user", { uid: 1000, gid: 1000, groups: [] }, 'admin'],
  ['a user whose group it is', { uid: 1001, gid: 50, groups: [] }, 'reader'],
  ['a user who is also in the group', { uid: 1001, gid: 1001, groups: [4, 50] }, 'reader'],
  ['a user of another group', { uid: 1001, gid: 1001, groups: [4] }, null],
]
for (const [who, peer, role] of PEERS) {
  test(`${who} is ${role ?? 'refused'}`, t => {
    t.is(authorise(peer, { uid: 1000, groupId: 50 }), role)
  })
}

test('without a control group its members are nobody', t => {
  t.is(authorise({ uid: 1001, gid: 50, groups: [50] }, { uid: 1000, groupId: null }), null)
})

test('an admin may call everything, a reader what changes nothing and tells no secret', t => {
  for (const method of [...READERS, ...ADMINS]) t.true(permits('admin', method), method)
  for (const method of READERS) t.true(permits('reader', method), method)
  for (const method of ADMINS) t.false(permits('reader', method), method)
})

test('the refusal says who may, and what to do', t => {
  t.deepEqual(refusePeer(1001, { uid: 1000, groupId: null }), {
    code: 'not-permitted',
    message: 'cannot let user 1001 control this daemon: it obeys root and user 1000 alone',
    hint: 'use sudo, or start the daemon with --control-group to let a group read',
  })
})
