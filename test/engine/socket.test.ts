// What a socket does (systemd.socket(5)), state by state.
import test from 'ava'
import { SECOND } from './service-world.ts'
import { illegality, type Settings, service, world } from './socket-world.ts'

const NOT_FOUND = { type: 'unit-not-found', unit: 'web@.service', wantedBy: null } as const
const trigger = { type: 'trigger', unit: 'web.service' }

test('a socket is opened, then listens; what comes in starts its service, once', t => {
  const w = world().start()
  t.is(w.at, 'listening success')
  t.deepEqual(w.wanted, ['run-begins', 'open-sockets', 'watch-sockets'])
  w.ready()
  t.is(w.at, 'running success')
  t.deepEqual(w.requests, [trigger])
  t.deepEqual(w.wanted, ['watch-sockets'])
  t.deepEqual(w.ready().requests, [], 'the descriptors are the service’s now')
})

test('when the service is down it listens again; not while a job of it is queued, nor in the pause before its restart', t => {
  const w = world().start().ready()
  t.is(w.becomes('activating', 'start', { hasJob: true }).at, 'running success')
  t.is(w.becomes('active', 'running').at, 'running success')
  t.is(w.becomes('activating', 'auto-restart').at, 'running success')
  t.is(w.becomes('inactive', 'dead', { hasJob: true }).at, 'running success')
  t.is(w.becomes('inactive', 'dead').at, 'listening success')
  t.deepEqual(w.ready().requests, [trigger])
  t.is(w.becomes('failed', 'failed').at, 'listening success')
})

test('a service that is started by itself takes the descriptors; it is not started a second time', t => {
  const w = world().start()
  t.is(w.becomes('active', 'running').at, 'running success')
  w.becomes('inactive', 'dead')
  w.service = service({ active: 'activating', sub: 'start' })
  t.deepEqual(w.ready().requests, [])
  t.is(w.at, 'running success')
})

test('it does not listen for a service that is not there, or that is up and would not get the descriptors', t => {
  for (const [given, words] of [
    [{ loadState: 'not-found' }, /web\.service, which is not loaded/],
    [{ active: 'active', sub: 'running' }, /web\.service, which is up already/],
  ] as const) {
    const w = world()
    w.service = service(given)
    w.start()
    t.is(w.at, 'dead success')
    t.deepEqual(w.requests, [{ type: 'start-refused' }])
    t.regex(w.facts.spawnError ?? '', words)
  }
  const w = world()
  w.service = service({ active: 'activating', sub: 'auto-restart' })
  t.is(w.start().at, 'listening success')
})

test('what cannot be opened fails with the reason, and ExecStopPre= and ExecStopPost= run', t => {
  const w = world({ execStopPre: ['/pre'], execStopPost: ['/post'] })
  w.problem = 'cannot listen on /x: it is in use'
  w.start()
  t.is(w.at, 'stop-pre resources')
  w.exit('/pre')
  t.is(w.at, 'stop-post resources')
  w.exit('/post')
  t.is(w.at, 'failed resources')
  t.is(w.facts.spawnError, w.problem)
  w.problem = null
  t.is(w.start().at, 'listening success')
  t.is(w.facts.spawnError, null)
})

test('its commands run one after the other, around the opening and the closing', t => {
  const w = world({
    execStartPre: ['/a', '/b'],
    execStartPost: ['/c'],
    execStopPre: ['/d'],
    execStopPost: ['/e'],
  }).start()
  t.is(w.at, 'start-pre success')
  t.false(w.isOpen)
  w.exit('/a').exit('/b')
  t.is(w.at, 'start-post success')
  t.true(w.isOpen)
  w.exit('/c')
  t.is(w.at, 'listening success')
  w.stop()
  t.is(w.at, 'stop-pre success')
  t.true(w.isOpen)
  w.exit('/d')
  t.is(w.at, 'stop-post success')
  t.false(w.isOpen)
  w.exit('/e')
  t.is(w.at, 'dead success')
  t.is(w.history.at(-1)?.type, 'run-ends')
})

