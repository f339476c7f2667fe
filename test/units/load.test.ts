import test from 'ava'
import { describeProblem } from '../../daemon/units/errors.ts'
import type { Unit } from '../../daemon/units/unit.ts'
import { type Files, unitsOf } from './_files.ts'

const SERVICE = '[Service]\nExecStart=/bin/true\n'
const ENABLED = `${SERVICE}[Install]\nWantedBy=multi-user.target\n`
const load = (files: Files, name: string): Unit => unitsOf(files).get(name)
const problems = (unit: Unit) => unit.problems.map(describeProblem)

test('a name without a file is not found, and loading never fails', t => {
  const unit = load({}, 'web.service')
  t.like(unit, { id: 'web.service', loadState: 'not-found', unitFileState: 'not-found' })
  t.is(unit.loadError, 'cannot find a file for web.service in /etc/units, /run/units, /usr/units')
  t.is(load({}, 'no name').loadState, 'not-found')
})

test('the first directory wins, and vendor directories come last', t => {
  const files = {
    '/etc/units/a.service': `[Unit]\nDescription=etc\n${SERVICE}`,
    '/run/units/a.service': `[Unit]\nDescription=run\n${SERVICE}`,
    '/run/units/b.service': `[Unit]\nDescription=run\n${SERVICE}`,
    '/usr/units/b.service': `[Unit]\nDescription=usr\n${SERVICE}`,
    '/usr/units/c.service': `[Unit]\nDescription=usr\n${SERVICE}`,
  }
  const units = unitsOf(files)
  t.is(units.get('a.service').unit.description, 'etc')
  t.is(units.get('b.service').unit.description, 'run')
  t.is(units.get('c.service').unit.description, 'usr')
  t.is(units.get('c.service').fragmentPath, '/usr/units/c.service')
})

test('drop-ins come from all directories, by file name, the first of a name wins', t => {
  const unit = load(
    {
      '/usr/units/a-b@1.service': `[Unit]\nDocumentation=man:a\n${SERVICE}`,
      '/usr/units/a-b@1.service.d/10.conf': '[Unit]\nDocumentation=man:usr10\n',
      '/etc/units/a-b@1.service.d/10.conf': '[Unit]\nDocumentation=man:etc10\n',
      '/etc/units/a-b@.service.d/05.conf': '[Unit]\nDocumentation=man:etc05\n',
      '/usr/units/a-.service.d/20.conf': '[Unit]\nDocumentation=man:usr20\n',
      '/etc/units/service.d/01.conf': '[Unit]\nDocumentation=man:type\n',
      '/etc/units/service.d/10.conf': '[Unit]\nDocumentation=man:shadowed\n',
      '/run/units/a-b@1.service.d/30.conf': { link: '/dev/null' },
      '/usr/units/a-b@1.service.d/30.conf': '[Unit]\nDocumentation=man:masked\n',
      '/etc/units/a-b@1.service.d/readme': 'no drop-in',
    },
    'a-b@1.service',
  )
  t.deepEqual(unit.unit.documentation, ['man:a', 'man:type', 'man:etc05', 'man:etc10', 'man:usr20'])
  t.deepEqual(unit.dropInPaths, [
    '/etc/units/service.d/01.conf',
    '/etc/units/a-b@.service.d/05.conf',
    '/etc/units/a-b@1.service.d/10.conf',
    '/usr/units/a-.service.d/20.conf',
  ])
})

test('an empty assignment takes back what came before, in a drop-in too', t => {
  const unit = load(
    {
      '/etc/units/a.service':
        '[Service]\nExecStart=/bin/a\nEnvironment=A=1 B=2\nTimeoutStopSec=5\n',
      '/etc/units/a.service.d/x.conf':
        '[Service]\nExecStart=\nExecStart=/bin/b\nEnvironment=\nEnvironment=C=3\nTimeoutStopSec=\n',
    },
    'a.service',
  )
  t.deepEqual(
    unit.service?.execStart.map(({ path }) => path),
    ['/bin/b'],
  )
  t.deepEqual(unit.exec?.environment, ['C=3'])
  t.is(unit.service?.timeoutStopUsec, 90_000_000)
})

