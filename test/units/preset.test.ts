import test from 'ava'
import { presetOf, readPresetFile, readPresets } from '../../daemon/units/preset.ts'
import { memoryReader, unitsOf } from './_files.ts'

const rules = readPresetFile(`# policy
enable web.service
disable web*
; templates
enable dirsrv@.service foo bar
  disable avahi-daemon.*
allow x.service
disable *.timer
`)

test('the first line that names a unit decides; without one it is enabled', t => {
  t.deepEqual(presetOf(rules, 'web.service'), { enable: ['web.service'], disable: [] })
  t.deepEqual(presetOf(rules, 'web2.service'), { enable: [], disable: ['web2.service'] })
  t.deepEqual(presetOf(rules, 'avahi-daemon.socket'), {
    enable: [],
    disable: ['avahi-daemon.socket'],
  })
  t.deepEqual(presetOf(rules, 'other.service'), { enable: ['other.service'], disable: [] })
})

test('instances behind a template are what is enabled of it', t => {
  t.deepEqual(presetOf(rules, 'dirsrv@.service').enable, [
    'dirsrv@foo.service',
    'dirsrv@bar.service',
  ])
  t.deepEqual(presetOf([...rules, ...readPresetFile('disable *')], 'dirsrv@foo.service').enable, [
    'dirsrv@foo.service',
  ])
  t.deepEqual(presetOf([...rules, ...readPresetFile('disable *')], 'dirsrv@baz.service').disable, [
    'dirsrv@baz.service',
  ])
})

test('files are read in the order of their names; of the same name the first directory has it', t => {
  const reader = memoryReader({
    '/lib/p/90-all.preset': 'disable *\n',
    '/lib/p/10-web.preset': 'disable web.service\n',
    '/lib/p/50-off.preset': 'enable db.service\n',
    '/etc/p/10-web.preset': 'enable web.service\n',
    '/etc/p/50-off.preset': '',
    '/etc/p/notes.txt': 'enable db.service\n',
  })
  const found = readPresets(reader, ['/etc/p', '/run/p', '/lib/p'])
  t.deepEqual(presetOf(found, 'web.service').enable, ['web.service'])
  t.deepEqual(presetOf(found, 'db.service').disable, ['db.service'])
})

test('unit files tell their preset where it means something', t => {
  const units = unitsOf(
    {
      '/etc/units/a.service': '[Service]\nExecStart=/x\n[Install]\nWantedBy=multi-user.target\n',
      '/usr/units/b.service': '[Service]\nExecStart=/x\n[Install]\nWantedBy=multi-user.target\n',
      '/etc/units/c.service': '[Service]\nExecStart=/x\n',
      '/etc/presets/1.preset': 'disable a*\n',
    },
    { presets: ['/etc/presets'] },
  )
  t.deepEqual(
    units.unitFiles().map(({ name, preset }) => [name, preset]),
    [
      ['a.service', 'disabled'],
      ['b.service', 'enabled'],
      ['c.service', null],
    ],
  )
  t.deepEqual(units.presets(['a.service', 'b.service']), {
    enable: ['b.service'],
    disable: ['a.service'],
  })
})