test('a command that fails ends the start, or the stop goes on with that result; with - it is no failure', t => {
  t.is(
    world({ execStartPre: ['/a'] })
      .start()
      .exit('/a', 1).at,
    'failed exit-code',
  )
  t.is(
    world({ execStartPre: ['-/a'] })
      .start()
      .exit('/a', 1).at,
    'listening success',
  )
  const post = world({ execStartPost: ['/a'], execStopPre: ['/b'] }).start()
  t.is(post.exit('/a', { kind: 'killed', signal: 11 }).at, 'stop-pre signal')
  t.is(post.exit('/b').at, 'failed signal')
  const stop = world({ execStopPre: ['/a'] })
    .start()
    .stop()
  t.is(stop.exit('/a', { kind: 'dumped', signal: 11 }).at, 'failed core-dump')
  for (const [status, result] of [
    [203, 'exit-code'],
    [0, 'resources'],
  ] as const) {
    const w = world({ execStartPre: ['/a'] })
    w.failures.set('/a', status)
    t.is(w.start().at, `failed ${result}`)
    t.is(w.facts.spawnError, 'cannot run it')
  }
})

test('TimeoutSec= holds for each command: SIGTERM, then SIGKILL, then it goes on without it', t => {
  const settings: Settings = { timeoutUsec: SECOND, execStartPre: ['/hang'] }
  const w = world(settings).start().pass(SECOND)
  t.is(w.at, 'final-sigterm timeout')
  t.is(w.pass(SECOND).at, 'failed timeout')
  const immortal = world({ timeoutUsec: SECOND, execStopPre: ['/hang'] }).start()
  immortal.mortal = false
  immortal.stop().pass(SECOND)
  t.is(immortal.at, 'stop-pre-sigterm timeout')
  t.is(immortal.pass(SECOND).at, 'stop-pre-sigkill timeout')
  immortal.pass(SECOND)
  t.is(immortal.at, 'final-sigterm timeout')
  t.false(immortal.isOpen)
  t.is(immortal.pass(2 * SECOND).at, 'failed timeout')
  const soft = world({ ...settings, sendSigkill: false })
    .start()
    .pass(2 * SECOND)
  t.is(soft.at, 'failed timeout')
  t.is(
    world({ timeoutUsec: Infinity, execStartPre: ['/hang'] })
      .start()
      .pass(1e12).at,
    'start-pre success',
  )
})

test('a stop ends a start under way', t => {
  const w = world({ execStartPre: ['/hang'], execStopPost: ['/e'] })
    .start()
    .stop()
  t.is(w.at, 'stop-pre-sigterm success')
  t.is(w.exit('/hang', { kind: 'killed', signal: 15 }).at, 'stop-post signal')
  t.is(w.exit('/e').at, 'failed signal')
  t.is(world().send({ type: 'start' }, { type: 'stop' }).at, 'dead success', 'before it is opened')
})

test('TriggerLimitBurst= within TriggerLimitIntervalSec= stops a socket that starts its service without end', t => {
  const w = world({ triggerLimitBurst: 3, triggerLimitIntervalUsec: SECOND }).start()
  for (let i = 0; i < 3; i++) w.ready().becomes('inactive', 'dead')
  t.is(w.at, 'listening success')
  t.is(w.ready().at, 'failed trigger-limit-hit')
  t.deepEqual(w.requests, [])
  const slow = world({ triggerLimitBurst: 3, triggerLimitIntervalUsec: SECOND }).start()
  for (let i = 0; i < 9; i++)
    slow
      .ready()
      .becomes('inactive', 'dead')
      .pass(SECOND / 2)
  t.is(slow.at, 'listening success')
  for (const off of [{ triggerLimitBurst: 0 }, { triggerLimitIntervalUsec: 0 }]) {
    const free = world(off).start()
    for (let i = 0; i < 99; i++) free.ready().becomes('inactive', 'dead')
    t.is(free.at, 'listening success')
  }
})

test('a service that was started too often takes its socket down', t => {
  const w = world().start().ready()
  t.is(
    w.becomes('failed', 'failed', { failedByStartLimit: true }).at,
    'failed service-start-limit-hit',
  )
  t.is(w.send({ type: 'reset-failed' }).at, 'dead success')
  t.is(w.send({ type: 'start-limit-hit' }).at, 'failed start-limit-hit')
})

