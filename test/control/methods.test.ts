import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import test from 'ava'
import type { JobResult } from '../../daemon/engine/state.ts'
import { UNIT_DEFAULTS } from '../../daemon/units/defaults.ts'
import { command, facts, line, NOW, run, running, service, unit } from './fake.ts'
import { ask, dial, openDaemon, result } from './wire.ts'

test('a job is queued for each unit, in order, and the reply tells what became of it', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  daemon.fake.add(service('db.service'))
  const { jobs } = await result(t, daemon, 'jobs', { verb: 'start', units: ['web', 'db.service'] })
  t.deepEqual(daemon.fake.calls, [
    ['job', 'start', 'web.service', 'replace'],
    ['job', 'start', 'db.service', 'replace'],
  ])
  const fine = { result: 'done', explanation: null, error: null }
  t.deepEqual(jobs, [
    { unit: 'web.service', job: 1, ...fine },
    { unit: 'db.service', job: 2, ...fine },
  ])
})

test('without wait the reply does not tell the result', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  daemon.fake.onJob = () => new Promise(() => {})
  const { jobs } = await result(t, daemon, 'jobs', { verb: 'stop', units: ['web'], wait: false })
  t.like(jobs[0], { job: 1, result: null, error: null })
})

test('isolate is a start with the job mode isolate', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(unit('rescue.target'))
  await result(t, daemon, 'jobs', { verb: 'isolate', units: ['rescue.target'] })
  t.deepEqual(daemon.fake.calls, [['job', 'start', 'rescue.target', 'isolate']])
})

test('reload-or-restart reloads what can be reloaded and restarts the rest', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service', { execReload: [command('/bin/true')] }))
  daemon.fake.add(service('db.service'))
  await result(t, daemon, 'jobs', { verb: 'reload-or-restart', units: ['web', 'db'] })
  await result(t, daemon, 'jobs', { verb: 'try-reload-or-restart', units: ['web', 'db'] })
  t.deepEqual(
    daemon.fake.calls.map(call => call[1]),
    ['reload-or-start', 'restart', 'try-reload', 'try-restart'],
  )
})

test('a unit that is not there is told with the nearest names, and the others get their jobs', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('nginx.service'))
  const { jobs } = await result(t, daemon, 'jobs', { verb: 'start', units: ['ngnix', 'nginx'] })
  const [missing] = jobs.filter(job => job.error !== null)
  t.like(missing, {
    unit: 'ngnix.service',
    job: null,
    error: { code: 'unit-not-found', near: ['nginx.service'] },
  })
  t.is(missing?.error?.hint, 'did you mean nginx.service?')
  t.is(jobs.filter(job => job.result === 'done').length, 1)
})

test('a refused job is told in words', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  daemon.fake.onJob = (_, name) => ({ type: 'unit-masked', unit: name, wantedBy: null })
  const { jobs } = await result(t, daemon, 'jobs', { verb: 'start', units: ['web'] })
  t.like(jobs[0], { error: { code: 'unit-masked' } })
  t.regex(jobs[0]?.error?.message ?? '', /^cannot start web.service: it is masked/)
  // The mend is told once.
  t.is(JSON.stringify(jobs[0]?.error).match(/ctl unmask/g)?.length, 1)
})

test('a reload of a unit that cannot reload is refused as such, with what does it instead', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  daemon.fake.onJob = (job, unit) => ({ type: 'job-not-applicable', unit, job })
  const { jobs } = await result(t, daemon, 'jobs', { verb: 'reload', units: ['web'] })
  t.like(jobs[0]?.error, {
    code: 'job-not-applicable',
    hint: "give it an ExecReload=, or run 'ctl reload-or-restart web.service'",
  })
})

test('globs match the loaded units; for start the unit files as well, templates never', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web@1.service'))
  daemon.fake.add(service('web@2.service'))
  daemon.fake.files.push(
    { name: 'web@.service', state: 'static', path: '/x', preset: null },
    { name: 'web-admin.service', state: 'disabled', path: '/x', preset: null },
  )
  const units = async (verb: 'start' | 'stop', pattern: string) => {
    const { jobs } = await result(t, daemon, 'jobs', { verb, units: [pattern] })
    return jobs.map(job => job.unit)
  }
  t.deepEqual(await units('stop', 'web@*'), ['web@1.service', 'web@2.service'])
  t.deepEqual(await units('stop', 'web@[!1]*'), ['web@2.service'])
  t.deepEqual(await units('start', 'web*').then(found => found.length), 3)
  t.deepEqual(await units('stop', 'nothing*'), [])
  const { jobs } = await result(t, daemon, 'jobs', { verb: 'restart', units: ['nothing*'] })
  t.like(jobs[0], { error: { code: 'unit-not-found' } })
})

