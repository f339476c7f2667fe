// systemd.exec(5): users and groups, process properties, scheduling, capabilities.
import { conformance } from './conformance.ts'

/** The value of a line of /proc/self/status of whoever reads it. */
const status = (name: string) => `$(sed -n 's/^${name}:[[:space:]]*//p' /proc/self/status)`

conformance(
  [
    {
      title: 'User= by name runs the process with its user, its primary group and its other groups',
      directives: ['User'],
      settings: 'User=ada',
      check:
        '[ "$(id -un)" = ada ]\n[ "$(id -gn)" = ada ]\n[ "$(id -Gn)" = "ada lovers" ]\n[ "$HOME $USER $LOGNAME $SHELL" = "/home/ada ada ada /bin/sh" ]',
    },
    {
      title: 'User= by number needs no entry in the database',
      directives: ['User'],
      settings: 'User=12345',
      check: '[ "$(id -u)" = 12345 ]\n[ "$(id -g)" = 12345 ]\n[ "$USER" = 12345 ]',
    },
    {
      title: 'User= that is not there ends with 217/USER, and the message tells the mend',
      directives: ['User'],
      settings: 'User=nosuchuser',
      check: 'true',
      expect: { Result: 'exit-code', ExecMainStatus: '217' },
      said: /cannot run as User=nosuchuser: there is no such user; create it or correct User= \(.*\/case-3.service:4\)/,
    },
    {
      title: 'Group= takes the place of the user’s primary group',
      directives: ['Group'],
      settings: 'User=ada\nGroup=daemon',
      check: '[ "$(id -un)" = ada ]\n[ "$(id -gn)" = daemon ]',
    },
    {
      title: 'Group= alone leaves the user as it is',
      directives: ['Group'],
      settings: 'Group=1',
      check: '[ "$(id -u)" = 0 ]\n[ "$(id -gn)" = daemon ]',
    },
    {
      title: 'Group= that is not there ends with 216/GROUP',
      directives: ['Group'],
      settings: 'Group=nosuchgroup',
      check: 'true',
      expect: { Result: 'exit-code', ExecMainStatus: '216' },
      said: /cannot run with Group=nosuchgroup: there is no such group/,
    },
    {
      title: 'SupplementaryGroups= adds groups, in several lines',
      directives: ['SupplementaryGroups'],
      settings: 'User=ada\nSupplementaryGroups=adm\nSupplementaryGroups=mail 4321',
      check:
        'for g in adm mail lovers 4321; do id -Gn | tr " " "\\n" | grep -qx $g || id -G | tr " " "\\n" | grep -qx $g; done',
    },
    {
      title: 'SetLoginEnvironment=no keeps the login variables away from a user’s service',
      directives: ['SetLoginEnvironment'],
      settings: 'User=ada\nSetLoginEnvironment=no',
      check: '! printenv USER\n! printenv HOME\n! printenv LOGNAME',
    },
    {
      title: 'SetLoginEnvironment=yes gives them to root’s',
      directives: ['SetLoginEnvironment'],
      settings: 'SetLoginEnvironment=yes',
      check: '[ "$USER $LOGNAME $HOME" = "root root /root" ]',
    },
    {
      title: 'WorkingDirectory= is where the process begins; without it that is /',
      directives: ['WorkingDirectory'],
      settings: 'ExecStartPre=/bin/sh -c \'[ "$PWD" = /usr/share ]\'\nWorkingDirectory=/usr/share',
      check: '[ "$(pwd)" = /usr/share ]',
    },
    {
      title: 'WorkingDirectory=~ is the home of the user',
      directives: ['WorkingDirectory'],
      settings: 'User=ada\nWorkingDirectory=~',
      check: '[ "$(pwd)" = /home/ada ]',
    },
    {
      title:
        'WorkingDirectory= that is missing ends with 200/CHDIR, and the message tells the mend',
      directives: ['WorkingDirectory'],
      settings: 'WorkingDirectory=/no/where',
      check: 'true',
      expect: { Result: 'exit-code', ExecMainStatus: '200' },
      said: /WorkingDirectory=\/no\/where: no such file or directory; make the directory or write WorkingDirectory=-/,
    },
    {
      title: 'WorkingDirectory=- with a missing directory begins in /',
      directives: ['WorkingDirectory'],
      settings: 'WorkingDirectory=-/no/where',
      check: '[ "$(pwd)" = / ]',
    },
    {
      title: 'RootDirectory= is the root of the process',
      directives: ['RootDirectory'],
      settings: 'RootDirectory=/chroot',
      check: '[ -e /only-in-here ]\n[ ! -e /etc ]',
    },
    {
      title: 'UMask= is the mask of new files',
      directives: ['UMask'],
      settings: 'UMask=0077',
      check: '[ "$(umask)" = 0077 ]',
    },
    {
      title: 'CoredumpFilter= joins its names and masks',
      directives: ['CoredumpFilter'],
      settings: 'CoredumpFilter=default private-file-backed\nCoredumpFilter=0x8',
      check: '[ "$(cat /proc/self/coredump_filter)" = 0000003f ]',
      expect: { CoredumpFilter: '0x3f' },
    },
    {
      title: 'KeyringMode= gives each service a session keyring of its own with its invocation id',
      directives: ['KeyringMode'],
      settings: 'User=ada',
      check:
        'grep -q "keyring *_ses" /proc/keys\nmine=$(grep -c "user *invocation_id: 16" /proc/keys)\n[ "$mine" -ge 1 ]',
    },
    {
      title: 'KeyringMode=inherit leaves the keyring as it was',
      directives: ['KeyringMode'],
      settings: 'User=ada\nKeyringMode=inherit',
      check: '! grep -q invocation_id /proc/keys',
    },
    {
      title: 'OOMScoreAdjust= is written for the process',
      directives: ['OOMScoreAdjust'],
      settings: 'OOMScoreAdjust=123',
      check: '[ "$(cat /proc/self/oom_score_adj)" = 123 ]',
    },
    {
      title: 'TimerSlackNSec= takes nanoseconds, or a time span',
      directives: ['TimerSlackNSec'],
      settings: 'TimerSlackNSec=7us',
      check: '[ "$(cat /proc/self/timerslack_ns)" = 7000 ]',
      expect: { TimerSlackNSec: '7000' },
    },
    {
      title: 'Personality=x86 makes uname tell a 32-bit machine',
      directives: ['Personality'],
      settings: 'Personality=x86',
      check: 'case $(uname -m) in i?86|x86) ;; *) false ;; esac',
      skip: process.arch === 'x64' ? null : 'this machine is not an x86',
    },
    {
      title: 'IgnoreSIGPIPE= is on unless it is switched off',
      directives: ['IgnoreSIGPIPE'],
      settings: 'IgnoreSIGPIPE=no',
      check: `[ $((0x${status('SigIgn')} & 0x1000)) = 0 ]`,
    },
    {
      title: 'SIGPIPE is ignored by default, and nothing else',
      directives: ['IgnoreSIGPIPE'],
      settings: '',
      check: `[ "${status('SigIgn')}" = 0000000000001000 ]\n[ "${status('SigBlk')}" = 0000000000000000 ]`,
    },
    {
      title: 'Nice= is the process’s priority',
      directives: ['Nice'],
      settings: 'Nice=7',
      check: '[ "$(nice)" = 7 ]',
    },
    {
      title: 'CPUSchedulingPolicy=batch and its like need no priority',
      directives: ['CPUSchedulingPolicy'],
      settings: 'CPUSchedulingPolicy=batch',
      check: 'chrt -p $$ | grep -q SCHED_BATCH',
    },
    {
      title: 'CPUSchedulingPriority= and CPUSchedulingResetOnFork= go with rr',
      directives: ['CPUSchedulingPolicy', 'CPUSchedulingPriority', 'CPUSchedulingResetOnFork'],
      settings:
        'CPUSchedulingPolicy=rr\nCPUSchedulingPriority=12\nCPUSchedulingResetOnFork=yes\nExecStart=chrt -v -p 1',
      check:
        'chrt -p $$ | grep -q "SCHED_RR|SCHED_RESET_ON_FORK"\nchrt -p $$ | grep -q "priority: 12"',
    },
    {
      title: 'CPUAffinity= joins its lines, and an empty one takes them back',
      directives: ['CPUAffinity'],
      settings: 'CPUAffinity=1\nCPUAffinity=\nCPUAffinity=0',
      check: `[ "${status('Cpus_allowed_list')}" = 0 ]`,
    },
    {
      title: 'CPUAffinity=numa takes the CPUs of NUMAMask=',
      directives: ['CPUAffinity', 'NUMAMask'],
      settings: 'CPUAffinity=numa\nNUMAMask=0\nNUMAPolicy=bind',
      check: `[ "${status('Cpus_allowed_list')}" = "$(cat /sys/devices/system/node/node0/cpulist)" ]\ngrep -q "bind.*:0\\|default" /proc/self/numa_maps || [ ! -e /proc/self/numa_maps ]`,
    },
    {
      title: 'CPUAffinity= of a CPU that is not there ends with 215/CPUAFFINITY',
      directives: ['CPUAffinity'],
      settings: 'CPUAffinity=4000',
      check: 'true',
      expect: { Result: 'exit-code', ExecMainStatus: '215' },
      said: /cannot set CPUAffinity= for \/bin\/sh: none of its CPUs is there/,
    },
    {
      title: 'IOSchedulingClass= and IOSchedulingPriority= are the process’s I/O priority',
      directives: ['IOSchedulingClass', 'IOSchedulingPriority'],
      settings: 'IOSchedulingClass=best-effort\nIOSchedulingPriority=6',
      check: '[ "$(ionice -p $$)" = "best-effort: prio 6" ]',
    },
    {
      title: 'IOSchedulingPriority= alone is of the class best-effort',
      directives: ['IOSchedulingPriority'],
      settings: 'IOSchedulingPriority=1',
      check: '[ "$(ionice -p $$)" = "best-effort: prio 1" ]',
    },
    {
      title: 'LimitNOFILE= sets the soft and the hard limit',
      directives: ['LimitNOFILE'],
      settings: 'LimitNOFILE=100:200',
      check: '[ "$(ulimit -Sn)" = 100 ]\n[ "$(ulimit -Hn)" = 200 ]',
    },
    {
      title: 'Limit…= take sizes, times and numbers',
      directives: [
        ...[
          'LimitCPU',
          'LimitFSIZE',
          'LimitDATA',
          'LimitSTACK',
          'LimitCORE',
          'LimitRSS',
          'LimitAS',
        ],
        ...['LimitNPROC', 'LimitMEMLOCK', 'LimitLOCKS', 'LimitSIGPENDING', 'LimitMSGQUEUE'],
        ...['LimitNICE', 'LimitRTPRIO', 'LimitRTTIME'],
      ],
      settings:
        'LimitCPU=2min\nLimitFSIZE=1G\nLimitDATA=2G\nLimitSTACK=4M\nLimitCORE=0\nLimitRSS=3G\nLimitAS=4G\nLimitNPROC=77\nLimitMEMLOCK=64K\nLimitLOCKS=infinity\nLimitSIGPENDING=99\nLimitMSGQUEUE=4096\nLimitNICE=20\nLimitRTPRIO=0\nLimitRTTIME=5s',
      check: `has() { grep -Eq "^$1 +$2 +$2 " /proc/self/limits; }
has "Max cpu time" 120
has "Max file size" 1073741824
has "Max data size" 2147483648
has "Max stack size" 4194304
has "Max core file size" 0
has "Max resident set" 3221225472
has "Max address space" 4294967296
has "Max processes" 77
has "Max locked memory" 65536
has "Max pending signals" 99
has "Max msgqueue size" 4096
has "Max nice priority" "(0|20)"
has "Max realtime priority" 0
has "Max realtime timeout" 5000000`,
    },
    {
      title: 'a hard limit that cannot be raised gives the nearest',
      directives: ['LimitNOFILE'],
      settings: 'LimitNOFILE=infinity',
      check: '[ "$(ulimit -Hn)" -ge 1024 ]',
    },
    {
      title: 'AmbientCapabilities= let an ordinary user’s daemon take a port below 1024',
      directives: ['AmbientCapabilities', 'User'],
      settings: 'User=ada\nAmbientCapabilities=CAP_NET_BIND_SERVICE',
      check: `[ "${status('CapAmb')}" = 0000000000000400 ]\n[ "${status('CapEff')}" = 0000000000000400 ]\n/usr/bin/timeout 0.3 nc -l 127.0.0.1 53 </dev/null || [ $? = 124 ]`,
    },
    {
      title: 'CapabilityBoundingSet= names what is left, in several lines',
      directives: ['CapabilityBoundingSet'],
      settings: 'CapabilityBoundingSet=CAP_CHOWN cap_kill\nCapabilityBoundingSet=CAP_SETUID',
      check: `[ "${status('CapBnd')}" = 00000000000000a1 ]\n[ "${status('CapPrm')}" = 00000000000000a1 ]`,
      expect: { CapabilityBoundingSet: 'cap_chown cap_kill cap_setuid' },
    },
    {
      title: 'CapabilityBoundingSet=~ names what is taken away',
      directives: ['CapabilityBoundingSet'],
      settings: 'CapabilityBoundingSet=~CAP_SYS_PTRACE',
      check: `[ $((0x${status('CapBnd')} & 0x80000)) = 0 ]\n[ $((0x${status('CapBnd')} & 0x1)) = 1 ]`,
    },
    {
      title: 'CapabilityBoundingSet= that is empty leaves none',
      directives: ['CapabilityBoundingSet'],
      settings: 'CapabilityBoundingSet=',
      check: `[ "${status('CapBnd')}" = 0000000000000000 ]\n[ "${status('CapEff')}" = 0000000000000000 ]`,
    },
    {
      title: 'CapabilityBoundingSet= with a name that is none leaves that one out and says so',
      directives: ['CapabilityBoundingSet'],
      settings: 'CapabilityBoundingSet=CAP_KILL CAP_FLY',
      check: `[ "${status('CapBnd')}" = 0000000000000020 ]`,
      verified: /CAP_FLY is no capability, left out/,
    },
    {
      title: 'an ambient capability outside the bounding set is left out, and the mend is told',
      directives: ['AmbientCapabilities', 'CapabilityBoundingSet'],
      settings: 'User=ada\nCapabilityBoundingSet=CAP_KILL\nAmbientCapabilities=CAP_CHOWN CAP_KILL',
      check: `[ "${status('CapAmb')}" = 0000000000000020 ]`,
      said: /AmbientCapabilities= leaves out CAP_CHOWN: CapabilityBoundingSet= does not have it; add it there/,
    },
    {
      title: 'SecureBits= are set, for an ordinary user too',
      directives: ['SecureBits'],
      settings: 'User=ada\nSecureBits=noroot no-setuid-fixup-locked',
      check:
        'python3 -c "import ctypes,sys; sys.exit(ctypes.CDLL(None).prctl(27,0,0,0,0) != 0b1001)"',
    },
    {
      title: 'NoNewPrivileges= is set last',
      directives: ['NoNewPrivileges'],
      settings: 'User=ada\nNoNewPrivileges=yes\nAmbientCapabilities=CAP_CHOWN',
      check: `[ "${status('NoNewPrivs')}" = 1 ]\n[ "${status('CapEff')}" = 0000000000000001 ]`,
    },
    {
      title:
        '+ runs a command with all privileges, ! without the change of user, !! as if it were not there',
      directives: ['ExecStartPre'],
      settings:
        'User=ada\nCapabilityBoundingSet=CAP_KILL CAP_SETUID CAP_SETGID\n' +
        'ExecStartPre=+/bin/sh -c \'test "$$(id -un)" = root && grep -q "CapBnd.*ffff" /proc/self/status\'\n' +
        'ExecStartPre=!/bin/sh -c \'test "$$(id -un)" = root && grep -q "CapBnd:.00000000000000e0" /proc/self/status\'\n' +
        'ExecStartPre=!!/bin/sh -c \'test "$$(id -un)" = ada\'\n' +
        'ExecStartPre=-/bin/false\n' +
        "ExecStartPre=@/bin/sh other -c 'test $0 = other'\n" +
        "ExecStartPre=|test 'a b' = 'a b'\n" +
        "ExecStartPre=@|sh -c 'test $$(id -un) = ada'\n" +
        'ExecStartPre=|\n' +
        "ExecStartPre=:/bin/sh -c 'HELLO=there; test $HELLO = there'",
      check: '[ "$(id -un)" = ada ]',
    },
    {
      title: 'a program that is not there ends with 203/EXEC, and the message says so',
      directives: ['ExecStart'],
      settings: 'ExecStart=/nowhere/program',
      expect: { Result: 'exit-code', ExecMainStatus: '203' },
      said: /\/nowhere\/program: no such file or directory/,
    },
  ],
  {
    prepare:
      'groupadd lovers; useradd -m -s /bin/sh -G lovers ada; ' +
      'for file in /bin/sh $(ldd /bin/sh | grep -o "/[^ ]*"); do install -D $file /chroot$file; done; ' +
      'touch /chroot/only-in-here',
  },
)
