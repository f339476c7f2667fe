// Bundles the programs and everything they import: dist/ needs no node_modules beside it.
import { createHash } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { BuildFailure } from './compile.ts'
import { lazyBuiltins } from './lazy-builtins.ts'
import { pinoWithoutTransports } from './pino.ts'

// CommonJS: a module that imports built-ins as ES modules starts 10 ms later.
const COMMON = {
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
} satisfies BuildOptions

const APART = 'pino-pretty'
/** What is read only when it is imported, from a file of its own: dist/NAME.cjs. */
const LATE: readonly { name: string; imported: RegExp }[] = [
  { name: APART, imported: new RegExp(`^${APART}$`) },
  { name: 'analyze', imported: /\/analyze\/main\.ts$/ },
  { name: 'log-files', imported: /\/analyze\/logs\.ts$/ },
]

const apart: Plugin = {
  name: 'apart',
  setup(context) {
    for (const { name, imported } of LATE)
      context.onResolve({ filter: imported }, ({ kind }) =>
        kind === 'entry-point' ? undefined : { path: `./${name}.cjs`, external: true },
      )
  },
}

/** Plain CommonJS files, dist/NAME.cjs. */
const FILES = {
  'log-worker': 'daemon/logs/worker-entry.ts',
  start: 'build/start.ts',
  analyze: 'ctl/analyze/main.ts',
  'log-files': 'ctl/analyze/logs.ts',
  simulation: 'simulation/main.ts',
  [APART]: APART,
}
/** What start.cjs runs, dist/NAME.js. ctl is read anew each time; a stack trace of hearth's is to be legible. */
const PROGRAMS = {
  hearth: { source: 'daemon/main.ts', minifyIdentifiers: false },
  ctl: { source: 'ctl/main.ts', minifyIdentifiers: true },
}

/** The bundle as one function, under a line of 64 characters that names its content. */
function asFunction(text: string): string {
  const body = text.replace(/^#!.*\n/, '') // the launcher is the executable file
  const id = createHash('sha256').update(body).digest('hex').slice(0, 61)
  return `//${id}\n(function(require,module,__filename,__dirname){${body}})`
}

function write(file: string, text: string): void {
  const fresh = `${file}.${process.pid}`
  writeFileSync(fresh, text)
  renameSync(fresh, file)
}

/** The text of a bundle, or null when esbuild has said what is wrong. */
async function read(root: string, source: string, minifyIdentifiers: boolean) {
  try {
    const { outputFiles } = await build({
      ...COMMON,
      minifyIdentifiers,
      absWorkingDir: root,
      entryPoints: [source],
      plugins: [pinoWithoutTransports, lazyBuiltins, apart],
      write: false,
    })
    return outputFiles[0]?.text ?? null
  } catch {
    return null
  }
}

/** Everything in dist/ that is JavaScript; what is wrong with one does not keep the others from being built. */
export async function bundle(root: string): Promise<void> {
  const failed: string[] = []
  for (const [name, source] of Object.entries(FILES)) {
    const text = await read(root, source, false)
    if (text === null) failed.push(source)
    else write(join(root, `dist/${name}.cjs`), text)
  }
  for (const [name, { source, minifyIdentifiers }] of Object.entries(PROGRAMS)) {
    const text = await read(root, source, minifyIdentifiers)
    if (text === null) failed.push(source)
    else write(join(root, `dist/${name}.js`), asFunction(text))
  }
  if (failed.length > 0) throw new BuildFailure(`cannot bundle ${failed.join(', ')}, see above`)
}
