// The directives that restrict system calls (systemd.exec(5), SYSTEM CALL FILTERING; SANDBOXING).
import { ok } from 'neverthrow'
import { spaced, yesNo } from '../print.ts'
import { mergeFilter, mergeLines, systemCallSetText } from '../system-calls/lines.ts'
import type { AddressFamilies, NamespaceType, SystemCallError } from '../unit.ts'
import { boolean } from '../values/boolean.ts'
import {
  addressFamilies,
  NAMESPACE_TYPES,
  namespaces,
  systemCallArchitectures,
  systemCallError,
  systemCallLine,
} from '../values/system-calls.ts'
import { custom, type Directive, list, setting, take } from './directive.ts'

/** What systemd has for `kill` in this property. */
const KILL_NUMBER = 2147483646

const errorText = (error: SystemCallError) => String(error === 'kill' ? KILL_NUMBER : error)

const familiesText = (restricted: AddressFamilies | null) =>
  restricted === null ? '' : `${restricted.allow ? '' : '~'}${spaced(restricted.families)}`

/** The types that are left, as systemd puts it: all of them is `no`, none is `yes`. */
function namespacesText(allowed: readonly NamespaceType[] | null): string {
  if (allowed === null || allowed.length === NAMESPACE_TYPES.length) return 'no'
  return allowed.length === 0 ? 'yes' : spaced(allowed)
}

/** Settings whose lines add up: each is read on top of what those before it have set. */
const accumulated = (): Directive[] => [
  custom(
    'RestrictAddressFamilies',
    ({ exec }, text, context) => {
      if (text === '') {
        delete exec.restrictAddressFamilies
        return ok()
      }
      const read = addressFamilies(exec.restrictAddressFamilies ?? null, text, context)
      return take(read, value => {
        exec.restrictAddressFamilies = value
      })
    },
    null,
    {
      properties: [
        {
          name: 'RestrictAddressFamilies',
          print: unit => familiesText(unit.exec?.restrictAddressFamilies ?? null),
        },
      ],
    },
  ),
  custom(
    'RestrictNamespaces',
    ({ exec }, text) => {
      if (text === '') {
        delete exec.restrictNamespaces
        return ok()
      }
      return take(namespaces(exec.restrictNamespaces ?? null, text), value => {
        exec.restrictNamespaces = value
      })
    },
    null,
    {
      properties: [
        {
          name: 'RestrictNamespaces',
          print: unit => namespacesText(unit.exec?.restrictNamespaces ?? null),
        },
      ],
    },
  ),
]

export const seccompDirectives = (): Directive[] => [
  list('exec', 'SystemCallFilter', 'systemCallFilter', systemCallLine(true), {
    print: lines => systemCallSetText(mergeFilter(lines)),
  }),
  setting('exec', 'SystemCallErrorNumber', 'systemCallErrorNumber', systemCallError, {
    print: errorText,
  }),
  list('exec', 'SystemCallArchitectures', 'systemCallArchitectures', systemCallArchitectures, {
    print: names => spaced([...new Set(names)].sort()),
  }),
  list('exec', 'SystemCallLog', 'systemCallLog', systemCallLine(false), {
    print: lines => systemCallSetText(mergeLines(lines)),
  }),
  ...accumulated(),
  setting('exec', 'RestrictRealtime', 'restrictRealtime', boolean, { print: yesNo }),
  setting('exec', 'RestrictSUIDSGID', 'restrictSuidSgid', boolean, { print: yesNo }),
  setting('exec', 'LockPersonality', 'lockPersonality', boolean, { print: yesNo }),
  setting('exec', 'MemoryDenyWriteExecute', 'memoryDenyWriteExecute', boolean, { print: yesNo }),
]
