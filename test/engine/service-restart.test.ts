// Automatic restarts: Restart= and its exceptions, the pause, the counter, and who may call it off.
import test from 'ava'
import {
  dumped,
  exited,
  killedBy,
  running,
  SECOND,
  type Settings,
  SIGABRT,
  SIGHUP,
  SIGKILL,
  SIGTERM,
  type World,
  world,
} from './service-world.ts'

// systemd.service(5), the table under Restart=: the ending, and the settings after which a restart follows.
const ENDINGS: readonly {
  ending: string
  settings?: Settings
  end: (w: World) => unknown
  restarts: readonly string[]
}[] = [
  {
    ending: 'a clean exit status',
    end: w => w.exit(w.main),
    restarts: ['always', 'on-success'],
  },
  {
    ending: 'a clean signal',
    end: w => w.exit(w.main, killedBy(SIGHUP)),
    restarts: ['always', 'on-success'],
  },
  {
    ending: 'an unclean exit status',
    end: w => w.exit(w.main, 1),
    restarts: ['always', 'on-failure'],
  },
  {
    ending: 'an unclean signal',
    end: w => w.exit(w.main, killedBy(SIGKILL)),
    restarts: ['always', 'on-failure', 'on-abnormal', 'on-abort'],
  },
  {
    ending: 'a core dump',
    end: w => w.exit(w.main, dumped(SIGABRT)),
    restarts: ['always', 'on-failure', 'on-abnormal', 'on-abort'],
  },
  {
    ending: 'a time-out',
    settings: { runtimeMaxUsec: SECOND },
    end: w => w.pass(SECOND).exit(w.main, killedBy(SIGTERM)),
    restarts: ['always', 'on-failure', 'on-abnormal'],
  },
  {
    ending: 'the watchdog',
    settings: { watchdogUsec: SECOND },
    end: w => w.pass(SECOND).exit(w.main, dumped(SIGABRT)),
    restarts: ['always', 'on-failure', 'on-abnormal', 'on-watchdog'],
  },
]
const POLICIES = [
  'no',
  'always',
  'on-success',
  'on-failure',
  'on-abnormal',
  'on-abort',
  'on-watchdog',
] as const

for (const { ending, settings, end, restarts } of ENDINGS) {
  for (const restart of POLICIES) {
    const follows = restarts.includes(restart)
    test(`with Restart=${restart} ${follows ? 'a' : 'no'} restart follows ${ending}`, t => {
      const w = running({ ...settings, restart })
      end(w)
      t.is(w.sub === 'auto-restart', follows, w.at)
      t.like(
        w.history.find(effect => effect.type === 'run-ends'),
        { restarting: follows },
      )
    })
    test(`with Restart=${restart} no restart follows a stop by hand before ${ending}`, t => {
      const w = running({ ...settings, restart }).stop()
      if (w.facts.mainPid !== null) w.exit(w.main, 1)
      t.is(w.sub, 'failed')
    })
  }
}

test('a service in its pause is activating, and starts when RestartSec= is over', t => {
  const w = running({ restart: 'always', restartUsec: 3 * SECOND })
  w.exit(w.main, 1)
  t.is(w.active, 'activating')
  t.is(w.facts.deadlineUsec, w.monotonicUsec + 3 * SECOND)
  t.deepEqual(w.requests, [])
  w.pass(3 * SECOND)
  t.deepEqual(w.requests, [{ type: 'restart' }])
  t.is(w.sub, 'auto-restart')
  t.is(w.facts.nRestarts, 1)
  t.true(w.lines.includes('Scheduled restart job, restart counter is at 1.'))
  w.restart()
  t.is(w.at, 'running success')
  t.is(w.facts.nRestarts, 1)
})

test('the restart job finds the service waiting and makes it dead at once', t => {
  const w = running({ restart: 'always' })
  w.exit(w.main, 1).pass(SECOND).stop()
  t.is(w.sub, 'dead')
  t.is(w.count('kill'), 1)
})

test('with RestartSec=0 the restart is asked for without a pause', t => {
  const w = running({ restart: 'always', restartUsec: 0 })
  w.exit(w.main, 1)
  t.is(w.sub, 'auto-restart')
  t.is(w.facts.deadlineUsec, null)
  t.deepEqual(w.requests, [{ type: 'restart' }])
})

test('with RestartSec=infinity the service waits for ever', t => {
  const w = running({ restart: 'always', restartUsec: Infinity })
  w.exit(w.main, 1)
  t.is(w.facts.deadlineUsec, null)
  w.pass(1_000_000 * SECOND)
  t.is(w.sub, 'auto-restart')
  t.deepEqual(w.requests, [])
})

test('the counter goes up with each automatic restart and back to 0 with a start by hand', t => {
  const w = running({ restart: 'on-failure', restartUsec: SECOND })
  for (const n of [1, 2, 3]) {
    w.exit(w.main, 1).pass(SECOND)
    w.restart()
    t.is(w.facts.nRestarts, n)
  }
  w.stop().exit(w.main, killedBy(SIGTERM))
  t.is(w.facts.nRestarts, 3, 'still readable')
  w.start()
  t.is(w.facts.nRestarts, 0)
})

