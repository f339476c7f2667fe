import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { bashCompletion } from '../../ctl/completion/bash.ts'
import { fishCompletion } from '../../ctl/completion/fish.ts'
import { zshCompletion } from '../../ctl/completion/zsh.ts'
import { allVerbs } from '../../ctl/verbs.ts'

const isInstalled = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0

/** What bash would offer for the line, with a ctl that knows two units. */
function complete(t: ExecutionContext, words: readonly string[]): string[] {
  const directory = mkdtempSync(`${tmpdir()}/hearth-completion-`)
  t.teardown(() => rmSync(directory, { recursive: true }))
  const listing = 'echo "web.service loaded active running"; echo "web@1.service loaded active"'
  writeFileSync(`${directory}/ctl`, `#!/bin/sh\n${listing}\n`, { mode: 0o755 })
  const script = `${bashCompletion()}
COMP_WORDS=(${words.map(word => `'${word}'`).join(' ')})
COMP_CWORD=${words.length - 1}
_ctl
printf '%s\\n' "\${COMPREPLY[@]}"`
  const env = { ...process.env, PATH: `${directory}:${process.env.PATH}` }
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8', env })
  t.is(stderr, '')
  return stdout.split('\n').filter(line => line !== '')
}

test('bash completes verbs, options, their words, and units', t => {
  if (!isInstalled('bash')) {
    t.log('bash is not installed: skipped')
    return t.pass()
  }
  t.deepEqual(complete(t, ['ctl', 'rest']), ['restart'])
  t.deepEqual(complete(t, ['ctl', 'start', '--no-b']), ['--no-block'])
  t.deepEqual(complete(t, ['ctl', 'stop', 'web@']), ['web@1.service'])
  t.deepEqual(complete(t, ['ctl', '--no-block', 'start', 'we']), ['web.service', 'web@1.service'])
  t.deepEqual(complete(t, ['ctl', '--type', 'soc']), ['socket'])
  t.deepEqual(complete(t, ['ctl', '--type', '=', 'soc']), ['socket'])
  t.deepEqual(complete(t, ['ctl', '--state', '=', 'failed', 'list-j']), ['list-jobs'])
  t.deepEqual(complete(t, ['ctl', '-n', '5', 'stop', 'web.']), ['web.service'])
  t.deepEqual(complete(t, ['ctl', 'help', 'isol']), ['isolate'])
  t.deepEqual(complete(t, ['ctl', 'completion', 'z']), ['zsh'])
  t.deepEqual(complete(t, ['ctl', 'log-level', 'de']), ['debug'])
  t.deepEqual(complete(t, ['ctl', 'poweroff', 'w']), [])
})

for (const [shell, script] of [
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
] as const) {
  test(`the script for ${shell} names every verb, and ${shell} can read it`, t => {
    const text = script()
    for (const { name } of allVerbs()) t.true(text.includes(name), name)
    if (!isInstalled(shell)) {
      t.log(`${shell} is not installed: its syntax is not checked`)
      return
    }
    const file = `${mkdtempSync(`${tmpdir()}/hearth-ctl-`)}/ctl.${shell}`
    t.teardown(() => rmSync(dirname(file), { recursive: true }))
    writeFileSync(file, text)
    const { status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' })
    t.is(status, 0, stderr)
  })
}
