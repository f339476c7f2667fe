// The plan of a sandbox's mounts: which operations, in which order, for which settings (systemd.exec(5), SANDBOXING).
import test from 'ava'
import fc from 'fast-check'
import { type EntrySources, sandboxEntries } from '../../daemon/runtime/sandbox/entries.ts'
import { type Entry, isContent } from '../../daemon/runtime/sandbox/entry.ts'
import { MS, mountOptions } from '../../daemon/runtime/sandbox/flags.ts'
import { mountPoints } from '../../daemon/runtime/sandbox/host.ts'
import { encodeOperations, type Operation } from '../../daemon/runtime/sandbox/operation.ts'
import { type PlanRequest, planMounts } from '../../daemon/runtime/sandbox/plan.ts'
import type { Node } from '../../daemon/runtime/sandbox/view.ts'
import { SANDBOX_DEFAULTS } from '../../daemon/units/defaults.ts'
import type { SandboxSettings } from '../../daemon/units/unit.ts'
import { carryOut, type Mount, seen } from './mount-model.ts'

const STAGE = '/run/hearth/sandbox/root'
const CLOSED = '/run/hearth/sandbox/inaccessible'

/** A host with these paths: `d` a directory, `f` a file, else where a link leads. */
const hostOf = (files: Readonly<Record<string, string>>) => (path: string) => {
  const found = path === '/' ? 'd' : files[path]
  if (found === undefined) return null
  const node: Node =
    found === 'd'
      ? { kind: 'directory' }
      : found === 'f'
        ? { kind: 'file' }
        : { kind: 'link', target: found }
  return node
}

const request = (entries: readonly Entry[], changes: Partial<PlanRequest> = {}): PlanRequest => ({
  entries,
  root: '/',
  stage: STAGE,
  inaccessible: CLOSED,
  look: () => ({ kind: 'directory' }),
  mounts: () => [],
  setsFlags: true,
  ...changes,
})

const entriesOf = (sandbox: Partial<SandboxSettings>, changes: Partial<EntrySources> = {}) =>
  sandboxEntries({
    sandbox: { ...SANDBOX_DEFAULTS, ...sandbox },
    root: null,
    isConfined: true,
    directories: [],
    privateTmp: null,
    credentialsRoot: '/run/credentials',
    credentials: null,
    notifySocket: null,
    privatePids: false,
    ...changes,
  })

/** In short: `bind /a -> /b rec`, targets as the unit sees them. */
const told = (operation: Operation): string => {
  const target = operation.target.startsWith(STAGE)
    ? operation.target.slice(STAGE.length) || '/'
    : `host:${operation.target}`
  const letters = (flags: number) =>
    `${flags & MS.RDONLY ? ' ro' : ''}${flags & MS.NOEXEC ? ' noexec' : ''}`
  switch (operation.op) {
    case 'bind': {
      const source = operation.source.replace(STAGE, '')
      return source === target && operation.source !== source
        ? `bind ${target}`
        : `bind ${source} -> ${target}${operation.recursive ? '' : ' alone'}`
    }
    case 'mount':
      return `${operation.type} ${target}${letters(operation.flags)}`
    case 'flags':
    case 'remount':
      return `${operation.op} ${target}${letters(operation.set)}${operation.clear ? ` -${letters(operation.clear)}` : ''}${operation.op === 'flags' && operation.recursive ? ' all' : ''}`
    default:
      return `${operation.op} ${target}`
  }
}

const planOf = (entries: readonly Entry[], changes: Partial<PlanRequest> = {}) => {
  const plan = planMounts(request(entries, changes))
  if (plan.isErr()) throw new Error(JSON.stringify(plan.error))
  return plan.value
}
const steps = (entries: readonly Entry[], changes: Partial<PlanRequest> = {}) =>
  planOf(entries, changes).operations.map(told)

