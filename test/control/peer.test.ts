import test from 'ava'
import { openControlServer } from '../../daemon/control/server.ts'
import { native } from '../../daemon/runtime/native.ts'
import { NOW } from './fake.ts'
import { dial, openDaemon } from './wire.ts'

test('the kernel tells who is calling', async t => {
  const daemon = await openDaemon(t)
  const path = `${daemon.path}.kernel`
  const uid = process.geteuid?.() ?? 0
  const seen: number[] = []
  const opened = await openControlServer({
    path,
    groupId: null,
    uid,
    backend: daemon.fake,
    peerCredentials: fd => {
      const peer = native().peerCredentials(fd)
      seen.push(peer.pid, peer.uid)
      return peer
    },
    now: () => NOW,
    warn: () => {},
  })
  t.teardown(() => opened._unsafeUnwrap().close())
  const wire = await dial(t, path)
  wire.send(1, 'version')
  t.like((await wire.next()).data, { id: 1, ok: true })
  t.deepEqual(seen, [process.pid, uid])
})
