// Sockets over the control socket.
import test from 'ava'
import { initialUnitState } from '../../daemon/engine/initial.ts'
import { INITIAL_SOCKET_FACTS } from '../../daemon/engine/socket/turn.ts'
import type { SocketFacts, UnitState } from '../../daemon/engine/state.ts'
import { EXEC_DEFAULTS, SOCKET_DEFAULTS } from '../../daemon/units/defaults.ts'
import type { ListenPort, SocketSettings, Unit } from '../../daemon/units/unit.ts'
import { command, line, NOW, unit } from './fake.ts'
import { dial, openDaemon, result } from './wire.ts'

const port = (path: string): ListenPort => ({ kind: 'stream', address: { family: 'unix', path } })
const socket = (id: string, settings: Partial<SocketSettings>): Unit =>
  unit(id, { socket: { ...SOCKET_DEFAULTS, ...settings }, exec: EXEC_DEFAULTS })
const facts = (id: string, changes: Partial<SocketFacts>): UnitState => ({
  ...initialUnitState(id, 'socket'),
  socket: { ...INITIAL_SOCKET_FACTS, ...changes },
})
const CONNECTION = { id: 3, unit: 'ssh@7-a-b.service', source: null }

test('listSockets tells where each socket listens and what it starts, by address', async t => {
  const daemon = await openDaemon(t)
  const { fake } = daemon
  const web: readonly ListenPort[] = [
    { kind: 'stream', address: { family: 'inet6', address: '::', port: 80 } },
    { kind: 'fifo', path: '/run/web.fifo' },
  ]
  fake.add(socket('web.socket', { listen: web }), facts('web.socket', { sub: 'running' }))
  fake.add(
    socket('ssh.socket', { listen: [port('/run/ssh')], accept: true }),
    facts('ssh.socket', { sub: 'listening', connections: [CONNECTION] }),
  )
  fake.add(socket('down.socket', { listen: [port('@down')] }))
  fake.relations.set('web.socket triggers', ['web.service'])
  const rest = { unit: 'web.socket', active: 'active', activates: ['web.service'] }
  const { sockets } = await result(t, daemon, 'listSockets', {})
  t.deepEqual(sockets, [
    {
      address: '/run/ssh',
      type: 'Stream',
      unit: 'ssh.socket',
      active: 'active',
      activates: ['ssh@7-a-b.service'],
    },
    { address: '/run/web.fifo', type: 'FIFO', ...rest },
    { address: '[::]:80', type: 'Stream', ...rest },
  ])
  const all = await result(t, daemon, 'listSockets', { all: true, patterns: ['down*'] })
  t.deepEqual(
    all.sockets.map(({ address, active }) => [address, active]),
    [['@down', 'inactive']],
  )
})

test('show and status of a socket tell of its addresses, connections and commands', async t => {
  const daemon = await openDaemon(t)
  const { fake } = daemon
  fake.add(
    socket('ssh.socket', {
      listen: [port('/run/ssh')],
      accept: true,
      execStopPre: [command('/bin/bye')],
    }),
    facts('ssh.socket', {
      sub: 'failed',
      result: 'trigger-limit-hit',
      nAccepted: 5,
      nRefused: 2,
      connections: [CONNECTION],
      spawnError: 'cannot go on',
      runs: [
        {
          exec: 'stop',
          index: 0,
          pid: 44,
          startedUsec: NOW.realtimeUsec,
          endedUsec: NOW.realtimeUsec,
          exit: { kind: 'exited', status: 1 },
        },
      ],
    }),
  )
  const { units } = await result(t, daemon, 'show', { units: ['ssh.socket'] })
  const shown = new Map(units[0]?.properties)
  t.is(shown.get('Listen'), '/run/ssh (Stream)')
  t.is(shown.get('Result'), 'trigger-limit-hit')
  t.is(shown.get('SubState'), 'failed')
  t.is(shown.get('TriggerLimitBurst'), '200')
  t.deepEqual(
    ['NAccepted', 'NConnections', 'NRefused'].map(name => shown.get(name)),
    ['5', '1', '2'],
  )
  t.regex(shown.get('ExecStopPre') ?? '', /path=\/bin\/bye .* pid=44 ; code=exited ; status=1/)

  const told = await result(t, daemon, 'status', { units: ['ssh.socket'] })
  t.like(told.units[0], {
    result: 'trigger-limit-hit',
    listen: [{ address: '/run/ssh', type: 'Stream' }],
    connections: { accepted: 5, connected: 1, refused: 2 },
    spawnError: 'cannot go on',
  })
  t.like(told.units[0]?.commands[0], { directive: 'ExecStopPre', command: '/bin/bye', ok: false })
})

test('show tells how many descriptors a service has stored', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(unit('web.service'))
  const { units } = await result(t, daemon, 'show', {
    units: ['web.service'],
    properties: ['NFileDescriptorStore'],
  })
  t.deepEqual(units[0]?.properties, [['NFileDescriptorStore', '2']])
})

test('the lines of a service of one connection are found in the log of its template, by its run', async t => {
  const daemon = await openDaemon(t)
  const { fake } = daemon
  const id = 'ssh@7-a-b.service'
  const invocationId = 'a'.repeat(32)
  fake.add(unit(id), {
    ...initialUnitState(id, 'service'),
    invocationId,
    connection: { socket: 'ssh.socket', id: 3 },
  })
  fake.records.push(
    { ...line('ssh@.service', 'mine'), invocationId },
    { ...line('ssh@.service', 'another’s'), invocationId: 'b'.repeat(32) },
  )
  const wire = await dial(t, daemon.path)
  wire.send(1, 'logs', { units: [id] })
  const { data } = await wire.next()
  const { lines } = data.part as { lines: readonly { message: string }[] }
  t.deepEqual(
    lines.map(({ message }) => message),
    ['mine'],
  )
  const { units } = await result(t, daemon, 'status', { units: [id] })
  t.deepEqual(
    units[0]?.log.map(({ message }) => message),
    ['mine'],
  )
  t.deepEqual(units[0]?.triggeredBy, [{ unit: 'ssh.socket', active: 'inactive' }])
})
