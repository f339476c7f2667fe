// Which values of directives are taken: systemd-analyze verify names the lines that it ignores or refuses.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { createUnits } from '../../../daemon/units/load.ts'
import { host, machineReader } from '../_files.ts'
import { ask, sample } from './ask.ts'

const oneOf = (words: string) => fc.constantFrom(...words.split(' '))
const joined = (parts: fc.Arbitrary<string>, most: number, between = ' ') =>
  fc.array(parts, { minLength: 1, maxLength: most }).map(all => all.join(between))
const whole = (least: number, most: number) => fc.integer({ min: least, max: most }).map(String)

const size = fc.oneof(
  fc.tuple(whole(0, 5000), oneOf('B K M G T P E KB k %')).map(parts => parts.join('')),
  fc.tuple(whole(0, 99), oneOf('.5 .25 .'), oneOf('K M G')).map(parts => parts.join('')),
  oneOf('infinity 0 -1 1G500M 1.5 2G1G 16E'),
)
const percent = fc.oneof(
  fc
    .tuple(
      whole(-1, 130),
      oneOf('. .0 .5 .05 .25 .005 -').map(text => text.replace(/[-]/, '')),
      oneOf('% ‰ ‱'),
    )
    .map(parts => parts.join('')),
  oneOf('% 0% 100% 1000‰ 1001‰ 10000‱ 10001‱ 5,5% 20%% 0.01% +5% 1e1%'),
)
const amount = fc.oneof(size, percent)
const octet = whole(0, 260)
const address = fc.oneof(
  fc.tuple(octet, octet, octet, octet).map(parts => parts.join('.')),
  oneOf(
    'any localhost link-local multicast local :: ::1 fe80::1 1:2:3:4:5:6:7:8 1::2::3 ::ffff:1.2.3.4 1.2.3 x',
  ),
  fc
    .array(oneOf('0 1 ffff fe80 12345 g 00ab'), { minLength: 6, maxLength: 8 })
    .map(groups => groups.join(':')),
)
const range = fc.oneof(
  address,
  fc.tuple(address, whole(-1, 130)).map(parts => parts.join('/')),
)
const device = fc
  .tuple(
    oneOf('/dev/null /dev/sda char-pts block-* char-* char- block /x /dev/ /dev/%n pts char-usb?'),
    oneOf('- r rw rwm mrw x rwx r,w w-w'),
  )
  .map(([name, access]) => (access === '-' ? name : `${name} ${access}`))
const count = fc.oneof(whole(-2, 100_000), oneOf('infinity 1K 0x10 1e3'))
const span = fc.oneof(
  fc.tuple(whole(0, 500), oneOf('s min ms us h d w x')).map(parts => parts.join('')),
  whole(0, 100),
  oneOf('infinity -5 1.5s 1min30s'),
)
const pair = (one: fc.Arbitrary<string>) =>
  fc.oneof(
    one,
    fc.tuple(one, one).map(parts => parts.join(':')),
  )
const signal = oneOf(
  'SIGTERM TERM SIGRTMIN+3 RTMAX-2 15 0 64 65 SIGFOO sigterm SIGRTMIN RTMIN+31 IOT SIGIO 34 POLL CLD SIGPOLL SIGCLD',
)
const status = oneOf('0 1 255 256 TEMPFAIL SUCCESS EXEC success FOO 3 SIGKILL KILL')
const assignment = fc.oneof(
  oneOf('A=b _X=1 a.b=c 1A=b A A= =b A==b "A=b\tc" \'B=x\''),
  fc.constantFrom(
    '"A=b c"',
    '"A=b" c',
    'A=b"c d"',
    '"A',
    "A='x",
    'A=\\x41',
    'A=\\q',
    'A=%%',
    'A=%n',
  ),
)
// systemd says nothing of one that it does not know.
const capability = oneOf('CAP_CHOWN cap_kill CAP_SYS_ADMIN cap_net_raw')
const family = oneOf('AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_FOO UNIX AF_UNSPEC')
const tilde = (list: fc.Arbitrary<string>) =>
  fc.tuple(oneOf('~ -'), list).map(([mark, text]) => (mark === '~' ? `~${text}` : text))