test('a link to /dev/null or an empty file masks a unit, also one of a lower directory', t => {
  const units = unitsOf({
    '/etc/units/a.service': { link: '/dev/null' },
    '/usr/units/a.service': SERVICE,
    '/etc/units/b.service': '',
    '/run/units/c.service': { link: '/dev/null' },
    '/etc/units/d@.service': { link: '/dev/null' },
  })
  t.like(units.get('a.service'), { loadState: 'masked', unitFileState: 'masked' })
  t.is(units.get('a.service').loadError, 'a.service is masked; undo it with: ctl unmask a.service')
  t.is(units.get('b.service').loadState, 'masked')
  t.is(units.get('c.service').unitFileState, 'masked-runtime')
  t.is(units.get('d@1.service').loadState, 'masked')
})

test('a symlink to a unit is another name for it', t => {
  const units = unitsOf({
    '/etc/units/redis.service': { link: 'redis-server.service' },
    '/usr/units/redis-server.service': SERVICE,
    '/etc/units/redis-server.service': { link: '/usr/units/redis-server.service' },
    '/etc/units/other.service': { link: '/opt/app/unit.service' },
    '/opt/app/unit.service': SERVICE,
  })
  const unit = units.get('redis.service')
  t.is(unit.id, 'redis-server.service')
  t.deepEqual(unit.names, ['redis-server.service', 'redis.service'])
  t.is(units.get('redis-server.service'), unit)
  t.is(units.fileState('redis.service'), 'alias')
  t.like(units.get('other.service'), {
    id: 'other.service',
    fragmentPath: '/opt/app/unit.service',
    unitFileState: 'linked',
  })
})

test('links that lead in a circle end as not found', t => {
  const files = {
    '/etc/units/a.service': { link: 'b.service' },
    '/etc/units/b.service': { link: 'a.service' },
  }
  t.is(load(files, 'a.service').loadState, 'not-found')
})

test('Alias= of a unit that is enabled by being there is a name for it', t => {
  const units = unitsOf({
    '/etc/units/ssh.service': `${ENABLED}Alias=sshd.service\n`,
    '/usr/units/cron.service': `${ENABLED}Alias=crond.service\n`,
    '/etc/units/web.service': `[Unit]\nAfter=sshd.service\n${SERVICE}`,
  })
  t.is(units.get('sshd.service').id, 'ssh.service')
  t.deepEqual(units.get('ssh.service').names, ['ssh.service', 'sshd.service'])
  t.is(units.get('crond.service').loadState, 'not-found')
  t.true(units.get('web.service').dependencies.after?.includes('ssh.service'))
})

test('a template gives each instance a unit, with its own specifiers', t => {
  const units = unitsOf({
    '/etc/units/web@.service':
      '[Unit]\nDescription=Web %i\n[Service]\nExecStart=/bin/web --port %i\n',
    '/etc/units/web@3.service': '[Unit]\nDescription=Third\n[Service]\nExecStart=/bin/three\n',
    '/etc/units/web@4.service': { link: 'web@.service' },
  })
  t.is(units.get('web@1.service').unit.description, 'Web 1')
  t.deepEqual(units.get('web@2.service').service?.execStart[0]?.argv, ['/bin/web', '--port', '2'])
  t.is(units.get('web@3.service').unit.description, 'Third')
  t.is(units.get('web@4.service').unit.description, 'Web 4')
  t.is(units.get('web@4.service').fragmentPath, '/etc/units/web@.service')
})

test('an unknown directive or section is a warning with its place, and the unit loads', t => {
  const unit = load(
    {
      '/etc/units/a.service': `${SERVICE}RestrtSec=5\nWantedBy=x.target\n[Servce]\nA=1\n[Socket]\nListenStream=1\n[X-Mine]\nA=1\n[Unit]\nX-Note=1\n`,
    },
    'a.service',
  )
  t.is(unit.loadState, 'loaded')
  t.deepEqual(problems(unit).sort(), [
    '/etc/units/a.service:3:11: unknown directive RestrtSec= in [Service], ignored; did you mean RestartSec?',
    '/etc/units/a.service:4:10: unknown directive WantedBy= in [Service], ignored; it belongs in [Install]',
    '/etc/units/a.service:5: unknown section [Servce], ignored; did you mean Service?',
    '/etc/units/a.service:7: section [Socket] has no meaning in a service unit, ignored',
  ])
})

