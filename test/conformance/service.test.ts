// systemd.service(5) and systemd.kill(5): how services start, end, and are ended.
import { type Afterwards, type Case, conformance, shell } from './conformance.ts'

/** Where a service writes what it has seen, as it sees it. */
const SEEN = '/run/seen'

/** Says that it is ready, and stays, without a hearing for the signals. */
const deaf = (name: string, signals: string) =>
  `trap '' ${signals}\necho $$ > ${SEEN}/${name}\nexec sleep 1000`

const stopped =
  (name: string, expected: Readonly<Record<string, string>>): Afterwards =>
  async (t, hearth, unit) => {
    await hearth.file(`/proc/${hearth.pid}/root${SEEN}/${name}`, text => text.endsWith('\n'))
    await hearth.ctl('stop', unit)
    const { out } = await hearth.ctl('show', unit, '-p', Object.keys(expected).join(','))
    const found = out
      .trim()
      .split('\n')
      .map(line => line.split('='))
    t.deepEqual(Object.fromEntries(found), expected)
  }

/** Whether a process whose number a service has written is there. */
const lives = (name: string) => [
  'sh',
  '-c',
  `read pid < ${SEEN}/${name}; kill -0 $pid && ! grep -q '^State:.Z' /proc/$pid/status`,
]

const child = (name: string, command = 'exec sleep 1000') =>
  `sh -c 'echo $$ > ${SEEN}/${name}-child; ${command}' &
while ! [ -s ${SEEN}/${name}-child ]; do sleep 0.01; done
`

/** A service with a child that goes its own way is stopped: what is there after that. */
const mode = (killMode: string, title: string, main: boolean, offspring: boolean): Case => ({
  title: `KillMode=${killMode} ${title}`,
  directives: ['KillMode'],
  unit: `${killMode}.service`,
  settings: `Type=exec\nKillMode=${killMode}\nTimeoutStopSec=1min`,
  check: `${child(killMode)}${deaf(killMode, 'USR1')}`,
  afterwards: async (t, hearth, unit) => {
    await stopped(killMode, { ActiveState: 'inactive', Result: 'success' })(t, hearth, unit)
    t.is((await hearth.inside(lives(killMode))).code === 0, main)
    t.is((await hearth.inside(lives(`${killMode}-child`))).code === 0, offspring)
  },
})

