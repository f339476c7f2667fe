import { spawnSync } from 'node:child_process'
import test from 'ava'
import { createDirectives, SECTIONS } from '../../daemon/units/directives.ts'
import { settingsProperties } from '../../daemon/units/show.ts'
import { unitsOf } from './_files.ts'

const table = createDirectives()

test('every directive that systemd reads is known', t => {
  const { stdout, error } = spawnSync('/lib/systemd/systemd', ['--dump-configuration-items'], {
    encoding: 'utf8',
  })
  if (error) {
    t.log('systemd is not installed: not compared')
    t.pass()
    return
  }
  let section = ''
  const unknown: string[] = []
  for (const line of stdout.split('\n')) {
    const header = /^\[(.*)\]$/.exec(line)
    if (header) section = header[1] ?? ''
    const name = /^([A-Za-z0-9]+)=/.exec(line)?.[1]
    if (name && !table.find(section, name)) unknown.push(`${section}.${name}`)
  }
  t.deepEqual(unknown, [])
})

test('directives of later versions of systemd are known', t => {
  const known: Record<string, string[]> = {
    Unit: ['WantsMountsFor', 'ConditionVersion', 'SurviveFinalKillSignal'],
    Service: [
      'RestartSteps',
      'RestartMaxDelaySec',
      'RestartMode',
      'ReloadSignal',
      'OpenFile',
      'MemoryZSwapMax',
      'ImportCredential',
      'FileDescriptorStorePreserve',
      'PrivatePIDs',
      'SetLoginEnvironment',
      'DelegateSubgroup',
      'LogFilterPatterns',
    ],
    Install: ['UpheldBy'],
    Socket: ['PassFileDescriptorsToExec', 'PollLimitBurst'],
    Timer: ['DeferReactivation'],
  }
  for (const [section, names] of Object.entries(known))
    for (const name of names) {
      const place = name === 'SurviveFinalKillSignal' ? 'Service' : section
      t.truthy(table.find(place, name), name)
    }
})

test('what is carried out says so, and what is read alone does not', t => {
  const status = (name: string) => table.find('Service', name)?.status
  for (const name of [
    ...['AmbientCapabilities', 'CapabilityBoundingSet', 'NoNewPrivileges', 'SecureBits'],
    ...['SyslogLevel', 'SyslogLevelPrefix', 'RestartMode', 'OOMScoreAdjust', 'DynamicUser'],
    ...['CPUSchedulingPolicy', 'IOSchedulingClass', 'CPUAffinity', 'SystemCallFilter'],
    ...['ProtectSystem', 'PrivateTmp', 'ReadOnlyDirectories', 'PrivateUsers', 'MountFlags'],
    ...['NonBlocking', 'Sockets', 'FileDescriptorStoreMax'],
    ...['LogLevelMax', 'LogExtraFields', 'LogRateLimitBurst', 'LogFilterPatterns'],
    ...['MemoryMax', 'TasksMax', 'CPUQuota', 'OOMPolicy', 'Slice', 'Delegate'],
  ])
    t.is(status(name), 'enforced', name)
  for (const name of [...['RestrictFileSystems', 'RootImage', 'PAMName', 'BPFProgram']])
    t.is(status(name), 'not-enforced', name)
})

test('no name stands for two rows of a section', t => {
  for (const section of SECTIONS) {
    const names = table.section(section).map(row => row.name)
    t.deepEqual(
      names.filter((name, index) => names.indexOf(name) !== index),
      [],
      section,
    )
  }
})

const properties = (lines: string) => {
  const unit = unitsOf({ '/etc/units/a.service': lines }).get('a.service')
  return settingsProperties(unit).map(([name, value]) => `${name}=${value}`)
}

test('settings are shown by systemd’s property names in systemd’s words', t => {
  const shown = properties(
    `[Unit]
Description=A service
After=b.service
StartLimitIntervalSec=5min
[Service]
Type=notify
ExecStart=/bin/a "b c" d
ExecStart=
ExecStart=-/bin/a "b c" d
Restart=on-failure
TimeoutStopSec=90
RestartSec=1.5
SuccessExitStatus=143 SIGKILL
Environment="A=b c" D=e
EnvironmentFile=-/etc/default/a
UMask=027
User=www-data
LimitNOFILE=1024:infinity
RuntimeDirectory=a b
StandardOutput=append:/var/log/a
MemoryMax=1G
`,
  )
  for (const line of [
    'Id=a.service',
    'LoadState=loaded',
    'Description=A service',
    'Requires=sysinit.target',
    'After=b.service sysinit.target basic.target',
    'StartLimitIntervalUSec=5min',
    'StartLimitBurst=5',
    'Type=notify',
    'ExecStart={ path=/bin/a ; argv[]=/bin/a b c d ; ignore_errors=yes ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }',
    'Restart=on-failure',
    'RestartUSec=1.500000s',
    'TimeoutStopUSec=1min 30s',
    'TimeoutAbortUSec=1min 30s',
    'RuntimeMaxUSec=infinity',
    'SuccessExitStatus=143 KILL',
    'Environment="A=b c" D=e',
    'EnvironmentFiles=/etc/default/a (ignore_errors=yes)',
    'UMask=0027',
    'User=www-data',
    'LimitNOFILE=infinity',
    'LimitNOFILESoft=1024',
    'RuntimeDirectory=a b',
    'StandardOutput=append',
    'NotifyAccess=main',
    'WatchdogUSec=infinity',
    'StandardError=inherit',
    'KillSignal=15',
    'KillMode=control-group',
    'SendSIGKILL=yes',
    'MemoryMax=1073741824',
    'UnitFileState=static',
  ])
    t.true(shown.includes(line), `${line}\n${shown.join('\n')}`)
})

test('a property is shown once, a list of commands a line each', t => {
  const shown = properties('[Service]\nType=oneshot\nExecStart=/bin/a\nExecStart=/bin/b\n')
  t.is(shown.filter(line => line.startsWith('ExecStart=')).length, 2)
  const names = shown
    .map(line => line.slice(0, line.indexOf('=')))
    .filter(name => name !== 'ExecStart')
  t.is(new Set(names).size, names.length)
})
