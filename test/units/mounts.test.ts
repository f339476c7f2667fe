// Mount, swap, device and slice units as they are read; what RequiresMountsFor= comes to.
import test from 'ava'
import { describeProblem } from '../../daemon/units/errors.ts'
import { mountCommand } from '../../daemon/units/mounts.ts'
import { settingsProperties } from '../../daemon/units/show.ts'
import { type Files, unitsOf } from './_files.ts'

const load = (files: Files, name: string) => unitsOf(files).get(name)
const mount = (lines: string, name = 'srv-data.mount') =>
  load({ [`/etc/units/${name}`]: `[Mount]\n${lines}\n` }, name)
const argv = (unit: ReturnType<typeof load>, exec: 'start' | 'stop') =>
  mountCommand(unit, exec)?.argv.join(' ')

test('a mount unit is mounted and unmounted by the commands that systemd runs', t => {
  const unit = mount('What=/dev/sdb1\nWhere=/srv/data\nType=ext4\nOptions=ro,noatime')
  t.is(unit.loadState, 'loaded')
  t.is(argv(unit, 'start'), '/bin/mount /dev/sdb1 /srv/data -t ext4 -o ro,noatime')
  t.is(argv(unit, 'stop'), '/bin/umount /srv/data -c')
  const other = mount(
    'What=x\nSloppyOptions=yes\nReadWriteOnly=yes\nLazyUnmount=yes\nForceUnmount=yes',
  )
  t.is(argv(other, 'start'), '/bin/mount x /srv/data -s -w')
  t.is(argv(other, 'stop'), '/bin/umount /srv/data -c -l -f')
  const shown = new Map(settingsProperties(unit))
  t.is(shown.get('What'), '/dev/sdb1')
  t.is(shown.get('TimeoutUSec'), '1min 30s')
})

test('swap is turned on and off by the commands that systemd runs', t => {
  const unit = load(
    { '/etc/units/swap.swap': '[Swap]\nWhat=/swap\nPriority=5\nOptions=discard\n' },
    'swap.swap',
  )
  t.is(argv(unit, 'start'), '/sbin/swapon --fixpgsz -p 5 -o discard /swap')
  t.is(argv(unit, 'stop'), '/sbin/swapoff /swap')
  t.deepEqual(unit.dependencies.before, ['swap.target', 'umount.target'])
})

test('a mount unit is named after its mount point, and mounts something', t => {
  const wrong = mount('What=x\nWhere=/srv/other')
  t.is(wrong.loadState, 'bad-setting')
  t.regex(
    wrong.problems.map(describeProblem).join(),
    /a unit of that name is about \/srv\/data; rename it to srv-other\.mount/,
  )
  t.regex(mount('Where=/srv/data').problems.map(describeProblem).join(), /give it a What=/)
})

test('a mount point of any length gives a message that can be read', t => {
  const { problems } = mount(`What=x\nWhere=${'/a'.repeat(5000)}`)
  const [message = ''] = problems.map(describeProblem)
  t.regex(message, /cannot mount at \/a\/a.*…: a unit of that name is about \/srv\/data/)
  t.true(message.length < 500)
})

test('a local mount comes before local-fs.target, one over the network before remote-fs.target', t => {
  t.like(mount('What=x').dependencies, {
    before: ['local-fs.target', 'umount.target'],
    after: ['local-fs-pre.target'],
    conflicts: ['umount.target'],
  })
  for (const lines of ['What=h:/x\nType=nfs', 'What=x\nOptions=_netdev,ro']) {
    const { dependencies } = mount(lines)
    t.true(dependencies.before?.includes('remote-fs.target'), lines)
    t.true(dependencies.after?.includes('network-online.target'), lines)
  }
})

test('RequiresMountsFor= and what else names a path require the mount units on the way that have a file', t => {
  const files = {
    '/etc/units/srv.mount': '[Mount]\nWhat=x\n',
    '/etc/units/srv-data.mount': '[Mount]\nWhat=y\n',
    '/etc/units/var-log.mount': { link: '/dev/null' },
    '/etc/units/a.service':
      '[Unit]\nRequiresMountsFor=/srv/data/deep /var/log/a\n[Service]\nExecStart=/bin/true\n',
    '/etc/units/b.service': '[Service]\nWorkingDirectory=/srv\nExecStart=/bin/true\n',
    '/etc/units/c.service': '[Service]\nWorkingDirectory=~\nExecStart=/bin/true\n',
    '/etc/units/d.path': '[Path]\nPathExists=/srv/data/x\n',
  }
  const units = unitsOf(files)
  const needs = (name: string) => {
    const { requires = [], after = [] } = units.get(name).dependencies
    const mounts = requires.filter(one => one.endsWith('.mount'))
    t.deepEqual(
      after.filter(one => one.endsWith('.mount')),
      mounts,
    )
    return mounts
  }
  t.deepEqual(needs('a.service'), ['srv.mount', 'srv-data.mount'])
  t.deepEqual(needs('b.service'), ['srv.mount'])
  t.deepEqual(needs('c.service'), [])
  t.deepEqual(needs('d.path'), ['srv.mount', 'srv-data.mount'])
  // A mount needs those above it, not itself.
  t.deepEqual(needs('srv-data.mount'), ['srv.mount'])
})

test('slices and devices are there without a file, and mounts while they are mounted', t => {
  const base = unitsOf({})
  t.like(base.get('web-app.slice'), { loadState: 'loaded', fragmentPath: null })
  t.is(base.get('dev-sda1.device').unit.description, '/dev/sda1')
  t.is(base.get('mnt.mount').loadState, 'not-found')
  t.is(base.get('dev-sda2.swap').loadState, 'not-found')
  t.is(base.get('x.scope').loadState, 'not-found')
})