test('a failed start is explained by the result, the exit and the last lines of that run', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  const exit = { kind: 'exited', status: 1 } as const
  const failed = run({ endedUsec: NOW.realtimeUsec, exit })
  daemon.fake.onJob = async () => {
    daemon.fake.set(
      facts('web.service', { sub: 'failed', result: 'exit-code', main: failed, runs: [failed] }),
    )
    return 'failed' as const
  }
  daemon.fake.records.push(line('web.service', 'port 80 is taken'))
  const { jobs } = await result(t, daemon, 'jobs', { verb: 'start', units: ['web'] })
  t.deepEqual(jobs[0]?.explanation, {
    summary: 'cannot start web.service: the main process exited with status 1 (FAILURE)',
    result: 'exit-code',
    exit: 'exited with status 1 (FAILURE)',
    command: '/usr/bin/webd --port 80',
    cause: 'web.service',
    lines: ['port 80 is taken'],
    hint: "see 'ctl status web.service' and 'ctl logs web.service'",
  })
})

test('a start that failed with its dependency is explained by that one', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  const failed = run({ endedUsec: NOW.realtimeUsec, exit: { kind: 'dumped', signal: 11 } })
  daemon.fake.add(
    service('db.service'),
    facts('db.service', { sub: 'failed', result: 'core-dump', main: failed, runs: [failed] }),
  )
  daemon.fake.relations.set('web.service requires', ['db.service'])
  daemon.fake.onJob = () => Promise.resolve('dependency')
  const { jobs } = await result(t, daemon, 'jobs', { verb: 'start', units: ['web'] })
  t.like(jobs[0]?.explanation, {
    summary:
      'cannot start web.service: db.service, which it requires, failed: the main process was killed by SIGSEGV and dumped core',
    cause: 'db.service',
  })
})

test('a command that cannot be run is explained with the reason why', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service', { execStartPre: [command('/bin/no-such')] }))
  const failed = run({
    exec: 'start-pre',
    pid: 0,
    endedUsec: NOW.realtimeUsec,
    exit: { kind: 'exited', status: 203 },
  })
  const spawnError = 'cannot run /bin/no-such: no such file or directory'
  daemon.fake.onJob = async () => {
    const state = { sub: 'failed', result: 'exit-code', runs: [failed], spawnError } as const
    daemon.fake.set(facts('web.service', state))
    return 'failed' as const
  }
  const { jobs } = await result(t, daemon, 'jobs', { verb: 'start', units: ['web'] })
  t.like(jobs[0]?.explanation, {
    summary: `cannot start web.service: ${spawnError}`,
    command: '/bin/no-such',
    exit: 'exited with status 203 (EXEC)',
    hint: "see 'ctl status web.service'",
  })
})

test('a command that ran is explained by its end, though another could not be run', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  const ended = { endedUsec: NOW.realtimeUsec }
  const main = run({ ...ended, exit: { kind: 'exited', status: 200 } })
  const spawnError = 'cannot run /bin/reload: no such file or directory'
  daemon.fake.onJob = async () => {
    const state = { sub: 'failed', result: 'exit-code', main, runs: [main], spawnError } as const
    daemon.fake.set(facts('web.service', state))
    return 'failed' as const
  }
  const { jobs } = await result(t, daemon, 'jobs', { verb: 'start', units: ['web'] })
  t.is(
    jobs[0]?.explanation?.summary,
    'cannot start web.service: the main process exited with status 200 (CHDIR)',
  )
  t.regex(jobs[0]?.explanation?.hint ?? '', /^check that WorkingDirectory= exists; see/)
})

