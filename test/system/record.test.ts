// ctl record of a real daemon, and what hearth replay makes of it.
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import test from 'ava'
import { boot, root, run } from './pid1.ts'

const replay = (...words: readonly string[]) => run([`${root}dist/hearth`, 'replay', ...words])

test('a recording of a daemon gives its decisions again, over a restart, a timer and a stop', async t => {
  const hearth = await boot(t, {
    units: {
      'web.service':
        '[Service]\nEnvironment=PASSWORD=hunter2\nExecStart=/bin/sleep infinity\nRestart=always\nRestartSec=0\n[Install]\nWantedBy=multi-user.target\n',
      'job.service': '[Service]\nType=oneshot\nExecStart=/bin/true\n',
      'job.timer': '[Timer]\nOnActiveSec=0\n[Install]\nWantedBy=multi-user.target\n',
    },
  })
  const pid = await hearth.show('web', 'MainPID')
  await hearth.ctl('kill', '-s', 'KILL', 'web')
  await hearth.restarted('web', pid)
  await hearth.until('job.timer', 'SubState', 'elapsed')
  await hearth.ok('set-environment', 'TOKEN=hunter2')
  await hearth.ok('stop', 'web')
  const file = `${hearth.directory}/a.recording`
  t.regex((await hearth.ctl('record', file)).err, /^Recorded \d+ steps of the last .* to /)
  t.is(statSync(file).mode & 0o777, 0o600)
  const text = readFileSync(file, 'utf8')
  t.false(text.includes('hunter2'), 'no secrets')

  const all = await replay(file)
  t.is(all.code, 0, all.out)
  t.regex(all.out, /^recorded by hearth .*\n#1 /)
  t.regex(all.out, /exited \d+ of web\.service code=killed, status=9\/KILL\n/)
  t.regex(all.out, /\n\d+ steps, all as recorded\n$/)

  const web = await replay(file, '--unit', 'web')
  t.false(/job\.(service|timer)/.test(web.out))
  t.regex(web.out, /web\.service {2}SIGTERM to main process/)
  t.regex((await replay(file, '--stop', '1')).out, /\nafter step 1:\n/)
  const [first] = (await replay(file, '--json')).out.split('\n')
  t.like(JSON.parse(first ?? ''), { step: 1, same: true })

  writeFileSync(file, text.replaceAll('"restart":"always"', '"restart":"no"'))
  const other = await replay(file, '--differing')
  t.is(other.code, 1)
  t.regex(other.out, /differs\. Recorded:.*activating \(start\).*Now:.*failed \(failed\)/s)
  t.regex(other.out, /\d+ of \d+ steps differ, the first is #\d+\n$/)

  writeFileSync(file, text.replaceAll('"web.service"', '"web.socket"'))
  const damaged = await replay(file)
  t.is(damaged.code, 1)
  t.regex(damaged.err, /^cannot replay .*: it was changed or damaged \(.*\)\n$/)

  await hearth.ok('daemon-reload')
  await hearth.ok('start', 'web')
  const fresh = await run([
    'sh',
    '-c',
    `HEARTH_RUNTIME=${hearth.runtime} ${root}dist/ctl record | ${root}dist/hearth replay -`,
  ])
  t.is(fresh.code, 0, fresh.out + fresh.err)
})

test('what cannot be replayed is refused in a sentence', async t => {
  for (const [words, message] of [
    [['/nowhere'], /^cannot read \/nowhere: no such file/],
    [['/etc/passwd'], /^cannot replay \/etc\/passwd: line 1 is no JSON/],
    [[], /^cannot replay: expected one file/],
    [['--stop', 'x', '/etc/passwd'], /^cannot read --stop x/],
  ] as const) {
    const { code, err } = await replay(...words)
    t.is(code, 1)
    t.regex(err, message)
  }
})
