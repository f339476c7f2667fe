// Restrictions of system calls as they are read and shown (systemd.exec(5), SYSTEM CALL FILTERING).
import { spawnSync } from 'node:child_process'
import test from 'ava'
import { settingsProperties } from '../../daemon/units/show.ts'
import { mergeFilter } from '../../daemon/units/system-calls/lines.ts'
import {
  systemCallGroup,
  systemCallGroups,
  systemCallNumber,
  systemCallsOf,
} from '../../daemon/units/system-calls/names.ts'
import { unitsOf } from './_files.ts'

const service = (lines: string) =>
  unitsOf({ '/etc/units/a.service': `[Service]\nExecStart=/bin/true\n${lines}\n` }).get('a.service')
const shown = (lines: string, name: string) =>
  settingsProperties(service(lines)).find(([property]) => property === name)?.[1]
const messages = (lines: string) => service(lines).problems.map(({ message }) => message)

test('the first line decides what the list is, later ones add to it or take away', t => {
  const calls = (lines: string) => {
    const set = mergeFilter(service(lines).exec?.systemCallFilter ?? [])
    const standard = new Set(systemCallsOf('@default'))
    return [set?.allow, ...[...(set?.calls ?? [])].filter(([name]) => !standard.has(name)).flat()]
  }
  t.deepEqual(calls('SystemCallFilter=read write\nSystemCallFilter=~write'), [true, 'read', null])
  t.deepEqual(calls('SystemCallFilter=~read write\nSystemCallFilter=write'), [false, 'read', null])
  t.deepEqual(calls('SystemCallFilter=read\nSystemCallFilter=open'), [
    true,
    'open',
    null,
    'read',
    null,
  ])
  t.deepEqual(calls('SystemCallFilter=read open\nSystemCallFilter=~open:EACCES'), [
    ...[true, 'open', 13],
    ...['read', null],
  ])
  t.deepEqual(calls('SystemCallFilter=~@swap:kill swapon:7'), [
    false,
    'swapoff',
    'kill',
    'swapon',
    7,
  ])
  t.deepEqual(calls('SystemCallFilter=read\nSystemCallFilter=\nSystemCallFilter=~write'), [
    ...[false, 'write', null],
  ])
  t.deepEqual(calls('SystemCallFilter=read\nSystemCallFilter='), [undefined])
})

test('what starting and ending take is in every list of what is allowed, unless taken out', t => {
  const allowed = mergeFilter(service('SystemCallFilter=read').exec?.systemCallFilter ?? [])?.calls
  for (const name of ['execve', 'exit', 'exit_group', 'rt_sigreturn', 'clock_gettime', 'nanosleep'])
    t.true(allowed?.has(name), name)
  const less = service('SystemCallFilter=read\nSystemCallFilter=~execve').exec?.systemCallFilter
  t.false(mergeFilter(less ?? [])?.calls.has('execve'))
})

test('groups hold other groups, and @known all calls', t => {
  const calls = systemCallsOf('@system-service') ?? []
  t.true(['read', 'socket', 'setuid', 'fork'].every(name => calls.includes(name)))
  t.false(calls.includes('mount') || calls.includes('reboot') || calls.includes('ptrace'))
  t.is(systemCallsOf('@nothing'), null)
  t.true((systemCallsOf('@known')?.length ?? 0) > 500)
})

test('numbers are each architecture’s own', t => {
  t.is(systemCallNumber('execve', 'x86-64'), 59)
  t.is(systemCallNumber('execve', 'x86'), 11)
  t.is(systemCallNumber('execve', 'x32'), 520)
  t.is(systemCallNumber('execve', 'arm64'), 221)
  t.is(systemCallNumber('open', 'arm64'), null)
  t.is(systemCallNumber('mseal', 'arm'), 462)
})

test('unknown names are left out with a warning that knows the nearest one', t => {
  t.deepEqual(messages('SystemCallFilter=raed @system-servic read'), [
    'SystemCallFilter=: unknown system call raed, ignored; did you mean read?',
    'SystemCallFilter=: unknown system call group @system-servic, ignored; did you mean @system-service?',
  ])
  t.is(service('SystemCallFilter=raed').loadState, 'loaded')
  t.regex(messages('SystemCallArchitectures=natve')[0] ?? '', /unknown architecture natve.*native/)
  t.regex(messages('RestrictAddressFamilies=AF_UNIXX')[0] ?? '', /unknown address family AF_UNIXX/)
})

