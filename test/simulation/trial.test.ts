// hearth test: what a test file says, what it comes to, and what is said when it is not as expected.
import { readFileSync } from 'node:fs'
import test from 'ava'
import { forms, readPhrases } from '../../simulation/trial/phrases.ts'
import { readScript } from '../../simulation/trial/read.ts'
import { reportLines } from '../../simulation/trial/report.ts'
import { type Outcome, runTrial } from '../../simulation/trial/run.ts'

const PATH = '/nowhere/units.test'

const UNITS = `
unit db.service
  [Service]
  Type=notify
  TimeoutStartSec=30s
  WatchdogSec=10s
  ExecStart=/usr/bin/db

unit web.service
  [Unit]
  Requires=db.service
  After=db.service
  [Service]
  ExecStartPre=/usr/bin/check
  ExecStart=/usr/bin/web
  Restart=on-failure
  RestartSec=1s
  [Install]
  WantedBy=default.target

unit fork.service
  [Service]
  Type=forking
  ExecStart=/usr/bin/fork

unit job.service
  [Unit]
  ConditionPathExists=/var/lib/job
  [Service]
  Type=oneshot
  ExecStart=/usr/bin/job

unit job.timer
  [Timer]
  OnCalendar=03:00

unit echo.socket
  [Socket]
  ListenStream=7

unit echo.service
  [Service]
  ExecStart=/usr/bin/echo

unit spool.path
  [Path]
  PathExists=/var/spool/x
  Unit=job.service

`

function outcomes(text: string): readonly Outcome[] {
  const script = readScript(PATH, text)._unsafeUnwrap()
  return script.trials.map(trial => runTrial(PATH, trial))
}

/** The only test of the steps, after the units above. */
const outcome = (...steps: readonly string[]): Outcome => {
  const [first] = outcomes(`${UNITS}\ntest it\n${steps.map(step => `  ${step}\n`).join('')}`)
  if (!first) throw new Error('there is no test')
  return first
}

const mistakes = (text: string) =>
  readScript(PATH, text)
    ._unsafeUnwrapErr()
    .map(({ line, message }) => `${line}: ${message}`)

const HOLD: Readonly<Record<string, readonly string[]>> = {
  'a service is up at once and stays so when nothing is said': [
    'boot',
    'expect web running',
    'expect db before web',
    'for 1h expect db running',
  ],
  'a service that is never ready times out, and what requires it fails': [
    'process db: never ready',
    'start web',
    'at 29s expect db activating',
    'expect start web pending',
    'at 31s expect db failed Result=timeout',
    'expect start web dependency',
    'expect web started never',
    'expect message of db timed out',
  ],
  'out of memory again and again reaches the start limit': [
    'process web: out of memory every 1s',
    'start web',
    'within 30s expect web failed Result=oom-kill',
    'expect web started 5 times',
  ],
  'runs are told apart': [
    'process web run 1: exits 1 after 1s',
    'process web run 2: killed by SIGSEGV after 1s',
    'start web',
    'within 2s expect web Result=exit-code ExecMainStatus=1',
    'within 3s expect web Result=signal',
    'within 2s expect web running NRestarts=2',
    'for 1h expect web running',
  ],
  'a command before the main one fails the start': [
    'process web ExecStartPre run 1: exits 2 after 1s',
    'start web',
    'expect web start-pre',
    'after 1s expect web auto-restart',
    'within 2s expect web running',
  ],
  'a watchdog that is not fed ends the service': [
    'process db: pings every 3s for 20s',
    'start db',
    'at 25s expect db running',
    'within 5s expect db Result=watchdog',
  ],
  'what is deaf is killed when its time is over': [
    'process web: ignores SIGTERM',
    'boot',
    'at 2s: SIGTERM',
    'at 91s expect not exit',
    'within 2s expect exit 0',
    'expect no processes',
  ],
  'what obeys with a status of its own has ended so': [
    'process db: obeys with 3, obeys after 4s',
    'start db',
    'stop db',
    'after 3s expect db deactivating',
    'after 1s expect db failed ExecMainStatus=3',
  ],
  'a forking service is its daemon': [
    'process fork: parent exits after 2s, exits 4 after 5s',
    'start fork',
    'at 1s expect fork activating',
    'at 3s expect fork running',
    'within 5s expect fork failed ExecMainStatus=4',
  ],
  'an executable that is not there is told as systemd does': [
    'process db: cannot be started',
    'start db',
    'expect db failed ExecMainStatus=203 Result=exit-code',
    'expect start db failed',
  ],
  'a timer elapses by the simulated calendar': [
    'clock 2026-03-29 00:30',
    'start job.timer',
    'expect job started never',
    'after 2h 29min expect job started never',
    'after 2min expect job started once',
    'set-clock +1d',
    'after 1h expect job started twice',
  ],
  'a condition that fails skips the unit': [
    'conditions job fail',
    'start job',
    'expect job dead ConditionResult=no',
    'expect job started never',
    'conditions job hold',
    'start job',
    'expect job started once',
  ],
  'a connection starts the service of a socket': [
    'start echo.socket',
    'expect echo inactive',
    'connect echo.socket',
    'expect echo running',
  ],
  'a path that comes about starts its unit': [
    'start spool.path',
    'create /var/spool/x',
    'expect job started once',
  ],
  'a refusal may be expected': ['start nowhere', 'expect start nowhere refused'],
  'a main process does by the steps what is told': [
    'boot',
    'notify db STATUS="half way"',
    'expect db StatusText="half way"',
    'kill db SIGKILL',
    'expect db failed Result=signal',
    'exit web 7',
    'expect web auto-restart ExecMainStatus=7',
    'oom web',
  ].slice(0, -1),
}

