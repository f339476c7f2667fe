// Words that a test file is made of: spans, unit names, signals, statuses.
import { err, ok, type Result } from 'neverthrow'
import { didYouMean } from '../../daemon/units/errors.ts'
import type { UnitName } from '../../daemon/units/unit.ts'
import { exitStatusNumber } from '../../daemon/units/values/exit-status.ts'
import { signalNumber } from '../../daemon/units/values/signal.ts'
import { readTimespan } from '../../daemon/units/values/timespan.ts'
import { mangleName } from '../../daemon/units/values/unit-name.ts'

/** As a sentence of the reader's language: what is wrong, and the mend. */
export type Read<T> = Result<T, string>

const UNIT = '(?:us|usec|ms|msec|s|sec|seconds?|m|min|minutes?|h|hr|hours?|d|days?|w|weeks?)'
/** A span in the middle of a line: `10s`, `1 min 30 s`. */
export const SPAN = `\\d+(?:\\.\\d+)?(?: ?${UNIT})?(?: \\d+(?:\\.\\d+)? ?${UNIT})*`

/** Both of what was read, or what is wrong with the first that is not right. */
export const both = <A, B>(first: Read<A>, second: Read<B>): Read<[A, B]> =>
  first.andThen(one => second.map((other): [A, B] => [one, other]))

/** Microseconds. */
export function readSpan(text: string): Read<number> {
  const usec = readTimespan(text)
  return usec === null || usec === 'infinity'
    ? err(`cannot read the span '${text}': expected one such as 10s or 1min 30s`)
    : ok(Number(usec))
}

/** As ctl takes it: `web` is web.service. */
export const readUnit = (text: string): Read<UnitName> =>
  mangleName(text).mapErr(() => `cannot read '${text}': expected the name of a unit`)

export function readSignal(text: string): Read<number> {
  const number = signalNumber(text)
  return number === null
    ? err(`cannot read the signal '${text}': expected one such as SIGTERM or HUP`)
    : ok(number)
}

/** A status by number or name. */
export function readStatus(text: string): Read<number> {
  const number = /^\d{1,3}$/.test(text) ? Number(text) : exitStatusNumber(text)
  return number === null || number > 255
    ? err(`cannot read the exit status '${text}': expected a number to 255, or a name`)
    : ok(number)
}

/** `READY=1 STATUS=up`: a value with blanks stands in quotes. */
export function readFields(text: string): Read<Record<string, string>> {
  const fields: Record<string, string> = {}
  const rest = text.replace(
    /([A-Z][A-Z0-9_]*)=(?:"([^"]*)"|(\S*))\s*/g,
    (_, name, quoted, bare) => {
      fields[name] = quoted ?? bare
      return ''
    },
  )
  return rest === '' && Object.keys(fields).length > 0
    ? ok(fields)
    : err(`cannot read '${text}': expected assignments as of sd_notify, such as READY=1`)
}

/** What is wrong with a word that is none of those. */
export const unknown = (what: string, word: string, known: readonly string[]): string =>
  `there is no ${what} '${word}'${didYouMean(word, known) || `; expected ${known.join(', ')}`}`
