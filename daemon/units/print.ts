// Values as `systemctl show` prints them.
import type { ExecCommand, ExitStatusSet, StandardStream, Unit } from './unit.ts'
import { formatTimespan } from './values/format-timespan.ts'
import { signalName } from './values/signal.ts'

export const yesNo = (value: boolean) => (value ? 'yes' : 'no')
export const spaced = (list: readonly string[]) => list.join(' ')
export const plain = (value: string | number | null) => (value === null ? '' : String(value))
export const usec = (value: number) => formatTimespan(value, 0)
export const octal = (value: number) => `0${value.toString(8).padStart(3, '0')}`
/** A list of words that can be read back: those with special characters are quoted. */
export const quotedList = (list: readonly string[]) => list.map(quoteWord).join(' ')

function quoteWord(word: string): string {
  if (word !== '' && !/[\s"'\\$`]/.test(word)) return word
  return `"${word.replace(/["\\$`]/g, '\\$&')}"`
}

export const exitStatusSetText = ({ statuses, signals }: ExitStatusSet) =>
  [...statuses.map(String), ...signals.map(signalName)].join(' ')

/** The properties of a standard stream; the path of a file is none of them. */
export const streamProperties = (name: string, of: (unit: Unit) => StandardStream | undefined) => [
  { name, print: (unit: Unit) => of(unit)?.kind ?? '' },
  {
    name: `${name}FileDescriptorName`,
    print: (unit: Unit) => (of(unit)?.kind === 'fd' ? (of(unit)?.target ?? '') : ''),
  },
]

/** What has become of a command: the runtime's part of an Exec… property. */
export type CommandTiming = {
  startTime: string
  stopTime: string
  pid: number
  code: string
  status: string
}
const NEVER_RUN: CommandTiming = {
  startTime: '[n/a]',
  stopTime: '[n/a]',
  pid: 0,
  code: '(null)',
  status: '0/0',
}

/** `{ path=/bin/true ; argv[]=/bin/true ; ignore_errors=no ; … }`: one command of an Exec… property. */
export const execCommandText = (command: ExecCommand, timing: CommandTiming = NEVER_RUN) =>
  `{ path=${command.path} ; argv[]=${command.argv.join(' ')} ; ignore_errors=${yesNo(
    command.ignoreFailure,
  )} ; start_time=${timing.startTime} ; stop_time=${timing.stopTime} ; pid=${timing.pid} ; code=${
    timing.code
  } ; status=${timing.status} }`
