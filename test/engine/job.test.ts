// Jobs: merging, collapsing, redundancy and order (the tables of systemd's job.c).
import test from 'ava'
import {
  areConflicting,
  collapseJobType,
  isRedundant,
  isSuperset,
  mergeAndCollapse,
  mergeJobTypes,
  waitsFor,
} from '../../daemon/engine/job.ts'
import type { ActiveState, JobType } from '../../daemon/engine/state.ts'

const TYPES = ['start', 'verify-active', 'stop', 'reload', 'restart'] as const
const STATES: ActiveState[] = [
  'active',
  'reloading',
  'inactive',
  'failed',
  'activating',
  'deactivating',
]

test('two jobs for one unit make one, or contradict each other', t => {
  const table = TYPES.map(a => TYPES.map(b => mergeJobTypes(a, b) ?? '-').join(' '))
  t.deepEqual(table, [
    'start start - reload-or-start restart',
    'start verify-active - reload restart',
    '- - stop - -',
    'reload-or-start reload - reload restart',
    'restart restart - restart restart',
  ])
})

test('merging is commutative', t => {
  for (const a of TYPES) for (const b of TYPES) t.is(mergeJobTypes(a, b), mergeJobTypes(b, a))
})

test('merging three jobs does not depend on the order, whatever state the unit is in', t => {
  for (const active of STATES) {
    const merge = (a: JobType | null, b: JobType | null) =>
      a && b ? mergeAndCollapse(a, b, active) : null
    for (const a of TYPES)
      for (const b of TYPES)
        for (const c of TYPES) t.is(merge(merge(a, b), c), merge(a, merge(b, c)))
  }
})

test('a stop contradicts everything but a stop', t => {
  for (const type of TYPES) t.is(areConflicting('stop', type), type !== 'stop')
})

test('a conditional job is nothing to do when the unit is down', t => {
  t.deepEqual(
    STATES.map(active => collapseJobType('try-restart', active)),
    ['restart', 'restart', 'nop', 'nop', 'nop', 'nop'],
  )
  t.deepEqual(
    STATES.map(active => collapseJobType('try-reload', active)),
    ['reload', 'reload', 'nop', 'nop', 'nop', 'nop'],
  )
  t.deepEqual(
    STATES.map(active => collapseJobType('reload-or-start', active)),
    ['reload', 'reload', 'start', 'start', 'start', 'start'],
  )
})

test('a job is redundant when its unit is there already', t => {
  const redundant = (type: JobType) => STATES.filter(active => isRedundant(type, active))
  t.deepEqual(redundant('start'), ['active', 'reloading'])
  t.deepEqual(redundant('verify-active'), ['active', 'reloading'])
  t.deepEqual(redundant('stop'), ['inactive', 'failed'])
  t.deepEqual(redundant('reload'), ['reloading'])
  t.deepEqual(redundant('restart'), ['activating'])
})

test('a restart does what a start does, and not the other way round', t => {
  t.true(isSuperset('restart', 'start'))
  t.false(isSuperset('start', 'restart'))
  t.true(isSuperset('start', 'verify-active'))
})

test('starts follow the order, stops go against it, and a stop goes before a start', t => {
  // b.service has After=a.service: does the job of the row (a or b) wait for the one of the column (the other)?
  const job = (type: JobType) => ({ type, ignoreOrder: false })
  const kinds: JobType[] = ['start', 'stop', 'restart', 'reload']
  const b = kinds.map(mine => kinds.map(other => waitsFor(job(mine), job(other), 'after')))
  const a = kinds.map(mine => kinds.map(other => waitsFor(job(mine), job(other), 'before')))
  t.deepEqual(b, [
    [true, true, true, true],
    [false, false, false, false],
    [false, false, false, false],
    [true, true, true, true],
  ])
  t.deepEqual(
    a,
    kinds.map(() => [false, true, true, false]),
  )
})

test('of two ordered jobs at most one waits for the other', t => {
  for (const mine of TYPES)
    for (const other of TYPES) {
      const [b, a] = [mine, other].map(type => ({ type, ignoreOrder: false }))
      if (a && b) t.false(waitsFor(b, a, 'after') && waitsFor(a, b, 'before'))
    }
})

test('a job that ignores the order waits for nobody, and nobody for it', t => {
  const free = { type: 'start', ignoreOrder: true } as const
  const bound = { type: 'start', ignoreOrder: false } as const
  t.false(waitsFor(free, bound, 'after'))
  t.false(waitsFor(bound, free, 'after'))
})
