// What credentials a unit gets: from files, from the credential stores, from the unit file (systemd.exec(5), LoadCredential=).
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { err, ok, type Result } from 'neverthrow'
import type { ExecSettings } from '../units/unit.ts'
import type { Answers } from './credential-sockets.ts'
import { EXIT, errnoOf, inWords, type SpawnFailure } from './failure.ts'
import { matches } from './glob.ts'

/** Where a credential without a path is looked for, after what the daemon itself was given. */
const STORES = [
  '/etc/credstore',
  '/run/credstore',
  '/usr/local/lib/credstore',
  '/usr/lib/credstore',
]
/** Of all that a unit gets together (systemd.exec(5), CREDENTIALS). */
const MOST_BYTES = 1024 * 1024

type Settings = Pick<ExecSettings, 'loadCredentials' | 'setCredentials' | 'importCredentials'>
export type Collected = {
  credentials: ReadonlyMap<string, Uint8Array>
  warnings: readonly string[]
}

export const hasCredentials = (exec: Settings) =>
  exec.loadCredentials.length + exec.setCredentials.length + exec.importCredentials.length > 0

/** Reads them. `received`: the directory of the daemon's own credentials; `answers`: what sockets gave. A file that is loaded beats a value in the unit
 * file, and that one a pattern; a name that no store has is left out with a warning, a path that cannot be read is fatal. */
export function collectCredentials(
  exec: Settings,
  received: string | null,
  answers: Answers = NO_ANSWERS,
): Result<Collected, SpawnFailure> {
  const stores = received === null ? STORES : [received, ...STORES]
  const found = new Map<string, Uint8Array>()
  const warnings: string[] = []
  const isSet = (name: string) => exec.setCredentials.some(one => one.name === name)

  for (const { name, source } of exec.loadCredentials) {
    const isPath = source.startsWith('/')
    const path = isPath ? source : inStores(source, stores)
    if (path === null) {
      if (!isSet(name))
        warnings.push(
          `LoadCredential=${name} is left out: there is no ${source} in ${stores.join(', ')}`,
        )
      continue
    }
    const written = `LoadCredential=${name}${isPath ? `:${source}` : ''}`
    const answer = answers.get(name)
    if (answer) {
      if (answer.isErr())
        return err(failure('ECONNREFUSED', `cannot load ${written}: ${answer.error}`))
      found.set(name, answer.value)
      continue
    }
    try {
      for (const [key, data] of readSource(name, path)) found.set(key, data)
    } catch (error) {
      const errno = errnoOf(error)
      if (errno === 'ENOENT' && isSet(name)) continue
      return err(failure(errno, `cannot load ${written}: ${why(errno)}`))
    }
  }
  for (const { name, data } of exec.setCredentials) if (!found.has(name)) found.set(name, data)
  for (const pattern of exec.importCredentials) {
    for (const [name, path] of matching(pattern, stores)) {
      if (found.has(name)) continue
      try {
        found.set(name, readFileSync(path))
      } catch (error) {
        const errno = errnoOf(error)
        return err(failure(errno, `cannot import the credential ${path}: ${why(errno)}`))
      }
    }
  }

  let bytes = 0
  for (const [name, data] of found) bytes += name.length + data.length
  if (bytes > MOST_BYTES)
    return err(
      failure('E2BIG', 'cannot hand the credentials over: together they are larger than 1 MiB'),
    )
  return ok({ credentials: found, warnings })
}

const NO_ANSWERS: Answers = new Map()

const why = (errno: string) =>
  errno === 'ENXIO' ? 'it is a socket in a directory; name the socket itself' : inWords(errno)

const failure = (errno: string, message: string): SpawnFailure => ({
  step: 'CREDENTIALS',
  exitStatus: EXIT.credentials,
  errno,
  message,
})

/** One file; or all below a directory, named by the credential and their way, divided by `_`. */
function readSource(name: string, path: string): [name: string, data: Uint8Array][] {
  if (!statSync(path).isDirectory()) return [[name, readFileSync(path)]]
  return readdirSync(path)
    .sort()
    .flatMap(entry => readSource(`${name}_${entry}`, `${path}/${entry}`))
}

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false

const inStores = (name: string, stores: readonly string[]) =>
  stores.map(store => `${store}/${name}`).find(isFile) ?? null

/** Those of the stores whose names match, the earlier store's first. */
function* matching(pattern: string, stores: readonly string[]): Iterable<[string, string]> {
  for (const store of stores) {
    let names: string[]
    try {
      names = readdirSync(store).sort()
    } catch {
      continue
    }
    for (const name of names)
      if (matches(pattern, name) && isFile(`${store}/${name}`)) yield [name, `${store}/${name}`]
  }
}