conformance(
  [
    {
      title: 'SuccessExitStatus= counts statuses, by number or name, and signals as success',
      directives: ['SuccessExitStatus'],
      settings: 'SuccessExitStatus=7 TEMPFAIL\nSuccessExitStatus=SIGUSR1',
      check: 'exit 75',
      expect: { ExecMainStatus: '75', ActiveState: 'inactive' },
    },
    {
      title: 'SuccessExitStatus= of a signal holds for one that dies of it',
      directives: ['SuccessExitStatus'],
      settings: 'SuccessExitStatus=7 SIGUSR1',
      check: 'kill -USR1 $$',
      expect: { ExecMainCode: '2', ExecMainStatus: '10', ActiveState: 'inactive' },
    },
    {
      title: 'an empty SuccessExitStatus= takes back what came before',
      directives: ['SuccessExitStatus'],
      settings: 'SuccessExitStatus=7\nSuccessExitStatus=',
      check: 'exit 7',
      expect: { Result: 'exit-code', ActiveState: 'failed' },
    },
    {
      title: 'RestartPreventExitStatus= keeps a service down that Restart= would start again',
      directives: ['RestartPreventExitStatus'],
      settings:
        'Type=exec\nRestart=on-failure\nRestartSec=10ms\nRestartPreventExitStatus=6 SIGUSR1',
      check: `if [ -e ${SEEN}/prevented ]; then exit 6; fi\ntouch ${SEEN}/prevented\nexit 5`,
      becomes: { ActiveState: 'failed' },
      afterwards: async (t, hearth, unit) => {
        t.is(await hearth.show(unit, 'NRestarts'), '1')
        t.is(await hearth.show(unit, 'ExecMainStatus'), '6')
      },
    },
    {
      title: 'RestartForceExitStatus= starts a service again that Restart=no would leave',
      directives: ['RestartForceExitStatus', 'RestartSec'],
      settings: 'Type=exec\nRestartSec=10ms\nRestartForceExitStatus=3',
      check: `if [ -e ${SEEN}/forced ]; then exit 0; fi\ntouch ${SEEN}/forced\nexit 3`,
      becomes: { NRestarts: '1', ActiveState: 'inactive', Result: 'success' },
    },
    {
      title: 'ExecCondition= that exits with 1 to 254 skips the service, which has not failed',
      directives: ['ExecCondition'],
      settings: `ExecCondition=/bin/true\nExecCondition=/bin/sh -c 'exit 254'\nExecStopPost=/bin/touch ${SEEN}/after-condition`,
      check: `touch ${SEEN}/skipped`,
      expect: { Result: 'exec-condition', ActiveState: 'inactive' },
      afterwards: async (t, hearth) =>
        t.not((await hearth.inside(['test', '-e', `${SEEN}/skipped`])).code, 0),
    },
    {
      title: 'ExecCondition= that exits with 255, or dies, fails the service',
      directives: ['ExecCondition'],
      settings: `ExecCondition=/bin/sh -c 'exit 255'`,
      check: `touch ${SEEN}/skipped`,
      expect: { Result: 'exit-code', ActiveState: 'failed' },
    },
    {
      title: 'ExecCondition= that succeeds lets it start',
      directives: ['ExecCondition'],
      settings: `ExecCondition=/bin/touch ${SEEN}/asked`,
      check: `test -e ${SEEN}/asked`,
    },
    {
      title: 'TimeoutSec= is the limit of the start and of the stop',
      directives: ['TimeoutSec'],
      settings: 'TimeoutSec=70ms\nTimeoutSec=100ms',
      check: 'exec sleep 1000',
      expect: {
        Result: 'timeout',
        ExecMainStatus: '15',
        TimeoutStartUSec: '100ms',
        TimeoutStopUSec: '100ms',
      },
    },
    {
      title: 'TimeoutStartFailureMode=abort ends a start that takes too long with SIGABRT',
      directives: ['TimeoutStartSec', 'TimeoutStartFailureMode'],
      settings: 'TimeoutStartSec=100ms\nTimeoutStartFailureMode=abort\nLimitCORE=0',
      check: 'exec sleep 1000',
      expect: { Result: 'timeout', ExecMainStatus: '6' },
    },
    {
      title: 'TimeoutStartFailureMode=kill ends it with SIGKILL',
      directives: ['TimeoutStartFailureMode'],
      settings: 'TimeoutStartSec=100ms\nTimeoutStartFailureMode=kill',
      check: 'exec sleep 1000',
      expect: { Result: 'timeout', ExecMainStatus: '9' },
    },
    {
      title: 'TimeoutStopSec= is followed by SIGKILL',
      directives: ['TimeoutStopSec', 'SendSIGKILL'],
      settings: 'Type=exec\nTimeoutStopSec=50ms',
      check: deaf('stop', 'TERM'),
      afterwards: stopped('stop', {
        Result: 'timeout',
        ExecMainStatus: '9',
        ActiveState: 'failed',
      }),
    },
    {
      title: 'TimeoutStopFailureMode=abort has SIGABRT come first',
      directives: ['TimeoutStopFailureMode'],
      settings: 'Type=exec\nTimeoutStopSec=50ms\nTimeoutStopFailureMode=abort\nLimitCORE=0',
      check: deaf('abort', 'TERM'),
      afterwards: stopped('abort', { Result: 'timeout', ExecMainStatus: '6' }),
    },
    {
      title: 'TimeoutAbortSec= is how long SIGABRT has before SIGKILL',
      directives: ['TimeoutAbortSec'],
      settings:
        'Type=exec\nTimeoutStopSec=50ms\nTimeoutStopFailureMode=abort\nTimeoutAbortSec=60ms\nLimitCORE=0',
      check: deaf('aborted', 'TERM ABRT'),
      expect: { TimeoutAbortUSec: '60ms' },
      afterwards: stopped('aborted', { Result: 'timeout', ExecMainStatus: '9' }),
    },
    {
      title:
        'RuntimeMaxSec= ends a service that has been up so long, RuntimeRandomizedExtraSec= later',
      directives: ['RuntimeMaxSec', 'RuntimeRandomizedExtraSec'],
      settings: 'Type=exec\nRuntimeMaxSec=50ms\nRuntimeRandomizedExtraSec=10ms',
      check: 'exec sleep 1000',
      becomes: { Result: 'timeout', ActiveState: 'failed' },
      afterwards: async (t, hearth, unit) => t.is(await hearth.show(unit, 'ExecMainStatus'), '15'),
    },
    {
      title: 'WatchdogSec= ends a service that is not heard of with WatchdogSignal=',
      directives: ['WatchdogSec', 'WatchdogSignal'],
      settings: 'Type=notify\nNotifyAccess=all\nWatchdogSec=100ms\nWatchdogSignal=SIGUSR1',
      check: 'systemd-notify --ready\nexec sleep 1000',
      becomes: { Result: 'watchdog', ExecMainStatus: '10', ActiveState: 'failed' },
    },
    {
      title:
        'ReloadSignal= tells a service of Type=notify-reload to reload, which lasts until it is ready again',
      directives: ['Type', 'ReloadSignal'],
      settings: 'Type=notify-reload\nNotifyAccess=all\nReloadSignal=SIGUSR1',
      check: `trap 'systemd-notify RELOADING=1 MONOTONIC_USEC=$(/usr/bin/python3 -c "import time; print(time.monotonic_ns() // 1000)")
echo reloaded >> ${SEEN}/reload; systemd-notify --ready' USR1
systemd-notify --ready
while :; do sleep 1000 & wait || :; done`,
      expect: { ActiveState: 'active', ReloadSignal: '10' },
      afterwards: async (t, hearth, unit) => {
        await hearth.ok('reload', unit)
        t.is((await hearth.inside(['cat', `${SEEN}/reload`])).out, 'reloaded\n')
      },
    },
    {
      title: 'ExitType=cgroup keeps a service up until the last of its processes has gone',
      directives: ['ExitType'],
      settings: 'Type=exec\nExitType=cgroup',
      check: child('offspring'),
      becomes: { MainPID: '0' },
      afterwards: async (t, hearth, unit) => {
        t.is(await hearth.show(unit, 'ActiveState'), 'active')
        t.is((await hearth.inside(lives('offspring-child'))).code, 0)
        await hearth.ok('stop', unit)
        t.not((await hearth.inside(lives('offspring-child'))).code, 0)
      },
    },
    {
      title: 'ExitType=main, the default, ends it with its main process, and the others with it',
      directives: ['ExitType'],
      settings: 'Type=exec\nExitType=main',
      check: child('orphan'),
      becomes: { ActiveState: 'inactive' },
      afterwards: async (t, hearth) => t.not((await hearth.inside(lives('orphan-child'))).code, 0),
    },
    {
      title: 'a forking service’s main process is guessed',
      directives: ['GuessMainPID'],
      settings: 'Type=forking',
      check: child('guessed'),
      expect: { ActiveState: 'active' },
      afterwards: async (t, hearth, unit) => {
        const { out } = await hearth.inside(['cat', `${SEEN}/guessed-child`])
        t.is(out.trim(), await hearth.show(unit, 'MainPID'))
      },
    },
    {
      title: 'GuessMainPID=no leaves it unknown',
      directives: ['GuessMainPID'],
      settings: 'Type=forking\nGuessMainPID=no',
      check: child('unknown'),
      expect: { ActiveState: 'active', MainPID: '0' },
    },
    {
      title: 'PermissionsStartOnly=yes leaves the user to ExecStart= alone',
      directives: ['PermissionsStartOnly', 'User'],
      settings: `User=daemon\nPermissionsStartOnly=yes\nExecStartPre=${shell('test "$(id -u)" = 0')}\nExecStartPost=${shell('test "$(id -u)" = 0')}`,
      check: 'test "$(id -u)" = 1',
    },
    {
      title: 'RootDirectoryStartOnly=yes leaves the root directory to ExecStart= alone',
      directives: ['RootDirectoryStartOnly', 'RootDirectory'],
      settings:
        'RootDirectory=/chroot\nRootDirectoryStartOnly=yes\nExecStartPre=/usr/bin/test -e /etc\nExecStartPost=/usr/bin/test -e /etc',
      check: 'test -e /only-in-here\ntest ! -e /etc',
    },
    {
      title: 'OOMPolicy= is told, what it does is a matter of a cgroup',
      directives: ['OOMPolicy'],
      settings: 'OOMPolicy=kill',
      check: 'true',
      expect: { OOMPolicy: 'kill' },
    },
    mode('control-group', 'ends all processes of the service', false, false),
    mode('mixed', 'sends SIGTERM to the main process, and SIGKILL to what is left', false, false),
    mode('process', 'ends the main process alone', false, true),
    mode('none', 'ends none', true, true),
    {
      title: 'KillMode=mixed spares the others KillSignal=',
      directives: ['KillMode', 'KillSignal'],
      settings: 'Type=exec\nKillMode=mixed\nKillSignal=SIGUSR2\nSuccessExitStatus=SIGUSR2',
      check: `${child('spared', `trap "echo USR2 > ${SEEN}/spared-told" USR2; while :; do sleep 1000; done`)}${deaf('spared', 'USR1')}`,
      afterwards: async (t, hearth, unit) => {
        await stopped('spared', { Result: 'success', ExecMainStatus: '12' })(t, hearth, unit)
        t.not((await hearth.inside(['test', '-e', `${SEEN}/spared-told`])).code, 0)
        t.not((await hearth.inside(lives('spared-child'))).code, 0)
      },
    },
    {
      title: 'KillSignal= is what a stop sends, RestartKillSignal= what a restart does',
      directives: ['KillSignal', 'RestartKillSignal'],
      settings:
        'Type=exec\nKillSignal=SIGINT\nRestartKillSignal=SIGUSR2\nKillMode=process\nTimeoutStopSec=1min',
      check: `trap 'echo INT >> ${SEEN}/signals; exit 0' INT
trap 'echo USR2 >> ${SEEN}/signals; exit 0' USR2
echo ready >> ${SEEN}/signals
while :; do sleep 1000 & wait; done`,
      expect: { KillSignal: '2', RestartKillSignal: '12' },
      afterwards: async (t, hearth, unit) => {
        const seen = (text: string) =>
          hearth.file(`/proc/${hearth.pid}/root${SEEN}/signals`, all => all === text)
        await seen('ready\n')
        await hearth.ok('restart', unit)
        await seen('ready\nUSR2\nready\n')
        await hearth.ok('stop', unit)
        t.is(await seen('ready\nUSR2\nready\nINT\n'), 'ready\nUSR2\nready\nINT\n')
      },
    },
    {
      title: 'SendSIGHUP=yes sends SIGHUP right behind KillSignal=',
      directives: ['SendSIGHUP'],
      settings: 'Type=exec\nSendSIGHUP=yes\nKillMode=process\nTimeoutStopSec=1min',
      check: `trap 'hup=1; [ -z "$term" ] || exit 0' HUP
trap 'term=1; [ -z "$hup" ] || exit 0' TERM
echo ready > ${SEEN}/hup
while :; do sleep 1000 & wait || :; done`,
      afterwards: stopped('hup', { Result: 'success', ExecMainCode: '1', ExecMainStatus: '0' }),
    },
    {
      title: 'SendSIGKILL=no leaves a process that does not end, and the unit fails',
      directives: ['SendSIGKILL'],
      settings: 'Type=exec\nSendSIGKILL=no\nTimeoutStopSec=50ms',
      check: deaf('left', 'TERM'),
      afterwards: async (t, hearth, unit) => {
        await stopped('left', { Result: 'timeout', ActiveState: 'failed' })(t, hearth, unit)
        t.is((await hearth.inside(lives('left'))).code, 0)
      },
    },
    {
      title: 'FinalKillSignal= comes in the place of SIGKILL',
      directives: ['FinalKillSignal'],
      settings: 'Type=exec\nFinalKillSignal=SIGUSR1\nTimeoutStopSec=50ms',
      check: deaf('final', 'TERM'),
      afterwards: stopped('final', { Result: 'timeout', ExecMainStatus: '10' }),
    },
    {
      title: 'without a message bus a service of Type=dbus says so, and is up once it is executed',
      directives: ['Type', 'BusName'],
      settings: 'Type=dbus\nBusName=org.example.Web\nExecStart=/bin/sleep 1000',
      expect: { ActiveState: 'active' },
      said: /cannot watch for BusName=org\.example\.Web: there is no message bus at \/run\/dbus\/system_bus_socket/,
      async afterwards(t, hearth, unit) {
        const { out } = await hearth.ctl('fidelity', unit)
        t.regex(out, /^BusName= +org.example.Web +emulated/m)
      },
    },
  ],
  {
    prepare:
      `mkdir -m 1777 ${SEEN}; mkdir -p /chroot/proc; ` +
      'for file in /bin/sh /usr/bin/test $(ldd /bin/sh | grep -o "/[^ ]*"); do install -D $file /chroot$file; done; ' +
      'touch /chroot/only-in-here',
  },
)
