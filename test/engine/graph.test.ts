// The graph: what units state, the inverse of it, and what a reload changes.
import test from 'ava'
import { createGraph, RELATIONS, relationProperty } from '../../daemon/engine/graph.ts'
import { FakeUnits, unit } from '../simulation/units.ts'

const graphOf = (...units: ReturnType<typeof unit>[]) => createGraph(new FakeUnits(units))

test('every dependency has its inverse', t => {
  const pairs = [
    ['requires', 'requiredBy'],
    ['requisite', 'requisiteOf'],
    ['wants', 'wantedBy'],
    ['bindsTo', 'boundBy'],
    ['partOf', 'consistsOf'],
    ['upholds', 'upheldBy'],
    ['conflicts', 'conflictedBy'],
    ['before', 'after'],
    ['after', 'before'],
    ['onFailure', 'onFailureOf'],
    ['onSuccess', 'onSuccessOf'],
    ['propagatesReloadTo', 'reloadPropagatedFrom'],
    ['reloadPropagatedFrom', 'propagatesReloadTo'],
    ['propagatesStopTo', 'stopPropagatedFrom'],
    ['stopPropagatedFrom', 'propagatesStopTo'],
    ['triggers', 'triggeredBy'],
  ] as const
  for (const [kind, inverse] of pairs) {
    const graph = graphOf(unit('a.service', { [kind]: ['b.service'] }), unit('b.service'))
    graph.unit('a.service')
    t.deepEqual(graph.related('a.service', kind), ['b.service'], kind)
    t.deepEqual(graph.related('b.service', inverse), ['a.service'], inverse)
  }
})

test('a dependency that both sides state is there once', t => {
  const graph = graphOf(
    unit('a.service', { before: ['b.service'] }),
    unit('b.service', { after: ['a.service'] }),
  )
  t.deepEqual(graph.related('b.service', 'after'), ['a.service'])
  t.deepEqual(graph.related('a.service', 'before'), ['b.service'])
})

test('a unit does not depend on itself', t => {
  const graph = graphOf(
    unit('a.service', { after: ['a.service'], names: ['a.service', 'x.service'] }),
  )
  t.deepEqual(graph.related('a.service', 'after'), [])
})

test('loading a unit loads all that it names, and no more', t => {
  const units = new FakeUnits([
    unit('a.service', { wants: ['b.service'] }),
    unit('b.service', { after: ['c.service'] }),
    unit('c.service'),
    unit('d.service', { partOf: ['a.service'] }),
  ])
  const graph = createGraph(units)
  graph.unit('a.service')
  t.deepEqual([...units.loaded()].map(one => one.id).sort(), [
    'a.service',
    'b.service',
    'c.service',
  ])
  t.deepEqual(graph.related('a.service', 'consistsOf'), [])
  graph.unit('d.service')
  t.deepEqual(graph.related('a.service', 'consistsOf'), ['d.service'])
})

test('an alias stands for its unit', t => {
  const graph = graphOf(
    unit('a.service', { requires: ['database.service'] }),
    unit('postgres.service', { names: ['postgres.service', 'database.service'] }),
  )
  t.deepEqual(graph.related('a.service', 'requires'), ['postgres.service'])
  t.deepEqual(graph.related('database.service', 'requiredBy'), ['a.service'])
})

test('a target comes after what it pulls in', t => {
  const settings = { unit: { defaultDependencies: true } }
  const graph = graphOf(
    unit('x.target', {
      wants: ['a.service', 'b.service', 'c.service'],
      before: ['b.service'],
      ...settings,
    }),
    unit('a.service', settings),
    unit('b.service', settings),
    unit('c.service'),
  )
  graph.unit('x.target')
  // Not after b.service, which is ordered the other way, nor after c.service, which has no DefaultDependencies=.
  t.deepEqual(graph.related('x.target', 'after'), ['a.service'])
  t.deepEqual(graph.related('a.service', 'before'), ['x.target'])
})

test('a reload reads dependencies anew', t => {
  const units = new FakeUnits([unit('a.service', { after: ['b.service'] }), unit('b.service')])
  const graph = createGraph(units)
  graph.unit('a.service')
  units.set(unit('a.service', { requires: ['c.service'] }))
  units.reload()
  graph.reload(() => false)
  t.deepEqual(graph.related('a.service', 'after'), [])
  t.deepEqual(graph.related('c.service', 'requiredBy'), ['a.service'])
})

test('a unit that runs and whose file is gone is kept as it was until it is down', t => {
  const units = new FakeUnits([unit('a.service', { bindsTo: ['b.service'] }), unit('b.service')])
  const graph = createGraph(units)
  graph.unit('a.service')
  units.remove('a.service')
  units.reload()
  graph.reload(name => name === 'a.service')
  t.is(graph.unit('a.service').loadState, 'loaded')
  t.is(graph.current('a.service').loadState, 'not-found')
  t.deepEqual(graph.related('b.service', 'boundBy'), ['a.service'])
  graph.release('a.service')
  t.is(graph.unit('a.service').loadState, 'not-found')
})

test('a unit that runs and whose file was broken goes on by what it was started with', t => {
  const units = new FakeUnits([unit('a.service')])
  const graph = createGraph(units)
  const before = graph.unit('a.service')
  units.set(unit('a.service', { loadState: 'bad-setting' }))
  units.reload()
  graph.reload(() => true)
  t.is(graph.unit('a.service'), before)
})

test('relations have the names of systemctl show', t => {
  t.deepEqual(
    (['requires', 'requiredBy', 'consistsOf', 'onFailureOf', 'before'] as const).map(
      relationProperty,
    ),
    ['Requires', 'RequiredBy', 'ConsistsOf', 'OnFailureOf', 'Before'],
  )
  t.is(new Set(RELATIONS).size, RELATIONS.length)
})
