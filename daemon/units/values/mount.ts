// Paths and mounts of the sandbox: each a word of a list (systemd.exec(5), PATHS and SANDBOXING).
import { err, ok, type Result } from 'neverthrow'
import type { BindMount, PathRule, TemporaryFileSystem } from '../unit.ts'
import type { Parse, ValueContext } from './parse.ts'
import { absolutePath } from './path.ts'
import { words } from './words.ts'

const WORDS = { unquote: true, keepBackslashes: true }

/** A list of words, each read by itself; the first error ends it. */
const each =
  <T>(read: (word: string, context: ValueContext) => Result<T, string>): Parse<T[]> =>
  (text, context) =>
    words(text, WORDS).andThen(found => {
      const all: T[] = []
      for (const word of found) {
        const one = read(word, context)
        if (one.isErr()) return err(one.error)
        all.push(one.value)
      }
      return ok(all)
    })

/** An absolute path without `..`: what is mounted there would depend on what a part of it links to. */
const strictPath = (text: string, context: ValueContext): Result<string, string> =>
  absolutePath(text, context).andThen(path =>
    path.split('/').includes('..') ? err('expected a path without ..') : ok(path),
  )

/** ReadWritePaths= and its like: `-` for a path that may be missing, then `+` for one inside RootDirectory=. */
export const pathRules: Parse<PathRule[]> = each((word, context) => {
  const missingOk = word.startsWith('-')
  const rest = missingOk ? word.slice(1) : word
  const inRoot = rest.startsWith('+')
  return strictPath(inRoot ? rest.slice(1) : rest, context)
    .map(path => ({ path, missingOk, inRoot }))
    .mapErr(error =>
      error === 'expected an absolute path'
        ? 'expected absolute paths, each perhaps with - and + before it'
        : error,
    )
})

/** Divided at colons; `\:` is a colon of the text. */
const fields = (word: string): string[] =>
  word.split(/(?<!\\):/).map(field => field.replace(/\\(.)/gs, '$1'))

/** BindPaths= and BindReadOnlyPaths=: `source[:destination[:rbind|norbind]]`, `-` before a source that may be missing. */
export const bindMounts = (readOnly: boolean): Parse<BindMount[]> =>
  each((word, context) => {
    const missingOk = word.startsWith('-')
    const [from = '', to, options, ...more] = fields(missingOk ? word.slice(1) : word)
    if (more.length > 0 || to === '') return err('expected source:destination:options')
    if (options !== undefined && !/^(rbind|norbind|)$/.test(options))
      return err(`expected the option rbind or norbind, not ${options}`)
    const source = strictPath(from, context)
    if (source.isErr()) return err(source.error)
    const destination = to === undefined ? source : strictPath(to, context)
    if (destination.isErr()) return err(destination.error)
    return ok({
      source: source.value,
      destination: destination.value,
      recursive: options !== 'norbind',
      missingOk,
      readOnly,
    })
  })

/** TemporaryFileSystem=: `path[:mount options]`. */
export const temporaryFileSystems: Parse<TemporaryFileSystem[]> = each((word, context) => {
  const colon = word.indexOf(':')
  const options = colon === -1 ? '' : word.slice(colon + 1)
  return strictPath(colon === -1 ? word : word.slice(0, colon), context).andThen(path =>
    context.expand(options).map(expanded => ({ path, options: expanded })),
  )
})
