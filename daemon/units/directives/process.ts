// What else a unit's processes are given at their start (systemd.exec(5), PROCESS PROPERTIES and others).
import { err, ok } from 'neverthrow'
import { plain, yesNo } from '../print.ts'
import type { ExecSettings } from '../unit.ts'
import { boolean } from '../values/boolean.ts'
import { integer } from '../values/number.ts'
import { listed, oneOf, type Parse } from '../values/parse.ts'
import { readTimespan } from '../values/timespan.ts'
import { words } from '../values/words.ts'
import { custom, type Directive, setting, take } from './directive.ts'

/** core(5), by bit. */
const MAPPINGS = [
  'private-anonymous',
  'shared-anonymous',
  'private-file-backed',
  'shared-file-backed',
  'elf-headers',
  'private-huge',
  'shared-huge',
  'private-dax',
  'shared-dax',
]
const DEFAULT_FILTER = 0x33

/** Names of mappings, `default`, `all`, or masks in hexadecimal. */
const coredumpFilter: Parse<number> = text =>
  words(text).andThen(found => {
    let mask = 0
    for (const word of found) {
      const bit = MAPPINGS.indexOf(word)
      if (bit >= 0) mask |= 1 << bit
      else if (word === 'default') mask |= DEFAULT_FILTER
      else if (word === 'all') mask |= (1 << MAPPINGS.length) - 1
      else if (/^(0x)?[0-9a-f]{1,7}$/i.test(word)) mask |= Number.parseInt(word, 16)
      else return err(`expected ${listed([...MAPPINGS, 'default', 'all'])}, or a mask such as 0x33`)
    }
    return ok(mask)
  })

/** Nanoseconds; a bare number counts them, with a unit it is a time span. */
const nanoseconds: Parse<number> = text => {
  const [, count] = /^\s*(\d{1,15})\s*(?:ns|nsec)?\s*$/.exec(text) ?? []
  if (count !== undefined) return ok(Number(count))
  const usec = readTimespan(text)
  return typeof usec === 'bigint'
    ? ok(Number(usec) * 1000)
    : err('expected nanoseconds, or a time span with its unit, such as 50us')
}

/** Architectures whose execution domain the kernel can give (personality(2)); the value is the domain. */
const PER_LINUX = 0
const PER_LINUX32 = 8
const PERSONALITIES: Readonly<Record<string, number>> = {
  native: PER_LINUX,
  'x86-64': PER_LINUX,
  x86: PER_LINUX32,
  arm64: PER_LINUX,
  arm: PER_LINUX32,
}
const personality: Parse<{ name: string; domain: number }> = (text, context) =>
  context.expand(text).andThen(name => {
    const domain = PERSONALITIES[name]
    return domain === undefined
      ? err(`expected ${listed(Object.keys(PERSONALITIES))}`)
      : ok({ name, domain })
  })

/** The name of a profile; behind `-` what goes wrong with it does not count. */
const appArmorProfile: Parse<ExecSettings['appArmorProfile']> = (text, context) => {
  const optional = text.startsWith('-')
  return context
    .expand(optional ? text.slice(1) : text)
    .andThen(name => (name === '' ? err('expected the name of a profile') : ok({ name, optional })))
}

export const processDirectives = (): Directive[] => [
  setting('exec', 'AppArmorProfile', 'appArmorProfile', appArmorProfile, {
    print: profile => profile?.name ?? '',
    needs: ({ exec }) => (exec?.appArmorProfile ? ['apparmor'] : []),
    security: true,
  }),
  custom(
    'CoredumpFilter',
    (draft, text, context) => {
      if (text === '') {
        delete draft.exec.coredumpFilter
        return ok()
      }
      return take(coredumpFilter(text, context), mask => {
        draft.exec.coredumpFilter = (draft.exec.coredumpFilter ?? 0) | mask
      })
    },
    null,
    {
      properties: [
        {
          name: 'CoredumpFilter',
          print: ({ exec }) => `0x${(exec?.coredumpFilter ?? DEFAULT_FILTER).toString(16)}`,
        },
      ],
    },
  ),
  setting('exec', 'KeyringMode', 'keyringMode', oneOf('inherit', 'private', 'shared'), {
    print: value => value ?? 'private',
    needs: ({ exec }) => (exec?.keyringMode === 'inherit' ? [] : ['keyring']),
  }),
  setting('exec', 'OOMScoreAdjust', 'oomScoreAdjust', integer(-1000, 1000), {
    print: value => String(value ?? 0),
    needs: ({ exec }) => ((exec?.oomScoreAdjust ?? 0) < 0 ? ['oom-score'] : []),
  }),
  setting('exec', 'TimerSlackNSec', 'timerSlackNsec', nanoseconds, {
    print: value => String(value ?? 50_000),
  }),
  setting('exec', 'Personality', 'personality', personality, {
    print: value => value?.name ?? '',
  }),
  setting('exec', 'IgnoreSIGPIPE', 'ignoreSigpipe', boolean, { print: yesNo }),
  setting('exec', 'RemoveIPC', 'removeIpc', boolean, { print: yesNo }),
  setting('exec', 'SetLoginEnvironment', 'setLoginEnvironment', boolean, {
    print: value => (value === null ? '' : yesNo(value)),
  }),
  setting('exec', 'PAMName', 'pamName', (text, context) => context.expand(text), {
    status: 'not-enforced',
    note: 'no PAM session is opened; limits and variables of /etc/security do not hold',
    print: plain,
  }),
]
