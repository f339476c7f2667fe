// The manager: how jobs run, end, wait for each other and are answered.
import test from 'ava'
import { unit } from '../simulation/units.ts'
import { ends, LIVES, SECOND, world } from '../simulation/world.ts'

const service = unit

test('a start is accepted with a job, and the job is done when the unit is up', t => {
  const w = world([service('web.service')])
  const request = w.ask('start', 'web.service')
  t.is(w.answer(request), 'done')
  t.deepEqual(w.actives('web.service'), ['active'])
  t.deepEqual(w.results('web.service'), ['start done'])
  t.is(w.engine.state.jobs.size, 0)
})

test('a job is answered before it is finished', t => {
  const w = world([service('web.service')])
  w.start('web.service')
  const order = w.history.flatMap(({ type }) => (type.startsWith('job-') ? [type] : []))
  t.deepEqual(order, ['job-accepted', 'job-finished'])
})

test('a unit knows who has asked for its start, and for whose sake', t => {
  const w = world([unit('web.service', { requires: ['db.service'] }), unit('db.service', {})])
  const ask = { type: 'job-requested', job: 'start', mode: 'replace', manual: true } as const
  w.post({ ...ask, request: 1, unit: 'web.service', by: 'root (process 7)' })
  const by = (name: string) => w.engine.state.units.get(name)?.startedBy
  t.is(by('web.service'), 'root (process 7)')
  t.is(by('db.service'), 'root (process 7), as a dependency of web.service')
})

test('the boot is over when the first jobs are', t => {
  const w = world(
    [
      unit('default.target', { wants: ['web.service'], after: ['web.service'] }),
      service('web.service', { service: { type: 'notify' } }),
    ],
    { behave: () => ({ ...LIVES, readyUsec: SECOND }) },
  )
  t.is(w.engine.state.manager.phase, 'starting')
  w.start('default.target')
  t.is(w.engine.state.manager.phase, 'starting')
  w.pass(SECOND)
  t.is(w.engine.state.manager.phase, 'running')
})

test('a unit starts when those it is ordered after are up, and not before', t => {
  const w = world(
    [
      service('a.service', { service: { type: 'notify' } }),
      service('b.service', { wants: ['a.service'], after: ['a.service'] }),
    ],
    { behave: () => ({ ...LIVES, readyUsec: SECOND }) },
  )
  w.start('b.service')
  t.deepEqual([w.job('a.service'), w.job('b.service')], ['start running', 'start waiting'])
  w.pass(SECOND)
  t.deepEqual(w.begun, ['a.service', 'b.service'])
  t.deepEqual(w.actives('a.service', 'b.service'), ['active', 'active'])
})

test('units that are not ordered start at once', t => {
  const w = world(
    [
      service('a.service', { service: { type: 'notify' } }),
      service('b.service', { requires: ['a.service'] }),
    ],
    { behave: () => ({ ...LIVES, readyUsec: SECOND }) },
  )
  w.start('b.service')
  t.deepEqual(w.begun.toSorted(), ['a.service', 'b.service'])
})

test('ordering goes against stopping: what is ordered later stops first', t => {
  const slow = { ...LIVES, obeysUsec: SECOND }
  const w = world(
    [service('a.service'), service('b.service', { requires: ['a.service'], after: ['a.service'] })],
    { behave: () => slow },
  )
  w.start('b.service').stop('a.service')
  t.deepEqual(w.actives('a.service', 'b.service'), ['active', 'deactivating'])
  w.pass(SECOND)
  t.deepEqual(w.actives('a.service', 'b.service'), ['deactivating', 'inactive'])
  w.pass(SECOND)
  t.deepEqual(w.actives('a.service', 'b.service'), ['inactive', 'inactive'])
})

test('a start waits for the stop of a unit it is ordered after', t => {
  const w = world(
    [
      service('old.service'),
      service('new.service', { conflicts: ['old.service'], after: ['old.service'] }),
    ],
    { behave: () => ({ ...LIVES, obeysUsec: SECOND }) },
  )
  w.start('old.service').start('new.service')
  t.deepEqual(w.actives('old.service', 'new.service'), ['deactivating', 'inactive'])
  w.pass(SECOND)
  t.deepEqual(w.actives('old.service', 'new.service'), ['inactive', 'active'])
})

