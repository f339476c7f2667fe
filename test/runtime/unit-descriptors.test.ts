// The descriptors that the daemon holds for units: what is kept, handed over, offered and closed.
import test from 'ava'
import { handOver } from '../../daemon/runtime/handed.ts'
import { createKeep } from '../../daemon/runtime/keep.ts'
import { createDescriptors, type Held } from '../../daemon/runtime/unit-descriptors.ts'
import { EXEC_DEFAULTS } from '../../daemon/units/defaults.ts'

const held = (fd: number, role: Held['role'], more: Partial<Held> = {}): Held => ({
  fd,
  unit: 'web.socket',
  role,
  name: 'web',
  ...more,
})

function open(keep = createKeep()) {
  const closed: number[] = []
  const told: number[] = []
  const native = { close: (fd: number) => void closed.push(fd) }
  const descriptors = createDescriptors(native, keep.part('descriptors'), one => {
    // Before it is closed: the number may be another's at once.
    if (!closed.includes(one.fd)) told.push(one.fd)
  })
  return { descriptors, closed, told, keep }
}

test('what is held comes back in a new image, with its numbers and in its order', t => {
  const { descriptors, keep } = open()
  const connection = { remote: { family: 'inet', address: '10.0.0.9', port: 7 } } as const
  const first = descriptors.hold(held(11, 'socket'))
  const key = descriptors.hold(held(12, 'connection', connection))
  descriptors.hold(held(13, 'socket'))
  descriptors.hold(held(14, 'stored', { unit: 'web.service', poll: true }))
  descriptors.release(first)
  descriptors.hold(held(15, 'socket'))

  const next = open(keep).descriptors
  t.deepEqual(
    next.of('web.socket', 'socket').map(({ fd }) => fd),
    [13, 15],
  )
  t.deepEqual(next.find(key), held(12, 'connection', connection))
  t.deepEqual(next.of('web.service', 'stored'), descriptors.of('web.service', 'stored'))
  t.true(next.hold(held(16, 'socket')) > key, 'keys are not given twice')
  t.deepEqual(next.of('nobody.socket', 'socket'), [])
})

test('what is let go is told of, then closed', t => {
  const { descriptors, closed, told } = open()
  descriptors.hold(held(11, 'socket'))
  descriptors.hold(held(12, 'stored', { unit: 'web.service' }))
  const key = descriptors.hold(held(13, 'stored', { unit: 'web.service', name: 'other' }))
  descriptors.releaseOf('web.service', 'stored', 'other')
  t.deepEqual([told, closed], [[13], [13]])
  descriptors.release(key)
  t.deepEqual(closed, [13], 'once')
  descriptors.releaseOf('web.service', 'stored')
  t.deepEqual(
    [told, closed],
    [
      [13, 12],
      [13, 12],
    ],
  )
  t.deepEqual(descriptors.of('web.service', 'stored'), [])
  t.is(descriptors.of('web.socket', 'socket').length, 1)
})

test('descriptors that come with a message are closed unless somebody adopts them, whatever happens', t => {
  const { descriptors, closed } = open()
  descriptors.offer([21, 22], () => {
    t.true(descriptors.adopt(22))
    t.false(descriptors.adopt(22), 'once')
  })
  t.deepEqual(closed, [21])
  t.false(descriptors.adopt(21))
  t.throws(() =>
    descriptors.offer([23], () => {
      throw new Error('a defect')
    }),
  )
  t.deepEqual(closed, [21, 23])
})

const NONBLOCKING = { nonBlocking: true }
const start = { unit: 'web.service', exec: 'start' } as const

function handing() {
  const { descriptors } = open()
  descriptors.hold(held(11, 'socket'))
  descriptors.hold(held(12, 'socket', { unit: 'other.socket', name: 'other' }))
  descriptors.hold(held(13, 'stored', { unit: 'web.service', name: 'note' }))
  const blocking: [number, boolean][] = []
  const native = {
    setNonblock(fd: number, on: boolean) {
      blocking.push([fd, on])
      return null
    },
  }
  return { descriptors, blocking, native }
}

test('sockets come first, then what was stored, then what was opened, each with its name; NonBlocking= is for the sockets', t => {
  const { descriptors, blocking, native } = handing()
  const sockets = ['web.socket', 'other.socket', 'closed.socket']
  const handed = handOver({ ...start, sockets }, NONBLOCKING, EXEC_DEFAULTS, descriptors, native, [
    { fd: 30, name: 'file' },
  ])
  t.deepEqual(handed.fds, [11, 12, 13, 30])
  t.deepEqual(handed.environment, ['LISTEN_FDS=4', 'LISTEN_FDNAMES=web:other:note:file'])
  t.deepEqual(blocking, [
    [11, true],
    [12, true],
  ])
  t.is(handed.named('note'), 13)
  t.is(handed.named('nothing'), null)
  t.is(handed.socket, null, 'there are two')
})

test('commands around ExecStart= are handed nothing, but may have a socket as a standard stream', t => {
  const { descriptors, blocking, native } = handing()
  const pre = { unit: 'web.service', exec: 'start-pre', sockets: ['web.socket'] } as const
  t.like(handOver(pre, NONBLOCKING, EXEC_DEFAULTS, descriptors, native, []), {
    fds: [],
    environment: [],
    socket: 11,
  })
  t.deepEqual(blocking, [])
  const exec = { ...EXEC_DEFAULTS, standardInput: { kind: 'socket' } } as const
  const handed = handOver(
    { ...start, sockets: ['web.socket'] },
    NONBLOCKING,
    exec,
    descriptors,
    native,
    [],
  )
  t.deepEqual([handed.fds, handed.environment, handed.socket], [[], [], 11])
  t.deepEqual(blocking, [[11, false]], 'a stream blocks')
})

test('a connection is handed alone, with who is there', t => {
  for (const [remote, environment] of [
    [{ family: 'inet6', address: '::1', port: 7 }, ['REMOTE_ADDR=::1', 'REMOTE_PORT=7']],
    [{ family: 'vsock', cid: 3, port: 7 }, ['REMOTE_ADDR=vsock:3', 'REMOTE_PORT=7']],
    [{ family: 'unix', path: '@x' }, ['REMOTE_ADDR=@x']],
    [{ family: 'unix', path: '' }, []],
    [{ family: 'other' }, []],
  ] as const) {
    const { descriptors, native } = handing()
    const connection = descriptors.hold(held(14, 'connection', { name: 'connection', remote }))
    const handed = handOver(
      { unit: 'web@1.service', exec: 'start', connection },
      { nonBlocking: false },
      EXEC_DEFAULTS,
      descriptors,
      native,
      [],
    )
    t.deepEqual(handed.fds, [14])
    t.deepEqual(handed.environment, ['LISTEN_FDS=1', 'LISTEN_FDNAMES=connection', ...environment])
  }
})
