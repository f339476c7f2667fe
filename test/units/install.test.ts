import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import test from 'ava'
import {
  describeInstallError,
  type InstallError,
  planDisable,
  planEnable,
  planMask,
  planUnmask,
} from '../../daemon/units/install.ts'
import { type Files, unitsOf } from './_files.ts'

const SERVICE = '[Service]\nExecStart=/bin/true\n'
const ENABLED = `${SERVICE}[Install]\nWantedBy=multi-user.target\n`
const how = { runtime: false, force: false }
const view = (files: Files) => unitsOf(files).files
type Planned = ReturnType<typeof planEnable>
const changes = (planned: Planned) =>
  planned
    ._unsafeUnwrap()
    .changes.map(({ action, path, target }) =>
      action === 'unlink' ? `- ${path}` : `+ ${path} -> ${target}`,
    )
const error = (planned: Planned) => describeInstallError(planned._unsafeUnwrapErr())

/** The files after the changes, so that what follows can be asked. */
function apply(files: Files, planned: Planned): Files {
  const after = { ...files }
  for (const { action, path, target } of planned._unsafeUnwrap().changes) {
    if (action === 'unlink') delete after[path]
    else after[path] = { link: target ?? '' }
  }
  return after
}

test('enabling a vendor’s unit links it into the first unit directory, by all that [Install] says', t => {
  const files = {
    '/usr/units/ssh.service': `${ENABLED}RequiredBy=b.target\nUpheldBy=c.target\nAlias=sshd.service\n`,
  }
  const planned = planEnable(view(files), ['ssh.service'], how)
  t.deepEqual(changes(planned), [
    '+ /etc/units/multi-user.target.wants/ssh.service -> /usr/units/ssh.service',
    '+ /etc/units/b.target.requires/ssh.service -> /usr/units/ssh.service',
    '+ /etc/units/c.target.upholds/ssh.service -> /usr/units/ssh.service',
    '+ /etc/units/sshd.service -> /usr/units/ssh.service',
  ])
  const after = unitsOf(apply(files, planned))
  t.is(after.fileState('ssh.service'), 'enabled')
  t.is(after.fileState('sshd.service'), 'alias')
  t.deepEqual(after.get('multi-user.target').dependencies.wants, ['ssh.service'])
  t.deepEqual(changes(planEnable(after.files, ['ssh.service'], how)), [])
  const back = planDisable(after.files, ['ssh.service'], how)
  t.deepEqual(Object.keys(apply(apply(files, planned), back)), Object.keys(files))
})

test('--runtime writes to the unit directory under /run', t => {
  const files = { '/usr/units/a.service': ENABLED, '/run/units/x.service': SERVICE }
  const planned = planEnable(view(files), ['a.service'], { runtime: true, force: false })
  t.deepEqual(changes(planned), [
    '+ /run/units/multi-user.target.wants/a.service -> /usr/units/a.service',
  ])
  t.is(unitsOf(apply(files, planned)).fileState('a.service'), 'enabled-runtime')
})

test('a unit that is enabled by being there is disabled by links to /dev/null, which enabling takes away', t => {
  const files = { '/etc/units/web.service': `${ENABLED}RequiredBy=b.target\n` }
  const off = planDisable(view(files), ['web.service'], how)
  t.deepEqual(changes(off), [
    '+ /etc/units/multi-user.target.wants/web.service -> /dev/null',
    '+ /etc/units/b.target.requires/web.service -> /dev/null',
  ])
  const disabled = apply(files, off)
  t.is(unitsOf(disabled).fileState('web.service'), 'disabled')
  t.deepEqual(changes(planDisable(view(disabled), ['web.service'], how)), [])
  const on = planEnable(view(disabled), ['web.service'], how)
  t.deepEqual(changes(on), [
    '- /etc/units/multi-user.target.wants/web.service',
    '- /etc/units/b.target.requires/web.service',
  ])
  t.is(unitsOf(apply(disabled, on)).fileState('web.service'), 'enabled')
  t.deepEqual(changes(planEnable(view(files), ['web.service'], how)), [])
})

test('a template is enabled by its default instance or by an instance that is named', t => {
  const files = {
    '/usr/units/a@.service': ENABLED,
    '/usr/units/b@.service': `${ENABLED}DefaultInstance=x\n`,
  }
  t.deepEqual(changes(planEnable(view(files), ['a@1.service', 'b@.service'], how)), [
    '+ /etc/units/multi-user.target.wants/a@1.service -> /usr/units/a@.service',
    '+ /etc/units/multi-user.target.wants/b@x.service -> /usr/units/b@.service',
  ])
  t.is(
    error(planEnable(view(files), ['a@.service'], how)),
    'cannot enable a@.service: it is a template without DefaultInstance=; name an instance, such as a@1.service',
  )
})

test('disabling a template takes away the links of its instances', t => {
  const files = {
    '/usr/units/a@.service': ENABLED,
    '/etc/units/multi-user.target.wants/a@1.service': { link: '/usr/units/a@.service' },
    '/etc/units/multi-user.target.wants/a@2.service': { link: '/usr/units/a@.service' },
  }
  t.deepEqual(changes(planDisable(view(files), ['a@.service'], how)), [
    '- /etc/units/multi-user.target.wants/a@1.service',
    '- /etc/units/multi-user.target.wants/a@2.service',
  ])
})

