// Paths, users and the like in values.
import { err, ok } from 'neverthrow'
import type { Parse } from './parse.ts'
import { simplifyPath } from './unit-name.ts'
import { words } from './words.ts'

const climbs = (path: string) => path.split('/').includes('..')

/** An absolute path without `..`, specifiers expanded. */
export const absolutePath: Parse<string> = (text, context) =>
  context.expand(text).andThen(path => {
    if (!path.startsWith('/') || climbs(path))
      return err(`expected an absolute path${climbs(path) ? ' without ..' : ''}`)
    return ok(simplifyPath(path))
  })

/** An absolute path that may be missing where it begins with `-`. */
export const optionalPath: Parse<{ path: string; missingOk: boolean }> = (text, context) => {
  const missingOk = text.startsWith('-')
  return absolutePath(missingOk ? text.slice(1) : text, context)
    .map(path => ({ path, missingOk }))
    .mapErr(error =>
      error.startsWith('expected') ? 'expected an absolute path, perhaps with - before it' : error,
    )
}

/** Absolute paths, divided by white space. */
export const absolutePaths: Parse<string[]> = (text, context) =>
  words(text).andThen(found => {
    const paths: string[] = []
    for (const word of found) {
      const path = absolutePath(word, context)
      if (path.isErr()) return err(path.error)
      paths.push(path.value)
    }
    return ok(paths)
  })

/** WorkingDirectory=: an absolute path or `~`, the user's home. */
export const workingDirectory: Parse<{ path: string; missingOk: boolean }> = (text, context) => {
  const missingOk = text.startsWith('-')
  const rest = missingOk ? text.slice(1) : text
  if (rest === '~') return ok({ path: '~', missingOk })
  return absolutePath(rest, context)
    .map(path => ({ path, missingOk }))
    .mapErr(error => (error.startsWith('expected') ? 'expected an absolute path or ~' : error))
}

/** PIDFile=: a relative path lies under `runtime`; /var/run is the old name of /run. */
export const pidFile =
  (runtime: string): Parse<string> =>
  (text, context) =>
    context.expand(text).andThen(path => {
      if (/\p{Cc}/u.test(path) || /^\/*$/.test(path)) return err('expected the path of a file')
      const full = simplifyPath(path.startsWith('/') ? path : `${runtime}/${path}`)
      if (climbs(full)) return err('expected a path without ..')
      return ok(full.replace(/^\/var\/run\//, '/run/'))
    })

const USER_NAME = /^[^\s:/\p{Cc}][^:/\p{Cc}]*$/u

/** The name or number of a user or group. */
export const principal: Parse<string> = (text, context) =>
  context.expand(text).andThen(name => {
    if (/^\d+$/.test(name)) {
      const id = Number(name)
      // (uid_t) -1 means "unchanged" to the kernel, 65535 is its 16-bit form.
      return id < 4294967295 && id !== 65535
        ? ok(name)
        : err('expected the name of a user or group, or its number')
    }
    return USER_NAME.test(name) && name.length < 256 && name !== '.' && name !== '..'
      ? ok(name)
      : err('expected the name of a user or group, or its number')
  })

/** Names or numbers of groups. */
export const principals: Parse<string[]> = (text, context) =>
  words(text).andThen(found => {
    const names: string[] = []
    for (const word of found) {
      const name = principal(word, context)
      if (name.isErr()) return err(name.error)
      names.push(name.value)
    }
    return ok(names)
  })

/** RuntimeDirectory= and the like: relative paths, each perhaps with `:symlink`. */
export const managedDirectories: Parse<{ path: string; symlinks: readonly string[] }[]> = (
  text,
  context,
) =>
  words(text, { unquote: true, unescape: true, relaxEscapes: true }).andThen(found => {
    const directories: { path: string; symlinks: readonly string[] }[] = []
    for (const word of found) {
      const [source = '', link] = splitColon(word)
      const path = context.expand(source)
      const symlink = context.expand(link ?? '')
      if (path.isErr()) return err(path.error)
      if (symlink.isErr()) return err(symlink.error)
      for (const part of [path.value, ...(link === undefined ? [] : [symlink.value])])
        if (part === '' || part.startsWith('/') || climbs(part))
          return err(
            `expected paths relative to the kind's own directory, not ${part || 'an empty one'}`,
          )
      const simple = simplifyPath(path.value)
      const target = link === undefined ? [] : [simplifyPath(symlink.value)]
      const known = directories.find(directory => directory.path === simple)
      if (known) known.symlinks = [...known.symlinks, ...target]
      else directories.push({ path: simple, symlinks: target })
    }
    return ok(directories)
  })

const splitColon = (word: string): [string, string | undefined] => {
  const colon = word.indexOf(':')
  return colon === -1 ? [word, undefined] : [word.slice(0, colon), word.slice(colon + 1)]
}
