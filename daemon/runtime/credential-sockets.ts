// Credentials that a Unix socket gives (systemd.exec(5), LoadCredential=): whoever listens is told by the name that we come from
// which unit and which credential are meant, and answers with the bytes, till the end. That may take a while, and the daemon
// does not wait: the start of the command goes on when all have answered.
import { statSync } from 'node:fs'
import { Socket } from 'node:net'
import { err, ok, type Result } from 'neverthrow'
import type { ExecSettings, UnitName } from '../units/unit.ts'
import { errnoOf, inWords } from './failure.ts'
import type { Native } from './native.ts'

/** What was answered, by the names of the credentials; an error is a reason, in words. */
export type Answers = ReadonlyMap<string, Result<Uint8Array, string>>

export type SocketSource = { name: string; path: string }

/** Of one credential, as of all of a unit. */
const MOST_BYTES = 1024 * 1024

/** Those of the unit's credentials that a socket gives. */
export const socketSources = ({
  loadCredentials,
}: Pick<ExecSettings, 'loadCredentials'>): readonly SocketSource[] =>
  loadCredentials.length === 0 ? NONE : loadCredentials.flatMap(sourceOf)
const NONE: readonly SocketSource[] = []

function sourceOf({ name, source }: { name: string; source: string }): SocketSource[] {
  if (!source.startsWith('/')) return []
  try {
    return statSync(source).isSocket() ? [{ name, path: source }] : []
  } catch {
    // What is wrong with it is told when it is read.
    return []
  }
}

/** Asks all of them; nobody is waited for longer than `mostMs`. */
export async function askSockets(
  native: Pick<Native, 'connectUnix' | 'randomId'>,
  unit: UnitName,
  sources: readonly SocketSource[],
  mostMs: number,
): Promise<Answers> {
  const answers = sources.map(async ({ name, path }) => {
    // As systemd writes it: a number that nobody has, then who asks for what.
    const from = `@${native.randomId().slice(0, 16)}/unit/${unit}/${name}`
    return [name, await ask(native, path, from, mostMs)] as const
  })
  return new Map(await Promise.all(answers))
}

function ask(
  native: Pick<Native, 'connectUnix'>,
  path: string,
  from: string,
  mostMs: number,
): Promise<Result<Uint8Array, string>> {
  let fd: number
  try {
    fd = native.connectUnix(path, from)
  } catch (error) {
    return Promise.resolve(err(`nobody answers there: ${inWords(errnoOf(error))}`))
  }
  const socket = new Socket({ fd, readable: true, writable: false })
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let bytes = 0
    const end = (answer: Result<Uint8Array, string>) => {
      socket.destroy()
      clearTimeout(timer)
      resolve(answer)
    }
    const timer = setTimeout(
      () => end(err(`it has not answered within ${Math.round(mostMs / 1000)} s`)),
      mostMs,
    )
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > MOST_BYTES) end(err('it gives more than 1 MiB'))
    })
    socket.on('end', () => end(ok(Buffer.concat(chunks))))
    socket.on('error', error => end(err(error.message)))
  })
}