const ENDINGS: Record<string, [Parameters<typeof facts>[1], RegExp]> = {
  'a start limit': [
    { sub: 'failed', result: 'start-limit-hit' },
    /started too often .*5 starts within 10s/,
  ],
  'a time-out': [{ sub: 'failed', result: 'timeout' }, /longer than 1min 30s \(TimeoutStartSec=\)/],
  'a watchdog': [
    { sub: 'failed', result: 'watchdog', watchdogUsec: 3_000_000 },
    /no WATCHDOG=1 within 3s/,
  ],
  'a lack of resources': [
    { sub: 'failed', result: 'resources', spawnError: 'cannot start a process: no memory' },
    /web.service: cannot start a process: no memory$/,
  ],
}
for (const [what, [given, words]] of Object.entries(ENDINGS)) {
  test(`${what} is explained by name`, async t => {
    const daemon = await openDaemon(t)
    daemon.fake.add(service('web.service'), facts('web.service', given))
    daemon.fake.onJob = () => Promise.resolve('failed')
    const { jobs } = await result(t, daemon, 'jobs', { verb: 'start', units: ['web'] })
    t.regex(jobs[0]?.explanation?.summary ?? '', words)
  })
}

test('waitInactive replies when the last of the units is down', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'), running('web.service'))
  daemon.fake.add(service('db.service'))
  const wire = await dial(t, daemon.path)
  wire.send(1, 'waitInactive', { units: ['web', 'db', 'nope'] })
  t.like(await ask(t, daemon, 'version', {}), { ok: true })
  daemon.fake.set(facts('web.service', { sub: 'failed', result: 'signal' }))
  const { data } = await wire.next()
  t.like(data.result, {
    units: [
      { unit: 'web.service', active: 'failed', result: 'signal' },
      { unit: 'db.service', active: 'inactive', result: 'success' },
    ],
    errors: [{ code: 'unit-not-found', unit: 'nope.service' }],
  })
})

test('jobs are listed by number and cancelled one by one or all', async t => {
  const daemon = await openDaemon(t)
  const job = {
    state: 'waiting',
    anchor: true,
    irreversible: false,
    ignoreOrder: false,
    deadlineUsec: null,
    requests: [],
  } as const
  daemon.fake.jobs.set(8, { ...job, id: 8, type: 'stop', unit: 'db.service' })
  daemon.fake.jobs.set(7, { ...job, id: 7, type: 'start', unit: 'web.service' })
  t.deepEqual(await result(t, daemon, 'listJobs', {}), {
    jobs: [
      { id: 7, unit: 'web.service', type: 'start', state: 'waiting' },
      { id: 8, unit: 'db.service', type: 'stop', state: 'waiting' },
    ],
  })
  t.is((await result(t, daemon, 'listJobs', { patterns: ['d*'] })).jobs.length, 1)
  t.like(await result(t, daemon, 'cancel', { jobs: [7, 9] }), {
    cancelled: [7],
    errors: [{ code: 'no-such-job' }],
  })
  t.deepEqual(await result(t, daemon, 'cancel', { jobs: [] }), { cancelled: [8], errors: [] })
})

test('kill sends SIGTERM to all processes unless it is told otherwise', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'), running('web.service'))
  await result(t, daemon, 'kill', { units: ['web'] })
  await result(t, daemon, 'kill', { units: ['web'], whom: 'main', signal: 1 })
  t.deepEqual(daemon.fake.calls, [
    ['kill', 'web.service', 'all', 15],
    ['kill', 'web.service', 'main', 1],
  ])
  t.like(await result(t, daemon, 'kill', { units: ['web', 'nope'], whom: 'control' }), {
    units: [],
    errors: [{ code: 'failed' }, { code: 'unit-not-found' }],
  })
})

test('resetFailed without units is for all', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  await result(t, daemon, 'resetFailed', {})
  t.like(await result(t, daemon, 'resetFailed', { units: ['web', 'nope'] }), {
    errors: [{ code: 'unit-not-found' }],
  })
  t.deepEqual(daemon.fake.calls, [
    ['reset-failed', null],
    ['reset-failed', 'web.service'],
  ])
})

test('list-units shows what is active, failed or has a job, and says how many there are', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'), running('web.service'))
  daemon.fake.add(service('db.service'))
  daemon.fake.add(service('old.service'), facts('old.service', { sub: 'failed' }))
  daemon.fake.add(unit('multi-user.target'))
  const names = async (params: Parameters<typeof result<'listUnits'>>[3]) =>
    (await result(t, daemon, 'listUnits', params)).units.map(one => one.unit)
  t.deepEqual(await names({}), ['old.service', 'web.service'])
  t.is((await result(t, daemon, 'listUnits', {})).total, 4)
  t.is((await names({ all: true })).length, 4)
  t.deepEqual(await names({ states: ['failed'] }), ['old.service'])
  t.deepEqual(await names({ states: ['dead'], types: ['service'] }), ['db.service'])
  t.deepEqual(await names({ all: true, patterns: ['web'] }), ['web.service'])
  t.like((await result(t, daemon, 'listUnits', {})).units[1], {
    unit: 'web.service',
    load: 'loaded',
    active: 'active',
    sub: 'running',
    job: null,
    description: 'web.service',
  })
})

