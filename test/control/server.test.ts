import { execFile } from 'node:child_process'
import { existsSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import test from 'ava'
import { MAX_REQUEST_BYTES } from '../../daemon/control/schema.ts'
import { openControlServer } from '../../daemon/control/server.ts'
import { describeSocketPathError } from '../../daemon/control/socket-path.ts'
import type { JobResult } from '../../daemon/engine/state.ts'
import { line, NOW, running, service } from './fake.ts'
import { ask, dial, GROUP, OWN_UID, openDaemon, result, STRANGER_UID } from './wire.ts'

test('a line of JSON is answered by a line of JSON', async t => {
  const daemon = await openDaemon(t)
  const wire = await dial(t, daemon.path)
  wire.write('{"type":"request","data":{"v":1,"id":7,"method":"version","params":{}}}\n')
  t.deepEqual(await wire.next(), {
    type: 'reply',
    data: {
      v: 1,
      id: 7,
      ok: true,
      result: {
        version: '0.1.0',
        protocol: 1,
        pid: process.pid,
        image: { number: 1, cause: null, asked: false },
      },
    },
  })
})

test('the socket is for its owner alone', async t => {
  const { path } = await openDaemon(t)
  t.is(statSync(path).mode & 0o777, 0o600)
})

test('a control group gets the socket with mode 0660', async t => {
  const daemon = await openDaemon(t)
  const gid = process.getegid?.() ?? 0
  const path = `${daemon.path}.group`
  const opened = await openControlServer({
    path,
    groupId: gid,
    uid: OWN_UID,
    backend: daemon.fake,
    peerCredentials: () => daemon.peer,
    now: () => NOW,
    warn: () => {},
  })
  t.teardown(() => opened._unsafeUnwrap().close())
  t.is(statSync(path).mode & 0o777, 0o660)
  t.is(statSync(path).gid, gid)
})

test('a peer that may do nothing is told so in one sentence, then the connection ends', async t => {
  const daemon = await openDaemon(t)
  daemon.peer = { uid: STRANGER_UID, gid: 65_534, groups: [GROUP] }
  const wire = await dial(t, daemon.path)
  const { data } = await wire.next()
  t.like(data, { id: null, ok: false, error: { code: 'not-permitted' } })
  await wire.closed
})

test('a peer whose credentials the kernel does not tell is refused', async t => {
  const daemon = await openDaemon(t)
  Object.defineProperty(daemon, 'peer', {
    get: () => {
      throw new Error('getsockopt: EINVAL')
    },
  })
  const wire = await dial(t, daemon.path)
  t.like((await wire.next()).data, { id: null, ok: false, error: { code: 'not-permitted' } })
  await wire.closed
})

test('replies come in the order of the requests, however long each takes', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  let finish: (result: JobResult) => void = () => {}
  daemon.fake.onJob = () =>
    new Promise(resolve => {
      finish = resolve
    })
  const wire = await dial(t, daemon.path)
  wire.send(1, 'jobs', { verb: 'start', units: ['web'] })
  wire.send(2, 'version')
  wire.send(3, 'nothing-of-the-kind')
  wire.send(4, 'version')
  const other = await dial(t, daemon.path)
  other.send(9, 'version')
  t.is((await other.next()).data.id, 9)
  finish('done')
  const ids = [await wire.next(), await wire.next(), await wire.next(), await wire.next()]
  t.deepEqual(
    ids.map(frame => frame.data.id),
    [1, 2, 3, 4],
  )
})

test('a cancelled request is answered with the error cancelled, in its turn', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  daemon.fake.onJob = () => new Promise(() => {})
  const wire = await dial(t, daemon.path)
  wire.send(1, 'jobs', { verb: 'start', units: ['web'] })
  wire.send(2, 'version')
  wire.send(3, 'version')
  wire.write('{"type":"cancel","data":{"v":1,"id":2}}\n')
  wire.write('{"type":"cancel","data":{"v":1,"id":1}}\n')
  t.like((await wire.next()).data, { id: 1, ok: false, error: { code: 'cancelled' } })
  t.like((await wire.next()).data, { id: 2, ok: false, error: { code: 'cancelled' } })
  t.like((await wire.next()).data, { id: 3, ok: true })
})

test('a client that closes its side after the request still gets its answer', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.add(service('web.service'))
  let finish: (result: JobResult) => void = () => {}
  daemon.fake.onJob = () =>
    new Promise(resolve => {
      finish = resolve
    })
  const wire = await dial(t, daemon.path)
  wire.send(1, 'jobs', { verb: 'start', units: ['web'] })
  wire.socket.end()
  const other = await dial(t, daemon.path)
  other.send(1, 'version')
  await other.next()
  finish('done')
  t.like((await wire.next()).data, { id: 1, ok: true })
  await wire.closed
})