const rule = (path: string, what: Entry['what'], missingOk = false): Entry => ({
  path,
  what,
  missingOk,
  directive: `Test=${path}`,
})
const bind = (source: string, path: string, readOnly = false): Entry => ({
  ...rule(path, { kind: 'bind', source, recursive: true, readOnly, missingOk: false }),
})
const tmpfs = (path: string, readOnly = false): Entry =>
  rule(path, { kind: 'tmpfs', flags: 0, data: '', readOnly })

test('a restriction is a mount of the path onto itself, a release is taken anew from the host', t => {
  t.deepEqual(steps([rule('/srv', 'read-only'), rule('/srv/rw', 'read-write')]), [
    'bind / -> /',
    'bind /srv',
    'flags /srv ro all',
    'bind /srv/rw -> /srv/rw',
  ])
  t.deepEqual(
    steps([rule('/', 'no-exec'), rule('/', 'read-only'), rule('/usr', 'exec')]),
    ['bind / -> /', 'flags / ro noexec all', 'bind /usr -> /usr', 'flags /usr ro all'],
    'what else holds around it goes on holding',
  )
})

test('a rule that changes nothing costs nothing', t => {
  t.deepEqual(
    steps([
      rule('/usr', 'read-only'),
      rule('/usr/lib', 'read-only'),
      rule('/srv', 'read-write'),
      bind('/var/lib/a', '/var/lib/a'),
    ]),
    ['bind / -> /', 'bind /usr', 'flags /usr ro all'],
  )
})

test('nothing is done below what is inaccessible, nor looked for', t => {
  const look = hostOf({ '/srv': 'd', '/etc': 'd', '/etc/shadow': 'f' })
  t.deepEqual(
    steps(
      [
        rule('/srv', 'inaccessible'),
        rule('/srv/gone', 'read-write'),
        rule('/etc/shadow', 'inaccessible'),
      ],
      { look },
    ),
    [
      'bind / -> /',
      `bind ${CLOSED}/file -> /etc/shadow alone`,
      'flags /etc/shadow ro noexec',
      `bind ${CLOSED}/directory -> /srv alone`,
      'flags /srv ro noexec',
    ],
  )
})

test('links are followed, through other content as well, and what they lead to is one path', t => {
  const look = hostOf({
    '/bin': 'usr/bin',
    '/usr': 'd',
    '/usr/bin': 'd',
    '/data': 'd',
    '/data/link': '/usr',
    '/mnt': 'd',
  })
  t.deepEqual(
    steps(
      [
        rule('/bin', 'read-only'),
        rule('/usr/bin', 'read-only'),
        bind('/data', '/mnt'),
        rule('/mnt/link/bin', 'no-exec'),
      ],
      { look },
    ),
    ['bind / -> /', 'bind /data -> /mnt', 'bind /usr/bin', 'flags /usr/bin ro noexec all'],
  )
  const moved = hostOf({ '/data': 'd', '/data/sub': 'd', '/link': '/mnt', '/mnt': 'd' })
  t.deepEqual(
    steps([bind('/data', '/link'), rule('/mnt/sub', 'read-only', true)], { look: moved }),
    ['bind / -> /', 'bind /data -> /mnt', 'bind /mnt/sub', 'flags /mnt/sub ro all'],
    'what is not there on the host may be in what is bound',
  )
  const loop = planMounts(
    request([rule('/a', 'read-only')], { look: hostOf({ '/a': 'b', '/b': 'a' }) }),
  )
  t.deepEqual(loop._unsafeUnwrapErr(), { errno: 'ELOOP', directive: 'Test=/a', path: '/a' })
})

test('what is missing is passed over where that is allowed, else it is told with its setting', t => {
  const look = hostOf({ '/a': 'd' })
  t.deepEqual(steps([rule('/gone', 'read-only', true)], { look }), ['bind / -> /'])
  const failed = (entry: Entry) => planMounts(request([entry], { look }))._unsafeUnwrapErr()
  t.deepEqual(failed(rule('/gone', 'read-only')), {
    errno: 'ENOENT',
    directive: 'Test=/gone',
    path: '/gone',
  })
  t.deepEqual(failed(bind('/gone', '/a')), { errno: 'ENOENT', directive: 'Test=/a', path: '/gone' })
})