const cpus = joined(oneOf('0 1 0-3 3-1 8 0-1 x 1,2 9999 0-'), 3)
const word = fc.constantFrom(
  'a',
  '"b c"',
  "'d'",
  '"e',
  '\\x41',
  '\\n',
  '\\q',
  '%n',
  '%%',
  '%Q',
  '$X',
  ';',
  '\\;',
  '@',
  '-',
  'f"g h"',
  '\\u00e9',
  '\\x00',
  '"\\q"',
)
const program = fc.constantFrom(
  '/bin/true',
  '-/bin/true',
  '@/bin/true',
  '+/bin/echo',
  '!/bin/true',
  '!!/bin/true',
  ':/bin/true',
  '-@/bin/true',
  '--/bin/true',
  '!!!/bin/true',
  '+!/bin/true',
  'true',
  'bin/true',
  '/bin/',
  '"/bin/true"',
  '/bin//true',
  './true',
  '-',
)
const line = fc
  .tuple(program, fc.array(word, { maxLength: 4 }))
  .map(([first, rest]) => [first, ...rest].join(' '))

const PATH = fc.constantFrom(
  ...'/x /x/../y x -/x /x//y/ /x/. - -x ./x / /a/..b /%n +/x ../x'.split(' '),
)

// Nobody knows what a relative path of a device is relative to.
const ABSOLUTE = PATH.filter(path => !/^-?x|^[-+.]/.test(path))

/** Values for directives, in the section that has them. */
const VALUES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  ExecStart: line,
  LimitNOFILE: pair(count),
  LimitCORE: pair(size),
  LimitCPU: pair(span),
  LimitRTTIME: pair(span),
  LimitNICE: pair(fc.oneof(whole(-25, 45), oneOf('+5 -5 +20 -21 infinity'))),
  UMask: oneOf('0022 22 777 0777 1777 888 -1 07777 10000 0'),
  KillSignal: signal,
  SuccessExitStatus: joined(status, 3),
  Environment: joined(assignment, 2),
  PassEnvironment: joined(oneOf('A _B 1C A=b a.b "D E"'), 2),
  CapabilityBoundingSet: tilde(joined(capability, 3)),
  RestrictAddressFamilies: fc.oneof(tilde(joined(family, 3)), oneOf('none')),
  CPUAffinity: fc.oneof(cpus, oneOf('numa')),
  TimeoutStartSec: span,
  RestartSec: span,
  MemoryMax: amount,
  MemoryHigh: amount,
  MemoryMin: amount,
  MemoryLow: amount,
  MemorySwapMax: amount,
  // hearth refuses 0%, with which nothing could be started.
  TasksMax: fc.oneof(count, percent).filter(text => !/^\+?0*(?:\.0*)?[%‰‱]$/.test(text)),
  CPUQuota: fc.oneof(percent, whole(0, 300), oneOf('1000% 0.1% infinity')),
  // Not what the kernel does not take, of which hearth says what comes of it.
  CPUQuotaPeriodSec: oneOf('1ms 1s 10ms 500ms -5 x'),
  CPUWeight: fc.oneof(whole(-1, 3), whole(9998, 10_002), oneOf('idle x 1K 100')),
  StartupCPUWeight: fc.oneof(whole(-1, 3), whole(9998, 10_002), oneOf('idle x')),
  IOWeight: fc.oneof(whole(-1, 3), whole(9998, 10_002), oneOf('idle x 50%')),
  IOReadBandwidthMax: fc
    .tuple(ABSOLUTE, fc.oneof(size, oneOf('infinity 0 1.5M -')))
    .map(parts => parts.join(' ')),
  IODeviceWeight: fc
    .tuple(ABSOLUTE, fc.oneof(whole(-1, 3), whole(9998, 10_002)))
    .map(parts => parts.join(' ')),
  AllowedCPUs: cpus,
  AllowedMemoryNodes: cpus,
  Delegate: joined(oneOf('yes no cpu memory io pids foo devices bpf-firewall'), 2),
  Slice: oneOf('a.slice a-b.slice -.slice a a.service a--b.slice -a.slice %p.slice /x.slice'),
  DevicePolicy: oneOf('auto closed strict no yes Auto'),
  DeviceAllow: device,
  IPAddressAllow: joined(range, 2),
  IPAddressDeny: joined(range, 2),
  SocketBindDeny: fc
    .array(oneOf('ipv4 ipv6 ipv5 tcp udp any 80 0 1-65535 90-80 65536 80-90 x'), {
      minLength: 1,
      maxLength: 4,
    })
    .map(parts => parts.join(':')),
  RestrictNetworkInterfaces: tilde(joined(oneOf('lo eth0 a/b a:b averyveryverylongname ~x .'), 2)),
  BusName: oneOf('a.b org.example.Web a a..b .a a. a.1b a-b.c_d a.b/ %n'),
  AppArmorProfile: oneOf('web -web a/b %n'),
  IOSchedulingPriority: fc.oneof(whole(-1, 9), oneOf('x +1')),
  CPUSchedulingPriority: fc.oneof(whole(-1, 101), oneOf('x')),
  IOSchedulingClass: oneOf('none realtime best-effort idle 0 1 2 3 rt'),
  CPUSchedulingPolicy: oneOf('other batch idle fifo rr 0 1 5 deadline'),
  TimerSlackNSec: fc.oneof(
    span.filter(text => text !== 'infinity'),
    whole(0, 100),
    oneOf('50us 5ns 1.5ms'),
  ),
  CoredumpFilter: joined(oneOf('default all 0x33 33 private-huge foo elf-headers'), 2),
  SecureBits: joined(oneOf('keep-caps noroot noroot-locked no-setuid-fixup'), 2),
  UnsetEnvironment: joined(oneOf('A _B 1C A=b a.b'), 2),
  LogLevelMax: oneOf('info 6 debug emerg 8 notice foo'),
  SystemCallErrorNumber: oneOf('EPERM kill 1 EFOO 0 4096 -1 eperm'),
  TemporaryFileSystem: joined(oneOf('/x /x:ro,size=5% x / /a:b:c /x/../y'), 2),
  BindPaths: joined(oneOf('/x /x:/y /x:/y:norbind /x:y -/x:/y x:/y /x:/y:foo /x:'), 2),
  LoadCredential: oneOf('a:/x a a: a/b:/x ..:/x a:x/y a:%n a:/x/../y'),
  SetCredential: oneOf('a:b a a: a/b:c a:b:c a:\\x41'),
  Nice: fc.oneof(whole(-25, 25), oneOf('+5 x 1.5')),
  OOMScoreAdjust: fc.oneof(whole(-1100, 1100), oneOf('+5 x')),
  RemainAfterExit: oneOf('yes no TRUE 1 on y t off maybe 2 Off'),
  User: oneOf('root 0 nobody a.b a:b 4294967295 65535 _x -x 1a $u'),
  WorkingDirectory: oneOf('/ ~ -/x -~ x /x/../y /a//b ~root'),
  EnvironmentFile: PATH,
  RootDirectory: PATH,
  ReadWritePaths: joined(PATH, 2),
  TTYPath: PATH,
  // Not the root, which systemd takes for the path of a file.
  PIDFile: PATH.filter(path => path !== '/'),
  RuntimeDirectory: joined(oneOf('a a/b /a ../a a/../b a:b "c d"'), 2),
  // Not syslog, of which systemd says in silence that it is journal.
  StandardOutput: oneOf(
    'null journal inherit tty kmsg file:/x append:/x truncate:/x file:x fd:x fd socket foo journal+console',
  ),
  SyslogLevel: oneOf('info 6 debug emerg 8 notice foo'),
}

