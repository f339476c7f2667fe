// Settings of the sandbox: what their values mean, and what they mean for others.
import test from 'ava'
import { SANDBOX_DEFAULTS } from '../../daemon/units/defaults.ts'
import { droppedCapabilities, needsMountNamespace } from '../../daemon/units/sandbox.ts'
import { settingsProperties } from '../../daemon/units/show.ts'
import { unitsOf } from './_files.ts'

const unitWith = (lines: string) =>
  unitsOf({ '/etc/units/a.service': `[Service]\nExecStart=/bin/a\n${lines}` }).get('a.service')
const sandboxOf = (lines: string) => unitWith(lines).sandbox ?? SANDBOX_DEFAULTS
const problemOf = (line: string) => unitWith(line).loadError

test('a unit that sets nothing of a sandbox shares the one that has none', t => {
  const unit = unitWith('User=nobody')
  t.is(unit.sandbox, SANDBOX_DEFAULTS)
  t.false(needsMountNamespace(SANDBOX_DEFAULTS, unit.exec ?? t.fail()))
})

test('settings that are more than yes or no take their words and booleans alike', t => {
  t.like(sandboxOf('ProtectSystem=true\nProtectHome=off\nPrivateTmp=1\nProtectProc=noaccess'), {
    protectSystem: 'yes',
    protectHome: 'no',
    privateTmp: 'yes',
    protectProc: 'noaccess',
  })
  t.is(sandboxOf('ProtectSystem=strict').protectSystem, 'strict')
  t.is(sandboxOf('ProtectHome=tmpfs').protectHome, 'tmpfs')
  t.is(sandboxOf('ProtectSystem=full\nProtectSystem=').protectSystem, 'no')
  t.regex(problemOf('ProtectSystem=very') ?? '', /expected yes, no, full or strict/)
})

test('paths have - before what may be missing and + before what is inside the root', t => {
  const { readOnlyPaths } = sandboxOf('ReadOnlyDirectories=/a -/b//c/ +/d\nReadOnlyPaths="-+/e f"')
  t.deepEqual(readOnlyPaths, [
    { path: '/a', missingOk: false, inRoot: false },
    { path: '/b/c', missingOk: true, inRoot: false },
    { path: '/d', missingOk: false, inRoot: true },
    { path: '/e f', missingOk: true, inRoot: true },
  ])
  t.deepEqual(sandboxOf('ReadOnlyPaths=/a\nReadOnlyPaths=\n').readOnlyPaths, [])
  t.regex(problemOf('InaccessiblePaths=etc') ?? '', /expected absolute paths/)
  t.regex(problemOf('InaccessiblePaths=/a/../b') ?? '', /without \.\./)
})

test('a bind mount is source, destination and option, the later two left out at will', t => {
  const { binds } = sandboxOf(
    'BindPaths=/a -/b:/c\nBindReadOnlyPaths=/d\\:e:/f:norbind /g:/h:rbind /dev/%n',
  )
  const both = { recursive: true, missingOk: false, readOnly: false }
  t.deepEqual(binds, [
    { ...both, source: '/a', destination: '/a' },
    { ...both, source: '/b', destination: '/c', missingOk: true },
    { ...both, source: '/d:e', destination: '/f', recursive: false, readOnly: true },
    { ...both, source: '/g', destination: '/h', readOnly: true },
    { ...both, source: '/dev/a.service', destination: '/dev/a.service', readOnly: true },
  ])
  t.deepEqual(sandboxOf('BindPaths=/a\nBindReadOnlyPaths=\nBindPaths=/b').binds.length, 1)
  for (const wrong of ['/a:', '/a:b', '/a:/b:quick', '/a:/b:rbind:x', 'a'])
    t.regex(problemOf(`BindPaths=${wrong}`) ?? '', /expected/, wrong)
})

test('a temporary file system has mount options behind a colon', t => {
  t.deepEqual(sandboxOf('TemporaryFileSystem=/var:ro,size=10% /srv').temporaryFileSystems, [
    { path: '/var', options: 'ro,size=10%' },
    { path: '/srv', options: '' },
  ])
})

test('DynamicUser= takes a sandbox with it, and what the unit says beyond that stays', t => {
  t.like(sandboxOf('DynamicUser=yes'), {
    protectSystem: 'strict',
    protectHome: 'read-only',
    privateTmp: 'yes',
  })
  t.like(sandboxOf('DynamicUser=yes\nProtectSystem=full\nProtectHome=tmpfs'), {
    protectSystem: 'full',
    protectHome: 'tmpfs',
  })
})

test('settings of devices, modules, log and clock of the kernel take their capabilities away', t => {
  t.deepEqual(
    droppedCapabilities(
      sandboxOf(
        'PrivateDevices=yes\nProtectClock=yes\nProtectKernelLogs=yes\nProtectKernelModules=yes',
      ),
    ),
    [
      'CAP_MKNOD',
      'CAP_SYS_RAWIO',
      'CAP_SYS_MODULE',
      'CAP_SYSLOG',
      'CAP_SYS_TIME',
      'CAP_WAKE_ALARM',
    ],
  )
  t.deepEqual(droppedCapabilities(sandboxOf('ProtectSystem=strict')), [])
})

test('settings of the network and of users alone need no mount namespace', t => {
  const needs = (lines: string) => {
    const { sandbox, exec } = unitWith(lines)
    return sandbox && exec && needsMountNamespace(sandbox, exec)
  }
  t.false(needs('PrivateNetwork=yes\nPrivateUsers=yes\nProtectHostname=yes'))
  t.false(needs('RootDirectory=/srv'), 'a chroot does')
  t.true(needs('RootDirectory=/srv\nMountAPIVFS=yes'))
  t.true(needs('RootDirectory=/srv\nStateDirectory=a'))
  t.false(needs('MountAPIVFS=yes\nStateDirectory=a'))
  t.true(needs('PrivateTmp=yes'))
})

test('the settings are shown as systemctl shows them', t => {
  const shown = settingsProperties(
    unitWith('ProtectSystem=on\nBindPaths=-/a:/b\nBindReadOnlyPaths=/c\nReadWritePaths=-+/d /e\n'),
  ).map(([name, value]) => `${name}=${value}`)
  for (const line of [
    'ProtectSystem=yes',
    'PrivateTmp=no',
    'BindPaths=-/a:/b:rbind',
    'BindReadOnlyPaths=/c:/c:rbind',
    'ReadWritePaths=-+/d /e',
    'ProcSubset=all',
  ])
    t.true(shown.includes(line), `${line}\n${shown.join('\n')}`)
})
