// Mount and device units under a real PID 1 that may mount, and under one that may not.
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { boot, isRoot } from './pid1.ts'

const service = (unit: string) =>
  `[Unit]\n${unit}\n[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n`
/** A device unit whose node comes while the daemon runs. */
const late = (directory: string) => `${escaped(`${directory}/late`)}.device`
/** The name of a path, as systemd-escape --path gives it. */
const escaped = (path: string) => path.slice(1).replaceAll('-', '\\x2d').replaceAll('/', '-')

test('what is mounted is seen, what is not is mounted, and a device that is not there holds nobody up', async t => {
  if (!isRoot) {
    t.log('skipped: mounting takes root')
    return t.pass()
  }
  let own = ''
  let given = ''
  const hearth = await boot(t, {
    before: 'mkdir -p "$HEARTH_RUNTIME/../given"; mount -t tmpfs given "$HEARTH_RUNTIME/../given"',
    units: directory => {
      own = `${escaped(`${directory}/own`)}.mount`
      given = `${escaped(`${directory}/given`)}.mount`
      return {
        [own]: `[Mount]\nWhat=tmpfs\nWhere=${directory}/own\nType=tmpfs\nOptions=size=64k\n`,
        'app.service': service(`RequiresMountsFor=${directory}/own/data`),
        'volume.service': service(`BindsTo=${given}\nAfter=${given}`),
        'disk.service': service('Requires=dev-nosuch.device\nAfter=dev-nosuch.device'),
        'late.service': `[Unit]\nBindsTo=${late(directory)}\nAfter=${late(directory)}\n[Service]\nExecStart=/bin/sleep infinity\n`,
        [`${escaped(`${directory}/eager`)}.mount`]: '[Mount]\nWhat=tmpfs\nType=tmpfs\n',
        [`${escaped(`${directory}/eager`)}.automount`]: '[Install]\nWantedBy=multi-user.target\n',
        'null.service': service('BindsTo=dev-null.device\nAfter=dev-null.device'),
        [`${escaped(`${directory}/nowhere`)}.mount`]: '[Mount]\nWhat=/no/device\n',
      }
    },
  })
  for (const unit of ['app', 'volume', 'null', own, given, 'dev-null.device', '-.mount'])
    t.is(await hearth.ok('is-active', '--', unit), 'active', unit)
  t.is((await hearth.ctl('is-active', 'disk')).out.trim(), 'inactive')
  t.regex(hearth.err(), /there is no \/dev\/nosuch here/)
  const device = late(hearth.directory)
  t.is((await hearth.ctl('start', 'late')).code, 1)
  writeFileSync(`${hearth.directory}/late`, '')
  await hearth.until(device, 'SubState', 'plugged')
  await hearth.ok('start', 'late')
  rmSync(`${hearth.directory}/late`)
  await hearth.until('late', 'ActiveState', 'inactive')
  t.is(await hearth.show(device, 'SubState'), 'dead')
  // An automount unit mounts at once.
  const eager = escaped(`${hearth.directory}/eager`)
  t.is(await hearth.show(`${eager}.automount`, 'SubState'), 'running')
  t.is(await hearth.show(`${eager}.mount`, 'SubState'), 'mounted')
  const refused = await hearth.ctl('start', 'disk')
  t.is(refused.code, 1)
  t.regex(
    refused.err,
    /dev-nosuch\.device, which it requires, failed: there is no \/dev\/nosuch here/,
  )
  t.is(await hearth.show(own, 'SubState'), 'mounted')
  t.is((await hearth.inside(['mountpoint', '-q', `${hearth.directory}/own`])).code, 0)
  t.regex(
    await hearth.ok('list-units', '--type=mount', '--no-legend', '--plain'),
    /given.mount +loaded active mounted/,
  )

  const failed = await hearth.ctl('start', `${hearth.directory}/nowhere`)
  t.is(failed.code, 1)
  t.regex(failed.err, /\/bin\/mount exited with status 32/)
  t.regex(
    await hearth.ok('logs', `${hearth.directory}/nowhere`),
    /special device \/no\/device does not exist/,
  )

  // Somebody else unmounts: what is bound to it goes down.
  t.is((await hearth.inside(['umount', `${hearth.directory}/given`])).code, 0)
  await hearth.said(/Stopped volume\.service/)
  t.is((await hearth.ctl('is-active', given)).out.trim(), 'inactive')

  await hearth.ok('stop', own)
  t.is((await hearth.inside(['mountpoint', '-q', `${hearth.directory}/own`])).code, 32)
  t.is((await hearth.ctl('is-active', 'app')).out.trim(), 'inactive')
  await hearth.ok('start', 'app')
  hearth.signal('SIGTERM')
  t.deepEqual(await hearth.ended, { code: 0, signal: null })
})

test('a daemon that may not mount says so, at once', async t => {
  const hearth = await boot(t, {
    ...(isRoot && { user: 'nobody' }),
    units: directory => ({
      [`${escaped(`${directory}/own`)}.mount`]: `[Mount]\nWhat=tmpfs\nWhere=${directory}/own\nType=tmpfs\n`,
    }),
  })
  const { code, err } = await hearth.ctl('start', `${hearth.directory}/own`)
  t.is(code, 1)
  t.regex(
    err,
    /nothing is mounted at .*\/own, and hearth may not mount here \(.+\); whoever runs the container has to mount tmpfs there/,
  )
  t.false(existsSync(`${hearth.directory}/own`))
})