test('a source that is systemd’s is passed over with a warning', t => {
  const plan = planOf([bind('/dev/log', '/srv/log')], { look: hostOf({ '/srv': 'd' }) })
  t.deepEqual(plan.operations.map(told), ['bind / -> /'])
  t.regex(plan.warnings[0] ?? '', /passes over Test=\/srv\/log: nobody listens at \/dev\/log here/)
})

test('a mount point that is missing is made: in the host’s tree before it may be read-only, else in its place', t => {
  const look = hostOf({ '/srv': 'd', '/etc': 'd', '/etc/name': 'f' })
  t.deepEqual(
    steps([rule('/', 'read-only'), bind('/srv', '/opt/a/b'), bind('/etc/name', '/srv/name')], {
      look,
    }),
    [
      'directory host:/opt',
      'directory host:/opt/a',
      'directory host:/opt/a/b',
      'file host:/srv/name',
      'bind / -> /',
      'flags / ro all',
      'bind /srv -> /opt/a/b',
      'bind /etc/name -> /srv/name',
    ],
  )
  t.deepEqual(steps([tmpfs('/srv', true), bind('/etc', '/srv/x/etc')], { look }), [
    'bind / -> /',
    'tmpfs /srv',
    'directory /srv/x',
    'directory /srv/x/etc',
    'bind /etc -> /srv/x/etc',
    'flags /srv ro',
  ])
})

test('of several contents of a path the first one lies there, with the strictest of the rules', t => {
  t.deepEqual(
    steps([bind('/a', '/x'), tmpfs('/x'), rule('/x', 'read-only'), rule('/x', 'read-write')]),
    ['bind / -> /', 'bind /a -> /x', 'flags /x ro all'],
  )
  t.deepEqual(
    steps([tmpfs('/', true), bind('/usr', '/usr', true)], { look: hostOf({ '/usr': 'd' }) }),
    ['tmpfs /', 'directory /usr', 'bind /usr -> /usr', 'flags /usr ro all', 'flags / ro'],
  )
})

test('without mount_setattr each mount below is made read-only by itself', t => {
  t.deepEqual(
    steps([rule('/srv', 'read-only')], {
      setsFlags: false,
      mounts: () => ['/', '/srv', '/srv/a', '/srv/a/b', '/srvx'],
    }),
    ['bind / -> /', 'bind /srv', 'remount /srv ro', 'remount /srv/a ro', 'remount /srv/a/b ro'],
  )
})

test('a /proc with options keeps what the container’s engine has put over parts of it', t => {
  const entries = entriesOf({ protectProc: 'invisible', procSubset: 'pid' })
  const plan = planOf(entries, { mounts: () => ['/proc', '/proc/kcore', '/proc/sys'] })
  const proc = plan.operations.find(({ op }) => op === 'mount')
  t.like(proc, { type: 'proc', data: 'hidepid=invisible,subset=pid', optional: true })
  t.deepEqual(plan.operations.map(told).slice(1, 5), [
    'bind /proc -> /proc',
    'proc /proc noexec',
    'bind /proc/kcore -> /proc/kcore alone',
    'bind /proc/sys -> /proc/sys alone',
  ])
})

test('what protects a path that a /proc with options may not have passes over it, what names one does not', t => {
  const host = hostOf({ '/proc': 'd', '/proc/acpi': 'd', '/proc/mine': 'd' })
  const mine = [{ path: '/proc/mine', missingOk: false, inRoot: false }]
  const entries = entriesOf({
    procSubset: 'pid',
    protectKernelTunables: true,
    readOnlyPaths: mine,
  })
  const at = (path: string) =>
    planOf(entries, { look: host }).operations.filter(one => one.path === path)
  t.true(at('/proc/acpi').length > 0)
  t.true(at('/proc/acpi').every(({ missingOk }) => missingOk))
  t.true(at('/proc/mine').length > 0)
  t.false(at('/proc/mine').some(({ missingOk }) => missingOk))
})

