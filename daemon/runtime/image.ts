// The daemon's own files, held open: whatever becomes of them on disk, this version can be executed again. An image that
// takes this one's place is told of them, and of the ledger, by one variable of its environment.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Native } from './native.ts'

/** The files that an image is made of, in dist/; `node` is the executable itself. */
const FILES = {
  start: 'start.cjs',
  bundle: 'hearth.js',
  cache: 'hearth.cache',
  worker: 'log-worker.cjs',
  addon: 'hearth.node',
  /** Holds signals back while Node starts (native/hold.c). */
  hold: 'hold.so',
} as const
/** Which names it, with what the user has put there; Node is started by the dynamic linker. */
const PRELOAD = 'LD_PRELOAD'

/** An image that can be executed: descriptors of its files, -1 for one that there is not; `directory` is where they were. */
export type Image = { directory: string; node: number; isCopied: boolean } & Record<
  keyof typeof FILES,
  number
>

/** What an image is told by the one before it. */
export type Inheritance = {
  /** The ledger's descriptor. */
  state: number
  /** That of the index of runs (adopt.ts). */
  index: number
  /** The present one, if it was executed by its descriptors. */
  image: Image | null
  /** The one before it, to be executed should this one not come up. */
  fallback: Image | null
}

export const VARIABLE = 'HEARTH_IMAGE'

/** Why an image was left (native/image.c): the number of a fatal signal, or one of these. */
export const CAUSE = { exit: -1, hang: -2, exception: -3, reexec: -4 } as const

/** What was inherited; null at a first start. */
export function readInheritance(
  environment: Readonly<Record<string, string | undefined>>,
): Inheritance | null {
  const text = environment[VARIABLE]
  if (text === undefined) return null
  const told = JSON.parse(text) as Partial<Inheritance>
  return {
    state: told.state ?? -1,
    index: told.index ?? -1,
    image: told.image ?? null,
    fallback: told.fallback ?? null,
  }
}

/** Opens the files of the running image; null where it was not built, so that there are none. */
export function openImage(native: Pick<Native, 'cloexec'>): Image | null {
  const self = fileURLToPath(import.meta.url)
  if (self.endsWith('.ts')) return null
  const directory = dirname(self)
  const open = (path: string): number => {
    try {
      const fd = openSync(path, 'r')
      native.cloexec(fd, false)
      return fd
    } catch {
      return -1
    }
  }
  const entries = Object.entries(FILES).map(([key, name]) => [key, open(`${directory}/${name}`)])
  const node = open('/proc/self/exe')
  return { directory, node, isCopied: false, ...Object.fromEntries(entries) } as Image
}

/** The same image with its files in memory: one that is written over in place would be another's. Not Node, which the kernel
 * lets nobody write to while it runs. The descriptors of the files are left to be closed. */
export function copyImage(
  native: Pick<Native, 'memfd' | 'cloexec' | 'sourceFd'>,
  image: Image,
): Image {
  const copy = (key: string, fd: number): number => {
    if (key === 'bundle' && native.sourceFd() >= 0) return native.sourceFd()
    const memory = native.memfd(key)
    const bytes = readFileSync(pathOf(fd))
    for (let at = 0; at < bytes.length; ) at += writeSync(memory, bytes, at)
    return memory
  }
  const copies = Object.keys(FILES).map(key => {
    const fd = image[key as keyof typeof FILES]
    if (fd < 0) return [key, fd]
    const copied = copy(key, fd)
    native.cloexec(copied, false)
    return [key, copied]
  })
  return { ...image, ...Object.fromEntries(copies), isCopied: true }
}

export const imageFds = (image: Image): number[] =>
  Object.values(image).filter((fd): fd is number => typeof fd === 'number' && fd >= 0)

export function closeImage(image: Image): void {
  for (const fd of imageFds(image)) closeSync(fd)
}

/** By which a file is read though its name may be gone. */
export const pathOf = (fd: number) => `/proc/self/fd/${fd}`

/** The text of a file of the image. */
export const readImageFile = (fd: number): string => readFileSync(pathOf(fd), 'latin1')

/** What Node runs in an image that is executed by its descriptors: dist/start.cjs, as if from its place. */
const LOADER = `const{directory:d,start:s}=JSON.parse(process.env.${VARIABLE}).image
process.argv.splice(1,0,d+'/start.cjs')
const n=require('node:module').createRequire(d+'/start.cjs')
require('node:vm').runInThisContext('(function(require,__filename,__dirname){'+require('node:fs').readFileSync('/proc/self/fd/'+s,'latin1')+'\\n})')(n,d+'/start.cjs',d)`

type Environment = Readonly<Record<string, string | undefined>>

/** The argv of an image that is executed by its descriptors. `args` are those of the daemon. */
export const argvOf = (args: readonly string[]): string[] => [
  process.argv0,
  ...process.execArgv.filter((_, index, all) => all[index] !== '-e' && all[index - 1] !== '-e'),
  '-e',
  LOADER,
  '--',
  'hearth',
  ...args,
]

/** `NAME=value` of the environment; what configures Node is put aside, unless the launcher will do so. `hold`: the library that
 * is loaded with Node; null: none. */
export function environmentOf(
  environment: Environment,
  inheritance: Inheritance | null,
  hold: string | null = null,
  isDirect = true,
): string[] {
  const entries: string[] = []
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || name === VARIABLE || (hold !== null && name === PRELOAD)) continue
    const isAside = isDirect && name.startsWith('NODE_')
    entries.push(`${isAside ? `HEARTH_KEPT_${name}` : name}=${value}`)
  }
  if (inheritance) entries.push(`${VARIABLE}=${JSON.stringify(inheritance)}`)
  if (hold !== null) {
    const given = environment[PRELOAD] ?? ''
    // dist/start.cjs puts it back.
    entries.push(`HEARTH_KEPT_${PRELOAD}=${given}`)
    entries.push(`${PRELOAD}=${given === '' ? hold : `${hold}:${given}`}`)
  }
  return entries
}

/** The library of the image, by its descriptor. */
export const holdOf = ({ hold }: Image): string | null => (hold >= 0 ? pathOf(hold) : null)
