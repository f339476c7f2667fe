// The manager: what follows when units change by themselves.
import test from 'ava'
import type { Condition } from '../../daemon/units/unit.ts'
import { command, unit } from '../simulation/units.ts'
import { ends, LIVES, SECOND, world } from '../simulation/world.ts'

const condition: Condition = { kind: 'PathExists', value: '/x', negated: false, trigger: false }

test('a condition that does not hold skips the start, which counts as done', t => {
  const w = world([unit('a.service', { unit: { conditions: [condition] } })], {
    conditions: () => ({ condition: false, assert: true }),
  })
  t.is(w.answer(w.ask('start', 'a.service')), 'done')
  t.is(w.active('a.service'), 'inactive')
  const { conditionResult, conditionFailed, conditionStamp } = w.stateOf('a.service')
  t.false(conditionResult)
  t.is(conditionFailed, 'PathExists=/nowhere')
  t.is(conditionStamp.monotonicUsec, w.monotonicUsec)
})

test('what requires a unit that was skipped starts all the same, what is bound to it does not', t => {
  const w = world(
    [
      unit('a.service', { unit: { conditions: [condition] } }),
      unit('b.service', { requires: ['a.service'], after: ['a.service'] }),
      unit('c.service', { bindsTo: ['a.service'], after: ['a.service'] }),
      unit('d.service', { requisite: ['a.service'], wants: ['a.service'], after: ['a.service'] }),
    ],
    { conditions: () => ({ condition: false, assert: true }) },
  )
  t.is(w.answer(w.ask('start', 'b.service')), 'done')
  t.is(w.answer(w.ask('start', 'c.service')), 'dependency')
  t.is(w.answer(w.ask('start', 'd.service')), 'dependency')
})

test('an assert that does not hold fails the start', t => {
  const w = world([unit('a.service', { unit: { asserts: [condition] } })], {
    conditions: () => ({ condition: true, assert: false }),
  })
  t.is(w.answer(w.ask('start', 'a.service')), 'assert')
  t.is(w.active('a.service'), 'inactive')
})

test('conditions that hold let the start go on; they are asked for once, and not at all when there are none', t => {
  const w = world([unit('a.service', { unit: { conditions: [condition] } }), unit('b.service')])
  w.start('a.service').start('b.service')
  const asked = w.history.filter(effect => effect.type === 'check-conditions')
  t.deepEqual(
    asked.map(effect => effect.unit),
    ['a.service'],
  )
  t.true(w.stateOf('b.service').conditionResult)
  t.deepEqual(w.actives('a.service', 'b.service'), ['active', 'active'])
})

test('an answer about conditions that comes after the job was canceled changes nothing', t => {
  const w = world([unit('a.service', { unit: { conditions: [condition] } })])
  const { engine } = w
  const ask = {
    type: 'job-requested',
    request: 1,
    job: 'start',
    unit: 'a.service',
    mode: 'replace',
    manual: true,
  } as const
  const { changes, effects } = engine.step(ask, w.now)
  engine.commit(changes)
  const check = effects.find(effect => effect.type === 'check-conditions')
  w.post({ type: 'job-cancelled', job: w.stateOf('a.service').job ?? 0 })
  w.post({
    type: 'conditions-checked',
    unit: 'a.service',
    token: check?.token ?? 0,
    condition: true,
    assert: true,
    failed: null,
  })
  t.is(w.active('a.service'), 'inactive')
})

test('ExecCondition= that ends the start gives the job the result skipped', t => {
  const w = world(
    [
      unit('a.service', {
        service: {
          execCondition: [
            { path: '/c', argv: ['c'], ignoreFailure: false, noExpand: false, privilege: 'none' },
          ],
        },
      }),
    ],
    { behave: ({ exec }) => (exec === 'condition' ? ends(1) : LIVES) },
  )
  const request = w.ask('start', 'a.service')
  w.pass()
  t.is(w.answer(request), 'skipped')
  t.is(w.active('a.service'), 'inactive')
})

test('a service that is started too often fails with start-limit-hit, and again after the interval may start', t => {
  const w = world([unit('a.service', { service: { type: 'oneshot' } })], { behave: () => ends(0) })
  for (let i = 0; i < 5; i++) {
    const request = w.ask('start', 'a.service')
    w.pass()
    t.is(w.answer(request), 'done')
  }
  t.is(w.answer(w.ask('start', 'a.service')), 'failed')
  t.is(w.stateOf('a.service').service?.result, 'start-limit-hit')
  t.true(w.stateOf('a.service').startLimitHit)
  w.pass(11 * SECOND)
  const request = w.ask('start', 'a.service')
  w.pass()
  t.is(w.answer(request), 'done')
})

