// Environment assignments and names (systemd.exec(5), ENVIRONMENT).
import { err, ok } from 'neverthrow'
import type { Parse } from './parse.ts'
import { words } from './words.ts'

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

const isVariableName = (name: string) => NAME.test(name)
const isAssignment = (text: string) => {
  const equals = text.indexOf('=')
  return equals > 0 && isVariableName(text.slice(0, equals))
}

/** `NAME=value` words, quoted where they hold spaces: `Environment="A=b c" D=e`. What is none is passed over with a warning, as
 * systemd does it. */
export const assignments: Parse<string[]> = (text, context) =>
  words(text).andThen(found => {
    const assigned: string[] = []
    for (const word of found) {
      const value = context.expand(word)
      if (value.isErr()) return err(value.error)
      if (isAssignment(value.value)) assigned.push(value.value)
      else
        context.warn(
          `${value.value} is passed over; expected NAME=value, quoted if it holds spaces`,
        )
    }
    return ok(assigned)
  })

/** Names of variables: PassEnvironment=. */
export const variableNames: Parse<string[]> = (text, context) =>
  words(text).andThen(found => {
    const names: string[] = []
    for (const word of found) {
      const name = context.expand(word)
      if (name.isErr()) return err(name.error)
      if (!isVariableName(name.value)) return err(`expected names of variables, not ${name.value}`)
      names.push(name.value)
    }
    return ok(names)
  })

/** Names or whole assignments: UnsetEnvironment=. */
export const namesOrAssignments: Parse<string[]> = (text, context) =>
  words(text).andThen(found => {
    const unset: string[] = []
    for (const word of found) {
      const name = context.expand(word)
      if (name.isErr()) return err(name.error)
      if (!isVariableName(name.value) && !isAssignment(name.value))
        return err(`expected names of variables or NAME=value, not ${name.value}`)
      unset.push(name.value)
    }
    return ok(unset)
  })
