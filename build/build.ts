// npm run build, and npm ci by "prepare": everything in dist/.
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { bundle } from './bundle.ts'
import { makeCaches } from './cache.ts'
import { BuildFailure, compileAddon, compileLaunchers } from './compile.ts'

const root = dirname(import.meta.dirname)

/** Where npm put the package with the pinned Node, which may be above this one. */
function findNodePackage(): string {
  const name = `node-linux-${process.arch}`
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`))
  } catch {
    throw new BuildFailure(`cannot build: the package ${name} is missing; run npm ci`)
  }
}

try {
  mkdirSync(join(root, 'dist'), { recursive: true })
  compileAddon(root, findNodePackage())
  compileLaunchers(root)
  await bundle(root)
  if (!(await makeCaches(root)))
    console.error(
      'hearth could not be run here: built without bytecode caches, it starts a little slower',
    )
} catch (error) {
  if (!(error instanceof BuildFailure)) throw error
  console.error(error.message)
  process.exitCode = 1
}
