// Every state of a socket under every event, and what holds under every course of events.
import test from 'ava'
import fc from 'fast-check'
import type { MachineInput } from '../../daemon/engine/machine.ts'
import { socketMachine } from '../../daemon/engine/socket.ts'
import type { SocketSub } from '../../daemon/engine/state.ts'
import { SURROUNDINGS } from './context.ts'
import { exited, killedBy, SECOND } from './service-world.ts'
import { illegality, type Settings, type SocketWorld, service, world } from './socket-world.ts'

const unit = 'web.socket'
const TIMES: Settings = { timeoutUsec: SECOND }
const COMMANDS: Settings = {
  ...TIMES,
  execStartPre: ['/start-pre'],
  execStartPost: ['/start-post'],
  execStopPre: ['/stop-pre'],
  execStopPost: ['/stop-post'],
}

const upTo = (settings: Settings) => {
  const w = world({ ...COMMANDS, ...settings })
  w.mortal = false
  return w.start()
}
const listening = () => upTo({}).exit('/start-pre').exit('/start-post')

/** An opening whose answer has not come yet. */
const opening = () => {
  const w = world()
  const step = socketMachine.step(contextOf(w), w.state, { type: 'start' })
  w.state = step.state
  w.isOpen = true
  return w
}

/** A way into each sub-state. */
const WAYS: Record<SocketSub, () => SocketWorld> = {
  dead: () => world(),
  'start-pre': () => upTo({}),
  'start-chown': opening,
  'start-post': () => upTo({}).exit('/start-pre'),
  listening,
  running: () => listening().ready(),
  'stop-pre': () => listening().stop(),
  'stop-pre-sigterm': () => listening().stop().pass(SECOND),
  'stop-pre-sigkill': () =>
    listening()
      .stop()
      .pass(2 * SECOND),
  'stop-post': () => listening().stop().exit('/stop-pre'),
  'final-sigterm': () => upTo({}).pass(SECOND),
  'final-sigkill': () => upTo({}).pass(2 * SECOND),
  failed: () => world().start().send({ type: 'socket-broken', unit, problem: 'why' }),
}

const failure = { step: 'EXEC', exitStatus: 203, errno: 'ENOENT', message: 'cannot run it' }
const changed = { type: 'triggered-changed', previous: 'active' } as const

function inputs(w: SocketWorld): MachineInput[] {
  const { token, controlPid } = w.facts
  const pids = controlPid === null ? [] : [controlPid]
  return [
    { type: 'start' },
    { type: 'stop' },
    { type: 'reload' },
    { type: 'reset-failed' },
    { type: 'start-limit-hit' },
    { type: 'deadline' },
    { type: 'emptied', unit },
    { type: 'spawned', unit, token, pid: 900 },
    { type: 'spawn-failed', unit, token, ...failure },
    { type: 'spawn-failed', unit, token, ...failure, exitStatus: 0 },
    { type: 'killed', unit, token, waiting: true },
    { type: 'killed', unit, token, waiting: false },
    { type: 'sockets-opened', unit, token, problem: null },
    { type: 'sockets-opened', unit, token, problem: 'why' },
    { type: 'socket-ready', unit },
    { type: 'socket-broken', unit, problem: 'why' },
    { type: 'connection', unit, connection: 5, instance: 'a-b', source: 'b' },
    { ...changed, ...service() },
    { ...changed, ...service({ failedByStartLimit: true, active: 'failed' }) },
    { ...changed, ...service({ active: 'active', sub: 'running' }) },
    { type: 'trigger-refused', unit: 'web.service', error: { type: 'shutting-down', unit } },
    { type: 'trigger-refused', unit: 'web.service', error: { type: 'no-isolate', unit } },
    { type: 'notify', unit, pid: 7, fields: { READY: '1' } },
    ...pids.flatMap((pid): MachineInput[] => [
      { type: 'exited', pid, exit: exited(0) },
      { type: 'exited', pid, exit: exited(1) },
      { type: 'exited', pid, exit: { kind: 'unknown' } },
    ]),
  ]
}

function contextOf(w: SocketWorld) {
  let token = 1000
  return {
    unit: w.unit,
    now: { realtimeUsec: w.monotonicUsec, monotonicUsec: w.monotonicUsec },
    stopPending: false,
    token: () => ++token,
    invocationId: () => 'e'.repeat(32),
    ...SURROUNDINGS,
    triggered: () => service(),
  }
}

