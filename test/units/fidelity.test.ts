// The rule of the fidelity report: a row of the table and what the machine allows give a verdict.
import test from 'ava'
import { custom, type DirectiveOptions } from '../../daemon/units/directives/directive.ts'
import { type Abilities, NEEDS, type Need } from '../../daemon/units/directives/need.ts'
import { createDirectives } from '../../daemon/units/directives.ts'
import { isDemand, verdictOf } from '../../daemon/units/fidelity.ts'
import { unitsOf } from './_files.ts'

/** A machine that allows everything but what is given, with the reason. */
const machine = (forbidden: Partial<Record<Need, string>> = {}): Abilities =>
  Object.assign(Object.fromEntries(NEEDS.map(need => [need, null])), forbidden) as Abilities

const row = (options: DirectiveOptions) => custom('X', () => undefined as never, null, options)
const unit = unitsOf({ '/etc/units/a.service': '[Service]\nExecStart=/bin/true\n' }).get(
  'a.service',
)

const noAdmin = machine({
  'mount-namespace': 'no CAP_SYS_ADMIN',
  'ipc-namespace': 'no CAP_SYS_ADMIN',
})

const CASES: readonly [
  title: string,
  options: DirectiveOptions,
  abilities: Abilities,
  verdict: string,
  reason: string | null,
  value?: string,
][] = [
  ['nothing is needed', {}, noAdmin, 'enforced', null],
  ['what it needs is allowed', { needs: ['mount-namespace'] }, machine(), 'enforced', null],
  ['another need is forbidden', { needs: ['seccomp'], security: true }, noAdmin, 'enforced', null],
  ['its need is forbidden', { needs: ['mount-namespace'] }, noAdmin, 'ignored', 'no CAP_SYS_ADMIN'],
  [
    'its need is forbidden, for security',
    { needs: ['mount-namespace'], security: true },
    noAdmin,
    'weakened',
    'no CAP_SYS_ADMIN',
  ],
  [
    'a reason is told once',
    { needs: ['mount-namespace', 'ipc-namespace'] },
    noAdmin,
    'ignored',
    'no CAP_SYS_ADMIN',
  ],
  [
    'each reason is told',
    { needs: ['mount-namespace', 'seccomp'] },
    machine({ 'mount-namespace': 'no CAP_SYS_ADMIN', seccomp: 'the kernel does not have it' }),
    'ignored',
    'no CAP_SYS_ADMIN, the kernel does not have it',
  ],
  [
    'it is done otherwise',
    { needs: ['cgroup'], fallback: 'emulated', note: 'by the process table', security: true },
    machine({ cgroup: 'no cgroup' }),
    'emulated',
    'by the process table: no cgroup',
  ],
  [
    'it is done otherwise, but need not',
    { needs: ['cgroup'], fallback: 'emulated' },
    machine(),
    'enforced',
    null,
  ],
  [
    'the unit cannot do without it, mostly',
    { needs: ['setuid'], fallback: 'fails', note: 'unless it is lucky' },
    machine({ setuid: 'no CAP_SETUID' }),
    'unsupported',
    'the unit cannot start: no CAP_SETUID (unless it is lucky)',
  ],
  [
    'the unit cannot do without',
    { needs: ['setuid'], fallback: 'fails', security: true },
    machine({ setuid: 'no CAP_SETUID' }),
    'unsupported',
    'the unit cannot start: no CAP_SETUID',
  ],
  [
    'its needs hang on the unit',
    { needs: ({ id }) => (id === 'a.service' ? [] : ['mount-namespace']) },
    noAdmin,
    'enforced',
    null,
  ],
  [
    'it has no meaning',
    { status: 'inert', note: 'no login', security: true },
    noAdmin,
    'ignored',
    'no login',
  ],
  [
    'it is not carried out',
    { status: 'not-enforced' },
    machine(),
    'unsupported',
    'hearth does not carry it out',
  ],
  [
    'it is not carried out, for security',
    { status: 'not-enforced', security: true, note: 'no such thing' },
    machine(),
    'weakened',
    'no such thing',
  ],
  [
    'it is not carried out, and switched off',
    { status: 'not-enforced', security: true },
    machine(),
    'enforced',
    null,
    'no',
  ],
]

for (const [title, options, abilities, verdict, reason, value = 'yes'] of CASES)
  test(`the verdict where ${title} is ${verdict}`, t => {
    t.deepEqual(verdictOf(row(options), value, unit, abilities), { verdict, reason } as never)
  })

test('no verdict but enforced comes without a reason, whatever is forbidden', t => {
  const table = createDirectives()
  const nothing = machine(Object.fromEntries(NEEDS.map(need => [need, 'forbidden'])))
  for (const section of ['Unit', 'Service', 'Slice', 'X-Hearth'])
    for (const one of table.section(section))
      for (const abilities of [machine(), nothing]) {
        const { verdict, reason } = verdictOf(one, 'yes', unit, abilities)
        t.is(reason === null, verdict === 'enforced', one.name)
        // What is not looked at on a start is the same everywhere.
        if (!isDemand(one)) t.is(verdict, 'enforced', one.name)
      }
})

test('a unit keeps what hangs on the machine, the last value of each directive, unless it is taken back', t => {
  const units = unitsOf({
    '/etc/units/a.service':
      '[Service]\nExecStart=/bin/true\nPAMName=login\nLogNamespace=x\nLogNamespace=\n',
    '/etc/units/a.service.d/x.conf': '[Service]\nPAMName=su\n',
    '/etc/units/b.service': '[Service]\nExecStart=/bin/true\nRestart=always\n',
  })
  t.deepEqual(units.get('a.service').demands, { 'Service.PAMName': 'su' })
  t.is(units.get('b.service').demands, undefined)
})

test('the assignments of a unit are told with their places, those of other sections left out', t => {
  const units = unitsOf({
    '/etc/units/a.service':
      '[Unit]\nDescription=A\n[Timer]\nUnit=x\n[Service]\nExecStart=/bin/true\nMemoryLimit=1G\nFoo=1\n',
    '/etc/units/a.service.d/x.conf': '[Service]\nExecStart=\n',
  })
  t.deepEqual(
    units
      .assignments('a.service')
      .map(({ directive, written, value, place }) => [
        directive,
        written,
        value,
        `${place.file}:${place.line}`,
      ]),
    [
      ['Unit.Description', 'Description', 'A', '/etc/units/a.service:2'],
      ['Service.ExecStart', 'ExecStart', '/bin/true', '/etc/units/a.service:6'],
      ['Service.MemoryMax', 'MemoryLimit', '1G', '/etc/units/a.service:7'],
      ['Service.ExecStart', 'ExecStart', '', '/etc/units/a.service.d/x.conf:2'],
    ],
  )
})

test('[X-Hearth] Strict= says whether a unit starts less confined than its file says, --strict what it is without', t => {
  const files = {
    '/etc/units/a.service': '[Service]\nExecStart=/bin/true\n',
    '/etc/units/b.service': '[Service]\nExecStart=/bin/true\n[X-Hearth]\nStrict=yes\n',
    '/etc/units/c.service': '[Service]\nExecStart=/bin/true\n[X-Hearth]\nStrict=no\n',
  }
  const strictness = (units: ReturnType<typeof unitsOf>) =>
    ['a', 'b', 'c'].map(name => units.get(`${name}.service`).hearth.strict)
  t.deepEqual(strictness(unitsOf(files)), [false, true, false])
  t.deepEqual(strictness(unitsOf(files, { strict: true })), [true, true, false])
})