test('followed logs end when the client closes its side', async t => {
  const daemon = await openDaemon(t)
  daemon.fake.records.push(line('web.service', 'hello'))
  const wire = await dial(t, daemon.path)
  wire.send(1, 'logs', { follow: true })
  t.is((await wire.next()).type, 'part')
  wire.socket.end()
  await wire.closed
  t.is(daemon.server.connections(), 0)
})

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

const BROKEN: Record<string, string> = {
  'bytes that are no JSON': 'GET / HTTP/1.1\r\n\r\n',
  'an empty line': '\n',
  'JSON that is no object': '[1,2,3]\n',
  'an event that is not of the protocol': '{"type":"reply","data":{}}\n',
  'a name that every object has': '{"type":"__proto__","data":{}}\n',
  "a reserved event of the server's own": '{"type":"connect","data":{}}\n',
  'the event that stands for a broken frame': '{"type":"broken","data":{}}\n',
  'a request without an id': '{"type":"request","data":{"v":1,"method":"version"}}\n',
  'a request without data': '{"type":"request"}\n',
  'a cancellation without an id': '{"type":"cancel","data":{}}\n',
}
for (const [what, text] of Object.entries(BROKEN)) {
  test(`${what} gets an error and the end of that connection alone`, async t => {
    const daemon = await openDaemon(t)
    const good = await dial(t, daemon.path)
    const bad = await dial(t, daemon.path)
    bad.write(text)
    t.like((await bad.next()).data, { id: null, ok: false, error: { code: 'bad-request' } })
    await bad.closed
    good.send(1, 'version')
    t.like((await good.next()).data, { id: 1, ok: true })
  })
}

test('random bytes harm nobody', async t => {
  const daemon = await openDaemon(t)
  const good = await dial(t, daemon.path)
  let seed = 1
  for (let i = 0; i < 20; i++) {
    const bad = await dial(t, daemon.path)
    const bytes = Buffer.from(
      Array.from({ length: 2000 }, () => {
        seed = (seed * 48_271) % 2_147_483_647
        return seed % 256
      }),
    )
    bad.socket.write(Buffer.concat([bytes, Buffer.from('\n')]))
    await bad.closed
  }
  good.send(1, 'version')
  t.like((await good.next()).data, { id: 1, ok: true })
})

test('a message over the limit is refused before it is complete', async t => {
  const daemon = await openDaemon(t)
  const wire = await dial(t, daemon.path)
  wire.write('x'.repeat(MAX_REQUEST_BYTES + 1))
  t.like((await wire.next()).data, { id: null, ok: false, error: { code: 'message-too-large' } })
  await wire.closed
})

test('a message that stays incomplete ends its connection', async t => {
  const daemon = await openDaemon(t, { messageTimeoutMs: 50 })
  const wire = await dial(t, daemon.path)
  wire.write('{"type":"request",')
  await wire.closed
  t.like(await ask(t, daemon, 'version', {}), { ok: true })
})

test('an idle connection is not ended, and a message may come in pieces', async t => {
  const daemon = await openDaemon(t)
  const wire = await dial(t, daemon.path)
  for (const piece of ['{"type":"requ', 'est","data":{"v":1,"id":1,', '"method":"version"}}\n']) {
    await new Promise(resolve => wire.socket.write(piece, resolve))
  }
  t.like((await wire.next()).data, { id: 1, ok: true })
})

test('while 1,000 connections are held another is answered, and one above the limit is told', async t => {
  const daemon = await openDaemon(t, { connections: 1001, reservedConnections: 0 })
  // In waves: the backlog of a listening socket is shorter, and the loop takes one connection a turn.
  for (let held = 100; held <= 1000; held += 100) {
    await Promise.all(Array.from({ length: 100 }, () => dial(t, daemon.path)))
    while (daemon.server.connections() < held) await turn()
  }
  const wire = await dial(t, daemon.path)
  wire.send(1, 'version')
  t.like((await wire.next()).data, { id: 1, ok: true })
  t.is(daemon.server.connections(), 1001)
  const over = await dial(t, daemon.path)
  over.send(1, 'version')
  t.like((await over.next()).data, { id: null, error: { code: 'too-many-connections' } })
  await over.closed
  wire.socket.destroy()
  await wire.closed
  t.like(await ask(t, daemon, 'version', {}), { ok: true })
})