test('unit files are listed by name, pattern, type and state', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  daemon.fake.add(unit('x.target', { unitFileState: 'static' }))
  t.deepEqual((await result(t, daemon, 'listUnitFiles', { states: ['static'] })).files, [
    { unit: 'x.target', state: 'static', path: '/etc/hearth/services.d/x.target', preset: null },
  ])
  t.is((await result(t, daemon, 'listUnitFiles', { patterns: ['web'] })).files.length, 1)
  t.is((await result(t, daemon, 'listUnitFiles', { types: ['socket'] })).files.length, 0)
})

test('dependencies open targets, everything with all, and each unit once', async t => {
  const daemon = await openDaemon(t)
  const { fake } = daemon
  for (const name of ['default.target', 'base.target']) fake.add(unit(name))
  for (const name of ['web.service', 'db.service']) fake.add(service(name))
  fake.relations.set('default.target wants', ['web.service', 'base.target', 'db.service'])
  fake.relations.set('web.service requires', ['db.service'])
  fake.relations.set('db.service requires', ['web.service'])
  fake.relations.set('db.service requiredBy', ['web.service'])
  fake.relations.set('web.service after', ['db.service'])
  const leaf = (name: string) => ({ unit: name, active: 'inactive', children: [] })
  t.deepEqual((await result(t, daemon, 'listDependencies', {})).trees, [
    {
      ...leaf('default.target'),
      children: [leaf('db.service'), leaf('web.service'), leaf('base.target')],
    },
  ])
  t.deepEqual((await result(t, daemon, 'listDependencies', { units: ['web'], all: true })).trees, [
    {
      ...leaf('web.service'),
      children: [{ ...leaf('db.service'), children: [leaf('web.service')] }],
    },
  ])
  const tree = async (params: Parameters<typeof result<'listDependencies'>>[3]) =>
    (await result(t, daemon, 'listDependencies', params)).trees[0]?.children[0]?.unit
  t.is(await tree({ units: ['db'], reverse: true }), 'web.service')
  t.is(await tree({ units: ['web'], order: 'after' }), 'db.service')
  t.is(await tree({ units: ['web'], order: 'before' }), undefined)
})

test('is-active tells the ActiveState; what is not there is inactive', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'), running('web.service'))
  t.deepEqual((await result(t, daemon, 'isActive', { units: ['web', 'nope', 'no*'] })).units, [
    { unit: 'web.service', state: 'active', load: 'loaded' },
    { unit: 'nope.service', state: 'inactive', load: 'not-found' },
    { unit: 'no*', state: 'inactive', load: 'not-found' },
  ])
})

test('is-enabled tells the UnitFileState, of templates as well', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  daemon.fake.files.push({ name: 'web@.service', state: 'static', path: '/x', preset: null })
  t.like(await result(t, daemon, 'isEnabled', { units: ['web', 'web@', 'nope'] }), {
    units: [
      { unit: 'web.service', state: 'enabled' },
      { unit: 'web@.service', state: 'static' },
      { unit: 'nope.service', state: 'not-found' },
    ],
    errors: [{ code: 'unit-not-found', unit: 'nope.service' }],
  })
})

test('enable tells what it changed, and with now starts the unit', async t => {
  const daemon = await openDaemon(t)
  const install = { wantedBy: ['multi-user.target'], requiredBy: [], upheldBy: [], alias: [] }
  daemon.fake.add(unit('web.service', { install: { ...install, also: [], defaultInstance: null } }))
  const made = { action: 'symlink', path: '/etc/x', target: '/etc/y' } as const
  daemon.fake.changes = () => [made]
  const enabled = await result(t, daemon, 'enable', { units: ['web'], now: true, force: true })
  t.like(enabled, { changes: [made], notes: [], jobs: [{ unit: 'web.service', result: 'done' }] })
  t.deepEqual(daemon.fake.calls, [
    ['enable', ['web.service'], { runtime: false, force: true }],
    ['job', 'start', 'web.service', 'replace'],
  ])
})