test('inside a root directory of the host, paths with + are the unit’s, the others the host’s', t => {
  const paths = ['/etc', '/srv/root/opt', '/srv/root'].map(path => ({
    path,
    missingOk: true,
    inRoot: false,
  }))
  const entries = entriesOf(
    { readOnlyPaths: [...paths, { path: '/var', missingOk: true, inRoot: true }] },
    { root: '/srv/root' },
  )
  t.deepEqual(
    entries.filter(({ what }) => what === 'read-only').map(({ path }) => path),
    ['/opt', '/', '/var'],
  )
})

test('a command with + keeps its files where they are, but nothing is protected from it', t => {
  const settings: Partial<SandboxSettings> = {
    protectSystem: 'strict',
    privateDevices: true,
    protectProc: 'invisible',
    temporaryFileSystems: [{ path: '/srv', options: '' }],
  }
  const paths = entriesOf(settings, { isConfined: false }).map(({ path }) => path)
  t.deepEqual(paths, ['/srv', '/run/credentials'])
})

test('the notify socket is shown again where other content would hide it', t => {
  const notifySocket = '/run/hearth/notify.sock'
  const sockets = (sandbox: Partial<SandboxSettings>) =>
    entriesOf(sandbox, { notifySocket }).filter(({ path }) => path === notifySocket).length
  t.is(sockets({ protectSystem: 'strict' }), 0)
  t.is(sockets({ temporaryFileSystems: [{ path: '/run', options: '' }] }), 1)
})

test('mount options are flags, or the file system’s own', t => {
  t.deepEqual(mountOptions('mode=0755,ro,size=10%,dev,nostrictatime', MS.NODEV | MS.STRICTATIME), {
    flags: MS.RDONLY,
    data: 'mode=0755,size=10%',
  })
  t.deepEqual(mountPoints('36 35 98:0 / /mnt/a\\040b rw - ext3 /dev/root rw\n'), ['/mnt/a b'])
})

test('operations are blocks of whole words, strings with their NUL', t => {
  const where = { directive: '', path: '' }
  const bytes = Buffer.from(
    encodeOperations([
      { op: 'mount', type: 'tmpfs', target: '/ä', flags: 5, data: 'mode=1', ...where },
      { op: 'bind', source: '/a', target: '/b', recursive: true, optional: true, ...where },
    ]),
  )
  t.deepEqual([...new Uint32Array(bytes.buffer, bytes.byteOffset, 4)], [2, 0, 5, 0])
  t.is(bytes.toString('utf8', 16, 34), 'tmpfs\0/ä\0mode=1\0\0')
  t.is(bytes.readUInt32LE(36), 1)
  t.is(bytes.readUInt32LE(40), 3)
  t.is(bytes.length % 4, 0)
  const missingOk = { op: 'file', target: '/f', missingOk: true, ...where } as const
  t.is(Buffer.from(encodeOperations([missingOk])).readUInt32LE(4), 4)
})

const part = fc.constantFrom('a', 'b')
const path = fc.array(part, { maxLength: 3 }).map(parts => `/${parts.join('/')}`)
const anyRule = fc
  .tuple(
    path,
    fc.constantFrom('read-only', 'read-write', 'no-exec', 'exec', 'inaccessible' as const),
  )
  .filter(([at, what]) => !(at === '/' && what === 'inaccessible'))
  .map(([at, what]) => rule(at, what as Entry['what'], true))
const content = fc
  .tuple(path, fc.constantFrom('/src', '/src/a', null), fc.boolean())
  .map(([at, source, readOnly]) =>
    source === null ? tmpfs(at, readOnly) : bind(source, at, readOnly),
  )
