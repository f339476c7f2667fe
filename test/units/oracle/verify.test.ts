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
