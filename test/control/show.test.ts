import test from 'ava'
import { timestampText } from '../../daemon/control/times.ts'
import { EXEC_DEFAULTS } from '../../daemon/units/defaults.ts'
import { facts, NOW, run, running, service, unit } from './fake.ts'
import { type Daemon, dial, OWN_UID, openDaemon, result } from './wire.ts'

async function properties(
  t: Parameters<typeof result>[0],
  daemon: Daemon,
  name: string,
): Promise<Record<string, string>> {
  const { units } = await result(t, daemon, 'show', { units: [name] })
  return Object.fromEntries(units[0]?.properties ?? [])
}

test('moments are printed as systemd prints them, in UTC', t => {
  t.is(timestampText(NOW.realtimeUsec), 'Wed 2026-11-25 21:23:32 UTC')
  t.is(timestampText(0), '')
})

test('a running service has the properties that scripts ask for', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'), running('web.service'))
  daemon.fake.relations.set('web.service requiredBy', ['a.service', 'b.service'])
  const shown = await properties(t, daemon, 'web')
  t.like(shown, {
    Id: 'web.service',
    Names: 'web.service',
    Description: 'web.service',
    LoadState: 'loaded',
    ActiveState: 'active',
    SubState: 'running',
    Result: 'success',
    FragmentPath: '/etc/hearth/services.d/web.service',
    UnitFileState: 'enabled',
    MainPID: '4242',
    ControlPID: '0',
    NRestarts: '0',
    ExecMainPID: '4242',
    ExecMainCode: '0',
    ExecMainStatus: '0',
    ExecMainStartTimestamp: 'Wed 2026-11-25 21:23:27 UTC',
    ExecMainStartTimestampMonotonic: '5000000',
    ExecMainExitTimestamp: '',
    ExecMainExitTimestampMonotonic: '0',
    ActiveEnterTimestamp: 'Wed 2026-11-25 21:23:28 UTC',
    ActiveEnterTimestampMonotonic: '6000000',
    RequiredBy: 'a.service b.service',
    NeedDaemonReload: 'no',
    CanReload: 'no',
    InvocationID: '0123456789abcdef0123456789abcdef',
    TasksCurrent: '2',
    MemoryCurrent: '1024',
    CPUUsageNSec: '7000',
    ExecStart:
      '{ path=/usr/bin/webd ; argv[]=/usr/bin/webd --port 80 ; ignore_errors=no ; start_time=[Wed 2026-11-25 21:23:27 UTC] ; stop_time=[n/a] ; pid=4242 ; code=(null) ; status=0/0 }',
    Type: 'simple',
    Restart: 'no',
    TimeoutStartUSec: '1min 30s',
    KillMode: 'control-group',
  })
})

const EXITS: Record<string, [Parameters<typeof run>[0], { code: string; status: string }]> = {
  'an exit status': [{ exit: { kind: 'exited', status: 7 } }, { code: '1', status: '7' }],
  'a signal': [{ exit: { kind: 'killed', signal: 15 } }, { code: '2', status: '15' }],
  'a core dump': [{ exit: { kind: 'dumped', signal: 6 } }, { code: '3', status: '6' }],
}
for (const [what, [ending, { code, status }]] of Object.entries(EXITS)) {
  test(`${what} stays readable as ExecMainCode= and ExecMainStatus=`, async t => {
    const daemon = await openDaemon(t)
    const main = run({ endedUsec: NOW.realtimeUsec, ...ending })
    daemon.fake.add(
      service('web.service'),
      facts('web.service', { sub: 'failed', result: 'exit-code', main, runs: [main] }),
    )
    t.like(await properties(t, daemon, 'web'), {
      ExecMainCode: code,
      ExecMainStatus: status,
      Result: 'exit-code',
      ActiveState: 'failed',
      MainPID: '0',
      ExecMainPID: '4242',
    })
  })
}

test('a property that was not asked for is not told, one of any case is', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  const { units } = await result(t, daemon, 'show', {
    units: ['web'],
    properties: ['SubState', 'activestate', 'Nothing'],
  })
  t.deepEqual(units[0]?.properties, [
    ['ActiveState', 'inactive'],
    ['SubState', 'dead'],
  ])
})

test('a unit that is not there has properties, a name that cannot be one is an error', async t => {
  const daemon = await openDaemon(t)
  t.like(await properties(t, daemon, 'nope'), {
    Id: 'nope.service',
    LoadState: 'not-found',
    ActiveState: 'inactive',
    SubState: 'dead',
    UnitFileState: '',
    FragmentPath: '',
  })
  const { units, errors } = await result(t, daemon, 'show', { units: ['web@.service'] })
  t.deepEqual(units, [])
  t.like(errors[0], { code: 'unit-not-loaded' })
})

test('no property but those of commands is told twice', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'), running('web.service'))
  daemon.fake.add(unit('x.target'))
  for (const name of ['web.service', 'x.target']) {
    const { units } = await result(t, daemon, 'show', { units: [name] })
    const names = (units[0]?.properties ?? [])
      .map(([property]) => property)
      .filter(property => !property.startsWith('Exec') && property !== 'Environment')
    t.deepEqual(
      names.filter((property, index) => names.indexOf(property) !== index),
      [],
    )
  }
})

test('without a unit the manager tells its properties', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'), facts('web.service', { sub: 'failed' }))
  const { units } = await result(t, daemon, 'show', {})
  t.like(Object.fromEntries(units[0]?.properties ?? []), {
    Version: '0.1.0',
    NNames: '1',
    NFailedUnits: '1',
    NJobs: '0',
    Environment: 'LANG=C.UTF-8',
    SystemState: 'degraded',
  })
})

test('a member of the control group sees no environment', async t => {
  const daemon = await openDaemon(t, {}, { groupId: process.getegid?.() ?? 0 })
  daemon.fake.add(
    unit('web.service', { exec: { ...EXEC_DEFAULTS, environment: ['PASSWORD=secret'] } }),
  )
  t.is((await properties(t, daemon, 'web')).Environment, 'PASSWORD=secret')
  daemon.peer = { uid: OWN_UID + 1, gid: process.getegid?.() ?? 0, groups: [] }
  const wire = await dial(t, daemon.path)
  for (const units of [['web'], []]) {
    wire.send(1, 'show', { units })
    t.notRegex(JSON.stringify(await wire.next()), /secret|LANG=C.UTF-8/)
  }
  wire.send(2, 'getEnvironment')
  t.like((await wire.next()).data, { ok: false, error: { code: 'not-permitted' } })
})
