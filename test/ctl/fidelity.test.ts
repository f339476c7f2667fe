import test from 'ava'
import { formatFidelity } from '../../ctl/format/fidelity.ts'
import { createPaint } from '../../ctl/format/paint.ts'
import type { DirectiveFidelity, UnitFidelity } from '../../daemon/control/schema.ts'

const style = { paint: createPaint(false), legend: true, plain: false, width: null }
const one = (directive: string, changes: Partial<DirectiveFidelity> = {}): DirectiveFidelity => ({
  directive,
  value: 'yes',
  verdict: 'enforced',
  reason: null,
  depends: true,
  file: '/x/web.service',
  line: 3,
  ...changes,
})
const web: UnitFidelity = {
  unit: 'web.service',
  strict: false,
  directives: [
    one('Service.ExecStart', { value: '/bin/web', depends: false }),
    one('Service.PrivateTmp'),
    one('Service.ProtectSystem', { verdict: 'weakened', reason: 'no CAP_SYS_ADMIN', line: 4 }),
  ],
}
const db: UnitFidelity = { unit: 'db.service', strict: true, directives: [] }

test('fidelity shows what hangs on the machine, with verdict, reason and place, and a sum', t => {
  t.is(
    formatFidelity([web], style, { all: false }).join('\n'),
    `web.service
DIRECTIVE      VALUE VERDICT                    REASON           WHERE
PrivateTmp=    yes   enforced                                    /x/web.service:3
ProtectSystem= yes   ignored (weakens security) no CAP_SYS_ADMIN /x/web.service:4
3 directives: 2 enforced, 1 ignored (weakens security)`,
  )
})

test('with --all fidelity shows every directive, and a unit without any is named when it is alone', t => {
  t.regex(
    formatFidelity([web], style, { all: true }).join('\n'),
    /^ExecStart= +\/bin\/web enforced/m,
  )
  t.deepEqual(formatFidelity([db], style, { all: false }), ['db.service (strict)', '0 directives'])
})

test('several units have a sum that names those that are less confined', t => {
  const lines = formatFidelity([web, db], style, { all: false })
  t.is(
    lines.at(-1),
    '2 units, 3 directives: 2 enforced, 1 ignored (weakens security); less confined than they say: web.service',
  )
  t.false(lines.includes('db.service (strict)'))
})