test('a bad value is an error with file, line, directive and what was expected; no other unit suffers', t => {
  const units = unitsOf({
    '/etc/units/a.service': `${ENABLED}`.replace(
      '[Install]',
      'RestartSec=soon\nRestart=often\n[Install]',
    ),
    '/etc/units/b.service': ENABLED,
  })
  const unit = units.get('a.service')
  t.is(unit.loadState, 'bad-setting')
  t.is(
    unit.loadError,
    '/etc/units/a.service:3:12: cannot read RestartSec=soon: expected a time span, such as 30, 5s, 1min 30s or infinity',
  )
  t.like(unit.problems[1], {
    severity: 'error',
    directive: 'Service.Restart',
    place: { file: '/etc/units/a.service', line: 4, column: 9 },
    message:
      'cannot read Restart=often: expected no, on-success, on-failure, on-abnormal, on-watchdog, on-abort or always',
  })
  t.is(units.get('b.service').loadState, 'loaded')
})

test('a service that cannot run as described is a bad setting', t => {
  const bad: [string, RegExp][] = [
    ['', /without ExecStart=, ExecStop= or SuccessAction=/],
    ['Type=simple\nExecStop=/bin/a', /without ExecStart=, unless it has Type=oneshot/],
    ['ExecStop=/bin/a', /unless it has RemainAfterExit=yes/],
    [
      'ExecStart=/bin/a\nExecStart=/bin/b',
      /with 2 ExecStart= commands, unless it has Type=oneshot/,
    ],
    ['Type=oneshot\nExecStart=/bin/a\nRestart=always', /Restart=always with Type=oneshot/],
    ['Type=oneshot\nExecStart=/bin/a\nRestartForceExitStatus=1', /RestartForceExitStatus=/],
    ['Type=dbus\nExecStart=/bin/a', /Type=dbus without BusName=/],
    ['ExecStart=/bin/a\nPAMName=x\nKillMode=process', /PAMName= with KillMode=process/],
  ]
  for (const [lines, error] of bad) {
    const unit = load({ '/etc/units/a.service': `[Service]\n${lines}\n` }, 'a.service')
    t.is(unit.loadState, 'bad-setting', lines)
    t.regex(unit.loadError ?? '', error)
  }
  for (const lines of [
    'Type=oneshot\nExecStart=/bin/a\nExecStart=/bin/b',
    'ExecStop=/bin/a\nRemainAfterExit=yes',
    'Type=oneshot\nExecStart=/bin/a\nRestart=on-failure',
  ])
    t.is(
      load({ '/etc/units/a.service': `[Service]\n${lines}\n` }, 'a.service').loadState,
      'loaded',
      lines,
    )
})

test('Type= follows from what is set, and the start time-out from the type', t => {
  const service = (lines: string) =>
    load({ '/etc/units/a.service': `[Service]\n${lines}\n` }, 'a.service').service
  t.like(service('ExecStart=/bin/a'), { type: 'simple', timeoutStartUsec: 90_000_000 })
  t.like(service('ExecStart=/bin/a\nBusName=a.b'), { type: 'dbus' })
  t.like(service('ExecStop=/bin/a\nRemainAfterExit=yes'), {
    type: 'oneshot',
    timeoutStartUsec: Number.POSITIVE_INFINITY,
  })
  t.like(service('Type=oneshot\nExecStart=/bin/a\nTimeoutStartSec=5'), {
    timeoutStartUsec: 5_000_000,
  })
  t.like(service('ExecStart=/bin/a\nTimeoutSec=7'), {
    timeoutStartUsec: 7_000_000,
    timeoutStopUsec: 7_000_000,
  })
  t.like(service('ExecStart=/bin/a\nTimeoutStopSec=0'), {
    timeoutStopUsec: Number.POSITIVE_INFINITY,
  })
})

test('old spellings are read', t => {
  const unit = load(
    {
      '/etc/units/a.service':
        '[Unit]\nBindTo=b.service\nPropagateReloadTo=c.service\nOnFailureIsolate=yes\n[Service]\nExecStart=/bin/a\nStartLimitInterval=7\nStartLimitBurst=3\nStartLimitAction=reboot\nPIDFile=/var/run/a.pid\nStandardError=syslog\nMemoryLimit=1M\nReadOnlyDirectories=/x\n',
    },
    'a.service',
  )
  t.is(unit.loadState, 'loaded')
  t.deepEqual(unit.dependencies.bindsTo, ['b.service'])
  t.deepEqual(unit.dependencies.propagatesReloadTo, ['c.service'])
  t.like(unit.unit, {
    onFailureJobMode: 'isolate',
    startLimitIntervalUsec: 7_000_000,
    startLimitBurst: 3,
    startLimitAction: 'reboot',
  })
  t.is(unit.service?.pidFile, '/run/a.pid')
  t.is(unit.exec?.standardError.kind, 'journal')
  t.is(unit.resources?.memoryMax, 1024 ** 2)
  t.is(unit.sandbox?.readOnlyPaths[0]?.path, '/x')
})