test('a service that cannot be queued takes its socket down; at a shutdown it waits for its own stop', t => {
  t.is(world().start().ready().refuse(NOT_FOUND).at, 'failed resources')
  t.is(world().start().ready().refuse({ type: 'shutting-down', unit: 'x' }).at, 'running success')
})

test('while a stop is queued nothing is started: what comes in is thrown away', t => {
  const w = world().start()
  w.stopPending = true
  w.ready()
  t.deepEqual([w.requests, w.wanted], [[], ['flush-sockets']])
  const accepting = world({ accept: true }).start()
  accepting.stopPending = true
  t.deepEqual(accepting.connect().requests, [])
  t.is(accepting.facts.nRefused, 1)
})

test('FlushPending= throws away what came in before it listens', t => {
  const w = world({ flushPending: true }).start()
  t.true(w.wanted.indexOf('flush-sockets') < w.wanted.indexOf('watch-sockets'))
  t.true(w.wanted.includes('flush-sockets'))
  t.false(world({ flushPending: true, accept: true }).start().wanted.includes('flush-sockets'))
})

test('a socket that breaks while it is watched fails', t => {
  const w = world().start().send({ type: 'socket-broken', unit: 'web.socket', problem: 'why' })
  t.is(w.at, 'failed resources')
  t.is(w.facts.spawnError, 'why')
})

test('with Accept=yes each connection starts a service that is named by its number and both ends', t => {
  const w = world({ accept: true }).start()
  t.deepEqual(w.connect('b').requests, [
    { type: 'trigger', unit: 'web@0-a-b.service', connection: 1 },
  ])
  t.deepEqual(w.connect('c').requests, [
    { type: 'trigger', unit: 'web@1-a-c.service', connection: 2 },
  ])
  t.is(w.at, 'listening success')
  t.is(w.facts.nAccepted, 2)
  const over = service({ unit: 'web@0-a-b.service' })
  w.send({ type: 'triggered-changed', previous: 'active', ...over, hasJob: true })
  t.is(w.facts.connections.length, 2, 'it is about to be started')
  w.send({ type: 'triggered-changed', previous: 'active', ...over })
  t.deepEqual(w.facts.connections, [{ id: 2, unit: 'web@1-a-c.service', source: 'c' }])
  t.deepEqual(w.wanted, ['close-connection'])
  // A stop leaves those that are connected alone, and a start finds them.
  t.is(w.stop().at, 'dead success')
  t.is(w.start().facts.connections.length, 1)
  t.is(w.connect('d').facts.nAccepted, 3, 'numbers are not given twice')
})

test('MaxConnections= and MaxConnectionsPerSource= refuse what is too much, and only that', t => {
  const w = world({ accept: true, maxConnections: 3, maxConnectionsPerSource: 2 }).start()
  w.connect('a').connect('a').connect('a')
  t.deepEqual([w.facts.nAccepted, w.facts.nRefused, w.connections.size], [2, 1, 2])
  w.connect('b').connect('c')
  t.deepEqual([w.facts.nAccepted, w.facts.nRefused, w.connections.size], [3, 2, 3])
  t.is(w.at, 'listening success')
  const unknown = world({ accept: true, maxConnectionsPerSource: 1 }).start()
  t.is(unknown.connect(null).connect(null).facts.nAccepted, 2)
})

test('a connection whose service cannot be queued is closed, and the socket fails', t => {
  const w = world({ accept: true }).start().connect('b').refuse(NOT_FOUND, 'web@0-a-b.service')
  t.is(w.at, 'failed resources')
  t.is(w.connections.size, 0)
  t.regex(w.facts.spawnError ?? '', /Accept=yes needs a template for its services: web@\.service/)
})

test('too many connections at once hit the trigger limit, 200 in 2 seconds unless it is set', t => {
  const w = world({ accept: true, maxConnections: 1000 }).start()
  for (let i = 0; i < 200; i++) w.connect(`${i}`)
  t.is(w.at, 'listening success')
  t.is(w.connect('last').at, 'failed trigger-limit-hit')
  t.is(w.facts.nRefused, 1)
  t.is(illegality(w), null)
})
