// Transactions: what a wish pulls in, what contradicts it, and how cycles are broken.
import test from 'ava'
import { describeTransactionError } from '../../daemon/engine/describe-error.ts'
import { createGraph } from '../../daemon/engine/graph.ts'
import type { ActiveState, Job, JobType } from '../../daemon/engine/state.ts'
import { buildTransaction, type TransactionView } from '../../daemon/engine/transaction.ts'
import type { JobMode, Unit } from '../../daemon/units/unit.ts'
import { FakeUnits, unit } from '../simulation/units.ts'

type Situation = {
  units: Unit[]
  active?: string[]
  states?: Record<string, ActiveState>
  /** Pending jobs: `irreversible` after the type marks one. */
  jobs?: Record<string, string>
}

function view({ units, active = [], states = {}, jobs = {} }: Situation): TransactionView {
  const graph = createGraph(new FakeUnits(units))
  for (const { id } of units) graph.unit(id)
  return {
    graph,
    activeState: name => states[name] ?? (active.includes(name) ? 'active' : 'inactive'),
    jobOf(name) {
      const [type, mark] = jobs[name]?.split(' ') ?? []
      if (!type) return null
      const job: Job = {
        id: 1,
        type: type as JobType,
        unit: name,
        state: 'waiting',
        anchor: true,
        irreversible: mark === 'irreversible',
        ignoreOrder: false,
        deadlineUsec: null,
        requests: [],
      }
      return job
    },
    canReload: () => true,
    live: () => [...active, ...Object.keys(states), ...Object.keys(jobs)],
  }
}

/** The jobs that come of a wish, `type unit` each, sorted; or the refusal in words. */
function build(situation: Situation, type: JobType, name: string, mode: JobMode = 'replace') {
  const built = buildTransaction(view(situation), { type, unit: name, mode })
  return built.match(
    ({ jobs }) => jobs.map(job => `${job.type} ${job.unit}`).sort(),
    describeTransactionError,
  )
}

const notes = (situation: Situation, type: JobType, name: string) =>
  buildTransaction(view(situation), { type, unit: name, mode: 'replace' }).match(
    built => built.notes.map(note => note.message),
    () => [],
  )

test('a start pulls in what is required, bound to, wanted and upheld, and what those do', t => {
  const units = [
    unit('a.service', {
      requires: ['b.service'],
      bindsTo: ['c.service'],
      wants: ['d.service'],
      upholds: ['e.service'],
    }),
    ...['b', 'c', 'e', 'f'].map(name => unit(`${name}.service`)),
    unit('d.service', { requires: ['f.service'] }),
  ]
  t.deepEqual(build({ units }, 'start', 'a.service'), [
    'start a.service',
    'start b.service',
    'start c.service',
    'start d.service',
    'start e.service',
    'start f.service',
  ])
})

test('what is up already is not started again, but the unit asked for keeps its job', t => {
  const units = [unit('a.service', { requires: ['b.service'] }), unit('b.service')]
  t.deepEqual(build({ units, active: ['a.service', 'b.service'] }, 'start', 'a.service'), [
    'start a.service',
  ])
})

test('a requisite is checked, not started', t => {
  const units = [unit('a.service', { requisite: ['b.service'] }), unit('b.service')]
  t.deepEqual(build({ units }, 'start', 'a.service'), [
    'start a.service',
    'verify-active b.service',
  ])
})

test('a start stops what it conflicts with, whichever side says so', t => {
  const units = [
    unit('a.service', { conflicts: ['b.service'] }),
    unit('b.service'),
    unit('c.service', { conflicts: ['a.service'] }),
  ]
  const active = ['b.service', 'c.service']
  t.deepEqual(build({ units, active }, 'start', 'a.service'), [
    'start a.service',
    'stop b.service',
    'stop c.service',
  ])
})

test('a unit that is wanted and not there is passed over', t => {
  const units = [unit('a.service', { wants: ['x.service'] })]
  t.deepEqual(build({ units }, 'start', 'a.service'), ['start a.service'])
  t.deepEqual(notes({ units }, 'start', 'a.service'), [])
})

test('a unit that is required and not there refuses the start, and it is said who wanted it', t => {
  const units = [unit('web.service', { requires: ['db.service'] })]
  t.is(
    build({ units }, 'start', 'web.service'),
    'cannot start web.service: it requires db.service, which was not found',
  )
})

test('a unit that is asked for and not there is named', t => {
  t.is(
    build({ units: [] }, 'start', 'web.service'),
    'cannot find the unit web.service: no unit directory has a file for it',
  )
})

test('a masked unit is refused when it is required, passed over when it is wanted', t => {
  const masked = unit('x.service', { loadState: 'masked' })
  const wanting = [unit('a.service', { wants: ['x.service'] }), masked]
  t.deepEqual(build({ units: wanting }, 'start', 'a.service'), ['start a.service'])
  const requiring = [unit('a.service', { requires: ['x.service'] }), masked]
  t.regex(build({ units: requiring }, 'start', 'a.service') as string, /x\.service.*is masked/)
})

