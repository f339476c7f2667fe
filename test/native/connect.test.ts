// Sockets connected to for a service.
import { mkdtempSync, rmSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { native } from './children.ts'

const directory = mkdtempSync(join(tmpdir(), 'hearth-connect-'))
test.after.always(() => rmSync(directory, { recursive: true }))

test('a socket is connected to by its path', async t => {
  const path = join(directory, 'socket')
  const server = createServer()
  await new Promise<void>(resolve => server.listen(path, resolve))
  const said = new Promise<string>(resolve => {
    server.once('connection', peer => peer.once('data', data => resolve(String(data))))
  })
  const fd = native.connectUnix(path)
  writeSync(fd, 'hello')
  t.is(await said, 'hello')
  native.close(fd)
  server.close()
})

test('what nobody listens at is an errno', t => {
  t.throws(() => native.connectUnix(join(directory, 'nobody')), { code: 'ENOENT' })
  t.throws(() => native.connectUnix(`/${'x'.repeat(200)}`), { code: 'ENAMETOOLONG' })
})
