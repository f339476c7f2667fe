// How a unit's output is labelled and kept (systemd.exec(5), LOGGING AND STANDARD INPUT/OUTPUT). The logs room acts on it.
import { err, ok } from 'neverthrow'
import { plain, usec, yesNo } from '../print.ts'
import { boolean } from '../values/boolean.ts'
import { integer } from '../values/number.ts'
import { expanded, listed, type Parse } from '../values/parse.ts'
import { timespan } from '../values/timespan.ts'
import { words } from '../values/words.ts'
import { type Directive, list, setting } from './directive.ts'

/** syslog(3), by number. */
const LEVELS = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug']
const FACILITIES = (
  'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp' +
  ' - - - - local0 local1 local2 local3 local4 local5 local6 local7'
).split(' ')

/** A name or its number. */
const named =
  (names: readonly string[]): Parse<number> =>
  text => {
    const at = /^\d{1,2}$/.test(text) ? Number(text) : names.indexOf(text.toLowerCase())
    return names[at] === undefined || names[at] === '-'
      ? err(`expected ${listed(names.filter(name => name !== '-'))}`)
      : ok(at)
  }

const identifier: Parse<string> = (text, context) =>
  expanded(text, context).andThen(name =>
    name.includes('/') ? err('expected a name without /') : ok(name),
  )

// A field of the journal that anybody may set: no `_` at its beginning, which marks what is trusted.
const FIELD = /^[A-Z][A-Z0-9_]{0,63}=/

/** `FIELD=value`, quoted if it holds spaces. */
const extraFields: Parse<string[]> = (text, context) =>
  words(text, { unquote: true, unescape: true }).andThen(found => {
    const fields: string[] = []
    for (const word of found) {
      const field = context.expand(word)
      if (field.isErr()) return err(field.error)
      if (!FIELD.test(field.value))
        return err(`expected FIELD=value with a name in capitals, not ${field.value}`)
      fields.push(field.value)
    }
    return ok(fields)
  })

/** A regular expression; `~` before it turns away what matches. */
const filterPattern: Parse<string[]> = (text, context) =>
  context.expand(text).andThen(pattern => {
    try {
      new RegExp(pattern.replace(/^~/, ''), 'u')
      return ok([pattern])
    } catch {
      return err('expected a regular expression, perhaps with ~ before it')
    }
  })

const namespaceName: Parse<string> = (text, context) =>
  context
    .expand(text)
    .andThen(name =>
      /^[\w.-]+$/.test(name) ? ok(name) : err('expected a name without spaces and slashes'),
    )

export const loggingDirectives = (): Directive[] => [
  setting('exec', 'SyslogIdentifier', 'syslogIdentifier', identifier, { print: plain }),
  setting('exec', 'SyslogFacility', 'syslogFacility', named(FACILITIES), {
    status: 'inert',
    note: "hearth's records have no facility",
    print: value => String(value ?? 3),
  }),
  setting('exec', 'SyslogLevel', 'syslogLevel', named(LEVELS), {
    print: value => String(value ?? 6),
  }),
  setting('exec', 'SyslogLevelPrefix', 'syslogLevelPrefix', boolean, { print: yesNo }),
  setting('exec', 'LogLevelMax', 'logLevelMax', named(LEVELS), {
    note: 'of the lines that its processes write',
    print: value => String(value ?? -1),
  }),
  list('exec', 'LogExtraFields', 'logExtraFields', extraFields, {
    note: 'shown by `ctl logs --json`, as the unit says now; the files do not hold them',
    print: fields => [...fields],
  }),
  setting('exec', 'LogRateLimitIntervalSec', 'logRateLimitIntervalUsec', timespan, {
    note: 'no limit unless it or LogRateLimitBurst= is set; 30s then',
    property: 'LogRateLimitIntervalUSec',
    print: value => (value === null ? '0' : usec(value)),
  }),
  setting('exec', 'LogRateLimitBurst', 'logRateLimitBurst', integer(0, 0xffffffff), {
    note: 'no limit unless it or LogRateLimitIntervalSec= is set; 10000 then',
    print: value => String(value ?? 0),
  }),
  list('exec', 'LogFilterPatterns', 'logFilterPatterns', filterPattern, {
    note: 'regular expressions of JavaScript, without lookaround and back references',
    print: patterns => [...patterns],
  }),
  setting('exec', 'LogNamespace', 'logNamespace', namespaceName, {
    status: 'not-enforced',
    note: 'each unit has a log of its own already',
    print: plain,
  }),
]