test('values of directives are taken or refused as systemd-analyze verify does', t => {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-oracle-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const cases: { name: string; directive: string; value: string }[] = []
  for (const [directive, values] of Object.entries(VALUES))
    for (const value of sample(values, 25)) {
      const name = `u${cases.length}.service`
      cases.push({ name, directive, value })
      const start = directive === 'ExecStart' ? '' : 'ExecStart=/bin/true\n'
      writeFileSync(
        join(directory, name),
        `[Service]\n${directive}=${value}\nType=oneshot\n${start}`,
      )
    }
  const answer = ask(
    t,
    'systemd-analyze',
    ['verify', '--man=no', ...cases.map(({ name }) => join(directory, name))],
    { SYSTEMD_LOG_LEVEL: 'warning' },
  )
  if (answer === null) return
  const refused = new Set(
    [...answer.errors.matchAll(/\/(u\d+\.service):2: /g)].map(match => match[1]),
  )
  const units = createUnits({ services: [directory], vendorUnits: [], reader: machineReader, host })
  const wrong: string[] = []
  for (const { name, directive, value } of cases) {
    const ours = units.get(name).problems.some(({ place }) => place.line === 2)
    if (ours !== refused.has(name))
      wrong.push(`${ours ? 'refused' : 'taken'} here: ${directive}=${value}`)
  }
  t.deepEqual([...new Set(wrong)], [])
})
