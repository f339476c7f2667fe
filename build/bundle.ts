// Bundles the programs and everything they import: dist/ needs no node_modules beside it.
import { createHash } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { BuildFailure } from './compile.ts'
import { lazyBuiltins } from './lazy-builtins.ts'

// CommonJS: a module that imports built-ins as ES modules starts 10 ms later.
const COMMON: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node26',
  format: 'cjs',
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
  supported: { 'dynamic-import': false }, // becomes require(): the ES module loader stays unloaded
  define: { 'import.meta.url': 'importMetaUrl' },
  banner: { js: 'const importMetaUrl=require("node:url").pathToFileURL(__filename).href;' },
}

/** A package in a file of its own, dist/NAME.cjs, that is read only when it is imported. */
const apart = (name: string): Plugin => ({
  name: `apart-${name}`,
  setup(context) {
    context.onResolve({ filter: new RegExp(`^${name}$`) }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: `./${name}.cjs`, external: true },
    )
  },
})

const APART = 'pino-pretty'
const PROGRAMS = {
  hearth: 'daemon/main.ts',
  'log-worker': 'daemon/logs/worker.ts',
  ctl: 'ctl/main.ts',
  start: 'build/start.ts',
  [APART]: APART,
}

/** Writes a bundle under a first line of 64 characters that names its content (see start.ts), and moves it into place. */
function writeBundle(file: string, text: string): void {
  const contents = text.replace(/^#!.*\n/, '') // the launcher is the executable file
  const id = createHash('sha256').update(contents).digest('hex').slice(0, 61)
  const fresh = `${file}.${process.pid}`
  writeFileSync(fresh, `//${id}\n${contents}`)
  renameSync(fresh, file)
}

/** dist/NAME.cjs for each program; what is wrong with one is said and does not keep the others from being built. */
export async function bundle(root: string): Promise<void> {
  const failed: string[] = []
  for (const [name, source] of Object.entries(PROGRAMS)) {
    const outfile = join(root, `dist/${name}.cjs`)
    await build({
      ...COMMON,
      absWorkingDir: root,
      entryPoints: [source],
      outfile,
      plugins: [lazyBuiltins, apart(APART)],
      write: false,
    }).then(
      ({ outputFiles }) => writeBundle(outfile, outputFiles?.[0]?.text ?? ''),
      () => failed.push(source),
    )
  }
  if (failed.length > 0) throw new BuildFailure(`cannot bundle ${failed.join(', ')}, see above`)
}
