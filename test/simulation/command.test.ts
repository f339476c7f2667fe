// hearth test, as its user has it: the built program, files on disk, exit statuses.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'

const hearth = join(import.meta.dirname, '../../dist/hearth')

function folder(
  t: { teardown: (end: () => void) => void },
  files: Readonly<Record<string, string>>,
) {
  const directory = mkdtempSync(join(tmpdir(), 'hearth-test-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(directory, name, '..'), { recursive: true })
    writeFileSync(join(directory, name), text)
  }
  return (...words: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(hearth, ['test', ...words], {
      cwd: directory,
      encoding: 'utf8',
      env: { PATH: '/nowhere' },
    })
    return { status, out: stdout, err: stderr }
  }
}

const FILES = {
  'services.d/web.service':
    '[Service]\nExecStart=/usr/bin/web\n[Install]\nWantedBy=default.target\n',
  'good.test': 'units services.d\ntest web comes up\n  boot\n  expect web running\n',
  'bad.test':
    'units services.d\ntest web stays up\n  process web: exits 1 after 3s\n  boot\n  at 5s expect web running\ntest web comes up\n  boot\n  expect web running\n',
  'odd.test': 'units services.d\ntets it\n',
}

test('tests that pass end with 0, others with 1, and each file is told', t => {
  const run = folder(t, FILES)
  const good = run('good.test')
  t.is(good.status, 0, good.err)
  t.regex(good.out, /^ok {6}web comes up \(0s\)\n1 test, 0 failed, \d+ ms\n$/)
  const all = run('good.test', 'bad.test', 'odd.test', 'missing.test')
  t.is(all.status, 1)
  t.regex(all.out, /^good\.test\nok {6}web comes up/)
  t.regex(all.out, /bad\.test:5: at 5s\n +expected: {2}web running\n +happened: {2}it is failed/)
  t.regex(all.out, /odd\.test:2: there is no statement 'tets'; did you mean test\?/)
  t.regex(all.out, /missing\.test: cannot read the file: no such file/)
  t.regex(all.out, /3 tests, 1 failed, 2 files not understood/)
  t.is(run('-t', 'comes up', 'bad.test').status, 0)
  t.regex(run('-v', 'good.test').out, /web\.service {2}ExecStart=\/usr\/bin\/web/)
})

test('--json is one object with what was expected, what happened and when', t => {
  const run = folder(t, FILES)
  const { status, out } = run('--json', 'bad.test')
  t.is(status, 1)
  const { ok, files } = JSON.parse(out)
  t.false(ok)
  t.like(files[0].tests[0], {
    title: 'web stays up',
    line: 2,
    ok: false,
    failure: { line: 5, usec: 5_000_000, expected: 'web running', actual: 'it is failed (failed)' },
  })
  t.true(
    files[0].tests[0].timeline.some(({ text }: { text: string }) => text === 'active (running)'),
  )
  t.like(files[0].tests[1], { ok: true, failure: null })
})

test('a command line that says nothing to test is refused, with how it is used', t => {
  const run = folder(t, FILES)
  for (const words of [[], ['--nope']]) {
    const { status, err } = run(...words)
    t.is(status, 1)
    t.regex(err, /^cannot .*\n\nUsage: hearth test/)
  }
  t.is(run('--help').status, 0)
})

test('the example that comes with hearth passes', t => {
  const { status, out } = folder(t, {})(join(import.meta.dirname, '../../services.d/front.test'))
  t.is(status, 0, out)
})
