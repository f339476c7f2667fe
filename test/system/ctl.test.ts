// ctl against a real daemon: what a person types, what it prints, how it exits.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import test from 'ava'
import type { RunHistory } from '../../daemon/control/schema.ts'
import { boot, root } from './pid1.ts'

const enabled = '\n[Install]\nWantedBy=multi-user.target\n'
const sleeper = `[Unit]\nDescription=Sleeps\n[Service]\nExecStart=/bin/sleep infinity\n${enabled}`

test('a failed start says why: the result, the status and the last line of output', async t => {
  const hearth = await boot(t, {
    units: {
      'bad.service':
        "[Service]\nType=notify\nExecStart=/bin/sh -c 'echo the cat ate the config >&2; exit 3'\n",
      'gone.service': '[Service]\nExecStart=/no/such/program\n',
    },
  })
  const bad = await hearth.ctl('start', 'bad')
  t.is(bad.code, 1)
  t.regex(bad.err, /cannot start bad\.service.*status 3/)
  t.regex(bad.err, /the cat ate the config/)
  const gone = await hearth.ctl('start', 'gone')
  t.is(gone.code, 1)
  t.regex(gone.err, /\/no\/such\/program/)
  t.is(await hearth.show('gone', 'ExecMainStatus'), '203')
  t.regex(
    (await hearth.ctl('status', 'gone')).out,
    /^ +Error: cannot run .no.such.program: no such file/m,
  )
})

test('exit codes are those of systemctl', async t => {
  const hearth = await boot(t, {
    units: {
      'web.service': sleeper,
      'fail.service': '[Service]\nType=oneshot\nExecStart=/bin/false\n',
    },
  })
  const code = async (...args: string[]) => (await hearth.ctl(...args)).code
  t.is(await code('is-active', 'web'), 0)
  t.is(await code('status', 'web'), 0)
  t.is(await code('start', 'fail'), 1)
  t.is(await code('is-active', 'fail'), 3)
  t.is(await code('is-failed', 'fail'), 0)
  t.is(await code('is-failed', 'web'), 1)
  t.is(await code('status', 'fail'), 3)
  t.is(await code('status', 'nothing'), 4)
  t.is(await code('is-enabled', 'web'), 0)
  t.is(await code('is-enabled', 'fail'), 0, 'static')
  t.is(await code('is-enabled', 'nothing'), 1)
  t.is(await code('start', 'nothing'), 5)
})

test('a name that does not exist is answered with the nearest one', async t => {
  const hearth = await boot(t, { units: { 'website.service': sleeper } })
  t.regex((await hearth.ctl('start', 'websit')).err, /website\.service/)
})

test('status looks like systemctl’s, with the tree of processes and the last lines of output', async t => {
  const hearth = await boot(t, {
    units: {
      'web.service': `[Unit]\nDescription=The web\nDocumentation=man:web(8)\n[Service]\nExecStart=/bin/sh -c 'echo hello from web; sleep 1000 & wait'\n${enabled}`,
    },
  })
  await hearth.ctl('logs', 'web', '-n', '1')
  let status = ''
  while (!status.includes('sleep 1000')) status = await hearth.ok('status', 'web')
  t.regex(status, /^● web\.service - The web$/m)
  t.regex(status, /^ +Loaded: loaded \(.*web\.service; enabled.*\)$/m)
  t.regex(status, /^ +Active: active \(running\) since .* ago$/m)
  t.regex(status, /^ +Docs: man:web\(8\)$/m)
  t.regex(status, /^ +Main PID: \d+ \(sh\)$/m)
  t.regex(status, /└─\d+ sleep 1000/)
  t.regex(status, /web\[?\d*\]?.*hello from web|sh\[\d+\]: hello from web/)
})

test('globs and several units: all instances are stopped and started', async t => {
  const hearth = await boot(t, { units: { 'web@.service': sleeper.replace(enabled, '') } })
  await hearth.ok('start', 'web@1', 'web@2', 'web@3')
  t.is(await hearth.ok('is-active', 'web@1', 'web@2', 'web@3'), 'active\nactive\nactive')
  await hearth.ok('stop', 'web@*')
  t.is((await hearth.ctl('is-active', 'web@1', 'web@2', 'web@3')).code, 3)
})

test('enable, disable, mask and unmask change what a unit may do', async t => {
  const hearth = await boot(t, { units: { 'web.service': sleeper } })
  await hearth.ok('disable', 'web')
  t.is((await hearth.ctl('is-enabled', 'web')).out.trim(), 'disabled')
  await hearth.ok('enable', 'web')
  t.is(await hearth.ok('is-enabled', 'web'), 'enabled')
  await hearth.ok('stop', 'web')
  await hearth.ok('mask', 'web')
  const refused = await hearth.ctl('start', 'web')
  t.not(refused.code, 0)
  t.regex(refused.err, /masked/)
  await hearth.ok('unmask', 'web')
  await hearth.ok('start', 'web')
})

test('set-environment reaches services that are started afterwards', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      'env.service': `[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo $COLOUR > ${directory}/out'\n`,
    }),
  })
  await hearth.ok('set-environment', 'COLOUR=teal')
  await hearth.ok('start', 'env')
  t.is(readFileSync(`${hearth.directory}/out`, 'utf8'), 'teal\n')
  t.regex(await hearth.ok('show-environment'), /^COLOUR=teal$/m)
})

