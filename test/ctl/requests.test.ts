import test from 'ava'
import type { Answers } from './fake-daemon.ts'
import { startFake } from './fake-daemon.ts'

const answers: Answers = {
  jobs: { result: { jobs: [] } },
  kill: { result: { units: [], errors: [] } },
  clean: { result: { cleaned: [], errors: [] } },
  listUnits: { result: { units: [], total: 0 } },
  show: { result: { units: [], errors: [] } },
  status: { result: { manager: null, units: [], errors: [] } },
  logs: { result: { errors: [] } },
  enable: { result: { changes: [], notes: [], jobs: [] } },
  disable: { result: { changes: [], notes: [], jobs: [] } },
  shutdown: { result: {} },
  history: { result: { units: [], errors: [] } },
  record: { result: { steps: 0, units: 0, sinceUsec: null } },
  listDependencies: { result: { trees: [], errors: [] } },
  logLevel: { result: { level: 'info' } },
  setEnvironment: { result: {} },
}

// What is typed, and what the daemon is asked for.
const table: readonly (readonly [line: readonly string[], method: string, params: object])[] = [
  [['start', 'a', 'b'], 'jobs', { verb: 'start', units: ['a', 'b'], wait: true }],
  [
    ['--no-block', 'restart', 'a', '--job-mode=fail'],
    'jobs',
    { verb: 'restart', units: ['a'], wait: false, mode: 'fail' },
  ],
  [['isolate', 'rescue'], 'jobs', { verb: 'isolate', units: ['rescue.target'], wait: true }],
  [['kill', 'a'], 'kill', { units: ['a'], signal: 15, whom: 'all' }],
  [
    ['kill', '-s', 'HUP', '--kill-whom=main', 'a'],
    'kill',
    { units: ['a'], signal: 1, whom: 'main' },
  ],
  [['clean', 'a'], 'clean', { units: ['a'] }],
  [['clean', '--what=state,logs', 'a'], 'clean', { units: ['a'], what: ['state', 'logs'] }],
  [['kill', '--signal=RTMIN+3', 'a'], 'kill', { units: ['a'], signal: 37, whom: 'all' }],
  [[], 'listUnits', { all: false }],
  [['--failed'], 'listUnits', { all: false, states: ['failed'] }],
  [
    ['list-units', '-t', 'service,socket', '--state=running', '-a', 'w*'],
    'listUnits',
    { all: true, patterns: ['w*'], states: ['running'], types: ['service', 'socket'] },
  ],
  [['show', 'a', '-p', 'Id,Names'], 'show', { units: ['a'], properties: ['Id', 'Names'] }],
  [['show'], 'show', {}],
  [['status', 'a', '-n', '3'], 'status', { units: ['a'], lines: 3 }],
  [['logs', 'a'], 'logs', { units: ['a'], lines: null, follow: false }],
  [
    ['logs', '-e', '-r', '-b', '-p', 'err', '--stream=err', '--run=-1', 'a'],
    'logs',
    {
      ...{ units: ['a'], lines: 1000, follow: false, priority: 3, stream: 'err', boot: true },
      ...{ reverse: true, run: -1 },
    },
  ],
  [['logs', '--run=0'], 'logs', { units: [], lines: null, follow: false, run: 0 }],
  [
    ['logs', '--run=01234567-89ab-cdef-0123-456789ABCDEF'],
    'logs',
    {
      ...{ units: [], lines: null, follow: false },
      invocationId: '0123456789abcdef0123456789abcdef',
    },
  ],
  [['logs', '-f', '-u', 'a', 'b'], 'logs', { units: ['b', 'a'], lines: 10, follow: true }],
  [
    ['logs', '--follow', '-n', 'all', '--since=@5', '--priority=err', '-g', 'x+'],
    'logs',
    { units: [], lines: null, follow: true, sinceUsec: 5_000_000, priority: 3, grep: 'x+' },
  ],
  [
    ['enable', '--now', '--runtime', '-f', 'a'],
    'enable',
    { units: ['a'], now: true, runtime: true, force: true },
  ],
  [['history', 'a', '-n', '2'], 'history', { units: ['a'], lines: 2 }],
  [['record'], 'record', {}],
  [['exit', '3'], 'shutdown', { kind: 'exit', exitStatus: 3 }],
  [['reboot'], 'shutdown', { kind: 'reboot' }],
  [
    ['list-dependencies', '--after', 'a'],
    'listDependencies',
    { units: ['a'], reverse: false, all: false, order: 'after' },
  ],
  [['log-level'], 'logLevel', {}],
  [['log-level', 'warning'], 'logLevel', { level: 'warn' }],
  [['set-environment', 'A=b=c'], 'setEnvironment', { assignments: ['A=b=c'] }],
  [['import-environment', 'TZ'], 'setEnvironment', { assignments: ['TZ=UTC'] }],
  [['condrestart', 'a'], 'jobs', { verb: 'try-restart', units: ['a'], wait: true }],
  [['force-reload', 'a'], 'jobs', { verb: 'try-reload-or-restart', units: ['a'], wait: true }],
  [
    ['reenable', 'a', '--runtime'],
    'enable',
    { units: ['a'], now: false, runtime: true, force: false },
  ],
]