for (const [title, steps] of Object.entries(HOLD)) {
  test(title, t => {
    const { failure, timeline, problems } = outcome(...steps)
    t.deepEqual(failure, null, JSON.stringify(timeline.slice(-20), null, 1))
    t.deepEqual(problems, [])
  })
}

const FAIL: Readonly<
  Record<string, { steps: readonly string[]; expected: string; actual: string }>
> = {
  'a state': {
    steps: ['start db', 'expect db failed'],
    expected: 'db failed',
    actual: 'it is active (running)',
  },
  'what is not to be so': {
    steps: ['start db', 'expect not db running'],
    expected: 'not db running',
    actual: 'it is active (running)',
  },
  'a state that lasts': {
    steps: ['process db: exits 1 after 3s', 'start db', 'for 5s expect db running'],
    expected: 'db running for 5s',
    actual: 'it is failed (failed)',
  },
  'a state in time': {
    steps: ['process db: ready after 10s', 'start db', 'within 5s expect db running'],
    expected: 'db running within 5s',
    actual: 'it is activating (start), its start job is running',
  },
  'a property': {
    steps: ['start db', 'expect db NRestarts=1'],
    expected: 'db NRestarts=1',
    actual: 'it is active (running), with NRestarts=0',
  },
  'a count': {
    steps: ['boot', 'expect web started twice'],
    expected: 'web started twice',
    actual: 'it was started 1 time',
  },
  'an order': {
    steps: ['boot', 'expect web before db'],
    expected: 'web before db',
    actual: 'db.service was started before web.service was active',
  },
  'a job': {
    steps: ['start db', 'expect stop db done'],
    expected: 'stop db done',
    actual: 'the test has asked for no stop of db.service',
  },
  'a message': {
    steps: ['start db', 'expect message of db "no such words"'],
    expected: 'message of db "no such words"',
    actual: 'the last of 1 messages was: Started db.service',
  },
  'the end': { steps: ['boot', 'expect exit'], expected: 'exit', actual: 'hearth is running' },
  'that nothing runs': {
    steps: ['start db', 'expect no processes'],
    expected: 'no processes',
    actual: 'there are 101 of db.service',
  },
  'a unit that there is not': {
    steps: ['expect dbb inactive'],
    expected: 'expect dbb inactive',
    actual: 'there is no unit dbb.service; did you mean db.service?',
  },
  'a property that there is not': {
    steps: ['start db', 'expect db Reslt=success'],
    expected: 'expect db Reslt=success',
    actual: 'there is no property Reslt; did you mean Result?',
  },
  'a start that is refused, of which nothing is said': {
    steps: ['start db', 'start nowhere'],
    expected: 'start nowhere.service',
    actual: 'cannot find the unit nowhere.service: no unit directory has a file for it',
  },
  'a step before the time': {
    steps: ['after 10s', 'at 5s start db'],
    expected: 'a step at 5s',
    actual: 'it is 10s already: steps stand in the order of time',
  },
  'a main process that is not there': {
    steps: ['kill db'],
    expected: 'a main process of db.service',
    actual: 'it has none',
  },
  'a connection that nobody takes': {
    steps: ['connect echo.socket'],
    expected: 'a connection to echo.socket',
    actual: 'it is refused: nobody listens',
  },
}