test('a unit with a bad setting is passed over with a warning when it is wanted', t => {
  const units = [
    unit('a.service', { wants: ['x.service'] }),
    unit('x.service', { loadState: 'bad-setting' }),
  ]
  t.deepEqual(build({ units }, 'start', 'a.service'), ['start a.service'])
  t.regex(notes({ units }, 'start', 'a.service')[0] ?? '', /x\.service/)
})

test('a wanted unit that lacks what it requires is not started, with a warning', t => {
  const units = [
    unit('a.target', { wants: ['b.service'] }),
    unit('b.service', { requires: ['x.service'], wants: ['c.service'] }),
    unit('c.service'),
  ]
  t.deepEqual(build({ units }, 'start', 'a.target'), ['start a.target'])
  t.is(notes({ units }, 'start', 'a.target').length, 1)
})

test('a stop takes down what requires, is bound to or part of the unit, and nothing that wants it', t => {
  const units = [
    unit('a.service'),
    unit('b.service', { requires: ['a.service'] }),
    unit('c.service', { bindsTo: ['a.service'] }),
    unit('d.service', { partOf: ['a.service'] }),
    unit('e.service', { wants: ['a.service'] }),
    unit('f.service', { requisite: ['a.service'] }),
    unit('g.service', { stopPropagatedFrom: ['a.service'] }),
  ]
  const active = units.map(one => one.id)
  t.deepEqual(build({ units, active }, 'stop', 'a.service'), [
    'stop a.service',
    'stop b.service',
    'stop c.service',
    'stop d.service',
    'stop f.service',
    'stop g.service',
  ])
})

test('a restart restarts those that are up and depend on the unit, and starts nobody else', t => {
  const units = [
    unit('a.service'),
    unit('b.service', { requires: ['a.service'] }),
    unit('c.service', { partOf: ['a.service'] }),
    unit('d.service', { requires: ['a.service'] }),
  ]
  const active = ['a.service', 'b.service', 'c.service']
  t.deepEqual(build({ units, active }, 'restart', 'a.service'), [
    'restart a.service',
    'restart b.service',
    'restart c.service',
  ])
})

test('a reload goes on to those that it is propagated to and that are up', t => {
  const units = [
    unit('a.service', { propagatesReloadTo: ['b.service', 'c.service'] }),
    unit('b.service'),
    unit('c.service'),
  ]
  t.deepEqual(build({ units, active: ['a.service', 'b.service'] }, 'reload', 'a.service'), [
    'reload a.service',
    'reload b.service',
  ])
})

test('a unit that is to be started and stopped at once refuses the transaction', t => {
  const units = [
    unit('a.service', { requires: ['b.service', 'c.service'] }),
    unit('b.service', { conflicts: ['c.service'] }),
    unit('c.service'),
  ]
  t.regex(build({ units }, 'start', 'a.service') as string, /^cannot start and stop .* at once/)
})

test('of two wanted units that conflict one is left out', t => {
  const units = [
    unit('a.target', { wants: ['b.service', 'c.service'] }),
    unit('b.service', { conflicts: ['c.service'] }),
    unit('c.service'),
  ]
  const jobs = build({ units }, 'start', 'a.target')
  t.deepEqual(jobs, ['start a.target', 'start b.service'])
})

test('an ordering cycle through a wanted unit is broken by leaving it out, and the whole cycle is named', t => {
  const units = [
    unit('a.service', { requires: ['b.service'], wants: ['c.service'], after: ['c.service'] }),
    unit('b.service', { after: ['a.service'] }),
    unit('c.service', { after: ['b.service'] }),
  ]
  t.deepEqual(build({ units }, 'start', 'a.service'), ['start a.service', 'start b.service'])
  const [note = ''] = notes({ units }, 'start', 'a.service')
  for (const name of ['a.service', 'b.service', 'c.service']) t.true(note.includes(name))
})

test('what hangs on the job that breaks a cycle goes with it', t => {
  const units = [
    unit('a.target', { wants: ['b.service'], after: ['b.service'] }),
    unit('b.service', { after: ['a.target'], requires: ['c.service'] }),
    unit('c.service'),
  ]
  t.deepEqual(build({ units }, 'start', 'a.target'), ['start a.target'])
})

test('an ordering cycle of what is required cannot be broken: the refusal names it', t => {
  const units = [
    unit('a.service', { requires: ['b.service'], after: ['b.service'] }),
    unit('b.service', { requires: ['c.service'], after: ['c.service'] }),
    unit('c.service', { after: ['a.service'] }),
  ]
  const refusal = build({ units }, 'start', 'a.service') as string
  t.regex(refusal, /^cannot order the jobs: .* is a cycle/)
  for (const name of ['a.service', 'b.service', 'c.service']) t.true(refusal.includes(name))
})