test('reset-failed forgets the failure and the starts that counted', t => {
  const w = world([unit('a.service', { service: { type: 'oneshot' } })], { behave: () => ends(0) })
  for (let i = 0; i < 6; i++) w.start('a.service').pass()
  t.is(w.active('a.service'), 'failed')
  w.post({ type: 'reset-failed', unit: 'a.service' })
  t.is(w.active('a.service'), 'inactive')
  const request = w.ask('start', 'a.service')
  w.pass()
  t.is(w.answer(request), 'done')
})

test('a target may be started as often as you like', t => {
  const w = world([unit('a.target')])
  for (let i = 0; i < 20; i++) {
    w.start('a.target')
    t.is(w.active('a.target'), 'active')
    w.stop('a.target')
  }
})

test('a service with Restart= comes back after RestartSec=', t => {
  const w = world([unit('a.service', { service: { restart: 'on-failure', restartUsec: SECOND } })])
  w.start('a.service').pass()
  w.die('a.service')
  t.is(w.sub('a.service'), 'auto-restart')
  w.pass(SECOND)
  t.is(w.sub('a.service'), 'running')
  t.is(w.stateOf('a.service').service?.nRestarts, 1)
})

test('a stop during the pause before a restart ends it', t => {
  const w = world([unit('a.service', { service: { restart: 'always', restartUsec: SECOND } })])
  w.start('a.service').die('a.service')
  t.is(w.sub('a.service'), 'auto-restart')
  t.is(w.answer(w.ask('stop', 'a.service')), 'done')
  w.pass(10 * SECOND)
  t.is(w.active('a.service'), 'inactive')
})

test('a start during the pause before a restart waits for the restart', t => {
  const w = world([unit('a.service', { service: { restart: 'always', restartUsec: SECOND } })])
  w.start('a.service').die('a.service')
  const request = w.ask('start', 'a.service')
  t.is(w.answer(request), 'pending')
  w.pass(SECOND)
  t.is(w.answer(request), 'done')
})

test('a service that keeps failing is given up when the start limit is reached', t => {
  const w = world([unit('a.service', { service: { restart: 'always', restartUsec: 0 } })], {
    behave: ({ exec }) => (exec === 'start' ? ends(1) : ends(0)),
  })
  w.start('a.service')
  t.true(w.settle())
  t.is(w.active('a.service'), 'failed')
  t.is(w.begun.length, 5)
  t.true(w.stateOf('a.service').startLimitHit)
})

const NO_PROCESS = { step: 'FORK', exitStatus: 0, errno: 'EAGAIN', message: 'no more processes' }

test('a service that restarts outlasts a shortage of what all share, however many starts fail meanwhile', t => {
  let isShort = true
  let tried = 0
  const w = world([unit('a.service', { service: { restart: 'always', restartUsec: 0 } })], {
    behave: ({ exec }) => {
      if (exec !== 'start' || !isShort) return exec === 'start' ? LIVES : ends(0)
      tried++
      return { ...LIVES, isMissing: true, failure: NO_PROCESS }
    },
  })
  const request = w.ask('start', 'a.service')
  w.pass()
  t.is(w.answer(request), 'failed')
  t.is(tried, 1, 'it is not tried without a pause')
  t.is(w.sub('a.service'), 'auto-restart')
  t.is(w.stateOf('a.service').service?.result, 'resources')
  for (let i = 0; i < 20; i++) w.pass(SECOND)
  t.is(tried, 21)
  isShort = false
  w.pass(SECOND)
  t.is(w.sub('a.service'), 'running')
  t.is(w.stateOf('a.service').starts.length, 1, 'the one that was made counts')
  w.die('a.service')
  t.is(w.sub('a.service'), 'running', 'and the next restart has no other pause than its own')
})

test('the pause after a start for which something was short is kept though ExecStopPost= could be run', t => {
  let tried = 0
  const service = {
    restart: 'always',
    restartUsec: 0,
    execStopPost: [command('/bin/post')],
  } as const
  const w = world([unit('a.service', { service })], {
    behave: ({ exec }) => {
      if (exec !== 'start') return ends(0)
      tried++
      return { ...LIVES, isMissing: true, failure: NO_PROCESS }
    },
  })
  w.start('a.service').pass(SECOND / 2)
  t.is(tried, 1)
  w.pass(SECOND)
  t.is(tried, 2)
})