test('readers cannot take the last connections from root', async t => {
  const daemon = await openDaemon(t, { connections: 3, reservedConnections: 1 })
  const opened = await openControlServer({
    path: `${daemon.path}.group`,
    groupId: process.getegid?.() ?? 0,
    uid: OWN_UID,
    backend: daemon.fake,
    peerCredentials: () => daemon.peer,
    now: () => NOW,
    warn: () => {},
    limits: { connections: 3, reservedConnections: 1 },
  })
  t.teardown(() => opened._unsafeUnwrap().close())
  daemon.peer = { uid: STRANGER_UID, gid: process.getegid?.() ?? 0, groups: [] }
  for (const id of [1, 2]) {
    const reader = await dial(t, `${daemon.path}.group`)
    reader.send(id, 'version')
    t.like((await reader.next()).data, { id, ok: true })
  }
  const third = await dial(t, `${daemon.path}.group`)
  t.like((await third.next()).data, { error: { code: 'too-many-connections' } })
  daemon.peer = { uid: 0, gid: 0, groups: [] }
  const root = await dial(t, `${daemon.path}.group`)
  root.send(1, 'version')
  t.like((await root.next()).data, { id: 1, ok: true })
})

test('a client that never reads is dropped, and hurts nobody', async t => {
  const daemon = await openDaemon(t, { stallMs: 100 })
  for (let i = 0; i < 500; i++)
    daemon.fake.add(service(`web${i}.service`), running(`web${i}.service`))
  const slow = connect(daemon.path)
  t.teardown(() => slow.destroy())
  const closed = new Promise(resolve => slow.on('close', resolve))
  slow.on('error', () => {})
  slow.pause()
  slow.write(
    Array.from(
      { length: 200 },
      (_, id) => `{"type":"request","data":{"v":1,"id":${id},"method":"listUnits"}}\n`,
    ).join(''),
  )
  const wire = await dial(t, daemon.path)
  for (let id = 0; id < 50; id++) {
    wire.send(id, 'version')
    t.is((await wire.next()).data.id, id)
  }
  // Nothing is read from it until then, so its end is seen by the server first.
  while (daemon.server.connections() > 1) await new Promise(resolve => setTimeout(resolve, 10))
  slow.resume()
  await closed
})

test('more requests than may wait end the connection, with a word', async t => {
  const daemon = await openDaemon(t, { waitingRequests: 10 })
  daemon.fake.add(service('web.service'))
  daemon.fake.onJob = () => new Promise(() => {})
  const wire = await dial(t, daemon.path)
  wire.send(1, 'jobs', { verb: 'start', units: ['web'] })
  for (let id = 2; id < 20; id++) wire.send(id, 'version')
  t.like((await wire.next()).data, { id: null, ok: false, error: { code: 'bad-request' } })
  await wire.closed
})

test('a stream waits for its reader and loses nothing', async t => {
  const daemon = await openDaemon(t, { stallMs: 50 })
  const text = 'x'.repeat(1000)
  for (let i = 0; i < 2000; i++) daemon.fake.records.push(line('web.service', `${i} ${text}`))
  const wire = await dial(t, daemon.path)
  wire.socket.pause()
  wire.send(1, 'logs', {})
  t.like(await ask(t, daemon, 'version', {}), { ok: true })
  wire.socket.resume()
  let next = 0
  for (let frame = await wire.next(); frame.type === 'part'; frame = await wire.next()) {
    for (const { message } of (frame.data.part as { lines: { message: string }[] }).lines) {
      t.is(message.split(' ')[0], `${next++}`)
    }
  }
  t.is(next, 2000)
})

test('a second daemon does not take the socket of one that lives', async t => {
  const { path, fake } = await openDaemon(t)
  const second = await openControlServer({
    path,
    groupId: null,
    uid: OWN_UID,
    backend: fake,
    peerCredentials: () => ({ uid: OWN_UID, gid: 0, groups: [] }),
    now: () => NOW,
    warn: () => {},
  })
  const error = second._unsafeUnwrapErr()
  t.is(error.type, 'in-use')
  t.regex(describeSocketPathError(error), /^cannot listen on .*: another daemon answers there/)
})

