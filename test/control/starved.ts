// A control server in a process with few descriptors: connections are made until none is left, then all are let go.
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { openControlServer } from '../../daemon/control/server.ts'
import { createFake, NOW } from './fake.ts'

const directory = mkdtempSync(`${tmpdir()}/hearth-starved-`)
const path = `${directory}/control.sock`
const warnings: string[] = []
const opened = await openControlServer({
  path,
  groupId: null,
  uid: 0,
  backend: createFake(),
  peerCredentials: () => ({ uid: 0, gid: 0, groups: [] }),
  now: () => NOW,
  warn: message => warnings.push(message),
})
const server = opened._unsafeUnwrap()

const attempts = Array.from(
  { length: 100 },
  () =>
    new Promise<Socket>(resolve => {
      const socket = connect(path)
      socket.on('connect', () => resolve(socket))
      socket.on('error', () => resolve(socket))
    }),
)
for (const socket of await Promise.all(attempts)) socket.destroy()
while (server.connections() > 0) await new Promise(resolve => setImmediate(resolve))

const socket = connect(path)
socket.write('{"type":"request","data":{"v":1,"id":1,"method":"version"}}\n')
socket.setEncoding('utf8')
socket.once('data', text => {
  console.log(String(text).includes('"ok":true') ? 'answered' : text)
  socket.destroy()
  server.close()
  rmSync(directory, { recursive: true })
})
