// Compiles the C parts: the addon and the two launchers.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'

const WARNINGS = ['-Wall', '-Wextra', '-Werror']

/** Why the build cannot go on, in a sentence for whoever runs it. */
export class BuildFailure extends Error {}

const COMPILER = process.env.CC ?? 'cc'

/** Compiles to a file beside `output` and moves it there: a process may be running or have loaded the old one. */
function compile(output: string, args: readonly string[], stdio: 'inherit' | 'ignore'): boolean {
  const fresh = `${output}.${process.pid}`
  const all = ['-std=c11', '-D_GNU_SOURCE', '-O2', ...WARNINGS, ...args, '-o', fresh]
  const { error, status } = spawnSync(COMPILER, all, { stdio })
  if (error)
    throw new BuildFailure(
      `cannot build: the C compiler '${COMPILER}' was not found; install one (Debian: apt install gcc libc6-dev)`,
    )
  if (status === 0) renameSync(fresh, output)
  return status === 0
}

function mustCompile(output: string, args: readonly string[]): void {
  if (!compile(output, args, 'inherit'))
    throw new BuildFailure(`cannot build: ${COMPILER} failed, see above`)
}

/** Programs and libraries of their own. */
const APART = ['launcher.c', 'hold.c']

/** dist/hearth.node from daemon/native/, and dist/hold.so, against the headers that came with the pinned Node. */
export function compileAddon(root: string, nodePackage: string): void {
  const sources = join(root, 'daemon/native')
  const headers = join(nodePackage, 'include/node')
  if (!existsSync(join(headers, 'node_api.h')))
    throw new BuildFailure(`cannot build: ${headers} has no node_api.h; run npm ci again`)
  const files = readdirSync(sources).filter(name => name.endsWith('.c') && !APART.includes(name))
  mustCompile(join(root, 'dist/hearth.node'), [
    '-shared',
    '-fPIC',
    '-I',
    headers,
    ...files.map(name => join(sources, name)),
  ])
  mustCompile(join(root, 'dist/hold.so'), ['-shared', '-fPIC', join(sources, 'hold.c')])
}

/** dist/hearth and dist/ctl, one program that goes by its name. */
export function compileLaunchers(root: string): void {
  const source = join(root, 'daemon/native/launcher.c')
  const hearth = join(root, 'dist/hearth')
  // Static: half a millisecond sooner. The C library's archive may be missing.
  if (!compile(hearth, ['-static', source], 'ignore')) mustCompile(hearth, [source])
  const fresh = join(root, `dist/ctl.${process.pid}`)
  copyFileSync(hearth, fresh)
  renameSync(fresh, join(root, 'dist/ctl'))
}
