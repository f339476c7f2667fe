// Where logs are forwarded to, as a URL: `udp://HOST:PORT`, `tcp://HOST:PORT`, `unix:///PATH` (syslog), `http(s)://HOST/PATH` (OTLP).
import { err, ok, type Result } from 'neverthrow'
import type { Parse } from './parse.ts'
import { words } from './words.ts'

export type LogDestination =
  | { kind: 'udp' | 'tcp'; host: string; port: number }
  | { kind: 'unix'; path: string }
  | { kind: 'otlp'; url: string }

/** syslog(3) servers listen there (RFC 5426; RFC 6587). */
const SYSLOG_PORT = 514
/** Where an OTLP collector takes logs. */
const OTLP_PATH = '/v1/logs'
const FORMS = 'udp://HOST[:PORT], tcp://HOST[:PORT], unix:///PATH or http[s]://HOST[:PORT][/PATH]'

/** The error says what was expected. */
export function readLogDestination(text: string): Result<LogDestination, string> {
  const expected = err(`expected ${FORMS}`)
  if (!URL.canParse(text)) return expected
  const url = new URL(text)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  switch (url.protocol) {
    case 'udp:':
    case 'tcp:': {
      const isPlain = (url.pathname === '' || url.pathname === '/') && !url.search && !url.username
      if (host === '' || !isPlain) return expected
      const kind = url.protocol === 'udp:' ? 'udp' : 'tcp'
      return ok({ kind, host, port: url.port === '' ? SYSLOG_PORT : Number(url.port) })
    }
    case 'unix:': {
      const path = decoded(url.pathname)
      return host === '' && /^\/[^\0]+$/.test(path) ? ok({ kind: 'unix', path }) : expected
    }
    case 'http:':
    case 'https:':
      if (url.pathname === '/') url.pathname = OTLP_PATH
      return ok({ kind: 'otlp', url: url.href })
    default:
      return expected
  }
}

/** Empty for what no text was encoded to. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return ''
  }
}

/** LogForward=: URLs, or `no`; the URLs as they are written. */
export const logDestinations: Parse<readonly string[] | null> = (text, context) => {
  if (text === 'no') return ok([])
  return context
    .expand(text)
    .andThen(words)
    .andThen(urls => {
      for (const url of urls) {
        const read = readLogDestination(url)
        if (read.isErr()) return err(`${read.error}, or no`)
      }
      return ok(urls)
    })
}