const anyEntries = fc.array(fc.oneof({ weight: 3, arbitrary: anyRule }, content), { maxLength: 8 })
const runs = { numRuns: Number(process.env.HEARTH_RUNS ?? 300) }

const isWithin = (inner: string, above: string) =>
  above === '/' || inner === above || inner.startsWith(`${above}/`)

/** What the manual says of a path, without a thought of mounts. */
function expected(entries: readonly Entry[], at: string) {
  const around = entries
    .map((entry, place) => ({ entry, place }))
    .filter(({ entry }) => isWithin(at, entry.path))
    .sort((a, b) => a.entry.path.length - b.entry.path.length || a.place - b.place)
    .map(({ entry }) => entry)
  let source = 'the host'
  let readOnly = false
  let noExec = false
  for (const above of new Set(around.map(entry => entry.path))) {
    const here = around.filter(entry => entry.path === above)
    const found = here.find(({ what }) => isContent(what))?.what
    const has = (what: Entry['what']) => here.some(entry => entry.what === what)
    // Nothing lies in a memory that has just been made: what is not made there is not there.
    if (source === 'tmpfs' && !(found && isContent(found))) continue
    if (source === 'tmpfs' && has('inaccessible')) return { source, readOnly, noExec }
    if (has('inaccessible')) return { source: `${CLOSED}/directory`, readOnly: true, noExec: true }
    if (found && isContent(found)) {
      source = found.kind === 'bind' ? 'the host' : 'tmpfs'
      readOnly = has('read-only') || ('readOnly' in found && found.readOnly)
    } else if (has('read-only')) readOnly = true
    else if (has('read-write')) readOnly = false
    if (has('no-exec')) noExec = true
    else if (has('exec')) noExec = false
  }
  return { source, readOnly, noExec }
}

const inShort = (entries: readonly Entry[]) =>
  entries
    .map(({ path: at, what }) => `${at} ${isContent(what) ? JSON.stringify(what) : what}`)
    .join('; ')

const world = (): Mount => ({ at: '/', source: '', flags: 0, below: [] })

test('whatever the settings, each path is as the innermost of them says', t => {
  fc.assert(
    fc.property(anyEntries, path, (entries, at) => {
      const host = carryOut(planOf(entries).operations, world())
      const mount = seen(host, at === '/' ? STAGE : `${STAGE}${at}`)
      const wanted = expected(entries, at)
      const source = [`${CLOSED}/directory`, 'tmpfs'].find(kind => mount.source.startsWith(kind))
      const found = {
        source: source ?? 'the host',
        readOnly: (mount.flags & MS.RDONLY) !== 0,
        noExec: (mount.flags & MS.NOEXEC) !== 0,
      }
      t.deepEqual(found, wanted, `${at}: ${inShort(entries)}`)
    }),
    runs,
  )
})

test('the order of rules, and saying them twice, makes no difference', t => {
  fc.assert(
    fc.property(fc.array(anyRule, { maxLength: 8 }), fc.nat(), (rules, turn) => {
      const turned = [
        ...rules.slice(turn % (rules.length + 1)),
        ...rules.slice(0, turn % (rules.length + 1)),
      ]
      t.deepEqual(steps(turned), steps(rules))
      t.deepEqual(steps([...rules, ...turned]), steps(rules))
    }),
    runs,
  )
})

test('what lies further up is done first, and nothing is made in what is read-only', t => {
  fc.assert(
    fc.property(anyEntries, entries => {
      const operations = planOf(entries).operations
      const targets = operations
        .filter(({ op }) => op === 'bind' || op === 'mount')
        .map(({ target }) => target)
      for (const [i, target] of targets.entries())
        t.false(targets.slice(i + 1).some(later => later !== target && isWithin(target, later)))
      carryOut(operations, world())
    }),
    runs,
  )
})