test('services and targets have default dependencies, unless DefaultDependencies=no', t => {
  const units = unitsOf({
    '/etc/units/a.service': SERVICE,
    '/etc/units/b.service': `[Unit]\nDefaultDependencies=no\n${SERVICE}`,
    '/etc/units/c.target': '[Unit]\nWants=a.service\n',
  })
  t.deepEqual(units.get('a.service').dependencies, {
    requires: ['sysinit.target'],
    after: ['sysinit.target', 'basic.target'],
    conflicts: ['shutdown.target'],
    before: ['shutdown.target'],
  })
  t.deepEqual(units.get('b.service').dependencies, {})
  t.deepEqual(units.get('c.target').dependencies, {
    wants: ['a.service'],
    conflicts: ['shutdown.target'],
    before: ['shutdown.target'],
  })
})

test('a dependency on what is no unit is passed over with a warning, and the unit loads', t => {
  const files = {
    '/etc/units/a.service': `[Unit]\nDefaultDependencies=no\nAfter=udev b.service\nOnFailure=failed@%i.service\nWants=lircd\n${SERVICE}[Install]\nAlias=multi-user.target.wants/a.service\n`,
  }
  const unit = load(files, 'a.service')
  t.is(unit.loadState, 'loaded')
  t.deepEqual(unit.dependencies, { after: ['b.service'] })
  t.deepEqual(unit.install?.alias ?? [], [])
  t.deepEqual(problems(unit), [
    '/etc/units/a.service:3:7: After=: udev is no unit name, and passed over; expected one such as web.service',
    '/etc/units/a.service:4:11: OnFailure=: failed@.service is a template, and passed over; expected an instance, such as failed@1.service',
    '/etc/units/a.service:5:7: Wants=: lircd is no unit name, and passed over; expected one such as web.service',
    '/etc/units/a.service:9:7: Alias=: multi-user.target.wants/a.service is no unit name, and passed over; expected one such as web.service',
  ])
})

test('a dependency is kept once and never on the unit itself', t => {
  const unit = load(
    {
      '/etc/units/a.service': `[Unit]\nDefaultDependencies=no\nAfter=b.service a.service b.service\nWants=a.service\n${SERVICE}`,
    },
    'a.service',
  )
  t.deepEqual(unit.dependencies, { after: ['b.service'] })
})

test('the special targets are built in, and a file in a unit directory replaces one', t => {
  const units = unitsOf({
    '/etc/units/network.target': '[Unit]\nDescription=Mine\n',
    '/usr/units/basic.target': '[Unit]\nRequires=udev.service\n',
    '/etc/units/sysinit.target.d/x.conf': '[Unit]\nWants=early.service\n',
  })
  for (const name of [
    'default',
    'multi-user',
    'graphical',
    'basic',
    'sysinit',
    'local-fs',
    'local-fs-pre',
    'remote-fs',
    'remote-fs-pre',
    'network',
    'network-pre',
    'network-online',
    'nss-lookup',
    'nss-user-lookup',
    'time-sync',
    'time-set',
    'rpcbind',
    'sockets',
    'timers',
    'paths',
    'slices',
    'swap',
    'shutdown',
    'umount',
    'final',
    'exit',
    'reboot',
    'poweroff',
    'halt',
    'emergency',
    'rescue',
    'getty',
    'cryptsetup',
  ])
    t.is(units.get(`${name}.target`).loadState, 'loaded', name)
  for (const name of ['-.slice', 'system.slice', '-.mount'])
    t.is(units.get(name).loadState, 'loaded', name)
  t.is(units.get('network.target').unit.description, 'Mine')
  t.false(units.get('basic.target').dependencies.requires?.includes('udev.service'))
  t.true(units.get('sysinit.target').dependencies.wants?.includes('early.service'))
  t.is(units.get('runlevel3.target').id, 'multi-user.target')
  for (const name of ['default.target', 'network-online.target', '-.mount'])
    t.deepEqual(units.get(name).problems, [], name)
})

