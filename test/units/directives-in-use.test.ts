// The directives that unit files out there have, and their older spellings.
import test from 'ava'
import { createDirectives } from '../../daemon/units/directives.ts'
import { unitsOf } from './_files.ts'

const table = createDirectives()

/** What 1446 unit files of packages, public repositories and applications use, the most frequent first. */
const IN_USE: Readonly<Record<string, string>> = {
  Unit: `
Description After Documentation Wants Requires DefaultDependencies Before ConditionPathExists PartOf Conflicts
StartLimitIntervalSec RequiresMountsFor AssertPathExists ConditionKernelCommandLine StartLimitBurst
ConditionVirtualization OnFailure ReloadPropagatedFrom OnFailureJobMode ConditionACPower
ConditionFileIsExecutable BindsTo ConditionCapability ConditionPathIsDirectory Requisite ConditionFileNotEmpty
ConditionEnvironment IgnoreOnIsolate AllowIsolate AssertFileIsExecutable RefuseManualStart ConditionFirstBoot
ConditionPathIsMountPoint ConditionPathIsReadWrite ConditionPathIsSymbolicLink StartLimitAction
ConditionDirectoryNotEmpty RefuseManualStop AssertFileNotEmpty ConditionControlGroupController
ConditionPathExistsGlob JobRunningTimeoutSec JobTimeoutSec`,
  Service: `
ExecStart Type Restart User RestartSec WorkingDirectory EnvironmentFile Environment ExecReload ExecStartPre
RemainAfterExit ExecStop Group PrivateTmp ProtectSystem PIDFile SyslogIdentifier KillMode TimeoutStopSec
LimitNOFILE ProtectHome NoNewPrivileges StandardOutput ProtectControlGroups ProtectKernelTunables
ProtectKernelModules CapabilityBoundingSet PrivateDevices StandardError TimeoutStartSec NotifyAccess
RuntimeDirectory MemoryDenyWriteExecute ReadWritePaths UMask AmbientCapabilities RestrictNamespaces
ExecStartPost LimitNPROC KillSignal RestrictRealtime LockPersonality SystemCallArchitectures
RestrictAddressFamilies SuccessExitStatus TimeoutSec RuntimeDirectoryMode ProtectHostname ProtectKernelLogs
TasksMax SystemCallFilter OOMScoreAdjust LimitMEMLOCK SendSIGKILL PrivateUsers ProtectClock ProtectProc
LimitCORE RestrictSUIDSGID ExecStopPost BusName DeviceAllow PermissionsStartOnly RemoveIPC Delegate Nice
ReadOnlyPaths LogsDirectory ExecCondition StandardInput DevicePolicy StateDirectory PrivateNetwork
IOSchedulingClass IOSchedulingPriority ProcSubset IgnoreSIGPIPE StateDirectoryMode WatchdogSec MountFlags
LogsDirectoryMode SysVStartPriority ConfigurationDirectory ExecPaths NoExecPaths RestartPreventExitStatus
MemoryMax RestartForceExitStatus RuntimeDirectoryPreserve PrivateMounts IPAddressDeny GuessMainPID
CacheDirectory DynamicUser IPAddressAllow NonBlocking AppArmorProfile BindReadOnlyPaths CacheDirectoryMode
ConfigurationDirectoryMode LimitRTPRIO LimitRTTIME OOMPolicy SupplementaryGroups Slice TTYPath Sockets
LimitSTACK SecureBits InaccessiblePaths PrivateIPC SystemCallErrorNumber TTYReset TTYVHangup MemoryHigh
RuntimeMaxSec UnsetEnvironment CPUSchedulingPolicy ImportCredential LimitAS LimitFSIZE MemoryAccounting PAMName
PassEnvironment PrivatePIDs TTYVTDisallocate UtmpIdentifier UtmpMode WatchdogSignal`,
  Install: `
WantedBy Alias Also`,
  Socket: `
ListenStream SocketMode Accept SocketUser Service BindIPv6Only FileDescriptorName KeepAlive SocketGroup
ListenDatagram RemoveOnStop Backlog PassCredentials ExecStartPre ListenFIFO MaxConnections`,
  Timer: `
OnCalendar Persistent RandomizedDelaySec AccuracySec FixedRandomDelay OnActiveSec OnUnitInactiveSec OnBootSec
OnUnitActiveSec Unit`,
  Path: `
PathChanged Unit PathExists`,
}

test('every directive in use is known by the table, and what is not carried out says so', t => {
  for (const [section, names] of Object.entries(IN_USE))
    for (const name of names.trim().split(/\s+/)) {
      const row = table.find(section, name)
      t.truthy(row, `${section}.${name}`)
      if (row?.status === 'inert') t.truthy(row.note, `${section}.${name} has no reason`)
    }
})

/** Each older spelling with what it stands for now. */
const SPELLINGS: readonly (readonly [section: string, old: string, now: string])[] = [
  ['Unit', 'StartLimitInterval', 'StartLimitIntervalSec'],
  ['Unit', 'BindTo', 'BindsTo'],
  ['Unit', 'PropagateReloadTo', 'PropagatesReloadTo'],
  ['Unit', 'PropagateReloadFrom', 'ReloadPropagatedFrom'],
  ['Service', 'ReadWriteDirectories', 'ReadWritePaths'],
  ['Service', 'ReadOnlyDirectories', 'ReadOnlyPaths'],
  ['Service', 'InaccessibleDirectories', 'InaccessiblePaths'],
  ['Service', 'MemoryLimit', 'MemoryMax'],
]

test('older spellings stand for what replaced them', t => {
  for (const [section, old, now] of SPELLINGS) t.is(table.find(section, old)?.name, now, old)
})

test('a unit of older spellings loads without a complaint and means the same', t => {
  const unit = unitsOf({
    '/etc/units/old.service': `[Unit]
StartLimitInterval=30
[Service]
ExecStart=/bin/true
StartLimitBurst=7
ReadWriteDirectories=/var/lib/a
InaccessibleDirectories=-/srv
MemoryLimit=64M
`,
  }).get('old.service')
  t.deepEqual(unit.problems, [])
  t.is(unit.loadState, 'loaded')
  t.is(unit.unit.startLimitIntervalUsec, 30_000_000)
  t.is(unit.unit.startLimitBurst, 7)
  t.deepEqual(
    unit.sandbox?.readWritePaths.map(({ path }) => path),
    ['/var/lib/a'],
  )
})