for (const [sub, way] of Object.entries(WAYS) as [SocketSub, () => SocketWorld][]) {
  test(`a socket in ${sub} comes to no harm by any event`, t => {
    const w = way()
    t.is(w.facts.sub, sub)
    t.is(illegality(w), null)
    for (const input of inputs(w)) {
      // As the runtime would carry it out: what is said of the descriptors has to fit.
      const copy = way()
      copy.state = structuredClone(w.state)
      if (input.type === 'connection') copy.connections.add(input.connection)
      copy.send(input)
      t.is(illegality(copy), null, JSON.stringify(input))
      t.truthy(socketMachine.activeState(copy.state))
    }
  })

  test(`a socket in ${sub} takes no notice of late answers and of strangers`, t => {
    const w = way()
    const token = w.facts.token + 100
    const late: readonly MachineInput[] = [
      { type: 'spawned', unit, token, pid: 5000 },
      { type: 'spawn-failed', unit, token, ...failure },
      { type: 'killed', unit, token, waiting: false },
      { type: 'sockets-opened', unit, token, problem: 'late' },
      { type: 'exited', pid: 5000, exit: exited(1) },
      { type: 'deadline' },
    ]
    for (const input of late) {
      const step = socketMachine.step(contextOf(w), w.state, input)
      t.is(step.state, w.state, input.type)
      t.deepEqual(step.effects, [], input.type)
    }
  })
}

type Action = (w: SocketWorld) => unknown
const list = (path: string) => fc.array(fc.constantFrom(path, `-${path}`), { maxLength: 1 })
const settings = fc.record({
  accept: fc.boolean(),
  flushPending: fc.boolean(),
  maxConnections: fc.constantFrom(1, 3),
  maxConnectionsPerSource: fc.constantFrom(0, 1),
  triggerLimitBurst: fc.constantFrom(0, 2, null),
  timeoutUsec: fc.constantFrom(SECOND, Infinity),
  sendSigkill: fc.boolean(),
  killMode: fc.constantFrom('control-group', 'mixed', 'process', 'none'),
  execStartPre: list('/start-pre'),
  execStartPost: list('/start-post'),
  execStopPre: list('/stop-pre'),
  execStopPost: list('/stop-post'),
} as const)

const ending = fc.constantFrom(exited(0), exited(0), exited(2), killedBy(15))
const event: fc.Arbitrary<Action> = fc.oneof(
  fc.constantFrom<Action>(
    w => w.start(),
    w => w.start(),
    w => w.stop(),
    w => w.ready(),
    w => w.connect('a'),
    w => w.connect('b'),
    w => w.send({ type: 'stop' }, { type: 'start' }),
    w => w.send({ type: 'start' }, { type: 'stop' }),
    w => w.send({ type: 'reset-failed' }),
    w => w.send({ type: 'start-limit-hit' }),
    w => w.send({ type: 'socket-broken', unit, problem: 'why' }),
    w => w.becomes('active', 'running'),
    w => w.becomes('inactive', 'dead'),
    w => w.becomes('failed', 'failed', { failedByStartLimit: true }),
    w => w.pass(SECOND),
    w => {
      w.problem = w.problem === null ? 'cannot' : null
    },
    w => {
      w.mortal = !w.mortal
    },
    w => {
      if (!w.failures.delete('/start-pre')) w.failures.set('/start-pre', 203)
    },
  ),
  fc.tuple(fc.nat(2), ending).map(
    ([at, exit]): Action =>
      w => {
        const lines = [...w.processes.values()]
        const line = lines[at % lines.length]
        if (line !== undefined) w.exit(line, exit)
      },
  ),
  fc.nat(3).map(
    (at): Action =>
      w => {
        const connection = w.facts.connections[at]
        if (!connection) return
        w.send({ ...changed, ...service({ unit: connection.unit }) })
      },
  ),
)

test('whatever happens, a socket is watched while it listens alone, open while it is up, and loses no connection', t => {
  fc.assert(
    fc.property(settings, fc.array(event, { maxLength: 30 }), (given, events) => {
      const w = world(given as Settings)
      for (const act of events) {
        act(w)
        const problem = illegality(w)
        if (problem !== null) throw new Error(`${problem}: ${w.at}`)
        const triggers = w.requests.some(({ type }) => type === 'trigger')
        if (triggers && w.facts.sub !== 'running' && w.facts.sub !== 'listening')
          throw new Error(`it starts something in ${w.at}`)
      }
    }),
    { numRuns: 1500, includeErrorInReport: true },
  )
  t.pass()
})

test('a socket that is stopped comes down within its time-outs, whatever has happened', t => {
  fc.assert(
    fc.property(settings, fc.array(event, { maxLength: 20 }), (given, events) => {
      const w = world({ ...(given as Settings), timeoutUsec: SECOND })
      for (const act of events) act(w)
      w.stop().pass(10 * SECOND)
      const { sub } = w.facts
      if (sub !== 'dead' && sub !== 'failed') throw new Error(`still ${w.at}`)
      if (w.isOpen) throw new Error('still open')
    }),
    { numRuns: 500, includeErrorInReport: true },
  )
  t.pass()
})
