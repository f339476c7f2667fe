// systemd.socket(5), systemd.timer(5) and systemd.path(5): what a service finds that a socket, a timer or a path starts.
import { existsSync } from 'node:fs'
import { type Afterwards, type Case, conformance } from './conformance.ts'

/** Is given expressions of Python that must hold of `s`, the first descriptor that the service is handed. */
const DESCRIPTOR = `import ctypes, fcntl, os, sys
from socket import *
kind = os.fstat(3).st_mode & 0o170000
s = socket(fileno=3) if kind == 0o140000 else 3
option = lambda level, name: s.getsockopt(level, name)
link = os.readlink("/proc/self/fd/3")
flags = fcntl.fcntl(3, fcntl.F_GETFL)
for text in sys.argv[1:]:
    if not eval(text): sys.exit("%s: not so; %s" % (text, link))
`

/** The check of a service that expressions hold of its descriptor. */
const holds = (...expressions: string[]) =>
  `/usr/bin/python3 /etc/test/descriptor.py ${expressions.map(text => `'${text}'`).join(' ')}`

let sockets = 0
/** A service with a socket that has these lines, and what it finds. */
function socket(
  title: string,
  lines: string,
  expressions: readonly string[],
  more: Partial<Case> = {},
): Case {
  const name = `socket-${++sockets}`
  return {
    title,
    directives: [...lines.matchAll(/^(\w+)=/gm)].map(([, directive = '']) => directive),
    unit: `${name}.service`,
    settings: `Sockets=${name}.socket`,
    check: holds(...expressions),
    ...more,
    more: { [`${name}.socket`]: `[Socket]\n${lines}\n`, ...more.more },
  }
}

/** A service that another unit starts: it has run when it has exited. */
const triggered = (
  unit: string,
  section: string,
  one: Omit<Case, 'unit' | 'directives'>,
): Case => ({
  directives: [...section.matchAll(/^(\w+)=/gm)].map(([, directive = '']) => directive),
  unit: unit.replace(/\.\w+$/, '.service'),
  start: unit,
  becomes: { ExecMainCode: '1', ExecMainStatus: '0' },
  ...one,
  more: { [unit]: section, ...one.more },
})

const inShell =
  (script: string): Afterwards =>
  async (t, hearth) => {
    const { code, err } = await hearth.inside(['sh', '-ec', script])
    t.is(code, 0, err)
  }

/** Waits until a service has left as many lines. */
const lines =
  (name: string, count: number): Afterwards =>
  (_, hearth) =>
    hearth.file(
      `/proc/${hearth.pid}/root/run/seen/${name}`,
      text => text.split('\n').length > count,
    )

const isIpv6 = existsSync('/proc/net/if_inet6')

