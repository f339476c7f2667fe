// Signals by name and number, as Linux and systemd know them.
import { err, ok } from 'neverthrow'
import type { Parse } from './parse.ts'

const NAMES = [
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU',
  'URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS',
]
  .join(' ')
  .split(' ')
/** glibc keeps 32 and 33 for itself. */
const RTMIN = 34
const RTMAX = 64
/** The number of a signal given as `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3` or `RTMAX-1`; null if there is none. */
export function signalNumber(text: string): number | null {
  if (/^\d+$/.test(text)) {
    const number = Number(text)
    return number >= 1 && number <= RTMAX ? number : null
  }
  const name = text.startsWith('SIG') ? text.slice(3) : text
  const index = NAMES.indexOf(name)
  if (index >= 0) return index + 1
  const match = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name)
  if (!match) return null
  const [, base, sign, digits = '0'] = match
  const offset = Number(digits)
  if (offset > RTMAX - RTMIN) return null
  if (base === 'MIN') return sign === '-' ? null : RTMIN + offset
  return sign === '+' ? null : RTMAX - offset
}

/** `TERM`, `RTMIN+3`: the name without `SIG`, as systemd prints it in a status; the number where it has none. */
export function signalName(number: number): string {
  const name = NAMES[number - 1]
  if (name !== undefined) return name
  if (number < RTMIN || number > RTMAX) return String(number)
  return number === RTMIN ? 'RTMIN' : `RTMIN+${number - RTMIN}`
}

export const signal: Parse<number> = text => {
  const number = signalNumber(text)
  return number === null
    ? err('expected a signal, such as SIGTERM, HUP, 15 or SIGRTMIN+3')
    : ok(number)
}
