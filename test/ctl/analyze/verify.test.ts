import test from 'ava'
import { ctl, directoryOf } from './run.ts'

test('verify tells file, line, column and what was expected, and fails', t => {
  const directory = directoryOf(t, {
    'web.service':
      '[Unit]\nRequires=db.service\n[Service]\nExecStart=/bin/true\n  KillMode=mixedd\n',
  })
  const { errors, status } = ctl(['analyze', 'verify', `${directory}/web.service`])
  t.true(errors.includes(`${directory}/web.service:5:12: `), errors)
  t.regex(errors, /KillMode=mixedd: expected control-group, mixed, process or none/)
  t.true(
    errors.includes(
      `${directory}/web.service:2:10: error: Unit.Requires: Unit db.service not found`,
    ),
    errors,
  )
  t.is(status, 1)
})

test('unknown directives are warnings, and what is sound is silent', t => {
  const directory = directoryOf(t, {
    'odd.service': '[Service]\nExecStrat=/bin/x\nExecStart=/bin/true\n',
    'fine.service':
      '[Unit]\nWants=gone.service\nAfter=network.target\nRequires=basic.target\n[Service]\nExecStart=-/nowhere/x\n',
  })
  const odd = ctl(['verify', `${directory}/odd.service`])
  t.regex(odd.errors, /odd\.service:2:\d+: warning: .*did you mean ExecStart\?/)
  t.is(odd.status, 0)
  t.deepEqual(ctl(['analyze', 'verify', `${directory}/fine.service`]), {
    out: '',
    errors: '',
    status: 0,
  })
})

test('all units of a directory are looked at: missing programs, templates and cycles in the order', t => {
  const service = (...unit: string[]) =>
    `[Unit]\n${unit.join('\n')}\n[Service]\nExecStart=/bin/true\n`
  const directory = directoryOf(t, {
    'a.service': service('After=b.service', 'Wants=b.service'),
    'b.service': service('After=c.service'),
    'c.service': service('After=a.service'),
    'x.service': '[Service]\nExecStart=/nowhere/x\n',
    'y@.service': '[Service]\nExecStart=/bin/echo %Q\n',
    'notes.txt': 'no unit',
  })
  const { errors, status } = ctl(['verify', directory])
  t.true(
    errors.includes(
      'a.service: error: Found ordering cycle on b.service/start, Found dependency on c.service/start, Found dependency on a.service/start\n',
    ),
    errors,
  )
  t.regex(
    errors,
    /x\.service:2:\d+: error: .*Command \/nowhere\/x is not executable: No such file or directory/,
  )
  t.regex(errors, /y@\.service:2:\d+: error: .*%Q is no specifier/)
  t.is(status, 1)
})

test('what is no unit file is refused', t => {
  const directory = directoryOf(t, { 'notes.txt': '' })
  t.regex(ctl(['verify', `${directory}/nothing.service`]).errors, /there is no such file/)
  t.regex(ctl(['verify', `${directory}/notes.txt`]).errors, /expected a file named as a unit/)
  t.is(ctl(['verify', directory]).status, 1)
})
