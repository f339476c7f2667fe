// The sockets of other loggers, served by a real daemon in a copy of this system with a /dev and a /run of its own.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import test, { type ExecutionContext } from 'ava'
import type { LogLine } from '../../daemon/control/schema.ts'
import { boot, isRoot, type Pid1, root } from './pid1.ts'

const directory = mkdtempSync(`${tmpdir()}/hearth-logging-`)
test.after.always(() => rmSync(directory, { recursive: true }))
const logging = `${directory}/logging`

test.before(() => {
  const source = `${root}test/system/logging.c`
  const { status } = spawnSync('cc', ['-D_GNU_SOURCE', '-o', logging, source])
  if (status !== 0) throw new Error('cannot compile test/system/logging.c')
})

const whole = isRoot ? test : test.skip

const start = (t: ExecutionContext, units: Record<string, string>, before = ':') =>
  boot(t, { units, sandbox: before, args: ['--log-sockets', '--target', 'basic.target'] })

async function linesOf(hearth: Pid1, ...args: string[]): Promise<LogLine[]> {
  const text = await hearth.ok('logs', '-o', 'json', ...args)
  return text === '' ? [] : text.split('\n').map(line => JSON.parse(line))
}

const oneshot = (...commands: string[]) =>
  `[Service]\nType=oneshot\n${commands.map(command => `ExecStart=${command}\n`).join('')}`

whole('what a unit logs by syslog(3), the journal and its stdout socket is in its log', async t => {
  const hearth = await start(
    t,
    {
      'web.service': oneshot(
        `${logging} syslog 1`,
        '/usr/bin/logger -t tagged -p auth.err "by logger"',
        `${logging} lines first`,
        `${logging} memory 100000`,
        '/usr/bin/logger --journald=/opt/entry',
        `/usr/bin/systemd-cat -t cat -p notice /bin/sh -c 'echo by cat; echo "<3>urgent"; printf unended'`,
      ),
      'quiet.service': `${oneshot(`${logging} journal 1`, '/usr/bin/logger -t kept -p crit kept')}LogLevelMax=err\nStandardOutput=null\nStandardError=null\n`,
    },
    'printf "MESSAGE=by libsystemd\nPRIORITY=2\nOWN_FIELD=1\n" > /opt/entry',
  )
  await hearth.ok('start', 'web', 'quiet')
  const lines = await linesOf(hearth, 'web')
  // Each socket is read in order, and beside the others.
  lines.sort((a, b) => (a.pid ?? 0) - (b.pid ?? 0))
  const short = lines.map(({ identifier, stream, priority, message, fields = {} }) => [
    identifier,
    stream,
    priority,
    message.length > 100 ? message.length : message,
    fields,
  ])
  t.deepEqual(short, [
    ['counter', 'log', 4, 'line 1', {}],
    ['tagged', 'log', 3, 'by logger', { SYSLOG_FACILITY: '4' }],
    ['binary', 'log', 3, 'first', {}],
    ['binary', 'log', 3, 'second', { USER_FIELD: 'a tab\tin it' }],
    ['large', 'log', 6, 49152, {}],
    ['large', 'log', 6, 49152, {}],
    ['large', 'log', 6, 1696, { LENGTH: '100000' }],
    ['logger', 'log', 2, 'by libsystemd', { OWN_FIELD: '1' }],
    ['cat', 'out', 5, 'by cat', {}],
    ['cat', 'out', 3, 'urgent', {}],
    ['cat', 'out', 5, 'unended', {}],
  ])
  t.is(new Set(lines.map(({ invocationId }) => invocationId)).size, 1)
  t.true(lines.every(({ pid }) => pid !== null && pid > 1))
  t.is(new Set(lines.map(({ pid }) => pid)).size, 6)
  t.deepEqual(
    (await linesOf(hearth, 'quiet')).map(({ message }) => message),
    ['kept'],
    'though it has no pipe',
  )
  await hearth.inside(['logger', '-t', 'me', 'of no unit'])
  const [stranger, ...more] = await linesOf(hearth, 'other.scope')
  t.like(stranger, { identifier: 'me', message: 'of no unit', stream: 'log', invocationId: '' })
  t.deepEqual(more, [])
  t.is((await linesOf(hearth, '--stream=log')).length, 10)
})

whole(
  'nothing that is logged to a socket is lost when the daemon dies and comes again',
  async t => {
    const count = 400
    const service = (command: string) => `[Service]\nExecStart=${command}\n`
    const hearth = await start(t, {
      'syslog.service': service(`${logging} syslog ${count} 4000`),
      'journal.service': service(`${logging} journal ${count} 4000`),
      'cat.service': service(
        `/usr/bin/systemd-cat -t cat /bin/sh -c 'for i in $(seq ${count}); do printf "line "; sleep 0.004; echo $i; done'`,
      ),
    })
    await hearth.ok('start', 'syslog', 'journal', 'cat')
    for (const end of ['SEGV', 'reexec', 'ABRT']) {
      const before = (await linesOf(hearth, 'syslog')).length
      if (end === 'reexec') await hearth.ok('daemon-reexec')
      else await hearth.inside(['kill', `-${end}`, '1'])
      await hearth.run([
        'timeout',
        '20',
        'sh',
        '-c',
        `until [ "$(${root}dist/ctl logs -o cat syslog | wc -l)" -gt ${before} ] || ! ${root}dist/ctl -q is-active syslog; do sleep 0.05; done`,
      ])
    }
    for (const unit of ['syslog', 'journal', 'cat'])
      await hearth.until(`${unit}.service`, 'ActiveState', 'inactive')
    for (const unit of ['syslog', 'journal', 'cat']) {
      const lines = await linesOf(hearth, unit)
      const numbers = lines.map(({ message }) => Number(message.replace('line ', '')))
      const wanted = Array.from({ length: count }, (_, index) => index + 1)
      t.deepEqual([...new Set(numbers)], wanted, unit)
      // Stored and not yet taken away when it died: such a message comes twice.
      t.true(numbers.length - count <= (unit === 'cat' ? 0 : 3), `${unit}: ${numbers.length}`)
    }
  },
)

whole('a socket that another program serves is left alone, a stale one is not', async t => {
  const hearth = await start(
    t,
    { 'web.service': oneshot(`${logging} syslog 1`, `${logging} journal 1`) },
    `mkdir -p /run/systemd/journal
     nc -luU /run/systemd/journal/socket & stale=$!
     nc -lkuU /dev/log > /opt/other &
     until [ -S /dev/log ] && [ -S /run/systemd/journal/socket ]; do sleep 0.01; done
     kill $stale; wait $stale || :`,
  )
  await hearth.said(/cannot take logs at \/dev\/log: another program serves it; it is left alone/)
  await hearth.ok('start', 'web')
  t.is((await hearth.inside(['cat', '/opt/other'])).out.replace(/^.*: /, ''), 'line 1')
  t.deepEqual(
    (await linesOf(hearth, 'web')).map(({ message, fields }) => [message, fields]),
    [['line 1', { COUNT: '1' }]],
  )
})
