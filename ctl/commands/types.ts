// --type=TYPE.
import type { ControlError } from '../../daemon/control/schema.ts'
import { UNIT_TYPES } from '../options.ts'

/** What is wrong with the types asked for; null when nothing is. */
export function checkTypes(types: readonly string[]): ControlError | null {
  const wrong = types.find(type => !(UNIT_TYPES as readonly string[]).includes(type))
  if (wrong === undefined) return null
  return {
    code: 'bad-request',
    message: `cannot list units of type '${wrong}': there is no such type`,
    hint: `the types are ${UNIT_TYPES.join(', ')}`,
  }
}
