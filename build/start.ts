// dist/start.cjs, which the launchers hand to Node: runs the bundle that they name with the bytecode kept of it, so that V8
// need not read its source again. A cache that does not fit (another Node, other flags) is refused by V8 and not used.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Script } from 'node:vm'

/** A multiple of 8, as V8 wants its data aligned. */
const BUNDLE_ID_LENGTH = 64
const KEPT = 'HEARTH_KEPT_'

/** Node's own variables, which the launcher put aside, and what this image is loaded with beside the user's own. */
function restoreVariables(): void {
  for (const variable of Object.keys(process.env)) {
    if (!variable.startsWith(KEPT)) continue
    process.env[variable.slice(KEPT.length)] = process.env[variable]
    delete process.env[variable]
  }
  if (process.env.LD_PRELOAD === '') delete process.env.LD_PRELOAD
}

/** The cache, if it is of the bundle whose first line is `id`: V8 would take that of any source that is as long. */
function readCache(file: string, id: string): Buffer | undefined {
  try {
    const bytes = readFileSync(file)
    return bytes.toString('latin1', 0, BUNDLE_ID_LENGTH) === id
      ? bytes.subarray(BUNDLE_ID_LENGTH)
      : undefined
  } catch {
    return undefined
  }
}

/** Writes the cache at the end, when the functions that a run needs have been compiled. */
function keepCache(file: string, id: string, script: Script): void {
  delete process.env.HEARTH_MAKE_CACHE
  process.on('exit', () => {
    const fresh = `${file}.${process.pid}`
    writeFileSync(fresh, Buffer.concat([Buffer.from(id, 'latin1'), script.createCachedData()]))
    renameSync(fresh, file)
  })
}

/** The addon is loaded once: the bundle takes it from here (daemon/runtime/native.ts). */
const ADDON = Symbol.for('hearth.addon')

/** The text where it takes no memory (daemon/native/source.c); null: that is not to be had. */
function mapped(bundle: string, path: string): string | null {
  const addon: { exports: { sourceText?: (path: string) => string } } = { exports: {} }
  try {
    process.dlopen(addon, path)
    Object.defineProperty(process, ADDON, { value: addon.exports })
    return addon.exports.sourceText?.(bundle) ?? null
  } catch {
    return null
  }
}

/** Compiles the bundle, which is one function (see bundle.ts). Here, so that the bytes of both files can be collected. */
function compile({ bundle, cache, addon }: Files, filename: string): Script {
  // esbuild writes ASCII alone: one byte a character is what V8 takes fastest.
  const source = (addon && mapped(bundle, addon)) ?? readFileSync(bundle, 'latin1')
  const id = source.slice(0, BUNDLE_ID_LENGTH)
  const cachedData = readCache(cache, id)
  const script = new Script(source, { filename, ...(cachedData && { cachedData }) })
  if (process.env.HEARTH_MAKE_CACHE) keepCache(cache, id, script)
  return script
}

/** `addon`: null for what does not stay, and does without. */
type Files = { bundle: string; cache: string; addon: string | null }

/** An image that was executed by descriptors of its files (daemon/runtime/image.ts): their names may be gone, or others' by now. */
function descriptors(): Files | null {
  const { image } = JSON.parse(process.env.HEARTH_IMAGE ?? '{}')
  const pathOf = (fd: number) => `/proc/self/fd/${fd}`
  return image
    ? { bundle: pathOf(image.bundle), cache: pathOf(image.cache), addon: pathOf(image.addon) }
    : null
}

const name = process.argv[2] ?? 'hearth'
const command = process.argv[3] ?? ''
/** What hearth does beside being a daemon: in a bundle of its own, which the daemon does not read. */
const APART = ['test', 'replay']
const bundle = `${__dirname}/${name}.js`
process.argv.splice(1, 2, bundle)
restoreVariables()
if (name === 'hearth' && APART.includes(command)) {
  const { run } = require(`${__dirname}/simulation.cjs`)
  process.exitCode = run(command, process.argv.slice(3))
} else {
  const addon = name === 'hearth' ? `${__dirname}/hearth.node` : null
  const files = descriptors() ?? { bundle, cache: `${__dirname}/${name}.cache`, addon }
  const run = compile(files, bundle).runInThisContext()
  run(require, { exports: {} }, bundle, __dirname)
}
