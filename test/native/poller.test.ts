// Many descriptors behind one handle.
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { native } from './children.ts'

/** A poller whose next batch of keys can be awaited. */
function poller() {
  let wake: ((keys: readonly number[]) => void) | null = null
  const poller = native.createPoller(keys => wake?.(keys))
  const next = () => new Promise<readonly number[]>(resolve => (wake = resolve))
  return { ...poller, next }
}

test('the keys of readable descriptors come until they are read', async t => {
  const { add, remove, close, next } = poller()
  const [a, b] = [native.pipe(), native.pipe()]
  add(a.read, 7)
  add(b.read, 2 ** 31 - 1)
  writeSync(b.write, 'x')
  t.deepEqual(await next(), [2 ** 31 - 1])
  t.deepEqual(await next(), [2 ** 31 - 1], 'level-triggered')
  readSync(b.read, Buffer.alloc(8))
  writeSync(a.write, 'x')
  t.deepEqual(await next(), [7])
  remove(a.read)
  close()
  for (const fd of [a.read, a.write, b.read, b.write]) native.close(fd)
})

test('a hang-up is told', async t => {
  const { add, close, next } = poller()
  const { read, write } = native.pipe()
  add(read, 1)
  native.close(write)
  t.deepEqual(await next(), [1])
  t.is(readSync(read, Buffer.alloc(1)), 0)
  close()
  native.close(read)
})

test('a removed descriptor is not told again, nor anything of a closed poller', async t => {
  let calls = 0
  const { add, remove, close } = native.createPoller(() => {
    calls++
    remove(read)
  })
  const { read, write } = native.pipe()
  add(read, 1)
  writeSync(write, 'x')
  while (calls === 0) await setImmediate()
  await setImmediate()
  t.is(calls, 1)
  close()
  close()
  t.throws(() => add(read, 1), { code: 'EBADF' })
  native.close(read)
  native.close(write)
})

test('two thousand descriptors are all told', async t => {
  const { add, remove, close, next } = poller()
  const pipes = Array.from({ length: 2000 }, () => native.pipe())
  pipes.forEach(({ read, write }, key) => {
    add(read, key)
    writeSync(write, 'x')
  })
  const seen = new Set<number>()
  while (seen.size < pipes.length)
    for (const key of await next()) {
      seen.add(key)
      remove((pipes[key] as { read: number }).read)
    }
  t.is(seen.size, pipes.length)
  close()
  for (const { read, write } of pipes) {
    native.close(read)
    native.close(write)
  }
})

test('what cannot be polled is refused', t => {
  const { add, close } = poller()
  const fd = openSync('/etc/passwd', 'r')
  t.throws(() => add(fd, 0), { code: 'EPERM' })
  closeSync(fd)
  close()
})

test('a worker thread has pollers of its own, and ends with them open', async t => {
  const { read, write } = native.pipe()
  const source = `
    import { parentPort, workerData } from 'node:worker_threads'
    const { native } = await import(workerData.native)
    const poller = native().createPoller(keys => parentPort.postMessage(keys))
    poller.add(workerData.fd, 5)
    parentPort.postMessage('ready')`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
    workerData: {
      fd: read,
      native: new URL('../../daemon/runtime/native.ts', import.meta.url).href,
    },
  })
  const messages: unknown[] = []
  await new Promise<void>((resolve, reject) => {
    worker.on('error', reject)
    worker.on('message', message => {
      messages.push(message)
      if (message === 'ready') writeSync(write, 'x')
      else resolve()
    })
  })
  t.deepEqual(messages.slice(0, 2), ['ready', [5]])
  await worker.terminate()
  native.close(read)
  native.close(write)
})
