// Signals as calls of the loop.
import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { native } from './children.ts'

const SIGUSR1 = 10
const SIGTERM = 15
const SIGRTMIN_3 = 37

/** What comes until as many as `signals` have come. */
async function received(signals: readonly number[], send: () => void): Promise<number[]> {
  const got: number[] = []
  await new Promise<void>(resolve => {
    native.onSignals(signals, signal => {
      got.push(signal)
      if (got.length === signals.length) resolve()
    })
    send()
  })
  return got
}

test.serial.afterEach(() => native.onSignals([], () => {}))

test.serial('each signal comes by its number, real-time signals too', async t => {
  const signals = [SIGUSR1, SIGTERM, SIGRTMIN_3]
  const got = await received(signals, () => {
    for (const signal of signals) t.is(native.kill(process.pid, signal), null)
  })
  t.deepEqual(got.sort(), signals)
})

test.serial('signals of a number that came together are one call', async t => {
  const got = await received([SIGUSR1], () => {
    for (let i = 0; i < 5; i++) native.kill(process.pid, SIGUSR1)
  })
  await setImmediate()
  t.deepEqual(got, [SIGUSR1])
})

test.serial('a later list replaces an earlier one', async t => {
  await received([SIGUSR1], () => native.kill(process.pid, SIGUSR1))
  const got = await received([SIGTERM], () => native.kill(process.pid, SIGTERM))
  t.deepEqual(got, [SIGTERM])
})

test.serial('the listening may be ended in the call itself', async t => {
  await new Promise<void>(resolve => {
    native.onSignals([SIGUSR1], () => {
      native.onSignals([], () => {})
      resolve()
    })
    native.kill(process.pid, SIGUSR1)
  })
  await setImmediate()
  t.pass()
})

test('a number that is no signal, or SIGCHLD, is refused', t => {
  for (const signal of [0, 65, 17])
    t.throws(() => native.onSignals([signal], () => {}), { code: 'EINVAL' })
})

test('kill tells why it could not', t => {
  t.is(native.kill(2 ** 22 + 1, 0), 'ESRCH')
  t.is(native.kill(process.pid, 0), null)
})