test('what is in a unit directory with [Install] is enabled; what is a vendor’s is not', t => {
  const units = unitsOf({
    '/etc/units/a.service': ENABLED,
    '/etc/units/b.service': `${SERVICE}[Install]\nRequiredBy=multi-user.target\nUpheldBy=x.target\n`,
    '/etc/units/c.service': SERVICE,
    '/run/units/d.service': ENABLED,
    '/usr/units/e.service': ENABLED,
  })
  const target = units.get('multi-user.target')
  t.deepEqual(target.dependencies.wants, ['a.service', 'd.service'])
  t.true(target.dependencies.requires?.includes('b.service'))
  t.deepEqual(units.get('x.target').loadState, 'not-found')
  const states = units.unitFiles().map(({ name, state }) => `${name} ${state}`)
  t.deepEqual(states, [
    'a.service enabled',
    'b.service enabled',
    'c.service static',
    'd.service enabled-runtime',
    'e.service disabled',
  ])
})

test('a link to /dev/null in a .wants directory switches a dependency off', t => {
  const units = unitsOf({
    '/run/units/a.service': ENABLED,
    '/etc/units/multi-user.target.wants/a.service': { link: '/dev/null' },
    '/run/units/multi-user.target.wants/b.service': { link: '/usr/units/b.service' },
    '/etc/units/multi-user.target.wants/b.service': { link: '/dev/null' },
    '/usr/units/b.service': ENABLED,
  })
  t.is(units.get('multi-user.target').dependencies.wants, undefined)
  t.is(units.fileState('a.service'), 'disabled')
  t.is(units.fileState('b.service'), 'disabled')
})

test('.wants, .requires and .upholds directories add dependencies; a vendor’s do so only to its own units', t => {
  const units = unitsOf({
    '/usr/units/multi-user.target.wants/udev.service': { link: '../udev.service' },
    '/usr/units/app.service.wants/helper.service': { link: '../helper.service' },
    '/usr/units/app.service': SERVICE,
    '/etc/units/app.service.requires/db.service': { link: '/usr/units/db.service' },
    '/run/units/app.service.upholds/x@1.service': { link: '/usr/units/x@.service' },
  })
  t.is(units.get('multi-user.target').dependencies.wants, undefined)
  const { dependencies } = units.get('app.service')
  t.deepEqual(dependencies.wants, ['helper.service'])
  t.deepEqual(dependencies.requires, ['db.service', 'sysinit.target'])
  t.deepEqual(dependencies.upholds, ['x@1.service'])
})

test('a template is started by being there only through an instance', t => {
  const units = unitsOf({
    '/etc/units/a@.service': ENABLED,
    '/etc/units/b@.service': `${ENABLED}DefaultInstance=main\n`,
    '/etc/units/c@.service': SERVICE,
    '/etc/units/c@.service.d/x.conf': '[Install]\nWantedBy=multi-user.target\n',
    '/etc/units/c@7.service': { link: 'c@.service' },
  })
  t.deepEqual(units.get('multi-user.target').dependencies.wants, ['b@main.service', 'c@7.service'])
})

test('Also= of an enabled unit enables others, a vendor’s too', t => {
  const units = unitsOf({
    '/etc/units/a.service': `${ENABLED}Also=b.service\n`,
    '/usr/units/b.service': ENABLED,
  })
  t.deepEqual(units.get('multi-user.target').dependencies.wants, ['a.service', 'b.service'])
  t.is(units.fileState('b.service'), 'enabled')
})

test('the default target pulls in what is enabled for it, for multi-user and for graphical', t => {
  const units = unitsOf({
    '/etc/units/a.service': `${SERVICE}[Install]\nWantedBy=default.target\n`,
  })
  const { dependencies } = units.get('default.target')
  t.true(dependencies.wants?.includes('a.service'))
  t.true(dependencies.wants?.includes('graphical.target'))
  t.true(dependencies.requires?.includes('multi-user.target'))
  const linked = unitsOf({
    '/etc/units/default.target': { link: 'my.target' },
    '/etc/units/my.target': '[Unit]\nDescription=Mine\n',
  })
  t.is(linked.get('default.target').id, 'my.target')
})

test('an automount unit has its path mounted, and says that it does so at once', t => {
  const unit = load({ '/etc/units/a-b.automount': '[Automount]\nWhere=/a/b\n' }, 'a-b.automount')
  t.like(unit, { type: 'automount', loadState: 'loaded' })
  t.deepEqual(problems(unit), [
    '/etc/units/a-b.automount: an automount unit mounts its path as soon as it is started, not when it is first used',
  ])
  t.deepEqual(unit.dependencies.requires, ['a-b.mount'])
  t.true(unit.dependencies.after?.includes('a-b.mount'))
  t.true(unit.dependencies.before?.includes('local-fs.target'))
})