test('log-level changes what the daemon’s own log holds, over other images of it too', async t => {
  const hearth = await boot(t, { units: { 'all.target': '[Unit]\n' } })
  t.is(await hearth.ok('log-level'), 'info')
  await hearth.ok('log-level', 'warning')
  await hearth.ok('daemon-reexec')
  t.is(await hearth.ok('log-level'), 'warn')
  await hearth.ok('start', 'all.target')
  await hearth.ok('log-level', 'info')
  await hearth.ok('stop', 'all.target')
  await hearth.said(/Stopped all\.target/)
  t.notRegex(hearth.err(), /Started all\.target|taking over/)
  const { code, err } = await hearth.ctl('log-level', 'loud')
  t.is(code, 1)
  t.regex(err, /cannot read 'loud': expected trace, debug, info, warn or error/)
})

test('logs -f follows a service over its restart', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      'talk.service': `[Service]\nExecStart=/bin/sh -c 'echo run of $$$$; : > ${directory}/up; exec sleep infinity'\nRestart=always\nRestartSec=0\n${enabled}`,
    }),
  })
  const followed = `${hearth.directory}/followed`
  const follow = hearth.run([
    'sh',
    '-c',
    `${root}dist/ctl logs -f -o cat talk > ${followed} & until [ $(wc -l < ${followed}) -gt 1 ]; do sleep 0.02; done; kill $!`,
  ])
  await hearth.file(`${hearth.directory}/up`)
  await hearth.ok('restart', 'talk')
  await follow
  const lines = readFileSync(followed, 'utf8').trim().split('\n')
  t.is(lines.length, 2)
  t.not(lines[0], lines[1])
  const logs = (...args: string[]) => hearth.ok('logs', 'talk', '-o', 'cat', ...args)
  t.is(await logs('--run=0'), lines[1] ?? '')
  t.is(await logs('--run=-1'), lines[0] ?? '')
  t.is(await logs('--boot', '-r'), `${lines[1]}\n${lines[0]}`)
  t.is(await logs('--stream=err'), '')
})

test('history tells how each run of a service has ended, and its last words', async t => {
  const hearth = await boot(t, {
    units: directory => ({
      'job.service': `[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo started; sleep 0.05; echo last words >&2; exit 3'\n`,
      'good.service': '[Service]\nType=oneshot\nExecStart=/bin/echo fine\n',
      'crash.service': `[Service]\nExecStart=/bin/sh -c '[ ! -e ${directory}/once ] || { : > ${directory}/up; exec sleep infinity; }; : > ${directory}/once; kill -SEGV $$$$'\nRestart=on-failure\nRestartSec=0\n`,
    }),
  })
  t.is((await hearth.ctl('start', 'job')).code, 1)
  const { code } = await hearth.inside([
    'env',
    `HEARTH_RUNTIME=${hearth.runtime}`,
    `${root}dist/ctl`,
    'start',
    'good',
  ])
  t.is(code, 0)
  const told = await hearth.ok('history', 'job', 'good')
  t.regex(
    told,
    /job\.service run [0-9a-f]{32}\n {2}after \S+.*, started by \w+\n/,
    'a process of another namespace',
  )
  t.regex(told, /\n {2}code=exited, status=3.*, result exit-code.*\n {4}started\n {4}last words\n/)
  t.regex(
    told,
    /good\.service run .*\n.*, started by \w+ \(process \d+\)\n {2}code=exited, status=0\/SUCCESS/,
  )
  await hearth.ctl('start', 'crash')
  await hearth.file(`${hearth.directory}/up`)
  await hearth.ok('stop', 'crash')
  const runs = JSON.parse(await hearth.ok('history', '--json', 'crash'))[0].runs
  t.deepEqual(
    runs.map(({ result, startedBy, restarting }: RunHistory['runs'][number]) => [
      result,
      startedBy.replace(/ \(.*/, ''),
      restarting,
    ]),
    [
      ['signal', userInfo().username, true],
      ['success', 'an automatic restart', false],
    ],
  )
  t.regex(runs[0].outcome, /^code=(killed|dumped), status=11\/SEGV$/)
  t.is((await hearth.ctl('history', 'never')).code, 1)
  rmSync(`${hearth.units}/good.service`)
  await hearth.ok('daemon-reload')
  t.regex(await hearth.ok('logs', '-o', 'cat', 'go*'), /^fine$/, 'though it is not loaded')
  t.regex(await hearth.ok('history', 'go*'), /good\.service run /)
})

test('the rolling restart of the documentation stops at the first failure', async t => {
  const text = readFileSync(`${root}docs/rolling-restart.md`, 'utf8')
  const script = /```sh\n(#!\/bin\/sh[\s\S]*?)```/.exec(text)?.[1] ?? ''
  t.not(script, '')
  const hearth = await boot(t, {
    units: directory => ({
      'web@.service': `[Service]\nType=notify\nNotifyAccess=all\nExecStart=/bin/sh -c '[ ! -e ${directory}/broken.%i ] || exit 1; systemd-notify --ready; exec sleep infinity'\n`,
    }),
  })
  await hearth.ok('start', 'web@1', 'web@2', 'web@3')
  const pids = () => Promise.all([1, 2, 3].map(i => hearth.show(`web@${i}`, 'MainPID')))
  writeFileSync(`${hearth.directory}/roll`, script, { mode: 0o755 })
  const roll = () =>
    hearth.run(['sh', '-c', `PATH=${root}dist:$PATH exec sh ${hearth.directory}/roll`])

  const before = await pids()
  t.is((await roll()).code, 0)
  const after = await pids()
  t.true(after.every((pid, index) => pid !== before[index] && pid !== '0'))

  writeFileSync(`${hearth.directory}/broken.2`, '')
  t.not((await roll()).code, 0)
  t.is((await hearth.ctl('is-active', 'web@2')).code, 3)
  t.is(await hearth.show('web@3', 'MainPID'), after[2] ?? '', 'the third was not touched')
})
