// RuntimeDirectory= and its like (systemd.exec(5)).
import {
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import anyTest, { type ExecutionContext, type TestFn } from 'ava'
import {
  type DirectoryRoots,
  directoriesOf,
  directoryRoots,
  directoryVariables as variables,
} from '../../daemon/runtime/directories.ts'
import { makeDirectories as make } from '../../daemon/runtime/make-directories.ts'
import {
  goesWithTheUnit,
  removeRuntimeDirectories as remove,
} from '../../daemon/runtime/remove-directories.ts'
import { EXEC_DEFAULTS } from '../../daemon/units/defaults.ts'
import type { DirectoryKind, ExecSettings } from '../../daemon/units/unit.ts'
import { isRoot } from './world.ts'

type Context = { base: string; roots: DirectoryRoots }
const test = anyTest as TestFn<Context>
test.beforeEach(t => {
  const base = mkdtempSync(join(tmpdir(), 'hearth-directories-'))
  t.context.base = base
  t.context.roots = {
    runtime: `${base}/run`,
    state: `${base}/lib`,
    cache: `${base}/cache`,
    logs: `${base}/log`,
    configuration: `${base}/etc`,
  }
})
test.afterEach.always(t => rmSync(t.context.base, { recursive: true, force: true }))

const NOBODY = { uid: null, gid: null }
const DAEMON = { uid: 1, gid: 1 }
const settings = (
  kind: DirectoryKind,
  paths: readonly (string | { path: string; symlinks: readonly string[] })[],
  mode = 0o755,
): ExecSettings => ({
  ...EXEC_DEFAULTS,
  directories: {
    [kind]: {
      paths: paths.map(path => (typeof path === 'string' ? { path, symlinks: [] } : path)),
      mode,
    },
  },
})
type Owner = { uid: number | null; gid: number | null }
const makeDirectories = (exec: ExecSettings, roots: DirectoryRoots, owner: Owner) =>
  make(directoriesOf(exec, roots, true), owner)
const directoryVariables = (exec: ExecSettings, roots: DirectoryRoots) =>
  variables(directoriesOf(exec, roots, true))
const removeRuntimeDirectories = (exec: ExecSettings, roots: DirectoryRoots) =>
  remove(directoriesOf(exec, roots, true))
const modeOf = (path: string) => statSync(path).mode & 0o7777

test('a directory is made with its mode, whatever the umask, its parents with 0755', t => {
  const { base, roots } = t.context
  const before = process.umask(0o077)
  const made = makeDirectories(settings('runtime', ['a/b'], 0o2775), roots, NOBODY)
  process.umask(before)
  t.true(made.isOk())
  t.is(modeOf(`${base}/run/a/b`), 0o2775)
  t.is(modeOf(`${base}/run/a`), 0o755)
})

test('one that exists keeps what is in it and gets the mode', t => {
  const { base, roots } = t.context
  mkdirSync(`${base}/lib/a`, { recursive: true, mode: 0o777 })
  writeFileSync(`${base}/lib/a/file`, 'kept')
  t.true(makeDirectories(settings('state', ['a'], 0o700), roots, NOBODY).isOk())
  t.is(modeOf(`${base}/lib/a`), 0o700)
  t.is(readFileSync(`${base}/lib/a/file`, 'utf8'), 'kept')
})

test('a configuration directory that exists is left as it is', t => {
  const { base, roots } = t.context
  mkdirSync(`${base}/etc/a`, { recursive: true })
  const before = modeOf(`${base}/etc/a`)
  t.true(makeDirectories(settings('configuration', ['a'], 0o700), roots, DAEMON).isOk())
  t.is(modeOf(`${base}/etc/a`), before)
  t.is(statSync(`${base}/etc/a`).uid, process.geteuid?.() ?? 0)
})

test('the variables name all directories of a kind', t => {
  const { base, roots } = t.context
  t.deepEqual(directoryVariables(settings('logs', ['a', 'b/c']), roots), [
    `LOGS_DIRECTORY=${base}/log/a:${base}/log/b/c`,
  ])
  t.deepEqual(directoryVariables(EXEC_DEFAULTS, roots), [])
})

test('a path that is a file fails with the status of its kind', t => {
  const { base, roots } = t.context
  mkdirSync(`${base}/cache`)
  writeFileSync(`${base}/cache/a`, '')
  for (const path of ['a', 'a/b']) {
    const made = makeDirectories(settings('cache', [path]), roots, NOBODY)
    if (made.isOk()) return t.fail('it was made')
    t.is(made.error.exitStatus, 239)
    t.true(made.error.message.startsWith(`cannot make CacheDirectory=${path}`))
  }
})

test('a link of the unit stands beside its directory and points to it', t => {
  const { base, roots } = t.context
  const exec = settings('runtime', [{ path: 'a/b', symlinks: ['c/link', 'other'] }])
  t.true(makeDirectories(exec, roots, NOBODY).isOk())
  t.true(makeDirectories(exec, roots, NOBODY).isOk())
  t.is(readlinkSync(`${base}/run/c/link`), '../a/b')
  t.is(readlinkSync(`${base}/run/other`), 'a/b')
})

test('the runtime directory goes with the unit, the innermost alone', t => {
  const { base, roots } = t.context
  const exec = settings('runtime', ['a/b', { path: 'c', symlinks: ['link'] }])
  makeDirectories(exec, roots, NOBODY)
  mkdirSync(`${base}/run/a/b/deep`)
  writeFileSync(`${base}/run/a/b/deep/file`, '')
  t.deepEqual(removeRuntimeDirectories(exec, roots), [])
  t.false(existsSync(`${base}/run/a/b`))
  t.true(existsSync(`${base}/run/a`))
  t.false(existsSync(`${base}/run/c`))
  t.is(lstatSync(`${base}/run/link`, { throwIfNoEntry: false }), undefined)
})

test('removing follows no link', t => {
  const { base, roots } = t.context
  mkdirSync(`${base}/victim`)
  writeFileSync(`${base}/victim/file`, '')
  mkdirSync(`${base}/run/in`, { recursive: true })
  symlinkSync(`${base}/victim`, `${base}/run/a`)
  symlinkSync(`${base}/victim`, `${base}/run/in/link`)
  removeRuntimeDirectories(settings('runtime', ['a', 'in']), roots)
  t.true(existsSync(`${base}/victim/file`))
  t.false(existsSync(`${base}/run/in`))
})

test('RuntimeDirectoryPreserve= says when it goes', t => {
  const goes = (preserve: ExecSettings['runtimeDirectoryPreserve'], restarting: boolean) =>
    goesWithTheUnit({ ...EXEC_DEFAULTS, runtimeDirectoryPreserve: preserve }, restarting)
  t.deepEqual([goes('no', false), goes('no', true)], [true, true])
  t.deepEqual([goes('yes', false), goes('yes', true)], [false, false])
  t.deepEqual([goes('restart', false), goes('restart', true)], [true, false])
})

test('an ordinary user’s directories are those of the XDG specification', t => {
  const roots = directoryRoots(false, { HOME: '/home/a', XDG_RUNTIME_DIR: '/run/user/1' })
  t.deepEqual(roots, {
    runtime: '/run/user/1',
    state: '/home/a/.local/state',
    cache: '/home/a/.cache',
    logs: '/home/a/.local/state/log',
    configuration: '/home/a/.config',
  })
  t.is(directoryRoots(true, {}).state, '/var/lib')
})

const asRoot = (title: string, body: (t: ExecutionContext<Context>) => void) =>
  test(title, t => {
    if (isRoot) return body(t)
    t.log('needs root, to change owners: not checked')
    t.pass()
  })

asRoot('the directory and all in it are given to the user of the unit', t => {
  const { base, roots } = t.context
  mkdirSync(`${base}/lib/a/deep`, { recursive: true })
  writeFileSync(`${base}/lib/a/deep/file`, '')
  t.true(makeDirectories(settings('state', ['a']), roots, DAEMON).isOk())
  for (const path of ['a', 'a/deep', 'a/deep/file']) t.is(statSync(`${base}/lib/${path}`).uid, 1)
})

asRoot('a link in it is given away itself, not what it leads to', t => {
  const { base, roots } = t.context
  mkdirSync(`${base}/victim`)
  writeFileSync(`${base}/victim/file`, '')
  mkdirSync(`${base}/lib/a`, { recursive: true })
  symlinkSync(`${base}/victim`, `${base}/lib/a/link`)
  symlinkSync(`${base}/victim/file`, `${base}/lib/a/other`)
  t.true(makeDirectories(settings('state', ['a']), roots, DAEMON).isOk())
  t.is(statSync(`${base}/victim`).uid, 0)
  t.is(statSync(`${base}/victim/file`).uid, 0)
  t.is(lstatSync(`${base}/lib/a/link`).uid, 1)
})

asRoot('a link that the service has put in place of its directory is not followed', t => {
  const { base, roots } = t.context
  mkdirSync(`${base}/victim`)
  mkdirSync(`${base}/lib/a`, { recursive: true })
  symlinkSync(`${base}/victim`, `${base}/lib/a/b`)
  const foreign = settings('state', ['a/b'], 0o777)
  lchownSync(`${base}/lib/a/b`, 1, 1)
  const made = makeDirectories(foreign, roots, DAEMON)
  if (made.isOk()) return t.fail('it was followed')
  t.is(made.error.exitStatus, 238)
  t.is(statSync(`${base}/victim`).uid, 0)
})

asRoot('a link that root has put there is followed', t => {
  const { base, roots } = t.context
  mkdirSync(`${base}/data`)
  mkdirSync(`${base}/lib`)
  symlinkSync(`${base}/data`, `${base}/lib/a`)
  t.true(makeDirectories(settings('state', ['a']), roots, DAEMON).isOk())
  t.is(statSync(`${base}/data`).uid, 1)
})

test('those of a dynamic user lie below private, where root alone may go, with a link beside', t => {
  const { base, roots } = t.context
  const exec = { ...settings('state', ['a/b']), dynamicUser: true }
  t.true(makeDirectories(exec, roots, NOBODY).isOk())
  t.is(modeOf(`${base}/lib/private`), 0o700)
  t.is(readlinkSync(`${base}/lib/a/b`), '../private/a/b')
  t.true(statSync(`${base}/lib/private/a/b`).isDirectory())
  t.deepEqual(directoryVariables(exec, roots), [`STATE_DIRECTORY=${base}/lib/private/a/b`])
})

test('DynamicUser= takes what there is along, and without it that comes back', t => {
  const { base, roots } = t.context
  const exec = settings('cache', ['a'])
  mkdirSync(`${base}/cache/a`, { recursive: true })
  writeFileSync(`${base}/cache/a/file`, 'kept')
  const there = () => readFileSync(`${base}/cache/a/file`, 'utf8')
  for (const dynamicUser of [true, true, false, false, true]) {
    t.true(makeDirectories({ ...exec, dynamicUser }, roots, NOBODY).isOk())
    t.is(lstatSync(`${base}/cache/a`).isSymbolicLink(), dynamicUser)
    t.is(there(), 'kept')
  }
})

test('a runtime directory is private only where it outlives the unit', t => {
  const { base, roots } = t.context
  const exec = { ...settings('runtime', ['a']), dynamicUser: true }
  t.true(makeDirectories(exec, roots, NOBODY).isOk())
  t.true(lstatSync(`${base}/run/a`).isDirectory())
  const kept = { ...exec, runtimeDirectoryPreserve: 'yes' } as const
  t.true(makeDirectories(kept, roots, NOBODY).isOk())
  t.true(lstatSync(`${base}/run/a`).isSymbolicLink())
  t.deepEqual(removeRuntimeDirectories(kept, roots), [])
  t.false(existsSync(`${base}/run/private/a`))
  t.throws(() => lstatSync(`${base}/run/a`), { code: 'ENOENT' })
})
