// Where in its files a unit says what cannot be done: people look there first.
import type { Assigned } from '../units/load.ts'

type Written = Pick<Assigned, 'written' | 'value' | 'place'>

/** The message with the file and the line of the directive that it names first, where a file of the unit sets that. Of
 * several assignments it is the one whose value the message tells, else the last. */
export function withPlace(message: string, assignments: () => readonly Written[]): string {
  const name = /\b([A-Z]\w+)=/.exec(message)?.[1]
  if (name === undefined) return message
  const those = assignments().filter(({ written }) => written === name)
  const told = those.findLast(({ value }) => message.includes(value.replace(/^-/, '')))
  const place = (told ?? those.at(-1))?.place
  return place === undefined ? message : `${message} (${place.file}:${place.line})`
}
