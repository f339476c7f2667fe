// The directives of unit files as the manual pages of systemd 252 have them, in their order; and those that systemd reads
// without their being there, most of them older spellings.

/** A part of a manual page. */
export type ManualPart = { page: string; heading: string | null; section: string; names: string }

export const MANUAL: readonly ManualPart[] = [
  {
    page: 'systemd.unit(5)',
    heading: null,
    section: 'Unit',
    names: `
Description Documentation Wants Requires Requisite BindsTo PartOf Upholds Conflicts Before After OnFailure
OnSuccess PropagatesReloadTo ReloadPropagatedFrom PropagatesStopTo StopPropagatedFrom JoinsNamespaceOf
RequiresMountsFor OnSuccessJobMode OnFailureJobMode IgnoreOnIsolate StopWhenUnneeded RefuseManualStart
RefuseManualStop AllowIsolate DefaultDependencies CollectMode FailureAction SuccessAction
FailureActionExitStatus SuccessActionExitStatus JobTimeoutSec JobRunningTimeoutSec JobTimeoutAction
JobTimeoutRebootArgument StartLimitIntervalSec StartLimitBurst StartLimitAction RebootArgument SourcePath
ConditionArchitecture ConditionFirmware ConditionVirtualization ConditionHost ConditionKernelCommandLine
ConditionKernelVersion ConditionCredential ConditionEnvironment ConditionSecurity ConditionCapability
ConditionACPower ConditionNeedsUpdate ConditionFirstBoot ConditionPathExists ConditionPathExistsGlob
ConditionPathIsDirectory ConditionPathIsSymbolicLink ConditionPathIsMountPoint ConditionPathIsReadWrite
ConditionPathIsEncrypted ConditionDirectoryNotEmpty ConditionFileNotEmpty ConditionFileIsExecutable
ConditionUser ConditionGroup ConditionControlGroupController ConditionMemory ConditionCPUs ConditionCPUFeature
ConditionOSRelease ConditionMemoryPressure ConditionCPUPressure ConditionIOPressure AssertArchitecture
AssertVirtualization AssertHost AssertKernelCommandLine AssertKernelVersion AssertCredential AssertEnvironment
AssertSecurity AssertCapability AssertACPower AssertNeedsUpdate AssertFirstBoot AssertPathExists
AssertPathExistsGlob AssertPathIsDirectory AssertPathIsSymbolicLink AssertPathIsMountPoint
AssertPathIsReadWrite AssertPathIsEncrypted AssertDirectoryNotEmpty AssertFileNotEmpty AssertFileIsExecutable
AssertUser AssertGroup AssertControlGroupController AssertMemory AssertCPUs AssertCPUFeature AssertOSRelease
AssertMemoryPressure AssertCPUPressure AssertIOPressure`,
  },
  {
    page: 'systemd.unit(5)',
    heading: null,
    section: 'Install',
    names: `
Alias WantedBy RequiredBy Also DefaultInstance`,
  },
  {
    page: 'systemd.service(5)',
    heading: null,
    section: 'Service',
    names: `
Type ExitType RemainAfterExit GuessMainPID PIDFile BusName ExecStart ExecStartPre ExecStartPost ExecCondition
ExecReload ExecStop ExecStopPost RestartSec TimeoutStartSec TimeoutStopSec TimeoutAbortSec TimeoutSec
TimeoutStartFailureMode TimeoutStopFailureMode RuntimeMaxSec RuntimeRandomizedExtraSec WatchdogSec Restart
SuccessExitStatus RestartPreventExitStatus RestartForceExitStatus RootDirectoryStartOnly NonBlocking
NotifyAccess Sockets FileDescriptorStoreMax USBFunctionDescriptors USBFunctionStrings OOMPolicy`,
  },
  {
    page: 'systemd.socket(5)',
    heading: null,
    section: 'Socket',
    names: `
ListenStream ListenDatagram ListenSequentialPacket ListenFIFO ListenSpecial ListenNetlink ListenMessageQueue
ListenUSBFunction SocketProtocol BindIPv6Only Backlog BindToDevice SocketUser SocketGroup SocketMode
DirectoryMode Accept Writable FlushPending MaxConnections MaxConnectionsPerSource KeepAlive KeepAliveTimeSec
KeepAliveIntervalSec KeepAliveProbes NoDelay Priority DeferAcceptSec ReceiveBuffer SendBuffer IPTOS IPTTL Mark
ReusePort SmackLabel SmackLabelIPIn SmackLabelIPOut SELinuxContextFromNet PipeSize MessageQueueMaxMessages
MessageQueueMessageSize FreeBind Transparent Broadcast PassCredentials PassSecurity PassPacketInfo
Timestamping TCPCongestion ExecStartPre ExecStartPost ExecStopPre ExecStopPost TimeoutSec Service RemoveOnStop
Symlinks FileDescriptorName TriggerLimitIntervalSec TriggerLimitBurst`,
  },
  {
    page: 'systemd.timer(5)',
    heading: null,
    section: 'Timer',
    names: `
OnActiveSec OnBootSec OnStartupSec OnUnitActiveSec OnUnitInactiveSec OnCalendar AccuracySec RandomizedDelaySec
FixedRandomDelay OnClockChange OnTimezoneChange Unit Persistent WakeSystem RemainAfterElapse`,
  },
  {
    page: 'systemd.path(5)',
    heading: null,
    section: 'Path',
    names: `
PathExists PathExistsGlob PathChanged PathModified DirectoryNotEmpty Unit MakeDirectory DirectoryMode
TriggerLimitIntervalSec TriggerLimitBurst`,
  },
  {
    page: 'systemd.mount(5)',
    heading: null,
    section: 'Mount',
    names: `
What Where Type Options SloppyOptions LazyUnmount ReadWriteOnly ForceUnmount DirectoryMode TimeoutSec`,
  },
  {
    page: 'systemd.automount(5)',
    heading: null,
    section: 'Automount',
    names: `
Where ExtraOptions DirectoryMode TimeoutIdleSec`,
  },
  {
    page: 'systemd.swap(5)',
    heading: null,
    section: 'Swap',
    names: `
What Priority Options TimeoutSec`,
  },
  {
    page: 'systemd.scope(5)',
    heading: null,
    section: 'Scope',
    names: `
OOMPolicy RuntimeMaxSec RuntimeRandomizedExtraSec`,
  },
  {
    page: 'systemd.kill(5)',
    heading: null,
    section: 'Service',
    names: `
KillMode KillSignal RestartKillSignal SendSIGHUP SendSIGKILL FinalKillSignal WatchdogSignal`,
  },
  {
    page: 'systemd.exec(5)',
    heading: 'PATHS',
    section: 'Service',
    names: `
ExecSearchPath WorkingDirectory RootDirectory RootImage RootImageOptions RootHash RootHashSignature RootVerity
MountAPIVFS ProtectProc ProcSubset BindPaths BindReadOnlyPaths MountImages ExtensionImages
ExtensionDirectories`,
  },
  {
    page: 'systemd.exec(5)',
    heading: 'USER/GROUP IDENTITY',
    section: 'Service',
    names: `
User Group DynamicUser SupplementaryGroups PAMName`,
  },
  {
    page: 'systemd.exec(5)',
    heading: 'CAPABILITIES',
    section: 'Service',
    names: `
CapabilityBoundingSet AmbientCapabilities`,
  },
  {
    page: 'systemd.exec(5)',
    heading: 'SECURITY',
    section: 'Service',
    names: `
NoNewPrivileges SecureBits`,
  },
  {
    page: 'systemd.exec(5)',
    heading: 'MANDATORY ACCESS CONTROL',
    section: 'Service',
    names: `
SELinuxContext AppArmorProfile SmackProcessLabel`,
  },
  {
    page: 'systemd.exec(5)',
    heading: 'PROCESS PROPERTIES',
    section: 'Service',
    names: `
LimitCPU LimitFSIZE LimitDATA LimitSTACK LimitCORE LimitRSS LimitNOFILE LimitAS LimitNPROC LimitMEMLOCK
LimitLOCKS LimitSIGPENDING LimitMSGQUEUE LimitNICE LimitRTPRIO LimitRTTIME UMask CoredumpFilter KeyringMode
OOMScoreAdjust TimerSlackNSec Personality IgnoreSIGPIPE`,
  },
  {
    page: 'systemd.exec(5)',
    heading: 'SCHEDULING',
    section: 'Service',
    names: `
Nice CPUSchedulingPolicy CPUSchedulingPriority CPUSchedulingResetOnFork CPUAffinity NUMAPolicy NUMAMask
IOSchedulingClass IOSchedulingPriority`,
  },
  {
    page: 'systemd.exec(5)',
    heading: 'SANDBOXING',
    section: 'Service',
    names: `
ProtectSystem ProtectHome RuntimeDirectory StateDirectory CacheDirectory LogsDirectory ConfigurationDirectory
RuntimeDirectoryMode StateDirectoryMode CacheDirectoryMode LogsDirectoryMode ConfigurationDirectoryMode
RuntimeDirectoryPreserve TimeoutCleanSec ReadWritePaths ReadOnlyPaths InaccessiblePaths ExecPaths NoExecPaths
TemporaryFileSystem PrivateTmp PrivateDevices PrivateNetwork NetworkNamespacePath PrivateIPC IPCNamespacePath
PrivateUsers ProtectHostname ProtectClock ProtectKernelTunables ProtectKernelModules ProtectKernelLogs
ProtectControlGroups RestrictAddressFamilies RestrictFileSystems RestrictNamespaces LockPersonality
MemoryDenyWriteExecute RestrictRealtime RestrictSUIDSGID RemoveIPC PrivateMounts MountFlags`,
  },
  {
    page: 'systemd.exec(5)',
    heading: 'SYSTEM CALL FILTERING',
    section: 'Service',
    names: `
SystemCallFilter SystemCallErrorNumber SystemCallArchitectures SystemCallLog`,
  },
  {
    page: 'systemd.exec(5)',
    heading: 'ENVIRONMENT',
    section: 'Service',
    names: `
Environment EnvironmentFile PassEnvironment UnsetEnvironment`,
  },
  {
    page: 'systemd.exec(5)',
    heading: 'LOGGING AND STANDARD INPUT/OUTPUT',
    section: 'Service',
    names: `
StandardInput StandardOutput StandardError StandardInputText StandardInputData LogLevelMax LogExtraFields
LogRateLimitIntervalSec LogRateLimitBurst LogNamespace SyslogIdentifier SyslogFacility SyslogLevel
SyslogLevelPrefix TTYPath TTYReset TTYVHangup TTYRows TTYColumns TTYVTDisallocate`,
  },
  {
    page: 'systemd.exec(5)',
    heading: 'CREDENTIALS',
    section: 'Service',
    names: `
LoadCredential LoadCredentialEncrypted SetCredential SetCredentialEncrypted`,
  },
  {
    page: 'systemd.exec(5)',
    heading: 'SYSTEM V COMPATIBILITY',
    section: 'Service',
    names: `
UtmpIdentifier UtmpMode`,
  },
  {
    page: 'systemd.resource-control(5)',
    heading: null,
    section: 'Service',
    names: `
CPUAccounting CPUWeight StartupCPUWeight CPUQuota CPUQuotaPeriodSec AllowedCPUs StartupAllowedCPUs
AllowedMemoryNodes StartupAllowedMemoryNodes MemoryAccounting MemoryMin MemoryLow MemoryHigh MemoryMax
MemorySwapMax TasksAccounting TasksMax IOAccounting IOWeight StartupIOWeight IODeviceWeight IOReadBandwidthMax
IOWriteBandwidthMax IOReadIOPSMax IOWriteIOPSMax IODeviceLatencyTargetSec IPAccounting IPAddressAllow
IPAddressDeny IPIngressFilterPath IPEgressFilterPath BPFProgram SocketBindAllow SocketBindDeny
RestrictNetworkInterfaces DeviceAllow DevicePolicy Slice Delegate DisableControllers ManagedOOMSwap
ManagedOOMMemoryPressure ManagedOOMMemoryPressureLimit ManagedOOMPreference`,
  },
]

/** By section, what no manual page has. */
export const UNDOCUMENTED: Readonly<Record<string, string>> = {
  Unit: `
BindTo PropagateReloadTo PropagateReloadFrom RequiresOverridable RequisiteOverridable OnFailureIsolate
StartLimitInterval`,
  Service: `
StartLimitInterval StartLimitBurst StartLimitAction FailureAction RebootArgument PermissionsStartOnly
ReadWriteDirectories ReadOnlyDirectories InaccessibleDirectories CPUShares StartupCPUShares DefaultMemoryMin
DefaultMemoryLow MemoryLimit BlockIOAccounting BlockIOWeight StartupBlockIOWeight BlockIODeviceWeight
BlockIOReadBandwidth BlockIOWriteBandwidth`,
  Scope: `
TimeoutStopSec`,
}
