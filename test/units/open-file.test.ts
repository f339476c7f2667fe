// OpenFile= as it is read and shown (systemd.service(5)).
import test from 'ava'
import { settingsProperties } from '../../daemon/units/show.ts'
import { unitsOf } from './_files.ts'

const service = (lines: string) =>
  unitsOf({ '/etc/units/a.service': `[Service]\nExecStart=/bin/true\n${lines}\n` }).get('a.service')

test('OpenFile= has a path, a name that is the file’s unless it is given, and options', t => {
  const unit = service('OpenFile=/etc/shadow\nOpenFile=/run/x:y:read-only,graceful')
  t.deepEqual(unit.service?.openFiles, [
    { path: '/etc/shadow', name: 'shadow', access: 'read-write', graceful: false },
    { path: '/run/x', name: 'y', access: 'read-only', graceful: true },
  ])
  const shown = settingsProperties(unit).filter(([name]) => name === 'OpenFile')
  t.deepEqual(
    shown.map(([, value]) => value),
    ['/etc/shadow:shadow', '/run/x:y:read-only,graceful'],
  )
  t.deepEqual(service('OpenFile=/a\nOpenFile=').service?.openFiles, [])
})

test('OpenFile= is refused with options that contradict each other or are none', t => {
  const problem = (value: string) => service(`OpenFile=${value}`).problems[0]?.message ?? ''
  t.regex(problem('etc/x'), /absolute path/)
  t.regex(problem('/x:y:append,truncate'), /one of read-only, append and truncate/)
  t.regex(problem('/x:y:graceful,graceful'), /no option twice/)
  t.regex(problem('/x:y:writable'), /options of read-only, append, truncate or graceful/)
  t.regex(problem('/x:y:append:z'), /PATH:NAME:OPTIONS/)
})