conformance(
  [
    socket(
      'a service is handed its sockets, and told how many, whose and by what names',
      'ListenStream=127.0.0.1:8001\nListenStream=/run/sockets/told\nFileDescriptorName=web',
      ['s.getsockname() == ("127.0.0.1", 8001)', 'option(SOL_SOCKET, SO_ACCEPTCONN) == 1'],
      {
        check: `[ "$LISTEN_FDS $LISTEN_FDNAMES" = "2 web:web" ]\n[ "$LISTEN_PID" = $$ ]\n[ -S /proc/self/fd/4 ]\n[ ! -e /proc/self/fd/5 ]`,
      },
    ),
    socket(
      'KeepAlive= and its like, NoDelay=, DeferAcceptSec= and TCPCongestion= are options of TCP',
      `ListenStream=127.0.0.1:8002
KeepAlive=yes
KeepAliveTimeSec=61
KeepAliveIntervalSec=7
KeepAliveProbes=3
NoDelay=yes
DeferAcceptSec=5
TCPCongestion=reno`,
      [
        'option(SOL_SOCKET, SO_KEEPALIVE) == 1',
        'option(IPPROTO_TCP, TCP_KEEPIDLE) == 61',
        'option(IPPROTO_TCP, TCP_KEEPINTVL) == 7',
        'option(IPPROTO_TCP, TCP_KEEPCNT) == 3',
        'option(IPPROTO_TCP, TCP_NODELAY) == 1',
        'option(IPPROTO_TCP, TCP_DEFER_ACCEPT) >= 5',
        's.getsockopt(IPPROTO_TCP, 13, 16).rstrip(b"\\0") == b"reno"',
      ],
    ),
    socket(
      'Priority=, Mark=, IPTTL=, ReusePort=, BindToDevice=, ReceiveBuffer= and SendBuffer= are options of sockets',
      `ListenStream=127.0.0.1:8003
Priority=3
Mark=5
IPTTL=9
ReusePort=yes
BindToDevice=lo
ReceiveBuffer=64K
SendBuffer=32K
Timestamping=ns`,
      [
        'option(SOL_SOCKET, SO_PRIORITY) == 3',
        'option(SOL_SOCKET, SO_MARK) == 5',
        'option(IPPROTO_IP, IP_TTL) == 9',
        'option(SOL_SOCKET, SO_REUSEPORT) == 1',
        's.getsockopt(SOL_SOCKET, SO_BINDTODEVICE, 16).rstrip(b"\\0") == b"lo"',
        // The kernel doubles them.
        'option(SOL_SOCKET, SO_RCVBUF) == 131072',
        'option(SOL_SOCKET, SO_SNDBUF) == 65536',
        'option(SOL_SOCKET, 35) == 1',
      ],
    ),
    socket(
      'FreeBind= takes an address that is not there yet; IPTOS= and Transparent= are options of IP',
      'ListenStream=10.99.99.99:8004\nFreeBind=yes\nTransparent=yes\nIPTOS=low-delay',
      [
        's.getsockname()[0] == "10.99.99.99"',
        'option(IPPROTO_IP, 15) == 1',
        'option(IPPROTO_IP, 19) == 1',
        'option(IPPROTO_IP, IP_TOS) == 16',
      ],
    ),
    socket('Backlog= is how many may wait', 'ListenStream=127.0.0.1:8005\nBacklog=7', [], {
      check: `ss -Hltn 'sport = 8005' | grep -q '^LISTEN *0 *7 '`,
    }),
    socket(
      'ListenDatagram= of a port is UDP, with Broadcast=, PassPacketInfo= and Timestamping=',
      'ListenDatagram=127.0.0.1:8006\nBroadcast=yes\nPassPacketInfo=yes\nTimestamping=us',
      [
        's.type == SOCK_DGRAM',
        'option(SOL_SOCKET, SO_BROADCAST) == 1',
        'option(IPPROTO_IP, 8) == 1',
        'option(SOL_SOCKET, 29) == 1',
      ],
    ),
    {
      ...socket(
        'BindIPv6Only=ipv6-only keeps IPv4 away from a socket of every address',
        'ListenStream=8007\nBindIPv6Only=ipv6-only',
        ['s.family == AF_INET6', 'option(IPPROTO_IPV6, IPV6_V6ONLY) == 1'],
      ),
      skip: isIpv6 ? null : 'there is no IPv6',
    },
    {
      ...socket('BindIPv6Only=both takes IPv4 too', 'ListenStream=8008\nBindIPv6Only=both', [
        'option(IPPROTO_IPV6, IPV6_V6ONLY) == 0',
      ]),
      skip: isIpv6 ? null : 'there is no IPv6',
    },
    {
      ...socket(
        'SocketProtocol= is the protocol of the socket',
        'ListenStream=127.0.0.1:8009\nSocketProtocol=mptcp',
        ['s.proto == 262'],
      ),
      skip: existsSync('/proc/sys/net/mptcp/enabled') ? null : 'the kernel has no MPTCP',
    },
    socket(
      'SocketUser=, SocketGroup=, SocketMode= and DirectoryMode= are of the socket’s node and the directories made for it',
      `ListenSequentialPacket=/run/sockets/deep/packets
SocketUser=daemon
SocketGroup=mail
SocketMode=0620
DirectoryMode=0710
PassCredentials=yes
PassSecurity=yes
Symlinks=/run/sockets/link`,
      [
        's.type == SOCK_SEQPACKET',
        'option(SOL_SOCKET, SO_PASSCRED) == 1',
        'option(SOL_SOCKET, SO_PASSSEC) == 1',
        'os.popen("stat -c %%U:%%G:%%a /run/sockets/deep/packets").read() == "daemon:mail:620\\n"'.replaceAll(
          '%%',
          '%',
        ),
        'os.stat("/run/sockets/deep").st_mode & 0o7777 == 0o710',
        'os.readlink("/run/sockets/link") == "/run/sockets/deep/packets"',
      ],
    ),
    socket(
      'ListenFIFO= is a FIFO, with SocketMode= and PipeSize=',
      'ListenFIFO=/run/sockets/fifo\nSocketMode=0604\nPipeSize=8K',
      [
        'kind == 0o010000',
        'link == "/run/sockets/fifo"',
        'os.stat(3).st_mode & 0o7777 == 0o604',
        'fcntl.fcntl(3, 1032) == 8192',
      ],
    ),
    socket('ListenSpecial= opens a file of the kernel to read', 'ListenSpecial=/dev/zero', [
      'link == "/dev/zero"',
      'flags & 3 == os.O_RDONLY',
      'os.read(3, 1) == b"\\0"',
    ]),
    socket('Writable=yes opens it to write as well', 'ListenSpecial=/dev/full\nWritable=yes', [
      'flags & 3 == os.O_RDWR',
    ]),
    socket(
      'ListenMessageQueue= is a POSIX queue, with its mode, MessageQueueMaxMessages= and MessageQueueMessageSize=',
      'ListenMessageQueue=/hearth\nSocketMode=0640\nMessageQueueMaxMessages=5\nMessageQueueMessageSize=128',
      [
        'ctypes.CDLL(None).mq_getattr(3, globals().setdefault("a", (ctypes.c_long * 8)())) == 0',
        'a[1] == 5',
        'a[2] == 128',
        'os.fstat(3).st_mode & 0o777 == 0o640',
      ],
    ),
    socket(
      'ListenNetlink= is a netlink socket of a family and a multicast group',
      'ListenNetlink=route 3',
      ['s.family == AF_NETLINK', 's.proto == 0', 's.getsockname()[1] == 3'],
    ),
    {
      title: 'a connection of Accept=yes has a service of its own, told of who has come',
      directives: ['Accept'],
      settings: '[Unit]\nRequires=accept.socket\nAfter=accept.socket',
      check: `/usr/bin/python3 -c 'from socket import *; s = create_connection(("127.0.0.1", 8010)); got = s.makefile().read(); want = "1 connection own 127.0.0.1 %d\\n" % s.getsockname()[1]; assert got == want, got'`,
      more: {
        'accept.socket': '[Socket]\nListenStream=127.0.0.1:8010\nAccept=yes\n',
        'accept@.service': `[Service]\nExecStart=:/bin/sh -c 'own=other; [ "$LISTEN_PID" = $$ ] && own=own; echo "$LISTEN_FDS $LISTEN_FDNAMES $own $REMOTE_ADDR $REMOTE_PORT" >&3'\n`,
      },
    },
    {
      title: 'with StandardInput=socket the connection is its input and its output',
      directives: ['Accept', 'StandardInput'],
      settings: '[Unit]\nRequires=inetd.socket\nAfter=inetd.socket',
      check: '[ "$(echo hello | nc -NU /run/sockets/inetd)" = "heard hello" ]',
      more: {
        'inetd.socket': '[Socket]\nListenStream=/run/sockets/inetd\nAccept=yes\n',
        'inetd@.service': `[Service]\nStandardInput=socket\nExecStart=:/bin/sh -c 'read line; echo "heard $line"'\n`,
      },
    },
    triggered(
      'flushed.socket',
      `[Socket]\nListenDatagram=/run/sockets/flushed\nFlushPending=yes\nExecStopPre=/bin/touch /run/seen/stop-pre\n`,
      {
        title: 'FlushPending=yes throws away what its service has left unread',
        settings: '',
        check: 'echo x >> /run/seen/flushed',
        becomes: {},
        afterwards: async (t, hearth, unit) => {
          await inShell(
            `/usr/bin/python3 -c 'from socket import *; socket(AF_UNIX, SOCK_DGRAM).sendto(b"x", "/run/sockets/flushed")'`,
          )(t, hearth, unit)
          await hearth.until(unit, 'ExecMainCode', '1')
          await hearth.until('flushed.socket', 'SubState', 'listening')
          await inShell('[ ! -e /run/seen/stop-pre ]')(t, hearth, unit)
          await hearth.ok('stop', 'flushed.socket')
          await inShell('[ -e /run/seen/stop-pre ]; [ "$(cat /run/seen/flushed)" = x ]')(
            t,
            hearth,
            unit,
          )
        },
      },
    ),
    {
      title: 'TimeoutSec= of a socket limits its commands',
      directives: ['TimeoutSec'],
      settings: '',
      check: 'true',
      unit: 'slow.service',
      start: 'slow.socket',
      expect: {},
      more: {
        'slow.socket':
          '[Socket]\nListenStream=/run/sockets/slow\nTimeoutSec=50ms\nExecStartPre=/bin/sleep 1000\n',
      },
      afterwards: (_, hearth) => hearth.until('slow.socket', 'Result', 'timeout'),
    },
    triggered('startup.timer', '[Timer]\nOnStartupSec=1ms\nAccuracySec=1h\n', {
      title:
        'a timer tells its service that it was it, and when it elapsed; AccuracySec= does not hold it back',
      settings: '',
      check:
        '[ "$TRIGGER_UNIT" = startup.timer ]\n[ "$TRIGGER_TIMER_REALTIME_USEC" -gt 1000000000000000 ]\n[ "$TRIGGER_TIMER_MONOTONIC_USEC" -gt 0 ]',
      afterwards: (_, hearth) => hearth.until('startup.timer', 'AccuracyUSec', '1h'),
    }),
    triggered(
      'again.timer',
      '[Timer]\nOnActiveSec=1ms\nOnUnitInactiveSec=20ms\nRandomizedDelaySec=10ms\nUnit=again.service\n[Unit]\nStartLimitBurst=0\n',
      {
        title: 'OnUnitInactiveSec= starts a unit again, so long after it has come to its end',
        settings: '[Unit]\nStartLimitBurst=0',
        check: 'echo x >> /run/seen/again',
        afterwards: lines('again', 3),
      },
    ),
    triggered('zone.timer', '[Timer]\nOnTimezoneChange=yes\n', {
      title: 'OnTimezoneChange=yes elapses when the machine’s time zone changes',
      settings: '',
      check: '[ "$TRIGGER_UNIT" = zone.timer ]\necho x > /run/seen/zone',
      becomes: {},
      afterwards: async (t, hearth, unit) => {
        await inShell(
          '[ ! -e /run/seen/zone ]; ln -s /usr/share/zoneinfo/UTC /etc/localtime.new; mv /etc/localtime.new /etc/localtime',
        )(t, hearth, unit)
        await lines('zone', 1)(t, hearth, unit)
      },
    }),
    {
      title:
        'RandomizedDelaySec= is another delay each time, unless FixedRandomDelay=yes makes it the timer’s own',
      directives: ['RandomizedDelaySec', 'FixedRandomDelay'],
      unit: 'delayed.service',
      settings: '[Unit]\nWants=fixed.timer varied.timer',
      check: 'true',
      more: {
        'fixed.timer':
          '[Timer]\nOnCalendar=2150-01-01 UTC\nRandomizedDelaySec=20d\nFixedRandomDelay=yes\nUnit=delayed.service\n',
        'varied.timer':
          '[Timer]\nOnCalendar=2150-01-01 UTC\nRandomizedDelaySec=20d\nUnit=delayed.service\n',
      },
      afterwards: async (t, hearth) => {
        const next = async () =>
          (
            await hearth.ok(
              'show',
              'fixed.timer',
              'varied.timer',
              '--value',
              '-p',
              'NextElapseUSecRealtime',
            )
          ).split(/\n+/)
        const [fixed = '', varied = ''] = await next()
        t.regex(fixed, /2150-01-/)
        t.regex(varied, /2150-01-/)
        await hearth.ok('restart', 'fixed.timer', 'varied.timer')
        const [fixedAgain, variedAgain] = await next()
        t.is(fixedAgain, fixed)
        t.not(variedAgain, varied)
      },
    },
    triggered('exists.path', '[Path]\nPathExists=/run/seen/exists\n', {
      title: 'PathExists= starts its service at once if the path is there, and tells it which',
      settings: '',
      check:
        '[ "$TRIGGER_UNIT $TRIGGER_PATH" = "exists.path /run/seen/exists" ]\nrm /run/seen/exists',
    }),
    triggered('modified.path', '[Path]\nPathModified=/run/seen/modified\n', {
      title: 'PathModified= counts each write, while the file is still open',
      settings: '',
      check:
        '[ "$TRIGGER_UNIT $TRIGGER_PATH" = "modified.path /run/seen/modified" ]\necho x > /run/seen/modification',
      becomes: {},
      afterwards: inShell(
        '[ ! -e /run/seen/modification ]; exec 9>> /run/seen/modified; echo x >&9; while [ ! -s /run/seen/modification ]; do sleep 0.02; done',
      ),
    }),
  ],
  {
    prepare: `mkdir -p /run/seen /run/sockets /etc/test; touch /run/seen/exists /run/seen/modified
cat > /etc/test/descriptor.py <<'END'
${DESCRIPTOR}END`,
  },
)