test('a start of what is up is done at once', t => {
  const w = world([service('web.service')])
  w.start('web.service')
  t.is(w.answer(w.ask('start', 'web.service')), 'done')
  t.deepEqual(w.begun, ['web.service'])
})

test('several requests wait for one job', t => {
  const w = world([service('web.service', { service: { type: 'notify' } })], {
    behave: () => ({ ...LIVES, readyUsec: SECOND }),
  })
  const requests = [w.ask('start', 'web.service'), w.ask('start', 'web.service')]
  t.is(w.engine.state.jobs.size, 1)
  t.deepEqual(
    requests.map(request => w.answer(request)),
    ['pending', 'pending'],
  )
  w.pass(SECOND)
  t.deepEqual(
    requests.map(request => w.answer(request)),
    ['done', 'done'],
  )
  t.deepEqual(w.results('web.service'), ['start done'])
})

test('a stop cancels a start that is under way, and the other way round', t => {
  const w = world([service('web.service', { service: { type: 'notify' } })], {
    behave: () => ({ ...LIVES, readyUsec: null, obeysUsec: SECOND }),
  })
  const start = w.ask('start', 'web.service')
  const stop = w.ask('stop', 'web.service')
  t.deepEqual([w.answer(start), w.answer(stop)], ['canceled', 'pending'])
  const again = w.ask('start', 'web.service')
  t.is(w.answer(stop), 'canceled')
  t.is(w.job('web.service'), 'start waiting')
  w.pass(SECOND)
  t.is(w.answer(again), 'pending')
  t.is(w.sub('web.service'), 'start')
})

test('a restart is one job: a stop, then a start', t => {
  const w = world([service('web.service')], { behave: () => ({ ...LIVES, obeysUsec: SECOND }) })
  w.start('web.service')
  const before = w.main('web.service')
  const request = w.ask('restart', 'web.service')
  t.is(w.job('web.service'), 'restart running')
  w.pass(SECOND)
  t.is(w.answer(request), 'done')
  t.not(w.main('web.service'), before)
})

test('a restart of a unit that is down starts it; try-restart leaves it down', t => {
  const w = world([service('a.service'), service('b.service')])
  t.is(w.answer(w.ask('restart', 'a.service')), 'done')
  t.is(w.answer(w.ask('try-restart', 'b.service')), 'done')
  t.deepEqual(w.actives('a.service', 'b.service'), ['active', 'inactive'])
})

test('a restart takes down and brings back, in order, what requires the unit', t => {
  const w = world([
    service('a.service'),
    service('b.service', { requires: ['a.service'], after: ['a.service'] }),
  ])
  w.start('b.service').restart('a.service').pass()
  t.deepEqual(w.begun, ['a.service', 'b.service', 'a.service', 'b.service'])
  t.deepEqual(w.actives('a.service', 'b.service'), ['active', 'active'])
})

test('a reload runs ExecReload=; without one it is refused, and reload-or-restart restarts', t => {
  const w = world([
    service('a.service', { service: { execReload: [{ ...cmd, path: '/bin/hup' }] } }),
    service('b.service'),
  ])
  w.start('a.service').start('b.service')
  const reload = w.ask('reload', 'a.service')
  t.is(w.answer(reload), 'pending')
  w.pass()
  t.is(w.answer(reload), 'done')
  t.is(w.answer(w.ask('reload', 'b.service')), 'job-not-applicable')
  const before = w.main('b.service')
  const request = w.ask('reload-or-start', 'b.service')
  w.pass()
  t.is(w.answer(request), 'done')
  t.not(w.main('b.service'), before)
})

const cmd = {
  path: '',
  argv: ['x'],
  ignoreFailure: false,
  noExpand: false,
  privilege: 'none',
} as const