test('preset disables and enables what the presets say, all that can be when no unit is named', async t => {
  const daemon = await openDaemon(t)
  const { fake } = daemon
  for (const name of ['web.service', 'db.service']) fake.add(service(name))
  fake.add(unit('x.target', { unitFileState: 'static' }))
  fake.presetOff.add('db.service')
  await result(t, daemon, 'preset', {})
  await result(t, daemon, 'preset', { units: ['db'], mode: 'enable-only' })
  const how = { runtime: false, force: false }
  t.deepEqual(
    fake.calls.filter(([what]) => what === 'enable' || what === 'disable'),
    [
      ['disable', ['db.service'], how],
      ['enable', ['web.service'], how],
    ],
  )
})

test('enable passes on what the user should hear', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  daemon.fake.notes = ['web.service has no [Install] section']
  const { notes } = await result(t, daemon, 'enable', { units: ['web'] })
  t.deepEqual(notes, ['web.service has no [Install] section'])
})

test('disable and mask stop with now; unmask only unmasks', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  for (const method of ['disable', 'mask', 'unmask'] as const) {
    await result(t, daemon, method, { units: ['web'], now: true, runtime: true })
  }
  t.deepEqual(
    daemon.fake.calls.map(call => call.slice(0, 3)),
    [
      ['disable', ['web.service'], { runtime: true, force: false }],
      ['job', 'stop', 'web.service'],
      ['mask', ['web.service'], { runtime: true, force: false }],
      ['job', 'stop', 'web.service'],
      ['unmask', ['web.service'], { runtime: true, force: false }],
    ],
  )
})

test('what is not there can be masked, not enabled', async t => {
  const daemon = await openDaemon(t)
  t.like(await ask(t, daemon, 'enable', { units: ['nope'] }), {
    ok: false,
    error: { code: 'unit-not-found' },
  })
  await result(t, daemon, 'mask', { units: ['nope'] })
  t.deepEqual(
    daemon.fake.calls.map(call => call[0]),
    ['mask'],
  )
})

test('a file system that refuses is an error in words, with nothing started', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  daemon.fake.changes = () => {
    throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' })
  }
  t.like(await ask(t, daemon, 'enable', { units: ['web'], now: true }), {
    ok: false,
    error: { code: 'failed', message: 'cannot enable web.service: EROFS: read-only file system' },
  })
  t.is(daemon.fake.calls.length, 1)
})

test('reload answers with what is wrong with the units', async t => {
  const daemon = await openDaemon(t)
  t.deepEqual(await result(t, daemon, 'reload', {}), {
    problems: ['/etc/hearth/services.d/web.service:3: unknown directive'],
  })
})

test('cat gives the fragment and then the drop-ins', async t => {
  const daemon = await openDaemon(t)
  const directory = mkdtempSync(`${tmpdir()}/hearth-cat-`)
  t.teardown(() => rmSync(directory, { recursive: true }))
  writeFileSync(`${directory}/web.service`, '[Service]\n')
  writeFileSync(`${directory}/a.conf`, '[Unit]\n')
  daemon.fake.add(
    unit('web.service', {
      fragmentPath: `${directory}/web.service`,
      dropInPaths: [`${directory}/a.conf`],
    }),
  )
  daemon.fake.add(unit('built-in.target', { fragmentPath: null }))
  daemon.fake.add(unit('gone.service', { fragmentPath: `${directory}/gone.service` }))
  const units = ['web', 'built-in.target', 'gone', 'nope']
  t.like(await result(t, daemon, 'cat', { units }), {
    units: [
      {
        unit: 'web.service',
        files: [
          { path: `${directory}/web.service`, text: '[Service]\n' },
          { path: `${directory}/a.conf`, text: '[Unit]\n' },
        ],
      },
    ],
    errors: [{ code: 'failed' }, { code: 'failed' }, { code: 'unit-not-found' }],
  })
})

test('verify tells the problems of the files and what is not enforced', async t => {
  const daemon = await openDaemon(t)
  const { fake } = daemon
  const file = '/x/web.service'
  fake.add({
    ...service('web.service'),
    problems: [
      {
        severity: 'warning',
        place: { file, line: 3 },
        directive: 'Service.Foo',
        message: 'unknown directive',
      },
      { severity: 'warning', place: { file, line: 0 }, message: 'of the whole' },
    ],
  })
  fake.notEnforced.set('web.service', [
    {
      severity: 'warning',
      place: { file, line: 7 },
      directive: 'Service.SystemCallFilter',
      message: 'not enforced',
    },
  ])
  const { units } = await result(t, daemon, 'verify', {})
  t.deepEqual(
    units[0]?.problems.map(({ severity, line, directive }) => ({ severity, line, directive })),
    [
      { severity: 'warning', line: 3, directive: 'Service.Foo' },
      { severity: 'warning', line: null, directive: null },
      { severity: 'note', line: 7, directive: 'Service.SystemCallFilter' },
    ],
  )
})

