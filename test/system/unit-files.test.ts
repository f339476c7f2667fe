// ctl edit, preset and list-unit-files against a real daemon.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import test from 'ava'
import { boot, root } from './pid1.ts'

const service = '[Unit]\nDescription=Old words\n[Service]\nExecStart=/bin/sleep infinity\n'
const install = '[Install]\nWantedBy=multi-user.target\n'

test('edit writes a drop-in, or the whole file, and the daemon has read it when it ends', async t => {
  const hearth = await boot(t, { units: { 'web.service': service } })
  const editor = `${hearth.directory}/editor`
  const edit = (script: string, ...args: string[]) => {
    writeFileSync(editor, `#!/bin/sh\n${script}\n`)
    chmodSync(editor, 0o755)
    const { status, stderr } = spawnSync(`${root}dist/ctl`, ['edit', ...args], {
      encoding: 'utf8',
      env: { ...process.env, HEARTH_RUNTIME: hearth.runtime, SYSTEMD_EDITOR: editor },
    })
    return { status, stderr }
  }
  const dropIn = `${hearth.units}/web.service.d/override.conf`

  // The unit's file is shown under the comment, and what is left empty is not written.
  t.is(edit(`grep -q '^# Description=Old words' "$1"`, 'web').status, 0)
  t.false(existsSync(dropIn))

  t.is(edit(`sed -i '2a [Unit]\\nDescription=New words' "$1"`, 'web').status, 0)
  t.is(readFileSync(dropIn, 'utf8'), '[Unit]\nDescription=New words\n')
  t.is(await hearth.show('web', 'Description'), 'New words')
  t.regex(await hearth.ok('cat', 'web'), /# .*override\.conf\n\[Unit\]\nDescription=New words/)

  // An editor that fails changes nothing.
  const failed = edit(`echo X > "$1"; exit 3`, 'web')
  t.is(failed.status, 1)
  t.regex(failed.stderr, /ended with status 3/)
  t.is(readFileSync(dropIn, 'utf8'), '[Unit]\nDescription=New words\n')

  t.is(edit(`sed -i s/infinity/1000/ "$1"`, '--full', 'web').status, 0)
  t.is(readFileSync(`${hearth.units}/web.service`, 'utf8'), service.replace('infinity', '1000'))

  const missing = edit('true', 'nope')
  t.is(missing.status, 1)
  t.regex(missing.stderr, /ctl edit --force --full nope\.service/)
})

test('set-property writes a drop-in for each limit; what cannot be read is taken back', async t => {
  const hearth = await boot(t, { units: { 'web.service': service, 'all.target': '[Unit]\n' } })
  await hearth.ok('start', 'web')
  const pid = await hearth.show('web', 'MainPID')
  await hearth.ok('set-property', 'web', 'MemoryMax=64M', 'CPUQuota=50%')
  const dropIn = `${hearth.units}/web.service.d/50-MemoryMax.conf`
  t.regex(readFileSync(dropIn, 'utf8'), /^# .*\n\[Service\]\nMemoryMax=64M\n$/)
  t.is(await hearth.show('web', 'MemoryMax'), String(64 * 1024 * 1024))
  t.is(await hearth.show('web', 'CPUQuotaPerSecUSec'), '500ms')
  await hearth.ok('set-property', '--runtime', 'web', 'TasksMax=5')
  t.true(existsSync(`${hearth.runtime}/services.d/web.service.d/50-TasksMax.conf`))

  const refused = async (says: RegExp, ...args: string[]) => {
    const { code, err } = await hearth.ctl('set-property', ...args)
    t.is(code, 1)
    t.regex(err, says)
  }
  await refused(/cannot read MemoryMax=much: /, 'web', 'MemoryMax=much', 'TasksMax=7')
  await refused(/cannot set 'ExecStart=\/x': expected NAME=VALUE/, 'web', 'ExecStart=/x')
  await refused(/expected NAME=VALUE, such as MemoryMax=1G/, 'web')
  await refused(
    /cannot set 'MemoryMax' of all\.target: it has no processes/,
    'all.target',
    'MemoryMax=1G',
  )
  await refused(/cannot find files of nope\.service/, 'nope', 'MemoryMax=1G')
  t.regex(readFileSync(dropIn, 'utf8'), /MemoryMax=64M/)
  t.false(existsSync(`${hearth.units}/web.service.d/50-TasksMax.conf`))
  t.is(await hearth.show('web', 'LoadState'), 'loaded')
  t.is(await hearth.show('web', 'MainPID'), pid)

  await hearth.ok('set-property', 'web', 'MemoryMax=')
  t.is(await hearth.show('web', 'MemoryMax'), 'infinity')
})

test('revert undoes what edit, set-property and mask have changed; what stands nowhere else stays', async t => {
  const vendor = mkdtempSync(`${tmpdir()}/hearth-vendor-`)
  t.teardown(() => rmSync(vendor, { recursive: true }))
  writeFileSync(`${vendor}/db.service`, service)
  const hearth = await boot(t, {
    units: {
      'web.service': service,
      'db.service': service.replace('Old', 'Other'),
      'web.service.d/words.conf': '[Unit]\nDescription=New words\n',
    },
    args: ['--services', vendor],
  })
  await hearth.ok('start', 'web')
  const pid = await hearth.show('web', 'MainPID')
  await hearth.ok('set-property', '--runtime', 'web', 'TasksMax=5')
  await hearth.ok('mask', '--runtime', 'db')
  const { code, err } = await hearth.ctl('revert', 'web', 'db')
  t.is(code, 0)
  t.deepEqual(
    err.trim().split('\n'),
    [
      `${hearth.units}/web.service.d/words.conf`,
      `${hearth.units}/web.service.d`,
      `${hearth.runtime}/services.d/web.service.d/50-TasksMax.conf`,
      `${hearth.runtime}/services.d/web.service.d`,
      `${hearth.units}/db.service`,
      `${hearth.runtime}/services.d/db.service`,
    ].map(path => `Removed "${path}".`),
  )
  t.is(await hearth.show('web', 'Description'), 'Old words')
  t.is(await hearth.show('web', 'DropInPaths'), '')
  t.is(await hearth.show('web', 'MainPID'), pid)
  t.is(await hearth.show('db', 'FragmentPath'), `${vendor}/db.service`)
  t.is(await hearth.ok('revert', 'web'), '', 'there is nothing left to undo')
  t.regex((await hearth.ctl('revert', 'nope')).err, /cannot find files of nope\.service/)
})

test('edit --stdin takes the text as it is, for a named drop-in and until the next boot as well', async t => {
  const hearth = await boot(t, { units: { 'web.service': service } })
  const edit = (input: string, ...args: string[]) =>
    spawnSync(`${root}dist/ctl`, ['edit', '--stdin', ...args], {
      input,
      env: { ...process.env, HEARTH_RUNTIME: hearth.runtime },
    }).status
  t.is(edit('[Unit]\nDescription=Piped\n', '--drop-in=piped', '--runtime', 'web'), 0)
  const piped = `${hearth.runtime}/services.d/web.service.d/piped.conf`
  t.is(readFileSync(piped, 'utf8'), '[Unit]\nDescription=Piped\n')
  t.is(await hearth.show('web', 'Description'), 'Piped')
  t.is(edit(service, '--full', '--force', 'new.service'), 0)
  t.is(await hearth.show('new', 'Description'), 'Old words')
  t.is(edit(service, '--drop-in=../x', 'web'), 1)
})

test('preset and preset-all do what the preset files say, and list-unit-files shows it', async t => {
  const hearth = await boot(t, {
    units: directory => {
      mkdirSync(`${directory}/presets`)
      writeFileSync(`${directory}/presets/10-x.preset`, 'disable off.service\nenable *\n')
      return {
        'on.service': service + install,
        'off.service': service + install,
        'plain.service': service,
      }
    },
    before: 'export HEARTH_PRESETS="${HEARTH_RUNTIME%/run}/presets"',
  })
  const listed = await hearth.ok('list-unit-files', '--no-legend')
  t.regex(listed, /^on\.service +enabled +enabled$/m)
  t.regex(listed, /^off\.service +enabled +disabled$/m)
  t.regex(listed, /^plain\.service +static +-$/m)
  t.is((await hearth.ctl('is-enabled', 'off')).code, 0)
  await hearth.ok('preset', '--preset-mode=enable-only', 'off')
  t.is((await hearth.ctl('is-enabled', 'off')).code, 0)
  await hearth.ok('preset', '--now', 'off')
  t.is((await hearth.ctl('is-enabled', 'off')).code, 1)
  t.is((await hearth.ctl('is-active', 'off')).code, 3)
  t.is((await hearth.ctl('is-active', 'on')).code, 0)
  await hearth.ok('enable', 'off')
  await hearth.ok('disable', 'on')
  await hearth.ok('preset-all')
  t.is((await hearth.ctl('is-enabled', 'off')).code, 1)
  t.is((await hearth.ctl('is-enabled', 'on')).code, 0)
  t.regex(
    await hearth.ok('list-unit-files', '--no-legend', '--state=disabled'),
    /^off\.service +disabled +disabled$/,
  )
  t.is((await hearth.ctl('preset', '--preset-mode=some', 'on')).code, 1)
})
