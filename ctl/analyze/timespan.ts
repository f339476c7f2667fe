// ctl analyze timespan: as systemd-analyze timespan.
import { formatTimespan } from '../../daemon/units/values/format-timespan.ts'
import { readTimespan } from '../../daemon/units/values/timespan.ts'
import { complain, print, readWords, refuse, type Subcommand } from './command.ts'
import { hints } from './hint.ts'

/** What systemd writes for no end: the largest number of microseconds that it knows. */
const USEC_INFINITY = 2n ** 64n - 1n

/** It ends at the first value that is none. */
export const run: Subcommand = words => {
  const read = readWords(words, {})
  if (typeof read === 'string') return refuse(read)
  for (const [at, text] of read.args.entries()) {
    const span = readTimespan(text)
    if (span === null) {
      complain(`cannot read the time span '${text}'`, ...hints(text, 'timespan'))
      return 1
    }
    print(
      `Original: ${text}`,
      `      μs: ${span === 'infinity' ? USEC_INFINITY : span}`,
      `   Human: ${formatTimespan(span === 'infinity' ? Number.POSITIVE_INFINITY : span)}`,
    )
    if (at < read.args.length - 1) print('')
  }
  return 0
}