test('a cycle through a job that is pending already is found as well', t => {
  const units = [
    unit('a.service', { after: ['b.service'] }),
    unit('b.service', { after: ['a.service'] }),
  ]
  t.regex(
    build({ units, jobs: { 'b.service': 'start' } }, 'start', 'a.service') as string,
    /is a cycle/,
  )
})

test('two units that are ordered both ways stop each other from nothing when one is up', t => {
  const units = [
    unit('a.service', { requires: ['b.service'], after: ['b.service'] }),
    unit('b.service', { after: ['a.service'] }),
  ]
  t.deepEqual(build({ units, active: ['b.service'] }, 'start', 'a.service'), ['start a.service'])
})

test('mode fail refuses to reverse a pending job', t => {
  const units = [unit('a.service')]
  const jobs = { 'a.service': 'stop' }
  t.regex(build({ units, jobs }, 'start', 'a.service', 'fail') as string, /its stop job is pending/)
  t.deepEqual(build({ units, jobs }, 'start', 'a.service', 'replace'), ['start a.service'])
})

test('mode fail leaves out what nobody needs and what would stop a running unit', t => {
  const units = [
    unit('a.service', { wants: ['b.service'] }),
    unit('b.service', { conflicts: ['c.service'] }),
    unit('c.service'),
  ]
  const situation = { units, active: ['c.service'] }
  t.deepEqual(build(situation, 'start', 'a.service', 'fail'), ['start a.service'])
  t.deepEqual(build(situation, 'start', 'a.service'), [
    'start a.service',
    'start b.service',
    'stop c.service',
  ])
})

test('an irreversible job is not reversed by any mode', t => {
  const units = [unit('a.service')]
  const jobs = { 'a.service': 'stop irreversible' }
  t.regex(build({ units, jobs }, 'start', 'a.service') as string, /may not be replaced/)
})

test('mode replace-irreversibly marks all its jobs', t => {
  const units = [unit('a.service', { requires: ['b.service'] }), unit('b.service')]
  const built = buildTransaction(view({ units }), {
    type: 'start',
    unit: 'a.service',
    mode: 'replace-irreversibly',
  })
  t.deepEqual(
    built._unsafeUnwrap().jobs.map(job => job.irreversible),
    [true, true],
  )
})

test('modes ignore-requirements and ignore-dependencies pull in nothing', t => {
  const units = [unit('a.service', { requires: ['b.service'] }), unit('b.service')]
  t.deepEqual(build({ units }, 'start', 'a.service', 'ignore-requirements'), ['start a.service'])
  t.deepEqual(build({ units }, 'start', 'a.service', 'ignore-dependencies'), ['start a.service'])
})

test('mode isolate stops what is not pulled in, but what ignores it', t => {
  const units = [
    unit('a.target', { requires: ['b.service'], unit: { allowIsolate: true } }),
    unit('b.service'),
    unit('c.service'),
    unit('d.service', { unit: { ignoreOnIsolate: true } }),
  ]
  const active = ['b.service', 'c.service', 'd.service']
  t.deepEqual(build({ units, active }, 'start', 'a.target', 'isolate'), [
    'start a.target',
    'stop c.service',
  ])
})

test('only a unit with AllowIsolate= can be isolated, and only by a start', t => {
  const units = [unit('a.target'), unit('b.target', { unit: { allowIsolate: true } })]
  t.regex(build({ units }, 'start', 'a.target', 'isolate') as string, /AllowIsolate=yes/)
  t.regex(build({ units }, 'stop', 'b.target', 'isolate') as string, /does not apply/)
})

test('mode restart-dependencies restarts those that depend on what is started', t => {
  const units = [unit('a.service'), unit('b.service', { requires: ['a.service'] })]
  t.deepEqual(
    build({ units, active: ['b.service'] }, 'start', 'a.service', 'restart-dependencies'),
    ['restart b.service', 'start a.service'],
  )
})

test('try-restart and try-reload of a unit that is down come to nothing', t => {
  const units = [unit('a.service')]
  t.deepEqual(build({ units }, 'try-restart', 'a.service'), [])
  t.deepEqual(build({ units }, 'try-reload', 'a.service'), [])
  t.deepEqual(build({ units, active: ['a.service'] }, 'try-restart', 'a.service'), [
    'restart a.service',
  ])
})

test('a job that conflicts with a pending one is kept though its unit is there already', t => {
  const units = [unit('a.service', { requires: ['b.service'] }), unit('b.service')]
  const situation = { units, active: ['b.service'], jobs: { 'b.service': 'stop' } }
  t.deepEqual(build(situation, 'start', 'a.service'), ['start a.service', 'start b.service'])
})

test('a chain of five thousand units is one transaction', t => {
  const count = 5000
  const units = Array.from({ length: count }, (_, i) =>
    unit(
      `u${i}.service`,
      i ? { requires: [`u${i - 1}.service`], after: [`u${i - 1}.service`] } : {},
    ),
  )
  t.is(build({ units }, 'start', `u${count - 1}.service`).length, count)
})
