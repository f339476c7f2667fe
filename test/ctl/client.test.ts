import test from 'ava'
import { connect, toControlError } from '../../ctl/client.ts'
import { defaultSocketPath } from '../../ctl/socket-path.ts'
import { startFake } from './fake-daemon.ts'
import { logLine } from './specimens.ts'

test('a request is answered with a Result of the method’s own type', async t => {
  const { socket, requests } = await startFake(t, {
    isSystemRunning: { result: { state: 'running' } },
  })
  const connection = (await connect({ socket }))._unsafeUnwrap()
  const answer = await connection.request('isSystemRunning', {})
  t.deepEqual(answer._unsafeUnwrap(), { state: 'running' })
  t.deepEqual(requests, [{ method: 'isSystemRunning', params: {} }])
  connection.close()
})

test('several requests may be under way at once', async t => {
  const { socket } = await startFake(t, {
    isActive: ({ units }) => ({
      result: { units: units.map(unit => ({ unit, state: 'active', load: 'loaded' })) },
    }),
  })
  const connection = (await connect({ socket }))._unsafeUnwrap()
  const answers = await Promise.all(
    ['a', 'b', 'c'].map(unit => connection.request('isActive', { units: [unit] })),
  )
  t.deepEqual(
    answers.map(answer => answer._unsafeUnwrap().units[0]?.unit),
    ['a', 'b', 'c'],
  )
  connection.close()
})

test('the parts of a stream come before its answer, and one at a time when they take long', async t => {
  const { socket } = await startFake(t, {
    logs: {
      result: { errors: [] },
      parts: [{ lines: [logLine('a')] }, { lines: [logLine('b')] }],
    },
  })
  const connection = (await connect({ socket }))._unsafeUnwrap()
  const seen: string[] = []
  const answer = await connection.request(
    'logs',
    {},
    {
      onPart: async ({ lines }) => {
        await new Promise(resolve => setImmediate(resolve))
        seen.push(...lines.map(line => line.message))
      },
    },
  )
  t.true(answer.isOk())
  await new Promise(resolve => setImmediate(resolve))
  t.deepEqual(seen, ['a', 'b'])
  connection.close()
})

test('an aborted request is cancelled at the daemon', async t => {
  const { socket, asked, cancelled } = await startFake(t, { logs: 'silence' })
  const connection = (await connect({ socket }))._unsafeUnwrap()
  const abort = new AbortController()
  const answer = connection.request('logs', { follow: true }, { signal: abort.signal })
  await asked('logs')
  abort.abort()
  const error = (await answer)._unsafeUnwrapErr()
  t.is(error.type === 'refused' && error.error.code, 'cancelled')
  t.deepEqual(cancelled, [1])
  connection.close()
})

test('a daemon that is not there is an error, as is one that goes away', async t => {
  const missing = await connect({ socket: '/nonexistent/control.sock' })
  t.deepEqual(missing._unsafeUnwrapErr(), {
    type: 'not-running',
    socket: '/nonexistent/control.sock',
  })
  const { socket } = await startFake(t, { isSystemRunning: 'hang-up' })
  const connection = (await connect({ socket }))._unsafeUnwrap()
  const first = await connection.request('isSystemRunning', {})
  t.is(first._unsafeUnwrapErr().type, 'disconnected')
  const second = await connection.request('isSystemRunning', {})
  t.is(second._unsafeUnwrapErr().type, 'disconnected', 'it is not tried again')
})

test('a path that is too long for a socket is told as that', async t => {
  const error = (await connect({ socket: `/${'x'.repeat(200)}` }))._unsafeUnwrapErr()
  t.is(error.type, 'unreachable')
  t.regex(toControlError(error).message, /may have 107 bytes at most$/)
})

test('a closed connection ends the requests under way', async t => {
  const { socket, asked } = await startFake(t, { jobs: 'silence' })
  const connection = (await connect({ socket }))._unsafeUnwrap()
  const answer = connection.request('jobs', { verb: 'start', units: ['web'] })
  await asked('jobs')
  connection.close()
  t.is((await answer)._unsafeUnwrapErr().type, 'disconnected')
})

test('the socket is in HEARTH_RUNTIME, or where this user’s daemon puts it', t => {
  t.is(defaultSocketPath({ HEARTH_RUNTIME: '/x' }), '/x/control.sock')
  const uid = process.getuid?.()
  t.is(
    defaultSocketPath({ XDG_RUNTIME_DIR: '/run/user/7' }),
    uid === 0 ? '/run/hearth/control.sock' : '/run/user/7/hearth/control.sock',
  )
})
