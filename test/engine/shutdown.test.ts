// The end: orderly shutdown, and the units that ask for it.
import test from 'ava'
import { unit } from '../simulation/units.ts'
import { ends, LIVES, SECOND, world } from '../simulation/world.ts'

const chain = [
  unit('a.service'),
  unit('b.service', { requires: ['a.service'], after: ['a.service'] }),
  unit('c.service', { requires: ['b.service'], after: ['b.service'] }),
  unit('d.service'),
]
const slow = { ...LIVES, obeysUsec: SECOND }

test('a shutdown stops everything against the order of starting, what is not ordered at once, then finishes', t => {
  const w = world(chain, { behave: () => slow })
  w.start('c.service').start('d.service').shutdown()
  const deactivating = () =>
    ['a', 'b', 'c', 'd'].filter(name => w.active(`${name}.service`) === 'deactivating').join('')
  t.is(deactivating(), 'cd')
  t.is(w.finished, null)
  w.pass(SECOND)
  t.is(deactivating(), 'b')
  w.pass(SECOND)
  t.is(deactivating(), 'a')
  w.pass(SECOND)
  t.deepEqual(w.finished, { type: 'finish', kind: 'exit', exitStatus: null, force: false })
  t.is(w.processes.size, 0)
})

test('a shutdown with nothing up finishes at once', t => {
  const w = world([])
  w.shutdown()
  t.is(w.finished?.force, false)
})

test('finish is said once', t => {
  const w = world([unit('a.service')])
  w.start('a.service').shutdown().pass()
  w.post({ type: 'emptied', unit: 'a.service' })
  w.shutdown()
  t.is(w.history.filter(effect => effect.type === 'finish').length, 1)
})

test('a service that is deaf is killed after TimeoutStopSec=, and then it is over', t => {
  const w = world([unit('a.service', { service: { timeoutStopUsec: 5 * SECOND } })], {
    behave: () => ({ ...LIVES, obeysUsec: null }),
  })
  w.start('a.service')
    .shutdown()
    .pass(4 * SECOND)
  t.is(w.finished, null)
  w.pass(SECOND)
  t.truthy(w.finished)
  t.is(w.processes.size, 0)
})

test('no job is accepted during a shutdown', t => {
  const w = world([unit('a.service'), unit('b.service')], { behave: () => slow })
  w.start('a.service').shutdown()
  t.is(w.answer(w.ask('start', 'b.service')), 'shutting-down')
  t.is(w.answer(w.ask('stop', 'a.service')), 'shutting-down')
})

test('the stop jobs of a shutdown cannot be canceled', t => {
  const w = world([unit('a.service')], { behave: () => slow })
  w.start('a.service').shutdown()
  w.post({ type: 'job-cancelled', job: w.stateOf('a.service').job ?? 0 })
  t.is(w.job('a.service'), 'stop running')
})

test('starts that are pending are canceled by a shutdown, those under way are stopped', t => {
  const w = world(
    [
      unit('a.service', { service: { type: 'notify' } }),
      unit('b.service', { requires: ['a.service'], after: ['a.service'] }),
    ],
    { behave: () => ({ ...LIVES, readyUsec: null }) },
  )
  const request = w.ask('start', 'b.service')
  w.shutdown().pass()
  t.is(w.answer(request), 'canceled')
  t.truthy(w.finished)
  t.deepEqual(w.begun, ['a.service'])
})

test('nothing restarts during a shutdown', t => {
  const w = world([unit('a.service', { service: { restart: 'always' } })], {
    behave: () => ({ ...LIVES, obeysWith: { kind: 'exited', status: 1 } }),
  })
  w.start('a.service')
    .shutdown()
    .pass(10 * SECOND)
  t.truthy(w.finished)
  t.deepEqual(w.begun, ['a.service'])
})

test('a service in its pause before a restart is down at once', t => {
  const w = world([unit('a.service', { service: { restart: 'always', restartUsec: 50 * SECOND } })])
  w.start('a.service').die('a.service').shutdown()
  t.truthy(w.finished)
})

test('what is upheld, or is started by OnFailure=, stays down during a shutdown', t => {
  const w = world(
    [
      unit('a.service', { upholds: ['b.service'], after: ['b.service'] }),
      unit('b.service', { onFailure: ['c.service'] }),
      unit('c.service'),
    ],
    { behave: () => ({ ...LIVES, obeysWith: { kind: 'exited', status: 1 } }) },
  )
  w.start('a.service').shutdown().pass()
  t.truthy(w.finished)
  t.deepEqual(w.begun.toSorted(), ['a.service', 'b.service'])
})

test('a unit that ignores isolation, or shuts itself out of shutdown.target, is stopped all the same', t => {
  const w = world([
    unit('shutdown.target'),
    unit('a.service', { unit: { ignoreOnIsolate: true } }),
    unit('b.service', { conflicts: ['shutdown.target'], before: ['shutdown.target'] }),
  ])
  w.start('a.service').start('b.service').shutdown().pass()
  t.truthy(w.finished)
  t.is(w.processes.size, 0)
})