test('a reload that a service begins by itself is passed on to those that are up and can reload', t => {
  const reloads = { service: { execReload: [cmd] } }
  const names = ['b.service', 'down.service', 'plain.service'] as const
  const w = world([
    unit('a.service', { service: { type: 'notify' }, propagatesReloadTo: names }),
    unit('b.service', reloads),
    unit('down.service', reloads),
    unit('plain.service'),
  ])
  w.start('a.service').start('b.service').start('plain.service').pass()
  const told = { type: 'notify', unit: 'a.service', pid: w.main('a.service') ?? 0 } as const
  w.post({ ...told, fields: { RELOADING: '1' } })
  w.pass()
  t.is(w.sub('a.service'), 'reload-notify')
  t.deepEqual(w.results('b.service'), ['start done', 'reload done'])
  t.deepEqual(w.results('down.service'), [])
  t.deepEqual(w.results('plain.service'), ['start done'])
  w.post({ ...told, fields: { READY: '1' } })
  t.is(w.begun.filter(name => name === 'b.service reload').length, 1)
})

test('a reload that fails fails its job and leaves the service up', t => {
  const w = world([service('a.service', { service: { execReload: [cmd] } })], {
    behave: ({ exec }) => (exec === 'reload' ? ends(1) : LIVES),
  })
  w.start('a.service')
  const request = w.ask('reload', 'a.service')
  w.pass()
  t.is(w.answer(request), 'failed')
  t.is(w.active('a.service'), 'active')
})

test('a reload of what is down is invalid', t => {
  const w = world([service('a.service', { service: { execReload: [cmd] } })])
  t.is(w.answer(w.ask('reload', 'a.service')), 'invalid')
})

test('a reload asked for during a reload runs after it', t => {
  const w = world([service('a.service', { service: { execReload: [cmd] } })], {
    behave: ({ exec }) => (exec === 'reload' ? ends(0, SECOND) : LIVES),
  })
  w.start('a.service')
  const first = w.ask('reload', 'a.service')
  const second = w.ask('reload', 'a.service')
  w.pass(2 * SECOND)
  t.deepEqual([w.answer(first), w.answer(second)], ['done', 'done'])
  t.is(w.begun.filter(name => name === 'a.service reload').length, 2)
})

test('a start that fails says so, and so do the jobs of those that require it', t => {
  const w = world(
    [
      service('db.service', { service: { type: 'exec' } }),
      service('web.service', { requires: ['db.service'], after: ['db.service'] }),
      service('app.service', { wants: ['db.service'], after: ['db.service'] }),
    ],
    { behave: ({ unit }) => (unit === 'db.service' ? { ...LIVES, isMissing: true } : LIVES) },
  )
  const web = w.ask('start', 'web.service')
  t.is(w.answer(web), 'dependency')
  t.deepEqual(w.results('db.service'), ['start failed'])
  t.is(w.active('web.service'), 'inactive')
  t.is(w.answer(w.ask('start', 'app.service')), 'done')
  t.is(w.active('db.service'), 'failed')
})

test('a failure goes on along the chain of requirements', t => {
  const w = world(
    [
      service('a.service', { service: { type: 'oneshot' } }),
      service('b.service', { requires: ['a.service'], after: ['a.service'] }),
      service('c.service', { requires: ['b.service'], after: ['b.service'] }),
    ],
    { behave: () => ends(1) },
  )
  const request = w.ask('start', 'c.service')
  w.pass()
  t.is(w.answer(request), 'dependency')
  t.deepEqual(w.results('b.service'), ['start dependency'])
})

test('a oneshot is done when it has ended, and what is ordered after it waits for that', t => {
  const w = world(
    [
      service('setup.service', { service: { type: 'oneshot' } }),
      service('web.service', { requires: ['setup.service'], after: ['setup.service'] }),
    ],
    { behave: ({ unit }) => (unit === 'setup.service' ? ends(0, SECOND) : LIVES) },
  )
  w.start('web.service')
  t.is(w.job('web.service'), 'start waiting')
  w.pass(SECOND)
  t.deepEqual(w.actives('setup.service', 'web.service'), ['inactive', 'active'])
})

