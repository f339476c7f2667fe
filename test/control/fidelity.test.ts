// The report on how directives are carried out, asked of a daemon that is not there.
import test from 'ava'
import { ok } from 'neverthrow'
import { custom, type Directive } from '../../daemon/units/directives/directive.ts'
import type { Assigned } from '../../daemon/units/load.ts'
import { service } from './fake.ts'
import { openDaemon, result } from './wire.ts'

const file = '/x/web.service'
const rows: Readonly<Record<string, Directive>> = Object.fromEntries(
  [
    custom('Plain', () => ok(), null),
    custom('Plain2', () => ok(), null),
    custom('Odd', () => ok(), null, { status: 'not-enforced', note: 'odd' }),
    custom('Bounding', () => ok(), null, { needs: ['capabilities'], security: true }),
  ].map(row => [row.name, row]),
)
function assigned(name: string, value: string, line: number, from = file): Assigned {
  const row = rows[name]
  if (!row) throw new Error(name)
  return {
    directive: `Service.${row.name}`,
    written: name,
    value,
    place: { file: from, line },
    row,
  }
}

test('each directive of a unit is told with its value, its place, the verdict and the reason', async t => {
  const daemon = await openDaemon(t)
  const dropIn = '/x/web.service.d/a.conf'
  daemon.fake.add({ ...service('web.service'), fragmentPath: file, dropInPaths: [dropIn] })
  daemon.fake.abilities.capabilities = 'no CAP_SETPCAP'
  daemon.fake.assignments.set('web.service', [
    assigned('Plain', '/bin/true', 2),
    assigned('Plain2', 'x', 4),
    assigned('Odd', 'login', 5),
    assigned('Bounding', 'CAP_CHOWN', 6),
    assigned('Plain2', '', 1, dropIn),
  ])
  const { units } = await result(t, daemon, 'fidelity', { units: ['web'] })
  t.deepEqual(units, [
    {
      unit: 'web.service',
      strict: false,
      directives: [
        {
          directive: 'Service.Plain',
          value: '/bin/true',
          verdict: 'enforced',
          reason: null,
          depends: false,
          file,
          line: 2,
        },
        {
          directive: 'Service.Odd',
          value: 'login',
          verdict: 'unsupported',
          reason: 'odd',
          depends: true,
          file,
          line: 5,
        },
        {
          directive: 'Service.Bounding',
          value: 'CAP_CHOWN',
          verdict: 'weakened',
          reason: 'no CAP_SETPCAP',
          depends: true,
          file,
          line: 6,
        },
      ],
    },
  ])
})

test('a unit that is not there is an error, and without names all that have files are told', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add({ ...service('web.service'), fragmentPath: file })
  daemon.fake.add({ ...service('made-up.service'), fragmentPath: null })
  const { units } = await result(t, daemon, 'fidelity', {})
  t.deepEqual(units, [{ unit: 'web.service', strict: false, directives: [] }])
  const { errors } = await result(t, daemon, 'fidelity', { units: ['nothing'] })
  t.is(errors[0]?.code, 'unit-not-found')
})
