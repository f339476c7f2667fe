// A dependency that recovers brings back what waited for it.
import test from 'ava'
import { unit } from '../simulation/units.ts'
import { type Behaviour, ends, LIVES, SECOND, world } from '../simulation/world.ts'

/** db.service fails its first `failures` starts; web.service needs it. */
function stack(failures: number, given: Parameters<typeof unit>[1] = {}) {
  const broken: Behaviour = { ...LIVES, isMissing: true }
  return world(
    [
      unit('db.service', {
        service: { type: 'exec', restart: 'on-failure', restartUsec: SECOND },
      }),
      unit('web.service', { requires: ['db.service'], after: ['db.service'], ...given }),
    ],
    {
      behave: ({ unit: name, run }) => (name === 'db.service' && run <= failures ? broken : LIVES),
    },
  )
}

test('the start of what failed is told at once, the start of what needs it is held', t => {
  const w = stack(2)
  const web = w.ask('start', 'web.service')
  t.deepEqual(w.results('db.service'), ['start failed'])
  t.is(w.answer(web), 'pending')
  t.is(w.job('web.service'), 'start waiting')
})

test('what was held starts when the dependency is up', t => {
  const w = stack(2)
  const web = w.ask('start', 'web.service')
  w.pass(SECOND)
  t.is(w.answer(web), 'pending')
  w.pass(SECOND)
  t.is(w.answer(web), 'done')
  t.deepEqual(w.actives('db.service', 'web.service'), ['active', 'active'])
})

test('what was held fails when the dependency is given up', t => {
  const w = stack(100)
  const web = w.ask('start', 'web.service')
  w.pass(60 * SECOND)
  t.is(w.active('db.service'), 'failed')
  t.is(w.answer(web), 'dependency')
  t.is(w.active('web.service'), 'inactive')
})

test('what was held fails when the dependency is stopped', t => {
  const w = stack(100)
  const web = w.ask('start', 'web.service')
  w.stop('db.service', 'ignore-dependencies')
  t.is(w.answer(web), 'dependency')
})

test('with Dependants=fail the start fails as with systemd', t => {
  const w = stack(2, { hearth: { dependants: 'fail' } })
  const web = w.ask('start', 'web.service')
  t.is(w.answer(web), 'dependency')
  w.pass(5 * SECOND)
  t.deepEqual(w.actives('db.service', 'web.service'), ['active', 'inactive'])
})

test('what hangs on a held unit is held with it', t => {
  const w = world(
    [
      unit('db.service', { service: { type: 'exec', restart: 'always', restartUsec: SECOND } }),
      unit('app.service', { bindsTo: ['db.service'], after: ['db.service'] }),
      unit('web.service', { requires: ['app.service'], after: ['app.service'] }),
    ],
    {
      behave: ({ unit: name, run }) =>
        name === 'db.service' && run === 1 ? { ...LIVES, isMissing: true } : LIVES,
    },
  )
  const web = w.ask('start', 'web.service')
  t.is(w.answer(web), 'pending')
  w.pass(SECOND)
  t.is(w.answer(web), 'done')
})

test('what is ordered after a recovering unit without requiring it does not wait', t => {
  const w = stack(100, { requires: [], wants: ['db.service'] })
  t.is(w.answer(w.ask('start', 'web.service')), 'done')
})

test('a start that is asked for while the dependency is in its pause is held', t => {
  const w = stack(0)
  w.start('db.service').die('db.service')
  t.is(w.sub('db.service'), 'auto-restart')
  const web = w.ask('start', 'web.service')
  t.is(w.answer(web), 'pending')
  w.pass(SECOND)
  t.is(w.answer(web), 'done')
})

const slowToDie = { ...LIVES, obeysUsec: SECOND }

test('a unit that is bound to one that restarts by itself is not stopped, but restarted with it', t => {
  const w = world(
    [
      unit('db.service', { service: { restart: 'always', restartUsec: 5 * SECOND } }),
      unit('web.service', { bindsTo: ['db.service'], after: ['db.service'] }),
    ],
    { behave: () => slowToDie },
  )
  w.start('web.service')
  const before = w.main('web.service')
  w.die('db.service').pass(4 * SECOND)
  t.deepEqual([w.sub('db.service'), w.sub('web.service')], ['auto-restart', 'running'])
  w.pass(2 * SECOND)
  t.deepEqual(w.actives('db.service', 'web.service'), ['active', 'active'])
  t.not(w.main('web.service'), before)
})

test('with Dependants=fail a bound unit is stopped when the other fails, as with systemd', t => {
  const w = world([
    unit('db.service', { service: { restart: 'always', restartUsec: 5 * SECOND } }),
    unit('web.service', {
      bindsTo: ['db.service'],
      after: ['db.service'],
      hearth: { dependants: 'fail' },
    }),
  ])
  w.start('web.service').die('db.service').pass()
  t.deepEqual([w.sub('db.service'), w.sub('web.service')], ['auto-restart', 'dead'])
})