test('a start that waits for a restart which times out is done in its place', t => {
  const w = world(
    [
      unit('a.service', {
        onFailure: ['b.target'],
        unit: { jobRunningTimeoutUsec: 4 * SECOND },
        service: {
          type: 'oneshot',
          restart: 'always',
          restartMode: 'direct',
          restartUsec: SECOND,
          timeoutStartUsec: 5 * SECOND,
        },
      }),
      unit('b.target', { requires: ['a.service'] }),
    ],
    { behave: ({ exec }) => (exec === 'start' ? LIVES : ends(0)) },
  )
  w.ask('start', 'a.service')
  for (let i = 0; i < 60; i++) {
    w.pass(SECOND)
    const { service, job } = w.stateOf('a.service')
    const isStranded = service?.sub === 'auto-restart' && service.deadlineUsec === null
    t.false(isStranded && job === null, 'nobody restarts it')
    t.false(w.isQuiet && job !== null, `its job waits for nothing after ${i} s`)
  }
})

test('what is missing for one service alone counts as systemd counts it', t => {
  const failure = { step: 'EXEC', exitStatus: 203, errno: 'ENOENT', message: 'not there' }
  const w = world([unit('a.service', { service: { restart: 'always', restartUsec: 0 } })], {
    behave: ({ exec }) => (exec === 'start' ? { ...LIVES, isMissing: true, failure } : ends(0)),
  })
  w.start('a.service')
  t.true(w.settle())
  t.is(w.stateOf('a.service').service?.result, 'exit-code')
  t.true(w.stateOf('a.service').startLimitHit)
})

test('a unit that is bound to another stops when that goes down', t => {
  const w = world([
    unit('a.service', { bindsTo: ['b.service'], after: ['b.service'] }),
    unit('c.service', { requires: ['b.service'], after: ['b.service'] }),
    unit('b.service'),
  ])
  w.start('a.service').start('c.service').die('b.service', 0).pass()
  t.deepEqual(w.actives('a.service', 'b.service', 'c.service'), ['inactive', 'inactive', 'active'])
})

test('a unit bound to one that was over before it came up is stopped', t => {
  const w = world(
    [
      unit('a.service', { bindsTo: ['b.service'] }),
      unit('b.service', { service: { type: 'oneshot' } }),
    ],
    { behave: ({ unit }) => (unit === 'b.service' ? ends(0, SECOND) : LIVES) },
  )
  w.start('a.service')
  t.is(w.active('a.service'), 'active')
  w.pass(SECOND)
  t.deepEqual(w.actives('a.service', 'b.service'), ['inactive', 'inactive'])
})

test('an upheld unit is started again whenever it is down, as long as the upholder is active', t => {
  const w = world([unit('a.service', { upholds: ['b.service'] }), unit('b.service')])
  w.start('a.service')
  t.is(w.active('b.service'), 'active')
  w.die('b.service').pass()
  t.is(w.active('b.service'), 'active')
  w.stop('b.service').pass()
  t.is(w.active('b.service'), 'active')
  w.stop('a.service').stop('b.service').pass()
  t.is(w.active('b.service'), 'inactive')
})

test('an upheld unit that cannot stay up is left alone for a while, then tried again', t => {
  let isBroken = true
  const w = world(
    [
      unit('a.service', { upholds: ['b.service'] }),
      unit('b.service', { unit: { startLimitBurst: 0 } }),
    ],
    {
      behave: ({ unit, exec }) =>
        unit === 'b.service' && exec === 'start' && isBroken
          ? ends(1)
          : exec === 'start'
            ? LIVES
            : ends(0),
    },
  )
  w.start('a.service').pass(SECOND)
  t.is(w.active('b.service'), 'failed')
  t.is(w.begun.filter(name => name === 'b.service').length, 17)
  isBroken = false
  w.pass(10 * SECOND)
  t.is(w.active('b.service'), 'active')
})

test('a unit with StopWhenUnneeded= goes when the last that needs it is gone', t => {
  const w = world([
    unit('a.service', { requires: ['c.service'] }),
    unit('b.service', { wants: ['c.service'] }),
    unit('c.service', { unit: { stopWhenUnneeded: true } }),
  ])
  w.start('a.service').start('b.service').stop('a.service').pass()
  t.is(w.active('c.service'), 'active')
  w.stop('b.service').pass()
  t.is(w.active('c.service'), 'inactive')
})

test('a unit with StopWhenUnneeded= that nobody needs stops as soon as it is up', t => {
  const w = world([unit('c.service', { unit: { stopWhenUnneeded: true } })])
  const request = w.ask('start', 'c.service')
  w.pass()
  t.is(w.answer(request), 'done')
  t.is(w.active('c.service'), 'inactive')
})