test('a requisite that is down fails the start, one that is up lets it go on', t => {
  const w = world([
    service('a.service', { requisite: ['b.service'], after: ['b.service'] }),
    service('b.service'),
  ])
  t.is(w.answer(w.ask('start', 'a.service')), 'dependency')
  t.is(w.active('b.service'), 'inactive')
  w.start('b.service')
  t.is(w.answer(w.ask('start', 'a.service')), 'done')
})

test('a unit that is bound to one that is not active is not started', t => {
  const w = world(
    [
      service('a.service', { bindsTo: ['b.service'], after: ['b.service'] }),
      service('b.service', { service: { type: 'oneshot' } }),
    ],
    { behave: () => ends(0) },
  )
  const request = w.ask('start', 'a.service')
  w.pass()
  t.is(w.answer(request), 'dependency')
})

test('canceling a job answers it and fails those that waited for it', t => {
  const w = world(
    [
      service('a.service', { service: { type: 'notify' } }),
      service('b.service', { requires: ['a.service'], after: ['a.service'] }),
    ],
    { behave: () => ({ ...LIVES, readyUsec: null }) },
  )
  const request = w.ask('start', 'b.service')
  const id = w.stateOf('a.service').job ?? 0
  w.post({ type: 'job-cancelled', job: id })
  t.deepEqual(w.results('a.service'), ['start canceled'])
  t.is(w.answer(request), 'dependency')
  t.is(w.active('a.service'), 'activating')
})

test('a start that was canceled while the unit goes on starting is done when asked for again', t => {
  const w = world([service('a.service', { service: { type: 'notify' } })], {
    behave: () => ({ ...LIVES, readyUsec: SECOND }),
  })
  w.start('a.service')
  w.post({ type: 'job-cancelled', job: w.stateOf('a.service').job ?? 0 })
  const again = w.ask('start', 'a.service')
  w.pass(SECOND)
  t.is(w.answer(again), 'done')
  t.deepEqual(w.begun, ['a.service'])
})

test('mode ignore-dependencies starts the unit alone and at once', t => {
  const w = world(
    [
      service('a.service', { service: { type: 'notify' } }),
      service('b.service', { requires: ['a.service'], after: ['a.service'] }),
    ],
    { behave: () => ({ ...LIVES, readyUsec: null }) },
  )
  w.start('a.service')
  w.start('b.service', 'ignore-dependencies')
  t.is(w.active('b.service'), 'active')
})

test('mode flush cancels all jobs that are not part of it', t => {
  const w = world([service('a.service', { service: { type: 'notify' } }), service('b.service')], {
    behave: ({ unit }) => ({ ...LIVES, readyUsec: unit === 'a.service' ? null : 0 }),
  })
  const a = w.ask('start', 'a.service')
  w.start('b.service', 'flush')
  t.is(w.answer(a), 'canceled')
  t.is(w.active('b.service'), 'active')
})

test('isolating a target stops all the rest', t => {
  const w = world([
    unit('rescue.target', { requires: ['a.service'], unit: { allowIsolate: true } }),
    service('a.service'),
    service('b.service'),
    service('c.service', { unit: { ignoreOnIsolate: true } }),
  ])
  w.start('b.service').start('c.service').start('rescue.target', 'isolate').pass()
  t.deepEqual(w.actives('rescue.target', 'a.service', 'b.service', 'c.service'), [
    'active',
    'active',
    'inactive',
    'active',
  ])
})

test('a unit that may not be started or stopped by hand still is by a dependency', t => {
  const w = world([
    service('a.service', { requires: ['b.service'] }),
    service('b.service', { unit: { refuseManualStart: true, refuseManualStop: true } }),
  ])
  t.is(w.answer(w.ask('start', 'b.service')), 'refused-manual')
  t.is(w.answer(w.ask('start', 'a.service')), 'done')
  t.is(w.active('b.service'), 'active')
  t.is(w.answer(w.ask('stop', 'b.service')), 'refused-manual')
})