test('the level of the log is told, and set when it is one', async t => {
  const daemon = await openDaemon(t)
  t.deepEqual(await result(t, daemon, 'logLevel', {}), { level: 'info' })
  await result(t, daemon, 'logLevel', { level: 'debug' })
  t.deepEqual(daemon.fake.calls, [['log-level', 'debug']])
  t.like(await ask(t, daemon, 'logLevel', { level: 'loud' as 'debug' }), {
    ok: false,
    error: { code: 'bad-request' },
  })
})

test('the environment is set and unset by assignments and names', async t => {
  const daemon = await openDaemon(t)
  t.deepEqual(await result(t, daemon, 'getEnvironment', {}), { environment: ['LANG=C.UTF-8'] })
  await result(t, daemon, 'setEnvironment', { assignments: ['A=b=c'] })
  await result(t, daemon, 'unsetEnvironment', { names: ['A', 'B=x'] })
  t.deepEqual(daemon.fake.calls, [
    ['environment', ['A=b=c'], []],
    ['environment', [], ['A', 'B=x']],
  ])
  for (const assignments of [['A'], ['1A=x'], ['A\0=x']]) {
    t.like(await ask(t, daemon, 'setEnvironment', { assignments }), {
      ok: false,
      error: { code: 'bad-request' },
    })
  }
})

test('the system is degraded while a unit has failed', async t => {
  const daemon = await openDaemon(t)
  t.deepEqual(await result(t, daemon, 'isSystemRunning', {}), { state: 'running' })
  daemon.fake.add(service('web.service'), facts('web.service', { sub: 'failed' }))
  t.deepEqual(await result(t, daemon, 'isSystemRunning', {}), { state: 'degraded' })
  daemon.fake.manager = { ...daemon.fake.manager, phase: 'stopping' }
  t.deepEqual(await result(t, daemon, 'isSystemRunning', {}), { state: 'stopping' })
})

test('logs come in parts, oldest first, and end with the reply', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  daemon.fake.records.push(line('web.service', 'one'), line('db.service', 'other'))
  const wire = await dial(t, daemon.path)
  wire.send(1, 'logs', { units: ['web'] })
  const part = await wire.next()
  t.is(part.type, 'part')
  t.like(part.data, { id: 1, part: { lines: [{ unit: 'web.service', message: 'one' }] } })
  t.like(await wire.next(), { type: 'reply', data: { id: 1, ok: true, result: { errors: [] } } })
})

test('the lines of a unit with LogExtraFields= have them', async t => {
  const daemon = await openDaemon(t)
  const web = service('web.service')
  const exec = web.exec && { ...web.exec, logExtraFields: ['TEAM=birds', 'ZONE=a=b'] }
  daemon.fake.add({ ...web, ...(exec && { exec }) })
  daemon.fake.records.push(line('web.service', 'one'))
  const wire = await dial(t, daemon.path)
  wire.send(1, 'logs', { units: ['web'] })
  t.like((await wire.next()).data, {
    part: { lines: [{ fields: { TEAM: 'birds', ZONE: 'a=b' } }] },
  })
})

test('a followed log ends with its cancellation, and the connection goes on', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.records.push(line('web.service', 'one'))
  const wire = await dial(t, daemon.path)
  wire.send(1, 'logs', { follow: true })
  t.is((await wire.next()).type, 'part')
  wire.write('{"type":"cancel","data":{"v":1,"id":1}}\n')
  t.like((await wire.next()).data, { id: 1, ok: false, error: { code: 'cancelled' } })
  wire.send(2, 'version')
  t.like((await wire.next()).data, { id: 2, ok: true })
})

test('logs of a unit that never was are an error, those of one whose file is gone are not', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.records.push(line('gone.service', 'last words'))
  const wire = await dial(t, daemon.path)
  wire.send(1, 'logs', { units: ['gone', 'never'] })
  t.is((await wire.next()).type, 'part')
  t.like((await wire.next()).data.result, {
    errors: [{ code: 'unit-not-found', unit: 'never.service' }],
  })
})

