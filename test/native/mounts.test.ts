// A child's own file system and namespaces, as the addon makes them from a list of operations.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import type { SandboxRequest } from '../../daemon/runtime/native.ts'
import { sandboxEntries } from '../../daemon/runtime/sandbox/entries.ts'
import { MS } from '../../daemon/runtime/sandbox/flags.ts'
import { hostLook, hostMounts } from '../../daemon/runtime/sandbox/host.ts'
import { encodeOperations, type Operation } from '../../daemon/runtime/sandbox/operation.ts'
import { planMounts } from '../../daemon/runtime/sandbox/plan.ts'
import { SANDBOX_DEFAULTS } from '../../daemon/units/defaults.ts'
import { isRoot, native, request, run } from './children.ts'

const directory = mkdtempSync(join(tmpdir(), 'hearth-mounts-'))
test.after.always(() => rmSync(directory, { recursive: true, force: true }))
const stage = join(directory, 'stage')
mkdirSync(stage)

type Step = Operation extends infer O
  ? O extends Operation
    ? Omit<O, 'directive' | 'path'>
    : never
  : never
const root: Step = { op: 'bind', source: '/', target: stage, recursive: true }
const sandbox = (
  steps: readonly Step[],
  changes: Partial<SandboxRequest> = {},
): SandboxRequest => ({
  namespaces: [],
  unshare: 0,
  userNamespace: -1,
  mounts: {
    stage,
    operations: encodeOperations(
      steps.map(step => ({ ...step, directive: '', path: '' }) as Operation),
    ),
    propagation: 0,
  },
  ...changes,
})
const asRoot = isRoot ? test : test.skip

asRoot(
  'a child has the mounts that were asked for, in a root of its own, and its parent none of them',
  async t => {
    const before = readFileSync('/proc/self/mountinfo', 'utf8')
    const at = (path: string) => `${stage}${path}`
    mkdirSync(join(directory, 'source'))
    writeFileSync(join(directory, 'source/file'), 'text')
    const { output } = await run(
      'cat /srv/file; touch /srv/x 2>/dev/null || echo closed; ls -A /mnt; test -c /mnt/null && echo device; readlink /mnt/link; stat -c %a /mnt/inner; umask',
      {
        umask: 0o77,
        sandbox: sandbox([
          root,
          { op: 'bind', source: join(directory, 'source'), target: at('/srv'), recursive: false },
          { op: 'flags', target: at('/srv'), set: MS.RDONLY, clear: 0, recursive: true },
          { op: 'mount', type: 'tmpfs', target: at('/mnt'), flags: MS.NOSUID, data: 'mode=755' },
          { op: 'directory', target: at('/mnt/inner'), mode: 0o751 },
          { op: 'directory', target: at('/mnt/inner'), mode: 0o751 },
          { op: 'file', target: at('/mnt/file') },
          { op: 'device', source: '/dev/null', target: at('/mnt/null') },
          { op: 'link', text: 'file', target: at('/mnt/link') },
          { op: 'mount', type: 'nosuchfs', target: at('/mnt'), flags: 0, data: '', optional: true },
        ]),
      },
    )
    t.is(output, 'textclosed\nfile\ninner\nlink\nnull\ndevice\nfile\n751\n0077\n')
    t.is(readFileSync('/proc/self/mountinfo', 'utf8'), before)
    t.deepEqual(readdirSync(stage), [])
  },
)

asRoot('a remount adds to the flags that a mount has', async t => {
  const target = `${stage}/mnt`
  const { output } = await run("grep ' /mnt ' /proc/self/mounts; touch /mnt/x && echo open", {
    sandbox: sandbox([
      root,
      { op: 'mount', type: 'tmpfs', target, flags: MS.NOSUID | MS.NODEV, data: '' },
      { op: 'remount', target, set: MS.RDONLY | MS.NOEXEC, clear: 0 },
      { op: 'remount', target, set: 0, clear: MS.RDONLY },
    ]),
  })
  t.regex(output, /^tmpfs \/mnt tmpfs rw,nosuid,nodev,noexec,.*\nopen\n$/)
})

asRoot('the operation that fails is told by its place, with its errno', t => {
  const failed = (steps: readonly Step[]) => {
    const outcome = native.spawn(request('exit', { sandbox: sandbox(steps) }))
    return 'pid' in outcome
      ? null
      : [outcome.exitStatus, outcome.step, outcome.errno, outcome.operation]
  }
  const bind = (source: string, target: string): Step => ({
    op: 'bind',
    source,
    target,
    recursive: false,
  })
  t.deepEqual(failed([root, bind('/nowhere', `${stage}/mnt`)]), [226, 'NAMESPACE', 'ENOENT', 1])
  t.deepEqual(failed([root, bind('/etc', `${stage}/nowhere`)]), [226, 'NAMESPACE', 'ENOENT', 1])
  t.deepEqual(failed([root, bind('/etc', `${stage}/etc/passwd`)]), [226, 'NAMESPACE', 'ENOTDIR', 1])
  t.deepEqual(
    failed([
      root,
      { op: 'flags', target: `${stage}/etc`, set: MS.RDONLY, clear: 0, recursive: false },
    ]),
    [226, 'NAMESPACE', 'EINVAL', 1],
  )
})