test('stopping what does not exist is refused', t => {
  const w = world([])
  t.is(w.answer(w.ask('stop', 'nope.service')), 'unit-not-found')
  t.is(w.answer(w.ask('start', 'nope.service')), 'unit-not-found')
})

test('a job that waits longer than JobTimeoutSec= times out', t => {
  const w = world(
    [
      service('a.service', { service: { type: 'notify', timeoutStartUsec: 100 * SECOND } }),
      service('b.service', {
        requires: ['a.service'],
        after: ['a.service'],
        unit: { jobTimeoutUsec: 5 * SECOND },
      }),
    ],
    { behave: () => ({ ...LIVES, readyUsec: null }) },
  )
  const request = w.ask('start', 'b.service')
  w.pass(4 * SECOND)
  t.is(w.answer(request), 'pending')
  w.pass(SECOND)
  t.is(w.answer(request), 'timeout')
})

test('JobRunningTimeoutSec= counts from when the job runs', t => {
  const w = world(
    [
      service('a.service', { service: { type: 'notify' } }),
      service('b.service', {
        service: { type: 'notify' },
        after: ['a.service'],
        requires: ['a.service'],
        unit: { jobRunningTimeoutUsec: 5 * SECOND },
      }),
    ],
    { behave: ({ unit }) => ({ ...LIVES, readyUsec: unit === 'a.service' ? 10 * SECOND : null }) },
  )
  const request = w.ask('start', 'b.service')
  w.pass(14 * SECOND)
  t.is(w.answer(request), 'pending')
  w.pass(SECOND)
  t.is(w.answer(request), 'timeout')
})

test('types that are there as they are come up when started', t => {
  const w = world([
    unit('data.mount'),
    unit('system.slice'),
    unit('data.automount', { requires: ['data.mount'], after: ['data.mount'] }),
    service('web.service', { requires: ['data.automount', 'system.slice'] }),
  ])
  w.present.add('data.mount')
  t.is(w.answer(w.ask('start', 'web.service')), 'done')
  t.deepEqual([w.sub('data.mount'), w.sub('system.slice')], ['mounted', 'active'])
  t.is(w.sub('data.automount'), 'running')
})

test('stamps tell when the unit was started, came up, went down', t => {
  const w = world([service('a.service', { service: { type: 'notify' } })], {
    behave: () => ({ ...LIVES, readyUsec: SECOND, obeysUsec: SECOND }),
  })
  const at = w.monotonicUsec
  w.start('a.service').pass(3 * SECOND)
  w.stop('a.service').pass(5 * SECOND)
  const { inactiveExit, activeEnter, activeExit, inactiveEnter, stateChange } =
    w.stateOf('a.service')
  const since = [inactiveExit, activeEnter, activeExit, inactiveEnter, stateChange].map(
    stamp => (stamp.monotonicUsec - at) / SECOND,
  )
  t.deepEqual(since, [0, 1, 3, 4, 4])
})

test('a step changes nothing until it is committed', t => {
  const w = world([service('a.service')])
  const { engine } = w
  const before = JSON.stringify([
    engine.state.manager,
    [...engine.state.units],
    [...engine.state.jobs],
  ])
  const event = {
    type: 'job-requested',
    request: 9,
    job: 'start',
    unit: 'a.service',
    mode: 'replace',
    manual: true,
  } as const
  const first = engine.step(event, w.now)
  const second = engine.step(event, w.now)
  t.deepEqual(first, second)
  const after = JSON.stringify([
    engine.state.manager,
    [...engine.state.units],
    [...engine.state.jobs],
  ])
  t.is(after, before)
  engine.commit(first.changes)
  t.is(engine.state.jobs.size, 1)
})

test('the environment of the manager takes assignments and lets them go', t => {
  const w = world([])
  w.post({ type: 'environment-changed', set: ['A=1', 'B=2', 'C=3'], unset: [] })
  w.post({ type: 'environment-changed', set: ['A=4'], unset: ['B', 'C=0'] })
  t.deepEqual(w.engine.state.manager.environment, ['C=3', 'A=4'])
})
