// Restart policies and the pause before a restart, by themselves.

import test from 'ava'
import fc from 'fast-check'
import { restartDelayUsec, restarts } from '../../daemon/engine/restart.ts'

const SECOND = 1_000_000
const NONE = { statuses: [], signals: [] }

test('a start that ExecCondition= skipped is not tried again', t => {
  for (const restart of ['always', 'on-success', 'on-failure', 'on-abnormal'] as const) {
    const settings = { restart, restartPreventExitStatus: NONE, restartForceExitStatus: NONE }
    t.false(restarts(settings, 'exec-condition', null))
  }
})

test('an ending without an exit matches no exit status', t => {
  const all = { statuses: [0, 1], signals: [9] }
  const settings = {
    restart: 'no',
    restartPreventExitStatus: NONE,
    restartForceExitStatus: all,
  } as const
  t.false(restarts(settings, 'timeout', null))
  t.false(restarts(settings, 'timeout', { kind: 'unknown' }))
})

// What `systemctl show -p RestartUSecNext` of systemd 254 gives for RestartSec=100ms RestartSteps=5 RestartMaxDelaySec=10s.
test('the pause grows by equal factors in RestartSteps= steps', t => {
  const settings = { restartUsec: 100_000, restartSteps: 5, restartMaxDelayUsec: 10 * SECOND }
  t.deepEqual(
    [1, 2, 3, 4, 5, 6, 7].map(n => restartDelayUsec(settings, n)),
    [100_000, 251_188, 630_957, 1_584_893, 3_981_071, 10 * SECOND, 10 * SECOND],
  )
})

test('the pause stays RestartSec= without steps, without an end, or with one that is no longer', t => {
  const settings = { restartUsec: SECOND, restartSteps: 4, restartMaxDelayUsec: 8 * SECOND }
  for (const change of [
    { restartSteps: 0 },
    { restartMaxDelayUsec: Infinity },
    { restartMaxDelayUsec: SECOND },
    { restartMaxDelayUsec: SECOND / 2 },
  ]) {
    t.is(restartDelayUsec({ ...settings, ...change }, 9), SECOND)
  }
  t.is(restartDelayUsec({ ...settings, restartUsec: 0 }, 9), 0)
})

test('the pause never shrinks from one restart to the next and stays within its bounds', t => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3600 * SECOND }),
      fc.nat(50),
      fc.oneof(fc.integer({ min: 0, max: 86_400 * SECOND }), fc.constant(Infinity)),
      fc.integer({ min: 1, max: 100 }),
      (restartUsec, restartSteps, restartMaxDelayUsec, n) => {
        const settings = { restartUsec, restartSteps, restartMaxDelayUsec }
        const pause = restartDelayUsec(settings, n)
        return (
          Number.isInteger(pause) &&
          pause >= restartUsec &&
          pause <= Math.max(restartUsec, restartMaxDelayUsec) &&
          restartDelayUsec(settings, n + 1) >= pause
        )
      },
    ),
  )
  t.pass()
})
