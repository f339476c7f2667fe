// What privileges a unit's processes have (systemd.exec(5), CAPABILITIES and SECURITY).
import { err, ok } from 'neverthrow'
import { yesNo } from '../print.ts'
import { boolean } from '../values/boolean.ts'
import { capabilities, capabilityNames, mergeCapabilities } from '../values/capability.ts'
import { listed } from '../values/parse.ts'
import { words } from '../values/words.ts'
import { custom, type Directive, ignored, setting, take } from './directive.ts'

type Field = 'capabilityBoundingSet' | 'ambientCapabilities'

const capabilitySet = (name: string, field: Field, { all }: { all: boolean }): Directive =>
  custom(
    name,
    (draft, text, context) => {
      // An empty one is the empty set, not the default.
      if (text === '') {
        draft.exec[field] = []
        return ok()
      }
      return take(capabilities(text, context), set => {
        // After an empty assignment `~` has nothing to take away from, and begins anew, as in systemd.
        const before = draft.exec[field]
        const fresh = before == null || (before.length === 0 && set.inverted)
        draft.exec[field] = mergeCapabilities(fresh ? null : before, set)
      })
    },
    null,
    {
      needs: ['capabilities'],
      security: all,
      properties: [
        { name, print: unit => capabilityNames(unit.exec?.[field] ?? (all ? ALL : [])) },
      ],
    },
  )
const ALL = mergeCapabilities(null, { inverted: true, numbers: [] })

/** linux/securebits.h */
const SECURE_BITS: Readonly<Record<string, number>> = {
  'keep-caps': 1 << 4,
  'keep-caps-locked': 1 << 5,
  'no-setuid-fixup': 1 << 2,
  'no-setuid-fixup-locked': 1 << 3,
  noroot: 1 << 0,
  'noroot-locked': 1 << 1,
}

const secureBits = custom(
  'SecureBits',
  (draft, text) => {
    if (text === '') {
      delete draft.exec.secureBits
      return ok()
    }
    return words(text).andThen(names => {
      let bits = draft.exec.secureBits ?? 0
      for (const name of names) {
        const bit = SECURE_BITS[name]
        if (bit === undefined) return err(`expected ${listed(Object.keys(SECURE_BITS))}`)
        bits |= bit
      }
      draft.exec.secureBits = bits
      return ok()
    })
  },
  0,
  {
    needs: ['capabilities'],
    security: true,
    properties: [{ name: 'SecureBits', print: ({ exec }) => String(exec?.secureBits ?? 0) }],
  },
)

export const capabilityDirectives = (): Directive[] => [
  capabilitySet('CapabilityBoundingSet', 'capabilityBoundingSet', { all: true }),
  capabilitySet('AmbientCapabilities', 'ambientCapabilities', { all: false }),
  secureBits,
  ignored('Capabilities', 'inert', 'systemd has dropped it; CapabilityBoundingSet= is meant'),
  setting('exec', 'NoNewPrivileges', 'noNewPrivileges', boolean, {
    print: yesNo,
    security: true,
  }),
]
