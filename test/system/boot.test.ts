// Boot, signals, shutdown and exit status of a real PID 1.
import { readFileSync } from 'node:fs'
import test from 'ava'
import { boot, isRoot } from './pid1.ts'

const service = (exec: string, more = '', unit = '') =>
  `[Unit]\nDescription=A test\n${unit}\n[Service]\nExecStart=${exec}\n${more}\n[Install]\nWantedBy=multi-user.target\n`
const sleeper = service('/bin/sleep infinity')

test('boot starts the units that are enabled by being there, and nothing else', async t => {
  const hearth = await boot(t, {
    units: {
      'web.service': sleeper,
      'static.service': '[Service]\nExecStart=/bin/sleep infinity\n',
      'many@.service': sleeper,
    },
  })
  t.is(await hearth.ok('is-active', 'web'), 'active')
  t.is((await hearth.ctl('is-active', 'static')).out.trim(), 'inactive')
  const list = await hearth.ok('list-units', '--no-legend', '--plain')
  t.regex(list, /^web\.service\s+loaded\s+active\s+running\s+A test$/m)
  t.notRegex(list, /many@/)
  t.is(await hearth.show('web', 'MainPID').then(pid => /^\d+$/.test(pid)), true)
})

test('SIGTERM ends the services in the reverse order of their start, and the daemon with status 0', async t => {
  const hearth = await boot(t, {
    units: directory =>
      Object.fromEntries(
        ['first', 'second', 'third'].map((name, index, all) => [
          `${name}.service`,
          service(
            `/bin/sh -c 'trap "echo ${name} >> $ORDER; exit 0" TERM; echo up > $ORDER.${name}; while :; do sleep 0.05; done'`,
            `Environment=ORDER=${directory}/order`,
            index === 0 ? '' : `After=${all[index - 1]}.service`,
          ),
        ]),
      ),
  })
  for (const name of ['first', 'second', 'third']) {
    await hearth.file(`${hearth.directory}/order.${name}`)
  }
  hearth.signal('SIGTERM')
  t.deepEqual(await hearth.ended, { code: 0, signal: null })
  t.is(readFileSync(`${hearth.directory}/order`, 'utf8'), 'third\nsecond\nfirst\n')
})

test('a service that ignores SIGTERM is killed when TimeoutStopSec= is over', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      'deaf.service': service(
        `/bin/sh -c 'trap "" TERM; : > ${directory}/up; while :; do sleep 1; done'`,
        'TimeoutStopSec=300ms',
      ),
    }),
  })
  await hearth.file(`${hearth.directory}/up`)
  await hearth.ctl('stop', 'deaf')
  t.is(await hearth.show('deaf', 'Result'), 'timeout')
  t.is(await hearth.show('deaf', 'ActiveState'), 'failed')
})

test('a second SIGINT kills what the first one waits for', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      'deaf.service': service(
        `/bin/sh -c 'trap "" TERM INT; : > ${directory}/up; while :; do sleep 1; done'`,
        'TimeoutStopSec=infinity',
      ),
    }),
  })
  await hearth.file(`${hearth.directory}/up`)
  hearth.signal('SIGINT')
  await hearth.said(/Stopping all units/)
  hearth.signal('SIGINT')
  t.is((await hearth.ended).signal, null)
})

test("FailureAction=exit ends the daemon with the service's status, SuccessAction=exit with its own", async t => {
  const failing = await boot(t, {
    units: directory => ({
      'job.service': service(
        `/bin/sh -c 'while [ ! -e ${directory}/go ]; do sleep 0.02; done; exit 7'`,
        '',
        'FailureAction=exit',
      ),
      'web.service': sleeper,
    }),
  })
  await failing.run(['touch', `${failing.directory}/go`])
  t.deepEqual(await failing.ended, { code: 7, signal: null })

  const succeeding = await boot(t, {
    units: directory => ({
      'job.service': service(
        `/bin/sh -c 'while [ ! -e ${directory}/go ]; do sleep 0.02; done'`,
        '',
        'SuccessAction=exit\nSuccessActionExitStatus=42',
      ),
    }),
  })
  await succeeding.run(['touch', `${succeeding.directory}/go`])
  t.deepEqual(await succeeding.ended, { code: 42, signal: null })
})

test('`ctl exit N` and `ctl poweroff` in a container end the daemon', async t => {
  const hearth = await boot(t, { units: { 'web.service': sleeper } })
  await hearth.ctl('exit', '3')
  t.deepEqual(await hearth.ended, { code: 3, signal: null })
})

test('a broken unit file is told with file and line and stops no other unit', async t => {
  const hearth = await boot(t, {
    units: {
      'broken.service': service('/bin/true', 'Restart=sometimes'),
      'odd.service': service('/bin/sleep infinity', 'Colour=blue'),
      'web.service': sleeper,
    },
  })
  t.is(await hearth.ok('is-active', 'web', 'odd'), 'active\nactive')
  t.is(await hearth.show('broken', 'LoadState'), 'bad-setting')
  const refused = await hearth.ctl('start', 'broken')
  t.is(refused.code, 1)
  t.regex(refused.err, /broken\.service:\d+.*Restart=/s)
  t.regex(hearth.err(), /odd\.service:\d+.*Colour/)
})

test('SIGHUP reads the units anew', async t => {
  const hearth = await boot(t, { units: { 'web.service': sleeper } })
  hearth.write('late.service', service('/bin/sleep infinity').replace('A test', 'Came late'))
  t.is((await hearth.ctl('status', 'late')).code, 4)
  hearth.signal('SIGHUP')
  await hearth.said(/reload/i)
  t.is(await hearth.show('late', 'Description'), 'Came late')
})

test('SIGUSR2 writes the state to the log, SIGUSR1 opens the control socket again', async t => {
  const hearth = await boot(t, { units: { 'web.service': sleeper } })
  hearth.signal('SIGUSR2')
  await hearth.said(/web\.service.*running/)
  await hearth.run(['rm', `${hearth.runtime}/control.sock`])
  hearth.signal('SIGUSR1')
  await hearth.file(`${hearth.runtime}/control.sock`)
  t.is(await hearth.ok('is-active', 'web'), 'active')
})

test('SIGRTMIN+4 is an orderly shutdown', async t => {
  const hearth = await boot(t, { units: { 'web.service': sleeper } })
  await hearth.run(['kill', '-s', 'RTMIN+4', String(hearth.pid)])
  t.deepEqual(await hearth.ended, { code: 0, signal: null })
})

test('as an ordinary user the daemon runs in the foreground and ends its services', async t => {
  const hearth = await boot(t, {
    units: { 'web.service': sleeper },
    namespace: false,
    ...(isRoot ? { user: 'nobody' } : {}),
  })
  t.is(await hearth.ok('is-active', 'web'), 'active')
  const pid = Number(await hearth.show('web', 'MainPID'))
  hearth.signal('SIGINT')
  t.deepEqual(await hearth.ended, { code: 0, signal: null })
  t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
})