test('a restart by hand during the pause begins to count anew', t => {
  const w = running({ restart: 'always', restartUsec: SECOND })
  w.exit(w.main, 1).pass(SECOND)
  w.restart()
  w.exit(w.main, 1)
  w.restart()
  t.is(w.sub, 'running')
  t.is(w.facts.nRestarts, 0)
})

test('a stop during the pause ends it, and what was preserved for the restart goes', t => {
  const w = running({ restart: 'always' })
  w.exit(w.main, 1).stop()
  t.is(w.sub, 'dead')
  t.is(w.active, 'inactive')
  t.deepEqual(
    w.history.flatMap(effect => (effect.type === 'run-ends' ? [effect.restarting] : [])),
    [true, false],
  )
  w.pass(10 * SECOND)
  t.deepEqual(w.requests, [])
})

test('no restart follows when a stop job is pending', t => {
  const w = running({ restart: 'always' })
  w.stopPending = true
  w.exit(w.main, 1)
  t.is(w.at, 'failed exit-code')
})

test('a stop job that came during the pause keeps the restart from being asked for', t => {
  const w = running({ restart: 'always', restartUsec: SECOND })
  w.exit(w.main, 1)
  w.stopPending = true
  w.pass(SECOND)
  t.deepEqual(w.requests, [])
  t.is(w.sub, 'auto-restart')
})

test('a start during the pause waits for it', t => {
  const w = running({ restart: 'always' })
  w.exit(w.main, 1)
  const { state } = w
  w.start()
  t.is(w.state, state)
})

test('RestartPreventExitStatus= names endings after which no restart follows', t => {
  const settings = {
    restart: 'always',
    restartPreventExitStatus: { statuses: [42, 203], signals: [SIGKILL] },
  } as const
  for (const end of [exited(42), exited(203), killedBy(SIGKILL)]) {
    const w = running(settings)
    t.is(w.exit(w.main, end).sub, 'failed')
  }
  const w = running(settings)
  t.is(w.exit(w.main, 1).sub, 'auto-restart')
})

test('RestartForceExitStatus= names endings after which a restart follows whatever Restart= says', t => {
  const w = running({ restart: 'no', restartForceExitStatus: { statuses: [7], signals: [] } })
  t.is(w.exit(w.main, 7).sub, 'auto-restart')
})

test('RestartPreventExitStatus= is stronger than RestartForceExitStatus=', t => {
  const set = { statuses: [7], signals: [] }
  const w = running({ restartPreventExitStatus: set, restartForceExitStatus: set })
  t.is(w.exit(w.main, 7).sub, 'failed')
})

test('SuccessExitStatus= makes an ending clean', t => {
  const settings = { successExitStatus: { statuses: [143], signals: [SIGKILL] } }
  for (const end of [exited(143), killedBy(SIGKILL)]) {
    const w = running(settings)
    t.is(w.exit(w.main, end).at, 'dead success')
  }
})

test('the pause grows with RestartSteps= to RestartMaxDelaySec=', t => {
  const w = running({
    restart: 'always',
    restartUsec: SECOND,
    restartSteps: 3,
    restartMaxDelayUsec: 8 * SECOND,
  })
  const pauses: number[] = []
  for (let i = 0; i < 5; i++) {
    w.exit(w.main, 1)
    const pauseUsec = (w.facts.deadlineUsec ?? 0) - w.monotonicUsec
    pauses.push(Math.round(pauseUsec / SECOND))
    w.pass(pauseUsec)
    w.restart()
  }
  t.deepEqual(pauses, [1, 2, 4, 8, 8])
})

test('a start refused by the start limit fails the service with that result, or keeps the one it has', t => {
  const fresh = world().send({ type: 'start-limit-hit' })
  t.is(fresh.at, 'failed start-limit-hit')
  t.true(fresh.lines.includes('Start request repeated too quickly.'))
  t.is(fresh.count('run-ends'), 0)
  const w = running({ restart: 'always' })
  w.exit(w.main, 1).pass(SECOND).stop().send({ type: 'start-limit-hit' })
  t.is(w.at, 'failed exit-code')
})

test('a start limit is of no concern to a service that is up', t => {
  const w = running()
  const { state } = w
  w.send({ type: 'start-limit-hit' })
  t.is(w.state, state)
})

test('a failed start is tried again too', t => {
  const w = world({ type: 'notify', restart: 'on-failure' }).start()
  w.exit(w.main, 1)
  t.is(w.at, 'auto-restart exit-code')
})

test('a daemon whose children hold its port is started again only when they have gone', t => {
  const w = world({ type: 'forking', restart: 'always', restartUsec: 0 }).start()
  const [daemon, worker] = [w.child(), w.child()]
  w.guess = daemon
  w.end('/bin/web')
  w.exit(daemon, killedBy(SIGKILL))
  t.deepEqual(w.requests, [])
  t.is(w.sub, 'stop-sigterm')
  w.exit(worker)
  t.deepEqual(w.requests, [{ type: 'restart' }])
})
