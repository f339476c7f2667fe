// ctl analyze timestamp: as systemd-analyze timestamp.
import { readTimestamp } from '../../daemon/units/values/timestamp.ts'
import { complain, print, readWords, refuse, type Subcommand } from './command.ts'
import { hints } from './hint.ts'
import { machineClocks, machineZone } from './moment.ts'
import { fromNowLine, momentLines, nowUsec } from './now.ts'

/** Fails when one of them is none; the others are told all the same. */
export const run: Subcommand = words => {
  const read = readWords(words, {})
  if (typeof read === 'string') return refuse(read)
  const zone = machineZone()
  let status = 0
  for (const [at, text] of read.args.entries()) {
    if (at > 0) print('')
    readTimestamp(text, nowUsec(), zone, machineClocks).match(
      usec =>
        print(
          `  Original form: ${text}`,
          ...momentLines('Normalized form', usec, zone),
          `   UNIX seconds: @${inSeconds(usec)}`,
          fromNowLine(usec),
        ),
      error => {
        complain(`cannot read the moment '${text}': ${error}`, ...hints(text, 'timestamp'))
        status = 1
      },
    )
  }
  return status
}

function inSeconds(usec: number): string {
  const micros = usec % 1_000_000
  const whole = Math.floor(usec / 1_000_000)
  return micros === 0 ? `${whole}` : `${whole}.${String(micros).padStart(6, '0')}`
}
