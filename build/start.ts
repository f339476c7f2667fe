// dist/start.cjs, which the launchers hand to Node: runs the bundle that they name with the bytecode kept of it, so that V8
// need not read its source again. A cache that does not fit (another Node, other flags) is refused by V8 and not used.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Script } from 'node:vm'

const KEPT = 'HEARTH_KEPT_'

const name = process.argv[2] ?? 'hearth'
const bundle = `${__dirname}/${name}.cjs`
const cache = `${__dirname}/${name}.cache`
process.argv.splice(1, 2, bundle)
for (const variable of Object.keys(process.env)) {
  if (!variable.startsWith(KEPT)) continue
  process.env[variable.slice(KEPT.length)] = process.env[variable]
  delete process.env[variable]
}

function readCache(): Buffer | undefined {
  try {
    return readFileSync(cache)
  } catch {
    return undefined
  }
}

// esbuild writes ASCII alone: one byte a character is what V8 takes fastest.
const source = `(function (require, __filename, __dirname) {${readFileSync(bundle, 'latin1')}\n})`
const cachedData = readCache()
const script = new Script(source, { filename: bundle, ...(cachedData && { cachedData }) })
if (process.env.HEARTH_MAKE_CACHE) {
  delete process.env.HEARTH_MAKE_CACHE
  // At the end, when the functions that a run needs have been compiled.
  process.on('exit', () => {
    writeFileSync(`${cache}.new`, script.createCachedData())
    renameSync(`${cache}.new`, cache)
  })
}
script.runInThisContext()(require, bundle, __dirname)
