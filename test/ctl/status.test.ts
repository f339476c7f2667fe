import test from 'ava'
import { formatManagerStatus } from '../../ctl/format/manager-status.ts'
import { createPaint } from '../../ctl/format/paint.ts'
import { formatStatus } from '../../ctl/format/status.ts'
import { logLine, managerStatus, STARTED, unitStatus } from './specimens.ts'

process.env.TZ = 'UTC'
const style = { paint: createPaint(false), host: 'host', terminal: false, width: null }

test('a running service is shown as systemctl shows it', t => {
  const status = unitStatus({
    dropInPaths: [
      '/etc/hearth/web.service.d/a.conf',
      '/etc/hearth/web.service.d/b.conf',
      '/run/web.service.d/c.conf',
    ],
    docs: ['man:web(8)', 'https://example.org/web'],
    commands: [
      {
        directive: 'ExecStartPre',
        command: '/bin/true',
        pid: 64,
        startedUsec: STARTED,
        endedUsec: STARTED,
        outcome: 'code=exited, status=0/SUCCESS',
        ok: true,
      },
    ],
    statusText: 'serving',
    tasks: 3,
    memoryBytes: 2_202_009,
    cpuUsec: 15_314,
    processes: [
      {
        pid: 123,
        command: 'nginx: master process',
        children: [
          { pid: 124, command: 'nginx: worker', children: [] },
          { pid: 125, command: 'nginx: worker', children: [] },
        ],
      },
      { pid: 130, command: 'sleep 1000', children: [] },
    ],
    log: [logLine('hello'), logLine('world')],
  })
  t.is(
    formatStatus(status, style),
    `● web.service - The web
     Loaded: loaded (/etc/hearth/services.d/web.service; enabled)
    Drop-In: /etc/hearth/web.service.d
             └─a.conf, b.conf
             /run/web.service.d
             └─c.conf
     Active: active (running) since Wed 2026-11-25 21:23:32 UTC; 5min ago
       Docs: man:web(8)
             https://example.org/web
    Process: 64 ExecStartPre=/bin/true (code=exited, status=0/SUCCESS)
   Main PID: 123 (nginx)
     Status: "serving"
      Tasks: 3
     Memory: 2.0M
        CPU: 15ms
  Processes: ├─123 nginx: master process
             │ ├─124 nginx: worker
             │ └─125 nginx: worker
             └─130 sleep 1000

Nov 25 21:23:32 host nginx[123]: hello
Nov 25 21:23:32 host nginx[123]: world`,
  )
})

test('a failed service tells its result, how long it was up, and how its process ended', t => {
  const status = unitStatus({
    description: 'web.service',
    unitFileState: 'static',
    activeState: 'failed',
    subState: 'failed',
    result: 'exit-code',
    durationUsec: 6_000,
    nRestarts: 2,
    main: {
      pid: 63,
      command: 'sh',
      running: false,
      outcome: 'code=exited, status=7/n/a',
      startedUsec: STARTED,
      endedUsec: STARTED,
    },
  })
  t.is(
    formatStatus(status, style),
    `× web.service
     Loaded: loaded (/etc/hearth/services.d/web.service; static)
     Active: failed (Result: exit-code) since Wed 2026-11-25 21:23:32 UTC; 5min ago
   Duration: 6ms
   Restarts: 2
   Main PID: 63 (code=exited, status=7)`,
  )
})

test('a process that a signal ended is told by the name of the signal', t => {
  const main = {
    pid: 63,
    command: 'sh',
    running: false,
    outcome: 'code=killed, status=9/KILL',
    startedUsec: STARTED,
    endedUsec: STARTED,
  }
  t.regex(
    formatStatus(unitStatus({ main }), style),
    /^ {3}Main PID: 63 \(code=killed, signal=KILL\)$/m,
  )
})

test('a unit that could not be loaded says why', t => {
  const status = unitStatus({
    loadState: 'bad-setting',
    loadError: '/u/web.service:3: cannot read Restart=bogus',
    activeState: 'inactive',
    subState: 'dead',
    sinceUsec: 0,
    main: null,
    problems: [
      {
        severity: 'error',
        file: '/u/web.service',
        line: 3,
        directive: 'Service.Restart',
        message: 'cannot read Restart=bogus',
      },
      {
        severity: 'warning',
        file: '/u/web.service',
        line: 5,
        directive: null,
        message: 'unknown section [Sevice]',
      },
    ],
  })
  t.is(
    formatStatus(status, style),
    `○ web.service - The web
     Loaded: bad-setting (Reason: /u/web.service:3: cannot read Restart=bogus)
     Active: inactive (dead)

Warning: /u/web.service:5: unknown section [Sevice]`,
  )
})

