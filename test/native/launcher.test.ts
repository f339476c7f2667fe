// dist/hearth and dist/ctl: which Node runs what.
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'ava'

const dist = new URL('../../dist/', import.meta.url).pathname
const architecture = process.arch === 'arm64' ? 'arm64' : 'x64'

/** An installed package in a tree of its own; what runs is `node`, a script unless it is the real one. */
function install(
  t: { teardown: (remove: () => void) => void },
  layout: { package: string; node: string },
) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'hearth-launcher-')))
  t.teardown(() => rmSync(root, { recursive: true }))
  const bin = join(root, layout.package, 'dist')
  const node = join(root, layout.node)
  mkdirSync(bin, { recursive: true })
  mkdirSync(dirname(node), { recursive: true })
  for (const name of ['hearth', 'ctl']) copyFileSync(join(dist, name), join(bin, name))
  writeFileSync(node, '#!/bin/sh\nprintf "%s\\n" "$0" "$$" "$@"; /usr/bin/env\n', { mode: 0o755 })
  return { root, bin, node }
}

const HOISTED = `node_modules/node-linux-${architecture}/bin/node`
const run = (file: string, args: string[] = [], env: Record<string, string> = {}) => {
  const { stdout, stderr, status, pid } = spawnSync(file, args, { encoding: 'utf8', cwd: '/', env })
  return { lines: stdout.trim().split('\n'), stderr, status, pid }
}

test('the launcher becomes Node with the same pid, and passes its arguments on', t => {
  const { bin, node } = install(t, { package: '.', node: HOISTED })
  const { lines, pid } = run(join(bin, 'hearth'), ['--services', 'a b', ''])
  t.deepEqual(lines.slice(0, 2), [node, String(pid)])
  const at = lines.indexOf(`${bin}/start.cjs`)
  t.deepEqual(lines.slice(at, at + 5), [`${bin}/start.cjs`, 'hearth', '--services', 'a b', ''])
})

test('Node beside the launcher comes first, then the nearest node_modules above', t => {
  const hoisted = install(t, { package: 'node_modules/hearth', node: HOISTED })
  t.is(run(join(hoisted.bin, 'ctl')).lines[0], hoisted.node)
  const image = install(t, { package: '.', node: 'dist/node' })
  t.is(run(join(image.bin, 'ctl')).lines[0], image.node)
})

test('a link to the launcher is followed: the program goes by the file’s own name', t => {
  const { root, bin } = install(t, { package: 'node_modules/hearth', node: HOISTED })
  const link = join(root, 'anything')
  symlinkSync('node_modules/hearth/dist/ctl', link)
  const { lines } = run(link)
  t.is(lines[lines.indexOf(`${bin}/start.cjs`) + 1], 'ctl')
})

test('without Node it says where it looked and what to do', t => {
  const { bin } = install(t, { package: '.', node: 'elsewhere/node' })
  const { stderr, status } = run(join(bin, 'ctl'))
  t.is(status, 1)
  t.regex(stderr, /^ctl: cannot find Node for .*run npm ci\n$/)
})

test('Node’s own variables are put aside', t => {
  const { bin } = install(t, { package: '.', node: HOISTED })
  const { lines } = run(join(bin, 'hearth'), [], { NODE_OPTIONS: '--nonsense', OTHER: '1' })
  t.deepEqual(lines.filter(line => /NODE_OPTIONS|^OTHER/.test(line)).sort(), [
    'HEARTH_KEPT_NODE_OPTIONS=--nonsense',
    'OTHER=1',
  ])
})

/** A bundle as the build writes it: a line of 64 characters that names the content, and a function. */
const program = (name: string, body: string) => `//${name.padEnd(61)}\n(function () {${body}})`

/** A tree with the real Node and a bundle that says what it sees. */
function installReal(t: { teardown: (remove: () => void) => void }) {
  const tree = install(t, { package: '.', node: HOISTED })
  rmSync(tree.node)
  symlinkSync(process.execPath, tree.node)
  copyFileSync(join(dist, 'start.cjs'), join(tree.bin, 'start.cjs'))
  const seen = `console.log(JSON.stringify({
    argv: process.argv.slice(1),
    options: process.env.NODE_OPTIONS,
    kept: Object.keys(process.env).filter(name => name.startsWith("HEARTH_")),
  }))`
  writeFileSync(join(tree.bin, 'ctl.js'), program('first', seen))
  return tree
}

test('the program sees its arguments and its environment as they were given', t => {
  const { bin } = installReal(t)
  const { lines, stderr } = run(join(bin, 'ctl'), ['status', 'x y'], { NODE_OPTIONS: '--nonsense' })
  t.is(stderr, '')
  t.deepEqual(JSON.parse(lines[0] as string), {
    argv: [join(bin, 'ctl.js'), 'status', 'x y'],
    options: '--nonsense',
    kept: [],
  })
})

test('a bytecode cache that is damaged or of another source does no harm', t => {
  const { bin } = installReal(t)
  const cache = join(bin, 'ctl.cache')
  const expected = run(join(bin, 'ctl')).lines
  t.is(run(join(bin, 'ctl'), [], { HEARTH_MAKE_CACHE: '1' }).status, 0)
  t.deepEqual(run(join(bin, 'ctl')).lines, expected)
  const seen = readFileSync(join(bin, 'ctl.js'), 'utf8')
  // As long as the first, which is all that V8 looks at.
  const another = program('second', 'console.log("another")')
  writeFileSync(join(bin, 'ctl.js'), another.padEnd(seen.length))
  t.deepEqual(run(join(bin, 'ctl')).lines, ['another'])
  writeFileSync(cache, 'damaged')
  t.deepEqual(run(join(bin, 'ctl')).lines, ['another'])
  writeFileSync(cache, '')
  t.deepEqual(run(join(bin, 'ctl')).lines, ['another'])
})