asRoot('no operation goes through a symbolic link that somebody has put there', t => {
  const trap = join(directory, 'trap')
  mkdirSync(trap)
  symlinkSync('/etc', join(trap, 'link'))
  for (const step of [
    { op: 'bind', source: join(trap, 'link'), target: `${stage}/mnt`, recursive: false },
    { op: 'bind', source: '/srv', target: `${stage}${trap}/link`, recursive: false },
    { op: 'directory', target: join(trap, 'link/made-by-hearth'), mode: 0o755 },
  ] as const) {
    const outcome = native.spawn(request('exit', { sandbox: sandbox([root, step]) }))
    // A link at the end is opened itself, and is no directory.
    t.regex('pid' in outcome ? 'started' : outcome.errno, /ELOOP|ENOTDIR/)
  }
  t.false(existsSync('/etc/made-by-hearth'))
})

asRoot('a namespace that is kept by its descriptor is the same for all who enter it', async t => {
  const net = native.makeNamespace('net', -1)
  const ipc = native.makeNamespace('ipc', -1)
  const namespaces = [net, ipc].map(fd => ({ fd, step: 'NETWORK', exitStatus: 225 }))
  const script =
    'readlink /proc/self/ns/net /proc/self/ns/ipc; cat /sys/class/net/lo/flags 2>/dev/null; ip -o link show lo'
  const look = () => run(script, { sandbox: sandbox([], { namespaces, mounts: null }) })
  const first = await look()
  t.is((await look()).output, first.output)
  t.regex(first.output, /lo: <[^>]*UP/)
  t.false(first.output.includes(readlinkSync('/proc/self/ns/net')))
  t.false(first.output.includes(readlinkSync('/proc/self/ns/ipc')))
  native.close(ipc)
  const bad = native.spawn(request('exit', { sandbox: sandbox([], { namespaces, mounts: null }) }))
  t.like(bad, { errno: 'EBADF', exitStatus: 225, operation: undefined })
  native.close(net)
})

asRoot(
  'in a user namespace the child has its own user and groups, and no right over the host',
  async t => {
    const fd = native.makeUserNamespace('0 0 1\n1 1 1\n', '0 0 1\n1 1 1\n', true)
    const { output } = await run(
      'id -u; id -g; cat /proc/self/uid_map | wc -l; cat /proc/self/setgroups',
      {
        uid: 1,
        gid: 1,
        groups: [1, 4],
        sandbox: sandbox([], { userNamespace: fd, mounts: null }),
      },
    )
    t.is(output, '1\n1\n2\nallow\n')
    native.close(fd)
    t.throws(() => native.makeUserNamespace('nonsense', '0 0 1\n', true), { code: 'EINVAL' })
  },
)

test('what a tree holds goes with it, however deep, and what its links lead to does not', async t => {
  const tree = join(directory, 'tree')
  mkdirSync(join(tree, 'a/b'), { recursive: true })
  writeFileSync(join(directory, 'kept'), '')
  symlinkSync(directory, join(tree, 'a/link'))
  for (let i = 0; i < 200; i++) writeFileSync(join(tree, `a/b/${i}`), '')
  // Deeper than any path can name.
  const script = 'chdir shift; for (1..30) { mkdir "a" x 200; chdir "a" x 200 or die $! }'
  const { exit } = await run('', { path: '/usr/bin/perl', argv: ['perl', '-e', script, tree] })
  t.like(exit, { kind: 'exited', status: 0 })
  t.is(await native.removeTree(tree), null)
  t.false(existsSync(tree))
  t.true(existsSync(join(directory, 'kept')))
  t.is(await native.removeTree(tree), null, 'what is not there needs no removal')
  t.is(await native.removeTree(join(directory, 'kept')), 'ENOTDIR')
})

asRoot('a plan protects the same with mount_setattr and without', async t => {
  const inaccessible = join(directory, 'inaccessible')
  mkdirSync(join(inaccessible, 'directory'), { recursive: true })
  writeFileSync(join(inaccessible, 'file'), '')
  const path = (name: string) => ({ path: name, missingOk: false, inRoot: false })
  const entries = sandboxEntries({
    sandbox: {
      ...SANDBOX_DEFAULTS,
      protectSystem: 'strict',
      protectKernelTunables: true,
      noExecPaths: [path('/var')],
      readWritePaths: [path('/var/log')],
      temporaryFileSystems: [{ path: '/srv', options: 'ro' }],
    },
    root: null,
    isConfined: true,
    directories: [],
    privateTmp: null,
    credentialsRoot: '/run/credentials',
    credentials: null,
    notifySocket: null,
    privatePids: false,
  })
  const views: string[] = []
  for (const setsFlags of [true, false]) {
    const plan = planMounts({
      entries,
      root: '/',
      ...{ stage, inaccessible, setsFlags },
      look: hostLook(),
      mounts: hostMounts(),
    })._unsafeUnwrap()
    const mounts = { stage, operations: encodeOperations(plan.operations), propagation: 0 }
    const { output } = await run('cat /proc/self/mounts', { sandbox: sandbox([], { mounts }) })
    // Of several mounts at one place the last is seen.
    const last = new Map(output.split('\n').map(line => [line.split(' ')[1], line]))
    views.push([...last.values()].sort().join('\n'))
  }
  t.is(views[0], views[1])
  t.regex(views[0] ?? '', /^\S+ \/ \S+ ro,/m)
  t.regex(views[0] ?? '', /^\S+ \/var\/log \S+ rw,(\S+,)?noexec/m)
  t.regex(views[0] ?? '', /^tmpfs \/srv tmpfs ro,/m)
  t.regex(views[0] ?? '', /^sysfs \/sys sysfs ro,/m)
})