test('what a dead daemon left is replaced, any other file is not', async t => {
  const daemon = await openDaemon(t)
  const options = {
    groupId: null,
    uid: OWN_UID,
    backend: daemon.fake,
    peerCredentials: () => daemon.peer,
    now: () => NOW,
    warn: () => {},
  }
  const stale = `${daemon.path}.stale`
  await leaveStaleSocket(stale)
  const opened = await openControlServer({ ...options, path: stale })
  t.teardown(() => opened._unsafeUnwrap().close())
  t.true(opened.isOk())
  const file = `${daemon.path}.file`
  writeFileSync(file, 'precious')
  const refused = await openControlServer({ ...options, path: file })
  t.is(refused._unsafeUnwrapErr().type, 'not-a-socket')
  t.true(existsSync(file))
})

/** A socket file whose listener is gone: its last name was removed by nobody. */
async function leaveStaleSocket(path: string) {
  const { linkSync } = await import('node:fs')
  const server = createServer()
  await new Promise<void>(resolve => server.listen(`${path}.x`, resolve))
  linkSync(`${path}.x`, path)
  await new Promise(resolve => server.close(resolve))
}

test('reopen makes the socket anew and keeps the connections', async t => {
  const daemon = await openDaemon(t)
  const wire = await dial(t, daemon.path)
  unlinkSync(daemon.path)
  const reopened = await daemon.server.reopen()
  t.true(reopened.isOk())
  wire.send(1, 'version')
  t.like((await wire.next()).data, { id: 1, ok: true })
  t.like(await ask(t, daemon, 'version', {}), { ok: true })
})

test('close ends every connection and removes the socket', async t => {
  const daemon = await openDaemon(t)
  const wire = await dial(t, daemon.path)
  daemon.server.close()
  await wire.closed
  t.false(existsSync(daemon.path))
})

test('a directory that is not there gives an error with its errno', async t => {
  const daemon = await openDaemon(t)
  const opened = await openControlServer({
    path: `${daemon.path}.d/control.sock`,
    groupId: null,
    uid: OWN_UID,
    backend: daemon.fake,
    peerCredentials: () => daemon.peer,
    now: () => NOW,
    warn: () => {},
  })
  t.like(opened._unsafeUnwrapErr(), { type: 'errno' })
})

test('a server that ran out of descriptors answers again once there are some', async t => {
  // In a process of its own: the limit is the whole process's.
  const script = new URL('starved.ts', import.meta.url).pathname
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      '/bin/sh',
      ['-c', 'ulimit -n 64 && exec "$0" "$1"', process.execPath, script],
      (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(stdout)),
    )
  })
  t.is(output.trim(), 'answered')
})

test('a method that changes something is not for the control group', async t => {
  const daemon = await openDaemon(t)
  const opened = await openControlServer({
    path: `${daemon.path}.group`,
    groupId: process.getegid?.() ?? 0,
    uid: OWN_UID + 1,
    backend: daemon.fake,
    peerCredentials: () => ({ uid: STRANGER_UID, gid: 65_534, groups: [process.getegid?.() ?? 0] }),
    now: () => NOW,
    warn: () => {},
  })
  t.teardown(() => opened._unsafeUnwrap().close())
  daemon.fake.add(service('web.service'))
  const wire = await dial(t, `${daemon.path}.group`)
  wire.send(1, 'jobs', { verb: 'stop', units: ['web'] })
  wire.send(2, 'isActive', { units: ['web'] })
  t.like((await wire.next()).data, { id: 1, ok: false, error: { code: 'not-permitted' } })
  t.like((await wire.next()).data, { id: 2, ok: true })
  t.deepEqual(daemon.fake.calls, [])
})

test('the shutdown is begun after its reply', async t => {
  const daemon = await openDaemon(t)
  t.deepEqual(await result(t, daemon, 'shutdown', { kind: 'exit', exitStatus: 3 }), {})
  await new Promise(resolve => setImmediate(resolve))
  t.deepEqual(daemon.fake.calls, [['shutdown', 'exit', 3]])
})

test('a request that throws is answered with the reason and taken down, and the connection goes on', async t => {
  const daemon = await openDaemon(t)
  const error = new Error('an oversight')
  daemon.fake.setEnvironment = () => {
    throw error
  }
  const wire = await dial(t, daemon.path)
  wire.send(1, 'unsetEnvironment', { names: ['A'] })
  const { data } = await wire.next()
  t.like(data, { id: 1, ok: false, error: { code: 'failed' } })
  t.regex(JSON.stringify(data), /cannot answer: .*: an oversight/)
  t.deepEqual(daemon.fake.calls, [['defect', 'unsetEnvironment', error]])
  wire.send(2, 'version')
  t.like((await wire.next()).data, { id: 2, ok: true })
})