test('what shutdown.target pulls in runs before the end', t => {
  const w = world(
    [
      unit('shutdown.target', { wants: ['bye.service'], after: ['bye.service'] }),
      unit('bye.service', { service: { type: 'oneshot' }, after: ['a.service'] }),
      unit('a.service', { conflicts: ['shutdown.target'] }),
    ],
    { behave: ({ unit: name }) => (name === 'bye.service' ? ends(0) : slow) },
  )
  w.start('a.service').shutdown()
  t.deepEqual(w.begun, ['a.service'])
  w.pass(2 * SECOND)
  t.deepEqual(w.begun, ['a.service', 'bye.service'])
  t.truthy(w.finished)
})

test('a cycle of orderings does not keep a shutdown from ending, and is named', t => {
  const w = world([unit('a.service'), unit('b.service', { after: ['a.service'] })])
  w.start('a.service').start('b.service')
  w.reload(unit('a.service', { after: ['b.service'] }))
  w.shutdown().pass()
  t.truthy(w.finished)
  t.true(w.lines.some(line => /cycle.*a\.service.*b\.service/.test(line)))
})

test('a second request changes how it ends', t => {
  const w = world([unit('a.service')], { behave: () => slow })
  w.start('a.service').shutdown()
  w.post({ type: 'shutdown-requested', kind: 'reboot', exitStatus: null }).pass(SECOND)
  t.is(w.finished?.kind, 'reboot')
})

test('force ends it without waiting for anybody', t => {
  const w = world([unit('a.service')], { behave: () => slow })
  w.start('a.service').shutdown()
  w.shutdown(true)
  t.is(w.finished?.force, true)
})

test('FailureAction=exit ends the daemon with the status of the service', t => {
  const w = world([unit('a.service', { unit: { failureAction: 'exit' } }), unit('b.service')], {
    behave: () => slow,
  })
  w.start('b.service').start('a.service').die('a.service', 7).pass(SECOND)
  t.deepEqual(w.finished, { type: 'finish', kind: 'exit', exitStatus: 7, force: false })
  t.is(w.processes.size, 0)
})

test('FailureActionExitStatus= has precedence', t => {
  const w = world([
    unit('a.service', { unit: { failureAction: 'exit', failureActionExitStatus: 3 } }),
  ])
  w.start('a.service').die('a.service', 7)
  t.is(w.finished?.exitStatus, 3)
})

test('a failure without an exit status of its own ends with 255', t => {
  const w = world([unit('a.service', { unit: { failureAction: 'exit' } })])
  w.start('a.service').die('a.service', { kind: 'killed', signal: 9 })
  t.is(w.finished?.exitStatus, 255)
})

test('SuccessAction=exit ends the daemon when the work is done', t => {
  const w = world(
    [unit('a.service', { service: { type: 'oneshot' }, unit: { successAction: 'exit' } })],
    {
      behave: () => ends(0),
    },
  )
  w.start('a.service').pass()
  t.is(w.finished?.exitStatus, 0)
})

test('SuccessActionExitStatus= is what the daemon ends with', t => {
  const w = world([
    unit('a.service', { unit: { successAction: 'exit', successActionExitStatus: 9 } }),
  ])
  w.start('a.service').die('a.service', 0)
  t.is(w.finished?.exitStatus, 9)
})

test('the first failure during a shutdown is what the exit status tells', t => {
  const w = world(
    [
      unit('a.service', { unit: { failureAction: 'exit' } }),
      unit('b.service', { unit: { failureAction: 'exit' }, after: ['a.service'] }),
    ],
    {
      behave: ({ unit: name }) => ({
        ...slow,
        obeysWith: { kind: 'exited', status: name === 'a.service' ? 3 : 4 },
      }),
    },
  )
  w.start('a.service')
    .start('b.service')
    .shutdown()
    .pass(5 * SECOND)
  t.is(w.finished?.exitStatus, 4)
})

test('FailureAction=exit waits until a service that restarts is given up', t => {
  const w = world(
    [
      unit('a.service', {
        service: { restart: 'always', restartUsec: 0 },
        unit: { failureAction: 'exit' },
      }),
    ],
    { behave: () => ends(5) },
  )
  w.start('a.service')
  t.true(w.settle())
  t.is(w.begun.length, 5)
  t.is(w.finished?.exitStatus, 5)
})

test('FailureAction=exit-force does not wait for others', t => {
  const w = world([unit('a.service', { unit: { failureAction: 'exit-force' } }), unit('b.service')])
  w.start('b.service').start('a.service').die('a.service', 2)
  t.deepEqual(w.finished, { type: 'finish', kind: 'exit', exitStatus: 2, force: true })
})

test('StartLimitAction=reboot reboots when the limit is reached', t => {
  const w = world(
    [
      unit('a.service', {
        service: { restart: 'always', restartUsec: 0 },
        unit: { startLimitAction: 'reboot' },
      }),
    ],
    { behave: () => ends(1) },
  )
  w.start('a.service')
  t.true(w.settle())
  t.is(w.finished?.kind, 'reboot')
})

test('JobTimeoutAction= is taken when a job times out', t => {
  const w = world(
    [
      unit('a.service', {
        service: { type: 'notify' },
        unit: { jobTimeoutUsec: SECOND, jobTimeoutAction: 'poweroff' },
      }),
    ],
    { behave: () => ({ ...LIVES, readyUsec: null }) },
  )
  w.start('a.service').pass(SECOND)
  t.is(w.finished?.kind, 'poweroff')
})