for (const [title, { steps, expected, actual }] of Object.entries(FAIL)) {
  test(`not as expected: ${title}`, t => {
    const { failure } = outcome(...steps)
    t.like(failure, { expected, actual })
    t.is(failure?.line, UNITS.split('\n').length + 1 + steps.length)
  })
}

test('what is wrong with a file is told by line, all of it, with the mend', t => {
  t.deepEqual(
    mistakes(
      `
unitz ./services.d
unit web
  [Service]
process web exits 1
test it
  strat web
  at noon start web
  within 5s start web
  expect web runing
  expect web
  kill web SIGFOO
  process web: exits loudly
  process web ExecStrt: exits 1
    deeper
test it
  boot
`,
    ),
    [
      "2: there is no statement 'unitz'; did you mean units?",
      "3: expected a name such as web.service or web.service.d/test.conf, not 'web'",
      "5: cannot read 'web exits 1': expected what the processes of a unit do, such as process web.service: exits 1 after 3s",
      "7: there is no step 'strat'; did you mean start?",
      "8: cannot read 'at noon start web': expected a span, such as at 10s",
      "9: cannot do 'start web' within a span: only what is expected can take one; use at or after",
      "10: cannot read 'expect web runing': there is no state 'runing'; did you mean running? (expect CLAIM)",
      "11: cannot read 'expect web': expected what is to be so: expect UNIT STATE..., expect UNIT PROPERTY=VALUE..., expect UNIT before UNIT, expect UNIT started [at least|at most] N times, expect start|stop|restart|reload UNIT RESULT, expect message [of UNIT] TEXT, expect exit [STATUS], expect no processes [of UNIT] (expect CLAIM)",
      "12: cannot read 'kill web SIGFOO': cannot read the signal 'SIGFOO': expected one such as SIGTERM or HUP (kill UNIT [SIGNAL])",
      "13: cannot read the exit status 'loudly': expected a number to 255, or a name",
      "14: there is no list of commands 'ExecStrt'; did you mean ExecStart?",
      "15: it is indented, but 'process' takes no lines of its own",
      "16: there is a test 'it' already: each wants a title of its own",
    ],
  )
  t.deepEqual(mistakes('# nothing\n'), [
    '1: there is no test in it: a line `test TITLE`, and its steps indented below',
  ])
  t.deepEqual(mistakes('  start web\n'), [
    '1: it is indented and belongs to nothing: begin with a statement such as test TITLE',
  ])
})

test('what is wrong with a unit of the test is told by the line of the test file', t => {
  const [first] = outcomes(
    'unit a.service\n  [Service]\n  ExecStart=/bin/a\n  Restrat=always\ntest it\n  start a\n',
  )
  t.is(first?.failure, null)
  t.is(first?.problems.length, 1)
  t.regex(first?.problems[0] ?? '', /^\/nowhere\/units\.test:4:11: .*Restrat/)
})

test('a report has what was expected, what happened, and what led to it', t => {
  const report = outcomes(
    `${UNITS}test the database stays up\n  process db: exits 1 after 3s\n  start db\n  at 5s expect db running\n`,
  )
  const first = UNITS.split('\n').length
  t.deepEqual(reportLines({ path: 'units.test', mistakes: [], outcomes: report }, false), [
    'not ok  the database stays up',
    `        units.test:${first + 3}: at 5s`,
    '        expected:  db running',
    '        happened:  it is failed (failed)',
    '        0s  > start db',
    '            db.service  activating (start)',
    '            db.service  ExecStart=/usr/bin/db',
    '            db.service  says READY=1',
    '            db.service  active (running)',
    '            db.service  start job: done',
    '        3s  db.service  process 101 ended: code=exited, status=1/FAILURE',
    '            db.service  deactivating (stop-sigterm), Result=exit-code',
    '            db.service  SIGTERM to all others',
    '            db.service  failed (failed), Result=exit-code',
    "            db.service  warn: Failed with result 'exit-code'.",
    '',
  ])
})

test('each phrase of the documentation is read, and the documentation has each', t => {
  const page = readFileSync('docs/testing-units.md', 'utf8').replaceAll('\n', ' ')
  for (const form of forms) {
    const words = form
      .replaceAll('SPAN', '1min 30s')
      .replace('STATUS', '3')
      .replace('SIGNAL', 'SIGHUP')
      .replace('NAME=VALUE', 'STATUS="a, b"')
    t.true(readPhrases(words).isOk(), words)
    const shown = form.replace('every SPAN for SPAN', 'every SPAN [for SPAN]')
    t.true(page.includes(shown) || page.includes(`${shown} [for SPAN]`), shown)
  }
})
