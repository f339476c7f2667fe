// dist/start.cjs, which the launchers hand to Node: runs the bundle that they name with the bytecode kept of it, so that V8
// need not read its source again. A cache that does not fit (another Node, other flags) is refused by V8 and not used.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Script } from 'node:vm'

/** A multiple of 8, as V8 wants its data aligned. */
const BUNDLE_ID_LENGTH = 64
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

// esbuild writes ASCII alone: one byte a character is what V8 takes fastest.
const text = readFileSync(bundle, 'latin1')
/** The bundle's first line names its content: V8 would take a cache of any source that is as long. */
const id = text.slice(0, BUNDLE_ID_LENGTH)

function readCache(): Buffer | undefined {
  try {
    const bytes = readFileSync(cache)
    return bytes.toString('latin1', 0, BUNDLE_ID_LENGTH) === id
      ? bytes.subarray(BUNDLE_ID_LENGTH)
      : undefined
  } catch {
    return undefined
  }
}

const source = `(function (require, __filename, __dirname) {${text}\n})`
const cachedData = readCache()
const script = new Script(source, { filename: bundle, ...(cachedData && { cachedData }) })
if (process.env.HEARTH_MAKE_CACHE) {
  delete process.env.HEARTH_MAKE_CACHE
  // At the end, when the functions that a run needs have been compiled.
  process.on('exit', () => {
    const fresh = `${cache}.${process.pid}`
    writeFileSync(fresh, Buffer.concat([Buffer.from(id, 'latin1'), script.createCachedData()]))
    renameSync(fresh, cache)
  })
}
script.runInThisContext()(require, bundle, __dirname)