test('Also= is enabled and disabled with its unit', t => {
  const files = {
    '/usr/units/a.service': `${ENABLED}Also=b.service gone.service\n`,
    '/usr/units/b.service': ENABLED,
  }
  const planned = planEnable(view(files), ['a.service'], how)
  t.is(changes(planned).length, 2)
  t.is(changes(planDisable(view(apply(files, planned)), ['a.service'], how)).length, 2)
})

test('a unit without [Install] is not enabled, and that is said', t => {
  const planned = planEnable(view({ '/usr/units/a.service': SERVICE }), ['a.service'], how)
  t.deepEqual(changes(planned), [])
  t.regex(planned._unsafeUnwrap().notes[0] ?? '', /not meant to be enabled/)
})

test('masking links the name to /dev/null, and unmasking takes that away', t => {
  const files = { '/usr/units/a.service': SERVICE }
  const planned = planMask(view(files), ['a.service', 'none.service'], how)
  t.deepEqual(changes(planned), [
    '+ /etc/units/a.service -> /dev/null',
    '+ /etc/units/none.service -> /dev/null',
  ])
  t.deepEqual(planned._unsafeUnwrap().notes, [
    'none.service has no unit file: it is masked all the same',
  ])
  const masked = apply(files, planned)
  t.is(unitsOf(masked).fileState('a.service'), 'masked')
  t.is(
    error(planEnable(view(masked), ['a.service'], how)),
    'cannot enable a.service: it is masked; undo that first with: ctl unmask a.service',
  )
  t.deepEqual(changes(planUnmask(view(masked), ['a.service', 'b.service'], how)), [
    '- /etc/units/a.service',
  ])
  t.deepEqual(changes(planUnmask(view(masked), ['a.service'], { runtime: true })), [])
})

test('a file in the way is never overwritten, another link only by force', t => {
  const files = {
    '/etc/units/a.service': SERVICE,
    '/usr/units/b.service': ENABLED,
    '/etc/units/multi-user.target.wants/b.service': { link: '/opt/b.service' },
  }
  t.is(
    error(planMask(view(files), ['a.service'], how)),
    'cannot mask a.service: /etc/units/a.service is a file of its own; move it away, or use ctl disable to keep it from being started',
  )
  t.regex(
    error(planEnable(view(files), ['b.service'], how)),
    /already leads to \/opt\/b.service; use --force/,
  )
  t.deepEqual(changes(planEnable(view(files), ['b.service'], { runtime: false, force: true })), [
    '- /etc/units/multi-user.target.wants/b.service',
    '+ /etc/units/multi-user.target.wants/b.service -> /usr/units/b.service',
  ])
})

test('a unit that is not there or is built in cannot be enabled', t => {
  t.is(error(planEnable(view({}), ['a.service'], how)), 'cannot find a unit file for a.service')
  t.regex(error(planEnable(view({}), ['network.target'], how)), /it is built in/)
})

test('every error has words that begin with "cannot"', t => {
  const errors: InstallError[] = [
    { type: 'not-found', unit: 'a' },
    { type: 'built-in', unit: 'a' },
    { type: 'masked', unit: 'a', verb: 'enable' },
    { type: 'template', unit: 'a@.service', verb: 'enable' },
    { type: 'file-in-the-way', path: '/a', verb: 'mask' },
    { type: 'other-link', path: '/a', leadsTo: '/b', verb: 'mask' },
    { type: 'no-directory', runtime: true },
    { type: 'no-directory', runtime: false },
    { type: 'alias-type', unit: 'a', alias: 'b' },
  ]
  for (const one of errors) t.regex(describeInstallError(one), /^cannot /)
})

test('the links of a vendor’s unit are those that systemctl makes', t => {
  const root = mkdtempSync(`${tmpdir()}/hearth-install-`)
  t.teardown(() => rmSync(root, { recursive: true }))
  const texts: Record<string, string> = {
    'a.service': `${ENABLED}Alias=a-too.service\nAlso=b.service\n`,
    'b.service': `${SERVICE}[Install]\nRequiredBy=x.target %N-wants.target\n`,
    'c@.service': `${ENABLED}DefaultInstance=main\nWantedBy=y@%i.service\n`,
    'd@.service': ENABLED,
  }
  mkdirSync(`${root}/usr/lib/systemd/system`, { recursive: true })
  mkdirSync(`${root}/etc/systemd/system`, { recursive: true })
  for (const [name, text] of Object.entries(texts))
    writeFileSync(`${root}/usr/lib/systemd/system/${name}`, text)
  const names = ['a.service', 'c@.service', 'd@1.service']
  const {
    error: missing,
    status,
    stderr,
  } = spawnSync('systemctl', ['--root', root, 'enable', ...names], {
    encoding: 'utf8',
  })
  if (missing) {
    t.log('systemctl is not installed: not compared')
    t.pass()
    return
  }
  t.is(status, 0, stderr)
  const theirs: string[] = []
  const walk = (path: string) => {
    for (const entry of readdirSync(`${root}${path}`, { withFileTypes: true })) {
      const full = `${path}/${entry.name}`
      if (entry.isDirectory()) walk(full)
      else
        theirs.push(
          `+ ${full.replace('/etc/systemd/system', '/etc/units')} -> ${readlinkSync(root + full).replace('/usr/lib/systemd/system', '/usr/units')}`,
        )
    }
  }
  walk('/etc/systemd/system')
  const files: Record<string, string> = {}
  for (const [name, text] of Object.entries(texts)) files[`/usr/units/${name}`] = text
  t.deepEqual(changes(planEnable(view(files), names, how)).sort(), theirs.sort())
})
