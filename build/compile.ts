// Compiles the C parts: the addon and the two launchers.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'

const WARNINGS = ['-Wall', '-Wextra', '-Werror']

/** Why the build cannot go on, in a sentence for whoever runs it. */
export class BuildFailure extends Error {}

/** Runs `cc`; what it says goes to the terminal. */
function cc(args: readonly string[]): void {
  const compiler = process.env.CC ?? 'cc'
  const { error, status } = spawnSync(compiler, [...args], { stdio: 'inherit' })
  if (error)
    throw new BuildFailure(
      `cannot build: the C compiler '${compiler}' was not found; install one (Debian: apt install gcc libc6-dev)`,
    )
  if (status !== 0) throw new BuildFailure(`cannot build: ${compiler} failed, see above`)
}

/** Compiles to a file beside `output` and moves it there: a process may be running or have loaded the old one. */
function compile(output: string, args: readonly string[]): void {
  const fresh = `${output}.${process.pid}`
  cc(['-std=c11', '-D_GNU_SOURCE', '-O2', ...WARNINGS, ...args, '-o', fresh])
  renameSync(fresh, output)
}

/** dist/hearth.node from daemon/native/, against the headers that came with the pinned Node. */
export function compileAddon(root: string, nodePackage: string): void {
  const sources = join(root, 'daemon/native')
  const headers = join(nodePackage, 'include/node')
  if (!existsSync(join(headers, 'node_api.h')))
    throw new BuildFailure(`cannot build: ${headers} has no node_api.h; run npm ci again`)
  const files = readdirSync(sources).filter(name => name.endsWith('.c') && name !== 'launcher.c')
  compile(join(root, 'dist/hearth.node'), [
    '-shared',
    '-fPIC',
    '-I',
    headers,
    ...files.map(name => join(sources, name)),
  ])
}