test('values that cannot be meant are refused with the mend', t => {
  t.regex(messages('SystemCallFilter=read:EPERM')[0] ?? '', /in a list with ~/)
  t.regex(messages('SystemCallFilter=~read:EPREM')[0] ?? '', /expected an errno/)
  t.regex(messages('SystemCallErrorNumber=0')[0] ?? '', /from 1 to 4095/)
  t.regex(messages('RestrictNamespaces=network')[0] ?? '', /types of cgroup, ipc/)
})

test('restrictions are shown as systemctl shows them', t => {
  t.is(
    shown('SystemCallFilter=~swapon:kill swapoff:EPERM reboot', 'SystemCallFilter'),
    '~reboot swapoff:EPERM swapon:kill',
  )
  t.is(shown('', 'SystemCallFilter'), '~')
  t.is(shown('', 'RestrictAddressFamilies'), '~')
  t.is(shown('', 'SystemCallErrorNumber'), '2147483646')
  t.is(shown('SystemCallErrorNumber=EPERM', 'SystemCallErrorNumber'), '1')
  t.is(shown('SystemCallLog=~read\nSystemCallLog=write', 'SystemCallLog'), '~read')
  t.is(shown('SystemCallArchitectures=x86 native x86', 'SystemCallArchitectures'), 'native x86')
  t.is(
    shown('RestrictAddressFamilies=AF_UNIX AF_INET', 'RestrictAddressFamilies'),
    'AF_INET AF_UNIX',
  )
  t.is(
    shown(
      'RestrictAddressFamilies=~AF_LOCAL\nRestrictAddressFamilies=AF_UNIX',
      'RestrictAddressFamilies',
    ),
    '~',
  )
  t.is(
    shown(
      'RestrictAddressFamilies=~AF_PACKET\nRestrictAddressFamilies=none',
      'RestrictAddressFamilies',
    ),
    '',
  )
})

test('RestrictNamespaces= adds up as in the manual’s examples', t => {
  const left = (lines: string) => shown(lines, 'RestrictNamespaces')
  t.is(left('RestrictNamespaces=cgroup ipc\nRestrictNamespaces=cgroup net'), 'cgroup ipc net')
  t.is(left('RestrictNamespaces=cgroup ipc\nRestrictNamespaces=~cgroup net'), 'ipc')
  t.is(left('RestrictNamespaces=~user'), 'cgroup ipc net mnt pid uts time')
  t.is(left('RestrictNamespaces=yes'), 'yes')
  t.is(left('RestrictNamespaces=yes\nRestrictNamespaces=net'), 'net')
  t.is(left('RestrictNamespaces=no\nRestrictNamespaces=net'), 'no')
  t.is(left('RestrictNamespaces=yes\nRestrictNamespaces='), 'no')
})

/** `@group` -> its members, as systemd-analyze prints them; null: it is not there, or of another version. */
function systemdGroups(): Map<string, string[]> | null {
  const version = spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' })
  if (version.error || !version.stdout.startsWith('systemd 252 ')) return null
  const { stdout } = spawnSync('systemd-analyze', ['syscall-filter'], { encoding: 'utf8' })
  const groups = new Map<string, string[]>()
  let members: string[] = []
  for (const line of stdout.split('\n')) {
    if (line.startsWith('@')) {
      members = []
      groups.set(line.trim(), members)
    } else if (/^ {4}[@\w]/.test(line)) members.push(line.trim())
  }
  return groups
}

test('the groups are those of systemd 252, but for what is marked as newer', t => {
  const groups = systemdGroups()
  if (groups === null) {
    t.log('skipped: systemd-analyze 252 is not there')
    t.pass()
    return
  }
  for (const [name, members] of groups) {
    const own = systemCallGroup(name)
    const known = (own?.members ?? []).filter(member => !own?.newer.includes(member))
    // @known goes on with what kernels have had since.
    if (name === '@known')
      t.deepEqual(
        members
          .flatMap(name => groups.get(name) ?? [name])
          .filter(member => !known.includes(member)),
        [],
      )
    else t.deepEqual(known, [...members].sort(), name)
  }
  t.deepEqual(
    systemCallGroups().filter(name => !groups.has(name)),
    ['@sandbox'],
  )
})
