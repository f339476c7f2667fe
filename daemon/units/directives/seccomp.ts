// The directives that restrict system calls (systemd.exec(5), SYSTEM CALL FILTERING; SANDBOXING).
import { ok } from 'neverthrow'
import { spaced, yesNo } from '../print.ts'
import { mergeFilter, mergeLines, systemCallSetText } from '../system-calls/lines.ts'
import type { AddressFamilies, ExecSettings, NamespaceType, SystemCallError } from '../unit.ts'
import { boolean } from '../values/boolean.ts'
import {
  addressFamilies,
  NAMESPACE_TYPES,
  namespaces,
  systemCallArchitectures,
  systemCallError,
  systemCallLine,
} from '../values/system-calls.ts'
import {
  custom,
  type Directive,
  type DirectiveOptions,
  kept,
  list,
  setting,
  take,
} from './directive.ts'

/** What each takes where it is set to something that restricts. */
const restricting = (isSet: (exec: ExecSettings) => boolean): DirectiveOptions => ({
  needs: ({ exec }) => (exec && isSet(exec) ? ['seccomp'] : []),
  security: true,
})

const LSM = 'it takes a program in the kernel’s security module (BPF LSM) and a cgroup of its own'

/** What systemd has for `kill` in this property. */
const KILL_NUMBER = 2147483646

const errorText = (error: SystemCallError) => String(error === 'kill' ? KILL_NUMBER : error)

const familiesText = (restricted: AddressFamilies | null) =>
  restricted === null ? '~' : `${restricted.allow ? '' : '~'}${spaced(restricted.families)}`

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
      ...restricting(exec => exec.restrictAddressFamilies !== null),
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
      ...restricting(exec => namespacesText(exec.restrictNamespaces) !== 'no'),
      properties: [
        {
          name: 'RestrictNamespaces',
          print: unit => namespacesText(unit.exec?.restrictNamespaces ?? null),
        },
      ],
    },
  ),
]

const flag = (
  name: string,
  field: 'restrictRealtime' | 'restrictSuidSgid' | 'lockPersonality' | 'memoryDenyWriteExecute',
): Directive =>
  setting('exec', name, field, boolean, {
    ...restricting(exec => exec[field]),
    print: yesNo,
  })

export const seccompDirectives = (): Directive[] => [
  list('exec', 'SystemCallFilter', 'systemCallFilter', systemCallLine(true), {
    ...restricting(exec => exec.systemCallFilter.length > 0),
    print: lines => systemCallSetText(mergeFilter(lines)),
  }),
  setting('exec', 'SystemCallErrorNumber', 'systemCallErrorNumber', systemCallError, {
    print: errorText,
  }),
  list('exec', 'SystemCallArchitectures', 'systemCallArchitectures', systemCallArchitectures, {
    ...restricting(exec => exec.systemCallArchitectures.length > 0),
    print: names => spaced([...new Set(names)].sort()),
  }),
  list('exec', 'SystemCallLog', 'systemCallLog', systemCallLine(false), {
    ...restricting(exec => exec.systemCallLog.length > 0),
    print: lines => systemCallSetText(mergeLines(lines)),
  }),
  ...accumulated(),
  kept('RestrictFileSystems', 'not-enforced', LSM, [], { security: true }),
  flag('RestrictRealtime', 'restrictRealtime'),
  flag('RestrictSUIDSGID', 'restrictSuidSgid'),
  flag('LockPersonality', 'lockPersonality'),
  flag('MemoryDenyWriteExecute', 'memoryDenyWriteExecute'),
]