test('a condition that kept the unit down is named, with its moment', t => {
  const status = unitStatus({
    activeState: 'inactive',
    subState: 'dead',
    sinceUsec: 0,
    main: null,
    condition: { text: 'ConditionPathExists=/nope was not met', atUsec: STARTED },
  })
  t.regex(
    formatStatus(status, style),
    /^ {2}Condition: start condition failed at Wed 2026-11-25 21:23:32 UTC; 5min ago\n {13}└─ ConditionPathExists=\/nope was not met$/m,
  )
})

test('changed unit files, a job under way and a restart to come are told', t => {
  const status = unitStatus({
    needDaemonReload: true,
    activeState: 'activating',
    subState: 'auto-restart',
    restartAtUsec: STARTED + 5 * 60_000_000 + 3_000_000,
    job: { id: 7, type: 'start' },
    triggers: [{ unit: 'x.service', active: 'inactive' }],
  })
  const text = formatStatus(status, style)
  t.regex(text, /^ {4}Restart: Wed 2026-11-25 21:28:35 UTC; 3s left$/m)
  t.regex(text, /^ {8}Job: start \(job 7\) is under way$/m)
  t.regex(text, /^ {3}Triggers: ○ x\.service$/m)
  t.regex(text, /run 'ctl daemon-reload'/)
})

test('on a terminal the dot and the state are green, those of a failed unit red', t => {
  const paint = createPaint(true)
  const up = formatStatus(unitStatus(), { ...style, paint })
  t.true(up.startsWith(`${paint.green('●')} web.service`))
  t.true(up.includes(`Active: ${paint.green('active (running)')} since`))
  const down = formatStatus(unitStatus({ activeState: 'failed', subState: 'failed' }), {
    ...style,
    paint,
  })
  t.true(down.startsWith(`${paint.red('×')} web.service`))
})

test('a command line stays on one line, whatever its arguments are', t => {
  const processes = [{ pid: 7, command: 'sh -c echo a\n\x1b[2Jb', children: [] }]
  t.regex(
    formatStatus(unitStatus({ processes }), style),
    /^ {2}Processes: └─7 sh -c echo a\\n\\x1b\[2Jb$/m,
  )
})

test('process and log lines are cut to the terminal', t => {
  const status = unitStatus({
    processes: [{ pid: 1, command: 'x'.repeat(100), children: [] }],
    log: [logLine('y'.repeat(100))],
  })
  const lines = formatStatus(status, { ...style, width: 60 }).split('\n')
  t.is(lines.find(line => line.includes('xxx'))?.length, 60)
  t.is(lines.find(line => line.includes('yyy'))?.length, 60)
})

test('without a unit the daemon is shown, with every process by its unit', t => {
  const units = [
    unitStatus({
      processes: [
        { pid: 123, command: 'nginx', children: [{ pid: 124, command: 'w', children: [] }] },
      ],
    }),
    unitStatus({ unit: 'idle.service' }),
    unitStatus({ unit: 'x.service', processes: [{ pid: 9, command: 'x', children: [] }] }),
  ]
  t.is(
    formatManagerStatus(managerStatus({ state: 'degraded', failed: 1 }), units, style),
    `● host
    State: degraded
    Units: 12 loaded (incl. loaded aliases)
     Jobs: 0 queued
   Failed: 1 units
    Since: Wed 2026-11-25 21:23:32 UTC; 6s ago
   hearth: 0.1.0 (PID 1)
Processes: ├─web.service
           │ └─123 nginx
           │   └─124 w
           └─x.service
             └─9 x`,
  )
})

test('a service whose command could not be run says why', t => {
  const shown = formatStatus(
    unitStatus({
      activeState: 'failed',
      subState: 'failed',
      result: 'exit-code',
      main: {
        pid: 0,
        command: 'gone',
        running: false,
        outcome: 'code=exited, status=203/EXEC',
        startedUsec: STARTED,
        endedUsec: STARTED,
      },
      spawnError: 'cannot run /no/such/program: no such file or directory',
    }),
    style,
  )
  t.regex(shown, /^ +Main PID: none \(code=exited, status=203\/EXEC\)$/m)
  t.regex(shown, /^ +Error: cannot run \/no\/such\/program: no such file or directory$/m)
})
