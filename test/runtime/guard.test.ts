// What a unit starts without is told once, and with Strict=yes the unit is not started.
import test from 'ava'
import { ok } from 'neverthrow'
import { createGuard, type Guard } from '../../daemon/runtime/guard.ts'
import { HEARTH_DEFAULTS } from '../../daemon/units/defaults.ts'
import { custom, type Directive } from '../../daemon/units/directives/directive.ts'
import { type Abilities, NEEDS } from '../../daemon/units/directives/need.ts'
import { makeUnit } from './world.ts'

const rows: Readonly<Record<string, Directive>> = {
  Odd: custom('Odd', () => ok(), null, { status: 'not-enforced' }),
  Inert: custom('Inert', () => ok(), null, { status: 'inert', security: true }),
  Bounding: custom('Bounding', () => ok(), null, { needs: ['capabilities'], security: true }),
  Limit: custom('Limit', () => ok(), null, { needs: ['capabilities'] }),
  Emulated: custom('Emulated', () => ok(), null, { needs: ['cgroup'], fallback: 'emulated' }),
  User: custom('User', () => ok(), null, { needs: ['setuid'], fallback: 'fails' }),
}
const directives = { find: (_section: string, name: string) => rows[name] ?? null }
const all = Object.fromEntries(NEEDS.map(need => [need, null])) as Abilities

function guard(abilities: Partial<Abilities> = {}): { guard: Guard; lines: string[] } {
  const lines: string[] = []
  const log = (level: string, unit: string, message: string) =>
    lines.push(`${level} ${unit}: ${message}`)
  return { guard: createGuard({ directives, abilities: { ...all, ...abilities }, log }), lines }
}
const demands = {
  'Service.Odd': 'x',
  'Service.Inert': 'yes',
  'Service.Bounding': 'CAP_CHOWN',
  'Service.Emulated': 'yes',
  'Service.User': 'web',
}
const strict = { ...HEARTH_DEFAULTS, strict: true }

test('what is left out is told in one line by reason, once for all starts of a unit as it was read', t => {
  const { guard: look, lines } = guard({
    capabilities: 'no CAP_SETPCAP',
    cgroup: 'none',
    setuid: 'no CAP_SETUID',
  })
  const unit = { ...makeUnit({}), demands: { ...demands, 'Service.Limit': '5' } }
  t.is(look(unit), null)
  t.is(look(unit), null)
  const line =
    "warn web.service: Starts without Odd= (hearth does not carry it out), Bounding=, Limit= (no CAP_SETPCAP): see 'ctl fidelity web.service'"
  t.deepEqual(lines, [line])
  t.is(look({ ...unit }), null)
  t.deepEqual(lines, [line, line])
})

test('a unit that has all it asks for starts without a word', t => {
  const { guard: look, lines } = guard()
  const { 'Service.Odd': _, ...met } = demands
  t.is(look({ ...makeUnit({}), demands: met, hearth: strict }), null)
  t.is(look(makeUnit({})), null)
  t.deepEqual(lines, [])
})

test('with Strict=yes a unit that would be less confined is refused, for good, naming what and why', t => {
  const { guard: look, lines } = guard({ capabilities: 'no CAP_SETPCAP' })
  t.deepEqual(look({ ...makeUnit({}), demands, hearth: strict }), {
    step: 'STRICT',
    exitStatus: 0,
    errno: 'EPERM',
    message:
      'cannot confine it as its file says, and Strict= is on: Bounding= (no CAP_SETPCAP); have that allowed here, or set Strict=no in [X-Hearth]',
    isFinal: true,
  })
  t.deepEqual(lines, [])
})

test('with Strict=yes a unit that misses something else starts all the same', t => {
  const { guard: look, lines } = guard()
  t.is(look({ ...makeUnit({}), demands: { 'Service.Odd': 'x' }, hearth: strict }), null)
  t.is(lines.length, 1)
})
