import test from 'ava'
import type { Answers } from './fake-daemon.ts'
import { startFake } from './fake-daemon.ts'
import { logLine, unitStatus } from './specimens.ts'

const properties = [
  ['MainPID', '65'],
  ['ExecStart', '{ path=/a }'],
  ['ExecStart', '{ path=/b }'],
  ['ActiveState', 'active'],
  ['StatusText', ''],
] as const

const answers: Answers = {
  show: ({ units = [''], properties: wanted }) => ({
    result: {
      units: units.map(unit => ({
        unit,
        properties: properties.filter(([name]) => wanted?.includes(name) ?? true),
      })),
      errors: [],
    },
  }),
  cat: {
    result: {
      units: [
        {
          unit: 'web.service',
          files: [
            { path: '/u/web.service', text: '[Service]\nExecStart=/bin/true\n' },
            { path: '/u/web.service.d/a.conf', text: '[Service]\nNice=1' },
          ],
        },
      ],
      errors: [],
    },
  },
  enable: {
    result: {
      changes: [
        {
          action: 'symlink',
          path: '/e/multi-user.target.wants/web.service',
          target: '/u/web.service',
        },
        { action: 'unlink', path: '/e/old.service', target: null },
      ],
      notes: ['web.service needs nothing more.'],
      jobs: [],
    },
  },
  verify: {
    result: {
      units: [
        {
          unit: 'web.service',
          loadState: 'bad-setting',
          problems: [
            {
              severity: 'error',
              file: '/u/web.service',
              line: 3,
              directive: 'Service.Restart',
              message: "'x' is no restart policy",
            },
            {
              severity: 'note',
              file: null,
              line: null,
              directive: 'PrivateTmp',
              message: 'it is not enforced',
            },
          ],
        },
      ],
      errors: [],
    },
  },
  getEnvironment: { result: { environment: ['LANG=C.UTF-8', 'C=d e', "Q=it's"] } },
  logs: {
    result: { errors: [] },
    parts: [
      { lines: [logLine('one'), logLine('two', { partial: true })] },
      { lines: [logLine('three')] },
    ],
  },
  status: ({ units = [] }) => ({
    result: { manager: null, units: units.map(unit => unitStatus({ unit })), errors: [] },
  }),
  version: {
    result: {
      version: '9.9.9',
      protocol: 1,
      pid: 1,
      image: { number: 1, cause: null, asked: false },
    },
  },
}

test('show prints NAME=VALUE in the order of the daemon, without the empty ones', async t => {
  const { ctl } = await startFake(t, answers)
  t.is(
    (await ctl('show', 'web')).out,
    'MainPID=65\nExecStart={ path=/a }\nExecStart={ path=/b }\nActiveState=active\n',
  )
  t.regex((await ctl('show', 'web', '--all')).out, /^StatusText=$/m)
})

test('a property that was asked for is shown though it is empty, one that is not there is not', async t => {
  const { ctl } = await startFake(t, answers)
  t.is((await ctl('show', 'web', '-p', 'StatusText,NoSuch')).out, 'StatusText=\n')
  t.deepEqual(await ctl('show', 'web', '-p', 'NoSuch'), { code: 0, out: '', err: '' })
})

test('--value leaves out the names, and units are set apart by a blank line', async t => {
  const { ctl } = await startFake(t, answers)
  t.is((await ctl('show', 'web', '--value', '-p', 'MainPID')).out, '65\n')
  t.is((await ctl('show', 'web', '-P', 'MainPID')).out, '65\n')
  t.is((await ctl('show', 'a', 'b', '-p', 'MainPID')).out, 'MainPID=65\n\nMainPID=65\n')
})

test('cat shows each file under its path', async t => {
  const { ctl } = await startFake(t, answers)
  t.is(
    (await ctl('cat', 'web')).out,
    '# /u/web.service\n[Service]\nExecStart=/bin/true\n\n# /u/web.service.d/a.conf\n[Service]\nNice=1\n',
  )
})

test('changes to unit files are told on standard error in systemctl’s words', async t => {
  const { ctl } = await startFake(t, answers)
  t.deepEqual(await ctl('enable', 'web'), {
    code: 0,
    out: '',
    err: 'Created symlink /e/multi-user.target.wants/web.service → /u/web.service.\nRemoved "/e/old.service".\nweb.service needs nothing more.\n',
  })
  t.is((await ctl('enable', '-q', 'web')).err, '')
})

test('verify names file, line and directive, and fails for an error', async t => {
  const { ctl } = await startFake(t, answers)
  const { code, out } = await ctl('verify', 'web')
  t.is(code, 1)
  t.is(
    out,
    "/u/web.service:3: error: Service.Restart: 'x' is no restart policy\nweb.service: note: PrivateTmp: it is not enforced\n",
  )
})

test('the environment is printed as a shell reads it back', async t => {
  const { ctl } = await startFake(t, answers)
  t.is((await ctl('show-environment')).out, "LANG=C.UTF-8\nC=$'d e'\nQ=$'it\\'s'\n")
})

test('logs are printed as they come, with cat a part of a long line without its end', async t => {
  const { ctl } = await startFake(t, answers)
  t.is((await ctl('logs', 'web', '-o', 'cat')).out, 'one\ntwothree\n')
  t.regex((await ctl('logs', 'web')).out, /^Nov 25 21:23:32 \S+ nginx\[123\]: one$/m)
})

test('several statuses are set apart by a blank line', async t => {
  const { ctl } = await startFake(t, answers)
  t.regex(
    (await ctl('status', 'a.service', 'b.service')).out,
    /\(nginx\)\n\n● b\.service - The web\n/,
  )
})

test('version tells both versions, and does not need the daemon', async t => {
  const { ctl, socket } = await startFake(t, answers)
  t.regex((await ctl('version')).out, /^ctl \d+\.\d+\.\d+\nhearth 9\.9\.9 \(PID 1, protocol 1\)\n$/)
  const { code, out } = await ctl('--socket', `${socket}.none`, 'version')
  t.is(code, 0)
  t.regex(out, /hearth is not reachable/)
})

test('mistyped verbs are answered with the nearest, mistyped options with where to look', async t => {
  const { ctl } = await startFake(t, answers)
  t.is(
    (await ctl('strat', 'web')).err,
    "cannot read the command line: unknown command 'strat'\n  (Did you mean start?)\n",
  )
  t.is(
    (await ctl('start', '--bogus', 'web')).err,
    "cannot read the command line: unknown option '--bogus'\n  see 'ctl help'\n",
  )
})
