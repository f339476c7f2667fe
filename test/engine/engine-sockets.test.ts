// The manager and sockets: what they start, what is handed over, what is left when a connection is over.
import test from 'ava'
import type { Effect } from '../../daemon/engine/effect.ts'
import { type Given, unit } from '../simulation/units.ts'
import { ends, LIVES, SECOND, type World, world } from '../simulation/world.ts'

/** As loading a file implies it: before and triggers. */
const socket = (name: string, service: string | null, given: Given = {}) =>
  unit(name, { ...(service !== null && { triggers: [service], before: [service] }), ...given })
const spawned = (w: World) =>
  w.history.filter(
    (effect): effect is Extract<Effect, { type: 'spawn' }> => effect.type === 'spawn',
  )
const ready = (w: World, name: string) => w.post({ type: 'socket-ready', unit: name })
const connect = (w: World, connection: number) =>
  w.post({ type: 'connection', unit: 'in.socket', connection, instance: 'a-b', source: 'b' })

test('a service is handed what its own socket and those of Sockets= have, whoever starts it', t => {
  const w = world([
    socket('web.socket', 'web.service'),
    socket('other.socket', 'other.service'),
    unit('web.service', { triggeredBy: ['other.socket'] }),
    unit('other.service'),
    unit('plain.service'),
  ])
  w.start('web.socket').start('other.socket').start('plain.service')
  ready(w, 'web.socket')
  t.is(w.sub('web.service'), 'running')
  t.is(w.sub('web.socket'), 'running')
  const [plain, web] = spawned(w)
  t.is(plain?.sockets, undefined)
  t.deepEqual([...(web?.sockets ?? [])].sort(), ['other.socket', 'web.socket'])
  // What web.service reads is not given to other.service as well.
  ready(w, 'other.socket')
  t.is(w.active('other.service'), 'inactive')
  w.stop('web.service').pass(SECOND)
  t.deepEqual([w.sub('web.socket'), w.sub('other.socket')], ['listening', 'listening'])
  w.start('web.service')
  t.is(w.sub('web.socket'), 'running')
})

test('a socket whose service is not there fails to start, and so does what requires it', t => {
  const w = world([
    socket('web.socket', 'web.service'),
    unit('app.service', { requires: ['web.socket'], after: ['web.socket'] }),
  ])
  t.is(w.answer(w.ask('start', 'app.service')), 'dependency')
  t.is(w.active('web.socket'), 'inactive')
})

test('a service that is skipped for its condition has its socket listen again, until the trigger limit', t => {
  const condition = { kind: 'PathExists', value: '/x', negated: false, trigger: false }
  const w = world(
    [
      socket('web.socket', 'web.service', { socket: { triggerLimitBurst: 2 } }),
      unit('web.service', { unit: { conditions: [condition], startLimitBurst: 0 } }),
    ],
    { conditions: () => ({ condition: false, assert: true }) },
  )
  w.start('web.socket')
  ready(w, 'web.socket')
  t.is(w.sub('web.socket'), 'listening')
  ready(w, 'web.socket')
  ready(w, 'web.socket')
  t.is(w.stateOf('web.socket').socket?.result, 'trigger-limit-hit')
})

test('a service that cannot be started for want of what all share has its socket listen again after a pause', t => {
  let isShort = true
  const failure = {
    step: 'FORK',
    exitStatus: 0,
    errno: 'EAGAIN',
    message: 'no more processes',
  }
  const w = world(
    [
      socket('web.socket', 'web.service', { socket: { triggerLimitBurst: 2 } }),
      unit('web.service'),
    ],
    {
      behave: ({ exec }) =>
        exec === 'start' && isShort ? { ...LIVES, isMissing: true, failure } : LIVES,
    },
  )
  w.start('web.socket')
  for (let n = 0; n < 10; n++) {
    ready(w, 'web.socket')
    w.pass()
    t.is(w.active('web.service'), 'failed')
    t.is(w.sub('web.socket'), 'running')
    w.pass(SECOND)
    t.is(w.sub('web.socket'), 'listening')
  }
  isShort = false
  ready(w, 'web.socket')
  w.pass(SECOND)
  t.deepEqual([w.sub('web.service'), w.sub('web.socket')], ['running', 'running'])
  t.is(w.stateOf('web.socket').socket?.deadlineUsec, null)
})

test('what serves a connection is handed that one alone, and forgotten when it is down', t => {
  const w = world(
    [
      socket('in.socket', null, { socket: { accept: true } }),
      unit('in@0-a-b.service'),
      unit('in@1-a-b.service'),
      unit('in@2-a-b.service', { unit: { collectMode: 'inactive-or-failed' } }),
    ],
    { behave: ({ unit }) => (unit === 'in@0-a-b.service' ? LIVES : ends(1)) },
  )
  w.start('in.socket')
  connect(w, 7)
  const [first] = spawned(w)
  t.like(first, { unit: 'in@0-a-b.service', connection: 7, sockets: undefined })
  t.deepEqual(w.stateOf('in@0-a-b.service').connection, { socket: 'in.socket', id: 7 })
  w.stop('in@0-a-b.service').pass(SECOND)
  t.false(w.engine.state.units.has('in@0-a-b.service'))
  const closed = w.history.findLast(effect => effect.type === 'close-connection')
  t.is(closed?.connection, 7)
  t.deepEqual(w.history.at(-1), { type: 'unload-unit', unit: 'in@0-a-b.service' })

  connect(w, 8).pass(1)
  t.is(w.active('in@1-a-b.service'), 'failed', 'it is kept to be looked at')
  t.is(w.stateOf('in.socket').socket?.connections.length, 0)
  w.post({ type: 'reset-failed', unit: 'in@1-a-b.service' })
  t.false(w.engine.state.units.has('in@1-a-b.service'))
  connect(w, 9).pass(1)
  t.false(w.engine.state.units.has('in@2-a-b.service'), 'CollectMode=inactive-or-failed')
  t.is(w.sub('in.socket'), 'listening')
})

test('a connection without a template for its service leaves nothing behind', t => {
  const w = world([socket('in.socket', null, { socket: { accept: true } })])
  w.start('in.socket')
  connect(w, 3)
  t.is(w.stateOf('in.socket').socket?.result, 'resources')
  t.false(w.engine.state.units.has('in@0-a-b.service'))
  t.true(w.history.some(effect => effect.type === 'close-connection' && effect.connection === 3))
})
