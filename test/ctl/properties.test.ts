import test from 'ava'
import { readProperty, sectionOf, settableProperties } from '../../ctl/edit/properties.ts'
import { createDirectives } from '../../daemon/units/directives.ts'

test('what set-property sets are settings that every unit with processes has', t => {
  const table = createDirectives()
  for (const section of ['Service', 'Socket', 'Mount', 'Swap', 'Slice', 'Scope'])
    for (const name of settableProperties())
      t.not(table.find(section, name), undefined, `${name}= in [${section}]`)
})

test('an assignment is taken apart at its first equals sign', t => {
  t.deepEqual(readProperty('DeviceAllow=/dev/x=y rw'), {
    name: 'DeviceAllow',
    value: '/dev/x=y rw',
  })
  t.deepEqual(readProperty('MemoryMax='), { name: 'MemoryMax', value: '' })
  for (const wrong of ['MemoryMax', '=1', 'ExecStart=/bin/true', 'memorymax=1'])
    t.is(readProperty(wrong), null, wrong)
  t.is(sectionOf('a.b.service'), 'Service')
  t.is(sectionOf('all.target'), null)
})