test('OnFailure= is started when the unit fails, and is told of what', t => {
  const w = world([
    unit('a.service', { onFailure: ['alert.service'] }),
    unit('alert.service', { service: { type: 'oneshot' } }),
  ])
  w.start('a.service')
  const { invocationId } = w.stateOf('a.service')
  w.die('a.service', 7)
  const spawn = w.history.findLast(effect => effect.type === 'spawn')
  t.is(spawn?.unit, 'alert.service')
  const monitor = spawn?.environment.filter(one => one.startsWith('MONITOR_'))
  t.deepEqual(monitor, [
    'MONITOR_UNIT=a.service',
    `MONITOR_INVOCATION_ID=${invocationId}`,
    'MONITOR_SERVICE_RESULT=exit-code',
    'MONITOR_EXIT_CODE=exited',
    'MONITOR_EXIT_STATUS=7',
  ])
})

test('OnFailure= waits until a service that restarts is given up', t => {
  const w = world(
    [
      unit('a.service', {
        onFailure: ['alert.service'],
        service: { restart: 'always', restartUsec: SECOND },
        unit: { startLimitBurst: 3 },
      }),
      unit('alert.service'),
    ],
    { behave: ({ unit }) => (unit === 'a.service' ? ends(1) : LIVES) },
  )
  w.start('a.service').pass(SECOND)
  t.is(w.active('alert.service'), 'inactive')
  w.pass(5 * SECOND)
  t.is(w.active('a.service'), 'failed')
  t.is(w.active('alert.service'), 'active')
})

test('OnFailure= is started for a unit whose dependency failed', t => {
  const w = world(
    [
      unit('a.service', {
        requires: ['b.service'],
        after: ['b.service'],
        onFailure: ['alert.service'],
      }),
      unit('b.service', { service: { type: 'oneshot' } }),
      unit('alert.service'),
    ],
    { behave: ({ unit }) => (unit === 'b.service' ? ends(1) : LIVES) },
  )
  w.start('a.service').pass()
  t.is(w.active('alert.service'), 'active')
})

test('OnSuccess= is started when the unit has done its work', t => {
  const w = world(
    [
      unit('a.service', { service: { type: 'oneshot' }, onSuccess: ['next.service'] }),
      unit('next.service'),
    ],
    { behave: ({ unit }) => (unit === 'a.service' ? ends(0) : LIVES) },
  )
  w.start('a.service').pass()
  t.is(w.active('next.service'), 'active')
})

test('OnSuccess= is not started when a failed service goes from its pause to the next try', t => {
  const w = world([
    unit('a.service', {
      service: { restart: 'always', restartUsec: SECOND },
      onSuccess: ['next.service'],
    }),
    unit('next.service'),
  ])
  w.start('a.service').die('a.service').pass(SECOND)
  t.deepEqual(w.actives('a.service', 'next.service'), ['active', 'inactive'])
})

test('a unit whose file is gone stays until it stops, and is then forgotten', t => {
  const w = world([unit('a.service'), unit('b.service')])
  w.start('a.service')
  w.units.remove('a.service')
  w.reload()
  t.is(w.active('a.service'), 'active')
  t.is(w.answer(w.ask('restart', 'a.service')), 'unit-not-found')
  t.is(w.answer(w.ask('stop', 'a.service')), 'pending')
  w.pass()
  t.is(w.active('a.service'), 'inactive')
  w.reload()
  t.false(w.engine.state.units.has('a.service'))
})

test('a reload keeps units running and changes what is waited for', t => {
  const w = world(
    [
      unit('a.service', { service: { type: 'notify' } }),
      unit('b.service', { wants: ['a.service'], after: ['a.service'] }),
    ],
    { behave: () => ({ ...LIVES, readyUsec: null }) },
  )
  w.start('b.service')
  t.is(w.job('b.service'), 'start waiting')
  w.reload(unit('b.service', { wants: ['a.service'] }))
  t.is(w.active('b.service'), 'active')
})

test('an idle service waits until no unit has a job, and holds up nobody', t => {
  const w = world(
    [
      unit('slow.service', { service: { type: 'oneshot' } }),
      unit('idle.service', { service: { type: 'idle' } }),
      unit('last.service', { after: ['idle.service'], wants: ['slow.service', 'idle.service'] }),
    ],
    { behave: ({ unit: name }) => (name === 'slow.service' ? ends(0, 2 * SECOND) : LIVES) },
  )
  w.start('last.service')
  t.deepEqual(w.actives('idle.service', 'last.service'), ['active', 'active'])
  t.is(w.stateOf('idle.service').service?.sub, 'start')
  w.pass(2 * SECOND)
  t.is(w.stateOf('idle.service').service?.sub, 'running')
})