test('WantsMountsFor= wants the mount units of its paths, RequiresMountsFor= requires them', t => {
  const mount = (where: string) => `[Mount]\nWhat=tmpfs\nWhere=${where}\n`
  const unit = load(
    {
      '/etc/units/a.mount': mount('/a'),
      '/etc/units/b.mount': mount('/b'),
      '/etc/units/x.service': `[Unit]\nWantsMountsFor=/a/data\nRequiresMountsFor=/b\n${SERVICE}`,
    },
    'x.service',
  )
  t.deepEqual(unit.dependencies.wants, ['a.mount'])
  t.deepEqual(
    unit.dependencies.requires?.filter(name => name.endsWith('.mount')),
    ['b.mount'],
  )
  for (const name of ['a.mount', 'b.mount']) t.true(unit.dependencies.after?.includes(name))
})

test('[X-Hearth] has directives of its own, and an unknown one is a warning', t => {
  const unit = load(
    { '/etc/units/a.service': `${SERVICE}[X-Hearth]\nDependants=fail\nDependents=x\n` },
    'a.service',
  )
  t.like(unit.hearth, { dependants: 'fail', consoleOutput: 'inherit', strict: false })
  t.deepEqual(problems(unit), [
    '/etc/units/a.service:5:12: unknown directive Dependents= in [X-Hearth], ignored; did you mean Dependants?',
  ])
})

test('LogPipe= is one command', t => {
  const unit = load(
    {
      '/etc/units/a.service': `${SERVICE}[X-Hearth]\nLogPipe=+s6-log "n 20"\nLogPipe=a ; b\n`,
    },
    'a.service',
  )
  t.like(unit.hearth.logPipe, { path: 's6-log', argv: ['s6-log', 'n 20'], privilege: 'full' })
  t.regex(problems(unit).join(), /^\/etc\/units\/a\.service:5:9: .*LogPipe=.*expected one command/)
})

test('what is known and not enforced is told on request, with its place, and is no load problem', t => {
  const units = unitsOf({
    '/etc/units/a.service': `${SERVICE}SELinuxContext=x\nPrivateBPF=/x\n`,
    '/etc/units/a.service.d/x.conf': '[Service]\nBPFProgram=egress:/x\n',
  })
  t.deepEqual(units.get('a.service').problems, [])
  t.deepEqual(units.notEnforced('a.service').map(describeProblem), [
    '/etc/units/a.service:3:16: SELinuxContext= is known but not enforced: the SELinux security module is not used',
    '/etc/units/a.service:4:12: PrivateBPF= is known but not enforced yet',
    '/etc/units/a.service.d/x.conf:2:12: BPFProgram= is known but not enforced: of programs in the kernel there are hearth’s own alone, those of DeviceAllow=, IPAddressDeny= and their like',
  ])
})

test('units are read once until a reload, and loaded() tells those that were read', t => {
  const files: Record<string, string> = {
    '/etc/units/a.service': SERVICE,
    '/etc/units/b.service': SERVICE,
  }
  const units = unitsOf(files)
  const before = units.get('a.service')
  files['/etc/units/a.service'] = `[Unit]\nDescription=New\n${SERVICE}`
  t.is(units.get('a.service'), before)
  t.deepEqual(
    [...units.loaded()].map(({ id }) => id),
    ['a.service'],
  )
  units.reload()
  t.deepEqual([...units.loaded()], [])
  t.is(units.get('a.service').unit.description, 'New')
})

test('a unit file that cannot be read is told as that', t => {
  const unit = load({ '/etc/units/a.service': { link: '/nowhere/a.service' } }, 'a.service')
  t.is(unit.loadState, 'error')
  t.is(unit.loadError, 'cannot read /nowhere/a.service: ENOENT')
})

test('equal dependencies and [Install] sections are kept once', t => {
  const units = unitsOf({ '/etc/units/a.service': ENABLED, '/etc/units/b.service': ENABLED })
  t.is(units.get('a.service').dependencies, units.get('b.service').dependencies)
  t.is(units.get('a.service').install, units.get('b.service').install)
  t.is(units.get('a.service').exec, units.get('b.service').exec)
})

test('a file outside of the directories can be looked at', t => {
  const units = unitsOf({ '/tmp/x.service': `${SERVICE}Restart=often\n` })
  t.is(units.fromFile('/tmp/x.service', 'x.service').loadState, 'bad-setting')
})
