// systemd.exec(5): SYSTEM CALL FILTERING, and the parts of SANDBOXING that are filters of system calls.
import { ownMachine } from '../../daemon/runtime/seccomp/filter.ts'
import { systemCallNumber } from '../../daemon/units/system-calls/names.ts'
import { root } from '../system/pid1.ts'
import { type Case, conformance } from './conformance.ts'

/** A line that makes the call, and holds when it gives that error (or `ok`). */
const gives = (name: string, args: string, error: string) =>
  `[ "$(calls ${systemCallNumber(name, ownMachine())} ${args})" = ${error} ]`

const AF_UNIX = 1
const AF_INET = 2
const STREAM = 1
const NEW = { net: 0x40000000, uts: 0x04000000, user: 0x10000000, time: 0x80 }
const FILTERED = 'grep -q "^Seccomp:.2" /proc/self/status'
const privileges = (gained: 0 | 1) => `grep -q "^NoNewPrivs:.${gained}" /proc/self/status`
const KILLED = { Result: 'signal', ExecMainStatus: '31' }
const isTold: Case['afterwards'] = async (t, hearth, unit) => {
  const { out } = await hearth.ctl('status', unit)
  t.regex(out, /signal=SYS/)
  t.regex(out, /Error: it made a system call that SystemCallFilter= refuses/)
}

