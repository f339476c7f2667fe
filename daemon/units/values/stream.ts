// StandardInput=, StandardOutput=, StandardError= (systemd.exec(5), LOGGING AND STANDARD INPUT/OUTPUT).
import { err, ok } from 'neverthrow'
import type { StandardStream } from '../unit.ts'
import type { Parse } from './parse.ts'
import { simplifyPath } from './unit-name.ts'

const FD_NAME = /^[\x21-\x39\x3b-\x7e]{1,255}$/

const fileStream = (
  kind: 'file' | 'append' | 'truncate',
  path: string,
): ReturnType<Parse<StandardStream>> =>
  path.startsWith('/')
    ? ok({ kind, target: simplifyPath(path) })
    : err(`expected an absolute path behind ${kind}:`)

const descriptor = (name: string, fallback: string): ReturnType<Parse<StandardStream>> =>
  name === '' || FD_NAME.test(name)
    ? ok({ kind: 'fd', target: name === '' ? fallback : name })
    : err('expected the name of a descriptor behind fd:')

export const standardInput: Parse<StandardStream> = (text, context) => {
  if (text === 'fd' || text.startsWith('fd:'))
    return context.expand(text.slice(3)).andThen(name => descriptor(name, 'stdin'))
  if (text.startsWith('file:'))
    return context.expand(text.slice(5)).andThen(path => fileStream('file', path))
  switch (text) {
    case 'null':
    case 'tty':
    case 'tty-force':
    case 'tty-fail':
    case 'socket':
    case 'data':
      return ok({ kind: text })
    default:
      return err('expected null, tty, tty-force, tty-fail, data, file:/path, socket or fd:name')
  }
}

/** Words that systemd dropped and still reads. */
const LEGACY = new Map<string, 'journal' | 'journal+console'>([
  ['syslog', 'journal'],
  ['syslog+console', 'journal+console'],
])

export const standardOutput =
  (fallback: 'stdout' | 'stderr'): Parse<StandardStream> =>
  (text, context) => {
    if (text === 'fd' || text.startsWith('fd:'))
      return context.expand(text.slice(3)).andThen(name => descriptor(name, fallback))
    for (const kind of ['file', 'append', 'truncate'] as const)
      if (text.startsWith(`${kind}:`))
        return context.expand(text.slice(kind.length + 1)).andThen(path => fileStream(kind, path))
    const modern = LEGACY.get(text)
    if (modern !== undefined) {
      context.warn(`${text} is an old word for ${modern}`)
      return ok({ kind: modern })
    }
    switch (text) {
      case 'inherit':
      case 'null':
      case 'tty':
      case 'journal':
      case 'journal+console':
      case 'kmsg':
      case 'kmsg+console':
      case 'socket':
        return ok({ kind: text })
      default:
        return err(
          'expected inherit, null, tty, journal, kmsg, journal+console, kmsg+console, file:/path, append:/path, truncate:/path, socket or fd:name',
        )
    }
  }