test('status of a process is that of its unit', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'), running('web.service'))
  const { units, errors } = await result(t, daemon, 'status', { units: ['4711', '4712'] })
  t.deepEqual(
    units.map(({ unit }) => unit),
    ['web.service'],
  )
  t.like(errors, [{ code: 'unit-not-found', unit: '4712' }])
  t.regex(errors[0]?.message ?? '', /^cannot find the unit of process 4712/)
})

test('status tells the whole of a running service', async t => {
  const daemon = await openDaemon(t)
  const { fake } = daemon
  fake.add(
    {
      ...service('web.service'),
      unit: { ...UNIT_DEFAULTS, description: 'The web', documentation: ['man:webd(8)'] },
    },
    running('web.service'),
  )
  fake.trees = [{ pid: 4242, command: 'webd: master', children: [] }]
  fake.records.push(line('web.service', 'ready'))
  fake.relations.set('web.service triggeredBy', ['web.socket'])
  const { units, manager } = await result(t, daemon, 'status', { units: ['web'] })
  t.is(manager, null)
  t.like(units[0], {
    unit: 'web.service',
    description: 'The web',
    loadState: 'loaded',
    unitFileState: 'enabled',
    activeState: 'active',
    subState: 'running',
    sinceUsec: NOW.realtimeUsec - 4_000_000,
    nowUsec: NOW.realtimeUsec,
    docs: ['man:webd(8)'],
    triggeredBy: [{ unit: 'web.socket', active: 'inactive' }],
    main: { pid: 4242, command: 'webd', running: true, outcome: null },
    control: null,
    commands: [],
    tasks: 2,
    memoryBytes: 1024,
    cpuUsec: 7,
    processes: [{ pid: 4242, command: 'webd: master', children: [] }],
    restartAtUsec: null,
  })
  t.is(units[0]?.log[0]?.message, 'ready')
})

test('status tells how the processes of a failed service ended, and when it is started again', async t => {
  const daemon = await openDaemon(t)
  const pre = run({
    exec: 'start-pre',
    pid: 41,
    endedUsec: NOW.realtimeUsec,
    exit: { kind: 'exited', status: 0 },
  })
  const main = run({ endedUsec: NOW.realtimeUsec, exit: { kind: 'killed', signal: 9 } })
  daemon.fake.add(
    service('web.service', { execStartPre: [command('/bin/check --all')] }),
    facts('web.service', {
      sub: 'auto-restart',
      result: 'signal',
      main,
      runs: [pre, main],
      nRestarts: 3,
      deadlineUsec: NOW.monotonicUsec + 2_000_000,
    }),
  )
  const { units } = await result(t, daemon, 'status', { units: ['web'], lines: 0 })
  t.like(units[0], {
    activeState: 'activating',
    main: { pid: 4242, command: 'webd', running: false, outcome: 'code=killed, status=9/KILL' },
    nRestarts: 3,
    restartAtUsec: NOW.realtimeUsec + 2_000_000,
    log: [],
  })
  t.like(units[0]?.commands[0], {
    directive: 'ExecStartPre',
    command: '/bin/check --all',
    pid: 41,
    outcome: 'code=exited, status=0/SUCCESS',
    ok: true,
  })
})

test('status without units tells of the manager and of what has failed', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'), running('web.service'))
  daemon.fake.add(service('old.service'), facts('old.service', { sub: 'failed' }))
  const status = await result(t, daemon, 'status', {})
  t.like(status.manager, { state: 'degraded', failed: 1, units: 2, jobs: 0, pid: process.pid })
  t.deepEqual(
    status.units.map(one => one.unit),
    ['old.service'],
  )
})

test('a cancelled wait leaves the job alone', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  let finish: (result: JobResult) => void = () => {}
  daemon.fake.onJob = () =>
    new Promise(resolve => {
      finish = resolve
    })
  const wire = await dial(t, daemon.path)
  wire.send(1, 'jobs', { verb: 'start', units: ['web'] })
  wire.write('{"type":"cancel","data":{"v":1,"id":1}}\n')
  t.like((await wire.next()).data, { error: { code: 'cancelled' } })
  finish('done')
  t.deepEqual(
    daemon.fake.calls.map(call => call[0]),
    ['job'],
  )
})