test('a bound unit stops when the other is given up', t => {
  const w = world([
    unit('db.service', {
      service: { restart: 'always', restartUsec: SECOND },
      unit: { startLimitBurst: 1, startLimitIntervalUsec: 1000 * SECOND },
    }),
    unit('web.service', { bindsTo: ['db.service'], after: ['db.service'] }),
  ])
  w.start('web.service').die('db.service')
  t.deepEqual([w.sub('db.service'), w.sub('web.service')], ['auto-restart', 'running'])
  w.pass(SECOND)
  t.deepEqual(w.actives('db.service', 'web.service'), ['failed', 'inactive'])
})

test('a bound unit stops at once when the other does not restart', t => {
  const w = world(
    [
      unit('db.service', {
        service: {
          execStopPost: [
            { path: '/p', argv: ['p'], ignoreFailure: false, noExpand: false, privilege: 'none' },
          ],
        },
      }),
      unit('web.service', { bindsTo: ['db.service'] }),
    ],
    { behave: ({ exec }) => (exec === 'stop-post' ? ends(0, SECOND) : LIVES) },
  )
  w.start('web.service').die('db.service')
  t.is(w.active('db.service'), 'deactivating')
  t.is(w.active('web.service'), 'deactivating')
})

test('a unit whose restart job is canceled is down, and what was held for it fails', t => {
  const w = world(
    [
      unit('db.service', {
        service: { restart: 'always', restartUsec: SECOND },
        after: ['slow.service'],
      }),
      unit('web.service', { requires: ['db.service'], after: ['db.service'] }),
      unit('slow.service', { service: { type: 'notify' } }),
    ],
    { behave: ({ unit: name }) => ({ ...LIVES, readyUsec: name === 'slow.service' ? null : 0 }) },
  )
  w.start('db.service').die('db.service').start('slow.service')
  const web = w.ask('start', 'web.service')
  w.pass(SECOND)
  w.post({ type: 'job-cancelled', job: w.stateOf('db.service').job ?? 0 })
  t.is(w.sub('db.service'), 'dead')
  t.is(w.answer(web), 'dependency')
})

/** db.service fails its first `failures` starts and restarts directly; web.service needs it and has no patience. */
function direct(failures: number) {
  const broken: Behaviour = { ...LIVES, isMissing: true }
  return world(
    [
      unit('db.service', {
        service: {
          type: 'exec',
          restart: 'always',
          restartUsec: SECOND,
          restartMode: 'direct',
        },
      }),
      unit('web.service', {
        bindsTo: ['db.service'],
        after: ['db.service'],
        hearth: { dependants: 'fail' },
      }),
    ],
    {
      behave: ({ unit: name, run }) => (name === 'db.service' && run <= failures ? broken : LIVES),
    },
  )
}

test('with RestartMode=direct the start job stays open until a restart succeeds', t => {
  const w = direct(2)
  const db = w.ask('start', 'db.service')
  t.is(w.sub('db.service'), 'auto-restart')
  t.is(w.answer(db), 'pending')
  w.pass(SECOND)
  t.is(w.answer(db), 'pending')
  w.pass(SECOND)
  t.is(w.answer(db), 'done')
  t.is(w.sub('db.service'), 'running')
})

test('with RestartMode=direct the start job fails when the restarts are given up', t => {
  const w = direct(100)
  const db = w.ask('start', 'db.service')
  w.pass(60 * SECOND)
  t.is(w.answer(db), 'failed')
  t.is(w.active('db.service'), 'failed')
})

test('with RestartMode=direct a stop in the pause cancels the start job', t => {
  const w = direct(100)
  const db = w.ask('start', 'db.service')
  w.stop('db.service')
  t.is(w.answer(db), 'canceled')
  t.is(w.active('db.service'), 'inactive')
})

test('with RestartMode=direct no dependant hears of the failed starts', t => {
  const w = direct(2)
  const web = w.ask('start', 'web.service')
  t.is(w.answer(web), 'pending')
  w.pass(2 * SECOND)
  t.is(w.answer(web), 'done')
  t.deepEqual(w.actives('db.service', 'web.service'), ['active', 'active'])
})

test('with RestartMode=direct a bound unit is not stopped when the other dies and comes back', t => {
  const w = direct(0)
  w.start('web.service').die('db.service')
  t.deepEqual([w.sub('db.service'), w.sub('web.service')], ['auto-restart', 'running'])
  w.pass(SECOND)
  t.deepEqual(w.actives('db.service', 'web.service'), ['active', 'active'])
})