test('what is typed is what the daemon is asked for', async t => {
  const { ctl, requests } = await startFake(t, answers)
  for (const [line, method, params] of table) {
    const { code, err } = await ctl(...line)
    t.is(code, 0, `${line.join(' ')}: ${err}`)
    const asked = requests.at(-1)
    // A job is asked for with a key of its own each time.
    const { key, ...given } = (asked?.params ?? {}) as { key?: string }
    t.is(/^[0-9a-f]{32}$/.test(key ?? ''), method === 'jobs')
    t.deepEqual(
      { method: asked?.method, params: given },
      { method, params } as never,
      line.join(' '),
    )
  }
})

// What ctl itself can see is wrong does not trouble the daemon.
const refused: readonly (readonly [line: readonly string[], says: RegExp])[] = [
  [['clean', '--what=dust', 'a'], /^cannot clean dust: --what= takes configuration, state/],
  [['kill', '-s', 'NOPE', 'a'], /^cannot send NOPE: there is no such signal/],
  [['kill', '--kill-whom=me', 'a'], /^cannot .*--kill-whom= takes main, control or all/],
  [['list-units', '-t', 'bogus'], /^cannot list units of type 'bogus'/],
  [['logs', '-n', 'few'], /^cannot show 'few' lines/],
  [['logs', '-o', 'fancy'], /^cannot print logs as 'fancy'/],
  [['logs', '--since=teatime'], /^cannot read the time 'teatime' of --since=/],
  [['logs', '--priority=9'], /^cannot show lines of priority '9'/],
  [['logs', '-p', '9'], /^cannot show lines of priority '9'/],
  [['logs', '--run=2'], /^cannot show the run '2'/],
  [['logs', '--stream=in'], /^cannot show lines of the stream 'in'/],
  [['logs', '-f', '-r'], /^cannot follow backwards/],
  [['exit', 'now'], /^cannot exit with 'now'/],
  [['cancel', 'web'], /^cannot cancel 'web': a job is named by its number/],
  [['set-environment', 'A'], /^cannot set 'A': expected NAME=VALUE/],
  [['import-environment', 'NO_SUCH'], /^cannot import 'NO_SUCH': it is not set/],
  [['import-environment', '1A'], /^cannot import '1A': it is no name of a variable/],
  [['completion', 'tcsh'], /^cannot complete for 'tcsh'/],
]

test('what is plainly wrong is refused in a sentence, and the daemon is not asked', async t => {
  const { ctl, requests } = await startFake(t, answers)
  for (const [line, says] of refused) {
    const { code, err } = await ctl(...line)
    t.is(code, 1, line.join(' '))
    t.regex(err, says)
  }
  t.deepEqual(requests, [])
})