conformance(
  [
    {
      title:
        'SystemCallFilter= with ~ kills with SIGSYS who makes a listed call, and status says why',
      directives: ['SystemCallFilter'],
      settings: 'LimitCORE=0\nSystemCallFilter=~uname',
      check: 'exec uname',
      expect: KILLED,
      afterwards: isTold,
    },
    {
      title: 'SystemCallFilter= kills who makes a call that is not listed',
      directives: ['SystemCallFilter'],
      settings: 'LimitCORE=0\nSystemCallFilter=@system-service\nSystemCallFilter=~uname',
      check: 'exec uname',
      expect: KILLED,
      afterwards: isTold,
    },
    {
      title:
        'SystemCallErrorNumber= takes the place of killing, and an error with the call its own',
      directives: ['SystemCallFilter', 'SystemCallErrorNumber'],
      settings:
        'SystemCallErrorNumber=EUCLEAN\nSystemCallFilter=~uname sethostname:EXDEV setdomainname:0',
      check: [
        gives('uname', '0', 'EUCLEAN'),
        gives('sethostname', '0 0', 'EXDEV'),
        gives('setdomainname', '0 -1', 'ok'),
        FILTERED,
      ].join('\n'),
    },
    {
      title: 'an ordinary daemon runs under @system-service with architectures limited to its own',
      directives: ['SystemCallFilter', 'SystemCallArchitectures'],
      settings:
        'SystemCallArchitectures=native\nSystemCallFilter=@system-service\nSystemCallErrorNumber=EPERM',
      check: `${FILTERED}\n${privileges(0)}\n${gives('reboot', '0 0 0 0', 'EPERM')}\nls / >/dev/null`,
    },
    {
      title: 'an ordinary user’s unit gains no new privileges once its calls are filtered',
      directives: ['NoNewPrivileges', 'SystemCallFilter', 'LockPersonality'],
      settings: 'User=nobody\nLockPersonality=yes',
      check: `${FILTERED}\n${privileges(1)}\n${gives('personality', '8', 'EPERM')}`,
    },
    {
      title: 'LockPersonality= lets the personality be set to what Personality= says alone',
      directives: ['LockPersonality'],
      settings: 'LockPersonality=yes',
      check: `${gives('personality', '0', 'ok')}\n${gives('personality', '0x40000', 'EPERM')}`,
    },
    {
      title: 'a command with + is not filtered',
      directives: ['SystemCallFilter'],
      settings: 'ExecStart=+/bin/grep -q ^Seccomp:.0 /proc/self/status\nSystemCallFilter=~@mount',
    },
    {
      title: 'a filter under which nothing can be started fails with 228/SECCOMP',
      directives: ['SystemCallFilter'],
      settings: 'ExecStart=/bin/true\nSystemCallFilter=~execve',
      expect: { Result: 'exit-code', ExecMainStatus: '228' },
      said: /it refuses execve/,
    },
    {
      title: 'unknown system calls are told and left out',
      directives: ['SystemCallFilter'],
      settings: 'SystemCallFilter=~no_such_call uname:EPERM',
      check: gives('uname', '0', 'EPERM'),
      verified: /unknown system call no_such_call/,
    },
    {
      title: 'SystemCallLog= logs calls that are still made',
      directives: ['SystemCallLog'],
      settings: 'SystemCallLog=uname',
      check: `${FILTERED}\nuname >/dev/null`,
    },
    {
      title: 'RestrictAddressFamilies= leaves the families listed',
      directives: ['RestrictAddressFamilies'],
      settings: 'RestrictAddressFamilies=AF_UNIX',
      check: [
        gives('socket', `${AF_UNIX} ${STREAM} 0`, 'ok'),
        gives('socket', `${AF_INET} ${STREAM} 0`, 'EAFNOSUPPORT'),
        gives('socketpair', `${AF_UNIX} ${STREAM} 0 0`, 'EFAULT'),
      ].join('\n'),
    },
    {
      title: 'RestrictAddressFamilies= with ~ takes away the families listed, none takes all',
      directives: ['RestrictAddressFamilies'],
      settings: `RestrictAddressFamilies=~AF_INET AF_INET6`,
      check: [
        gives('socket', `${AF_UNIX} ${STREAM} 0`, 'ok'),
        gives('socket', `${AF_INET} ${STREAM} 0`, 'EAFNOSUPPORT'),
      ].join('\n'),
    },
    {
      title: 'RestrictAddressFamilies=none leaves no family',
      directives: ['RestrictAddressFamilies'],
      settings: 'RestrictAddressFamilies=none',
      check: gives('socket', `${AF_UNIX} ${STREAM} 0`, 'EAFNOSUPPORT'),
    },
    {
      title:
        'RestrictNamespaces= leaves the types listed, clone3 is not there, setns without a type neither',
      directives: ['RestrictNamespaces'],
      settings: 'RestrictNamespaces=uts',
      check: [
        gives('unshare', `${NEW.uts}`, 'ok'),
        gives('unshare', `${NEW.net}`, 'EPERM'),
        gives('unshare', `${NEW.time}`, 'EPERM'),
        gives('clone', `${NEW.user | 17}`, 'EPERM'),
        gives('clone3', '0 0', 'ENOSYS'),
        gives('setns', '-1 0', 'EPERM'),
        gives('setns', `-1 ${NEW.uts}`, 'EBADF'),
      ].join('\n'),
    },
    {
      title: 'RestrictNamespaces=yes leaves none, and programs go on forking',
      directives: ['RestrictNamespaces'],
      settings: 'RestrictNamespaces=yes',
      check: `${gives('unshare', `${NEW.uts}`, 'EPERM')}\n${gives('setns', '-1 0', 'EPERM')}\nx=$(true)`,
    },
    {
      title: 'RestrictRealtime= refuses real-time scheduling alone',
      directives: ['RestrictRealtime'],
      settings: 'RestrictRealtime=yes',
      check: `${gives('sched_setscheduler', '0 1 0', 'EPERM')}\n${gives('sched_setscheduler', '0 3 0', 'EINVAL')}`,
    },
    {
      title: 'RestrictSUIDSGID= refuses set-user-ID and set-group-ID bits, however they are set',
      directives: ['RestrictSUIDSGID'],
      settings: 'RestrictSUIDSGID=yes\nRuntimeDirectory=suid\nWorkingDirectory=/run/suid',
      check: [
        'touch plain',
        'chmod 0755 plain',
        '! chmod 4755 plain',
        '! chmod g+s .',
        '! mkdir -m 2755 other',
        gives('openat2', '-100 0 0 0', 'ENOSYS'),
      ].join('\n'),
    },
    {
      title: 'MemoryDenyWriteExecute= refuses memory that is written and executed',
      directives: ['MemoryDenyWriteExecute'],
      settings: 'MemoryDenyWriteExecute=yes',
      check: [
        gives('mmap', '0 4096 7 0x22 -1 0', 'EPERM'),
        gives('mmap', '0 4096 3 0x22 -1 0', 'ok'),
        gives('mprotect', '0 4096 4', 'EPERM'),
        gives('shmat', '0 0 0x8000', 'EPERM'),
      ].join('\n'),
    },
    {
      title:
        'ProtectClock=, ProtectKernelModules=, ProtectKernelLogs=, ProtectHostname= refuse their calls',
      directives: ['ProtectClock', 'ProtectKernelModules', 'ProtectKernelLogs', 'ProtectHostname'],
      settings:
        'ProtectClock=yes\nProtectKernelModules=yes\nProtectKernelLogs=yes\nProtectHostname=yes',
      check: [
        gives('settimeofday', '0 0', 'EPERM'),
        gives('delete_module', '0 0', 'EPERM'),
        gives('syslog', '10 0 0', 'EPERM'),
        gives('sethostname', '0 0', 'EPERM'),
      ].join('\n'),
    },
  ],
  { prepare: `cc -o /usr/local/bin/calls ${root}test/conformance/calls.c` },
)
